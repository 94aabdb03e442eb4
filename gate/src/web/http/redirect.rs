//! Where a login leads: only ever to a path of this gate. Pure.

/// Longest path that is kept.
const LONGEST: usize = 2000;

/// The path and query to go to, if it is one of ours; else "/".
///
/// `//host` and `/\host` are other hosts to a browser, which also drops tabs and
/// line ends before it looks; the gate's own pages are no place to come back to.
pub(crate) fn local_path(wanted: &str) -> &str {
    let mut bytes = wanted.bytes();
    let local = bytes.next() == Some(b'/') && !matches!(bytes.next(), Some(b'/' | b'\\'));
    let plain = wanted
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if local && plain && wanted.len() <= LONGEST && !wanted.starts_with("/_occ/") {
        wanted
    } else {
        "/"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_ours_are_kept() {
        for path in [
            "/",
            "/server/aHR0cA/session/ses_1",
            "/a?b=//c",
            "/%2F%2Fevil",
            "/a#b",
            "/a//b",
        ] {
            assert_eq!(local_path(path), path);
        }
    }

    #[test]
    fn everything_else_is_the_start_page() {
        for path in [
            "",
            "//evil.example",
            "/\\evil.example",
            "\\\\evil",
            "https://evil.example",
            "evil",
            "/\t/evil.example",
            "/\n/evil",
            "/a\r\nSet-Cookie: x=y",
            " /",
            "/ a",
            "/a\\b",
            "/\u{e9}",
            "javascript:alert(1)",
            "/_occ/logout",
            "/\0",
        ] {
            assert_eq!(local_path(path), "/", "{path:?}");
        }
        assert_eq!(local_path(&format!("/{}", "a".repeat(2001))), "/");
    }
}
