//! A file of lines with a name before the first colon: passwd(5), shadow(5),
//! group(5), gshadow(5), subuid(5).
//!
//! Bytes, not text: a Latin-1 gecos of the base image survives. Lines that are
//! not ours stay as they are and where they are, malformed ones too; our own
//! new lines go before the first NIS line (`+` or `-`), because readers stop
//! looking there.

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

/// The decision about one present line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LineAction {
    /// It stays byte for byte.
    Keep,
    /// It goes.
    Drop,
    /// Another line takes its place, given without its newline.
    Replace(Vec<u8>),
}

/// A file whose present lines are decided; new ones may still come in.
#[derive(Debug)]
pub struct FileEdit<'a> {
    old: &'a [u8],
    /// The lines before the first NIS line, where new ones go.
    head: Vec<u8>,
    /// The first NIS line and all that follow it.
    tail: Vec<u8>,
}

/// Edits a file line by line: `decide` gets each line without its newline.
pub fn edit<'a>(old: &'a [u8], mut decide: impl FnMut(&'a [u8]) -> LineAction) -> FileEdit<'a> {
    let (mut head, mut tail) = (Vec::with_capacity(old.len()), Vec::new());
    let mut is_past_nis = false;
    for whole in old.split_inclusive(|&b| b == b'\n') {
        let line = whole.strip_suffix(b"\n").unwrap_or(whole);
        is_past_nis |= is_nis(line);
        let file = if is_past_nis { &mut tail } else { &mut head };
        match decide(line) {
            LineAction::Keep => file.extend_from_slice(whole),
            LineAction::Drop => (),
            LineAction::Replace(new) => push_line(file, &new),
        }
    }
    FileEdit { old, head, tail }
}

impl FileEdit<'_> {
    /// Adds a line, without its newline, before the first NIS line.
    pub fn add(&mut self, line: &[u8]) {
        // musl loses the last byte of a line without its newline.
        if self.head.last().is_some_and(|&b| b != b'\n') {
            self.head.push(b'\n');
        }
        push_line(&mut self.head, line);
    }

    /// The new content. Returns `None` if it is the same to the byte.
    pub fn finish(mut self) -> Option<Vec<u8>> {
        self.head.append(&mut self.tail);
        (self.head != self.old).then_some(self.head)
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
mod tests;
