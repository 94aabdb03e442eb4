//! A file of lines with a name before the first colon: passwd(5), shadow(5),
//! group(5), gshadow(5), subuid(5).
//!
//! Bytes, not text: a Latin-1 gecos of the base image survives. Lines that are
//! not ours stay as they are and where they are, malformed ones too; our own
//! new lines go before the first NIS line (`+` or `-`), because readers stop
//! looking there.

use std::borrow::Cow;

/// What becomes of one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate<'a> {
    /// Stays byte for byte.
    Keep,
    /// Goes.
    Drop,
    /// Is replaced in place; without its newline.
    Replace(Cow<'a, [u8]>),
}

/// The lines of a file, without their newlines.
pub fn lines(file: &[u8]) -> impl Iterator<Item = &[u8]> {
    file.split_inclusive(|&b| b == b'\n')
        .map(|line| line.strip_suffix(b"\n").unwrap_or(line))
}

/// The name of a line: what stands before the first colon. Comments, NIS
/// lines, blank lines and lines without a colon have none.
pub fn name(line: &[u8]) -> Option<&[u8]> {
    let name = &line[..line.iter().position(|&b| b == b':')?];
    let is_entry = !name.is_empty() && !is_nis(line) && name[0] != b'#';
    is_entry.then_some(name)
}

/// The fields of a line, split at every colon.
pub fn fields(line: &[u8]) -> Vec<&[u8]> {
    line.split(|&b| b == b':').collect()
}

/// A field that is a decimal number without sign, blank or leading zero.
pub fn number(field: &[u8]) -> Option<u32> {
    let canonical = !field.is_empty()
        && field.iter().all(u8::is_ascii_digit)
        && (field[0] != b'0' || field.len() == 1);
    if canonical {
        std::str::from_utf8(field).ok()?.parse().ok()
    } else {
        None
    }
}

/// A line being put together, field by field; a boot makes thousands.
#[derive(Debug, Default)]
pub struct LineBuilder(Vec<u8>);

impl LineBuilder {
    /// Starts with the name.
    pub fn new(name: &str) -> Self {
        let mut line = Vec::with_capacity(256);
        line.extend_from_slice(name.as_bytes());
        Self(line)
    }

    /// The next field.
    #[must_use]
    pub fn text(mut self, field: &str) -> Self {
        self.0.push(b':');
        self.0.extend_from_slice(field.as_bytes());
        self
    }

    /// The next field, a number; none: empty.
    #[must_use]
    pub fn number(self, number: impl Into<Option<u32>>) -> Self {
        match number.into() {
            Some(number) => self.text(itoa::Buffer::new().format(number)),
            None => self.text(""),
        }
    }

    /// The line, without a newline.
    pub fn finish(self) -> Vec<u8> {
        self.0
    }
}

/// A file whose present lines are decided; new ones may still come in.
#[derive(Debug)]
pub struct Rewritten {
    bytes: Vec<u8>,
    first_nis: Option<usize>,
}

/// Decides about the present lines. When all are kept, the bytes are the same.
pub fn rewrite<'a>(old: &'a [u8], mut fate: impl FnMut(&'a [u8]) -> Fate<'a>) -> Rewritten {
    let mut bytes = Vec::with_capacity(old.len() + old.len() / 8 + 256);
    let mut first_nis = None;
    for whole in old.split_inclusive(|&b| b == b'\n') {
        let line = whole.strip_suffix(b"\n").unwrap_or(whole);
        if first_nis.is_none() && is_nis(line) {
            first_nis = Some(bytes.len());
        }
        match fate(line) {
            Fate::Keep => bytes.extend_from_slice(whole),
            Fate::Drop => (),
            Fate::Replace(with) => push_line(&mut bytes, &with),
        }
    }
    Rewritten { bytes, first_nis }
}

impl Rewritten {
    /// The file with new lines, before the first NIS line.
    pub fn with_added(mut self, lines: impl Iterator<Item = Vec<u8>>) -> Vec<u8> {
        let mut lines = lines.peekable();
        if lines.peek().is_none() {
            return self.bytes;
        }
        let rest = self
            .first_nis
            .map(|at| self.bytes.split_off(at))
            .unwrap_or_default();
        // musl loses the last byte of a line without its newline.
        if self.bytes.last().is_some_and(|&b| b != b'\n') {
            self.bytes.push(b'\n');
        }
        for line in lines {
            push_line(&mut self.bytes, &line);
        }
        self.bytes.extend_from_slice(&rest);
        self.bytes
    }
}

fn push_line(file: &mut Vec<u8>, line: &[u8]) {
    file.extend_from_slice(line);
    file.push(b'\n');
}

fn is_nis(line: &[u8]) -> bool {
    matches!(line.first(), Some(b'+' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keep_and_add(old: &str, added: &[&str]) -> String {
        let added = added.iter().map(|line| line.as_bytes().to_vec());
        String::from_utf8(rewrite(old.as_bytes(), |_| Fate::Keep).with_added(added)).unwrap()
    }

    #[test]
    fn nothing_changes() {
        for file in ["", "\n", "a", "a\n", "a\r\n\n#x\n+\n", "root:x:0"] {
            assert_eq!(keep_and_add(file, &[]), file);
        }
    }

    #[test]
    fn new_lines_go_before_nis() {
        assert_eq!(
            keep_and_add("root:x\n+::\nz:x\n", &["a:x"]),
            "root:x\na:x\n+::\nz:x\n"
        );
        assert_eq!(keep_and_add("-bad", &["a:x"]), "a:x\n-bad");
    }

    #[test]
    fn a_missing_final_newline_is_mended_when_we_write() {
        assert_eq!(keep_and_add("root:x", &["a:x"]), "root:x\na:x\n");
    }

    #[test]
    fn names() {
        assert_eq!(name(b"alice:x"), Some(&b"alice"[..]));
        for line in [&b""[..], b"alice", b":x", b"#alice:x", b"+alice:x", b"-:x"] {
            assert_eq!(name(line), None);
        }
    }

    #[test]
    fn numbers() {
        assert_eq!(number(b"1000"), Some(1000));
        assert_eq!(number(b"0"), Some(0));
        for bad in [
            &b""[..],
            b"-1",
            b"+1",
            b" 1",
            b"010",
            b"1e3",
            b"4294967296",
            b"0x1",
        ] {
            assert_eq!(number(bad), None);
        }
    }
}
