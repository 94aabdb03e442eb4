//! The beginning of an HTML page, up to its `<head>`. Pure.
//!
//! Only white space, comments, a doctype and `<html>` can stand before it, and no script.
//! So nothing that a page has in a string or a comment is taken for its head, as it could
//! be when searching for `</body>`.

/// The result of looking at the first bytes of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Prolog {
    /// `<head>` ends before the byte at this index.
    Head(usize),
    /// More bytes are needed.
    Unfinished,
    /// The page has no `<head>` tag; browsers make the element all the same.
    NoHead,
}

/// Finds the end of the tag `<head>`.
pub(crate) fn find_head(page: &[u8]) -> Prolog {
    let mut rest = page.strip_prefix(b"\xef\xbb\xbf").unwrap_or(page);
    loop {
        rest = rest.trim_ascii_start();
        let next = if rest.starts_with(b"<!--") {
            after_comment(rest)
        } else if rest.starts_with(b"<!") && !b"<!--".starts_with(rest) || rest.starts_with(b"<?") {
            // A doctype, or what browsers read as a comment: the first `>` ends both.
            after(rest, b">")
        } else if let Some(attributes) = tag(rest, b"<head") {
            let head = after_tag(attributes);
            let left = head.map(|left| page.len() - left.len());
            return left.map_or(Prolog::Unfinished, Prolog::Head);
        } else if let Some(attributes) = tag(rest, b"<html") {
            after_tag(attributes)
        } else if is_beginning(rest) {
            None
        } else {
            return Prolog::NoHead;
        };
        match next {
            Some(next) => rest = next,
            None => return Prolog::Unfinished,
        }
    }
}

/// Returns whether more bytes could make a comment or a tag of this.
fn is_beginning(rest: &[u8]) -> bool {
    let whole: [&[u8]; 3] = [b"<!--", b"<head>", b"<html>"];
    let begins = |whole: &&[u8]| {
        let part = whole.get(..rest.len());
        part.is_some_and(|part| part.eq_ignore_ascii_case(rest))
    };
    whole.iter().any(begins)
}

/// The part after a tag's name, which has to end there.
fn tag<'a>(rest: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let (start, attributes) = rest.split_at_checked(name.len())?;
    let ends = attributes
        .first()
        .is_some_and(|next| next.is_ascii_whitespace() || matches!(next, b'/' | b'>'));
    (start.eq_ignore_ascii_case(name) && ends).then_some(attributes)
}

/// The part after a tag's `>`; one in a quoted value does not end it.
fn after_tag(attributes: &[u8]) -> Option<&[u8]> {
    let mut rest = attributes;
    let mut is_value = false;
    while let Some((byte, next)) = rest.split_first() {
        rest = match byte {
            b'>' => return Some(next),
            quote @ (b'"' | b'\'') if is_value => after(next, &[*quote])?,
            _ => next,
        };
        is_value = *byte == b'=' || is_value && byte.is_ascii_whitespace();
    }
    None
}

/// The part after a comment; `<!-->` and `<!--->` are whole ones.
fn after_comment(rest: &[u8]) -> Option<&[u8]> {
    let inside = &rest[b"<!--".len()..];
    for short in [&b">"[..], b"->"] {
        if let Some(next) = inside.strip_prefix(short) {
            return Some(next);
        }
    }
    let usual = after(inside, b"-->");
    let other = after(inside, b"--!>");
    match (usual, other) {
        (Some(usual), Some(other)) if other.len() > usual.len() => Some(other),
        (usual, other) => usual.or(other),
    }
}

fn after<'a>(bytes: &'a [u8], end: &[u8]) -> Option<&'a [u8]> {
    let at = bytes.windows(end.len()).position(|window| window == end)?;
    Some(&bytes[at + end.len()..])
}

#[cfg(test)]
mod tests;
