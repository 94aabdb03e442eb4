//! A file of lines with a name before the first colon: passwd(5), shadow(5),
//! group(5), gshadow(5), subuid(5).
//!
//! Bytes, not text: a Latin-1 gecos of the base image survives. Lines that are
//! not ours stay as they are and where they are, malformed ones too; our own
//! new lines go before the first NIS line (`+` or `-`), because readers stop
//! looking there.

use std::borrow::Cow;
use std::ops::Range;

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

/// Appends fields with colons between them.
pub(super) fn push_fields(text: &mut String, fields: &[&str]) {
    for (at, field) in fields.iter().enumerate() {
        if at > 0 {
            text.push(':');
        }
        text.push_str(field);
    }
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
pub enum LineAction<'a> {
    /// It stays byte for byte.
    Keep,
    /// It stays, and gets its newline if that is missing.
    Confirm,
    /// It goes.
    Drop,
    /// Another line takes its place, given without its newline.
    Replace(Cow<'a, [u8]>),
}

/// A file whose present lines are decided; new ones may still come in.
#[derive(Debug)]
pub struct FileEdit<'a> {
    old: &'a [u8],
    /// What stands before the first NIS line, where new lines go.
    head: Vec<Piece<'a>>,
    /// The first NIS line and all that follow it.
    tail: Vec<Piece<'a>>,
}

/// A part of the new file. Lines that stay are not copied one by one: a restore that changes
/// nothing would spend a third of its time on that (bar in docs/benchmarks.md: not slower than
/// one that writes).
#[derive(Debug)]
enum Piece<'a> {
    /// Bytes of the old file.
    Kept(Range<usize>),
    /// A line without its newline.
    New(Cow<'a, [u8]>),
}

/// Edits a file line by line: `decide` gets each line without its newline.
pub fn edit<'a>(old: &'a [u8], mut decide: impl FnMut(&'a [u8]) -> LineAction<'a>) -> FileEdit<'a> {
    let (mut head, mut tail) = (Vec::new(), Vec::new());
    let (mut at, mut is_past_nis) = (0, false);
    for whole in old.split_inclusive(|&b| b == b'\n') {
        let line = whole.strip_suffix(b"\n").unwrap_or(whole);
        is_past_nis |= is_nis(line);
        let pieces = if is_past_nis { &mut tail } else { &mut head };
        let place = at..at + whole.len();
        at = place.end;
        match decide(line) {
            LineAction::Keep => keep(pieces, place),
            LineAction::Confirm => {
                keep(pieces, place);
                if line.len() == whole.len() {
                    pieces.push(Piece::New(Cow::default()));
                }
            }
            LineAction::Drop => (),
            LineAction::Replace(new) => pieces.push(Piece::New(new)),
        }
    }
    FileEdit { old, head, tail }
}

fn keep(pieces: &mut Vec<Piece<'_>>, place: Range<usize>) {
    match pieces.last_mut() {
        Some(Piece::Kept(last)) if last.end == place.start => last.end = place.end,
        _ => pieces.push(Piece::Kept(place)),
    }
}

impl<'a> FileEdit<'a> {
    /// Adds a line, without its newline, before the first NIS line.
    pub fn add(&mut self, line: &'a [u8]) {
        // musl loses the last byte of a line without its newline.
        if let Some(Piece::Kept(place)) = self.head.last()
            && !self.old[place.clone()].ends_with(b"\n")
        {
            self.head.push(Piece::New(Cow::default()));
        }
        self.head.push(Piece::New(line.into()));
    }

    /// The new content. Returns `None` if it is the same to the byte.
    pub fn finish(self) -> Option<Vec<u8>> {
        let pieces = || self.head.iter().chain(&self.tail);
        let size = pieces()
            .map(|piece| match piece {
                Piece::Kept(place) => place.len(),
                Piece::New(line) => line.len() + 1,
            })
            .sum();
        let is_kept = pieces().all(|piece| matches!(piece, Piece::Kept(_)));
        if is_kept && size == self.old.len() {
            return None;
        }
        let mut new = Vec::with_capacity(size);
        for piece in pieces() {
            match piece {
                Piece::Kept(place) => new.extend_from_slice(&self.old[place.clone()]),
                Piece::New(line) => {
                    new.extend_from_slice(line);
                    new.push(b'\n');
                }
            }
        }
        (new != self.old).then_some(new)
    }
}

fn is_nis(line: &[u8]) -> bool {
    matches!(line.first(), Some(b'+' | b'-'))
}

#[cfg(test)]
mod tests;
