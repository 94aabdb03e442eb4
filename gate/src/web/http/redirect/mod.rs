//! The path to go to after a login: only ever one of this gate. Pure.

/// Longest path that is kept.
const LONGEST: usize = 2000;

/// The path and query to go to, if it is one of ours; else "/".
///
/// `//host` and `/\host` are other hosts to a browser, which also drops tabs and
/// line ends before it looks; the gate's own pages are no place to come back to, except
/// the terminal.
pub(crate) fn local_path(wanted: &str) -> &str {
    let mut bytes = wanted.bytes();
    let local = bytes.next() == Some(b'/') && !matches!(bytes.next(), Some(b'/' | b'\\'));
    let plain = wanted
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if local && plain && wanted.len() <= LONGEST && !is_own(wanted) {
        wanted
    } else {
        "/"
    }
}

fn is_own(path: &str) -> bool {
    path.starts_with("/_occ/") && path != "/_occ/terminal"
}

#[cfg(test)]
mod tests;
