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
mod tests {
    use super::*;

    /// None: the same.
    fn keep_and_add(old: &str, added: &[&str]) -> Option<String> {
        let mut edited = edit(old.as_bytes(), |_| LineAction::Keep);
        for line in added {
            edited.add(line.as_bytes());
        }
        Some(String::from_utf8(edited.finish()?).unwrap())
    }

    #[test]
    fn nothing_changes() {
        for file in ["", "\n", "a", "a\n", "a\r\n\n#x\n+\n", "root:x:0"] {
            assert_eq!(keep_and_add(file, &[]), None);
        }
    }

    /// What a rewrite of three lines should be, put together without any shortcut.
    fn plainly(lines: [&str; 3], fates: [&str; 3], ends: bool, added: Option<&str>) -> String {
        let (mut head, mut tail) = (String::new(), String::new());
        let mut has_nis = false;
        for (number, (line, fate)) in lines.into_iter().zip(fates).enumerate() {
            has_nis |= line.starts_with('+');
            let file = if has_nis { &mut tail } else { &mut head };
            let newline = if number == 2 && !ends { "" } else { "\n" };
            match fate {
                "keep" => file.extend([line, newline]),
                "drop" => (),
                other => file.extend([other, "\n"]),
            }
        }
        if let Some(added) = added {
            if !head.is_empty() && !head.ends_with('\n') {
                head.push('\n');
            }
            head.extend([added, "\n"]);
        }
        head + &tail
    }

    #[test]
    fn whatever_changes_first_the_rest_is_the_same() {
        let (kinds, fates) = (["a:1", "+", "b:22"], ["keep", "drop", "a:1", "c:3"]);
        let all = 27 * 64 * 4;
        for mut number in 0..all {
            let mut pick = |among: usize| {
                let picked = number % among;
                number /= among;
                picked
            };
            let lines = [0; 3].map(|_| kinds[pick(3)]);
            let decided = [0; 3].map(|_| fates[pick(4)]);
            let (ends, added) = (pick(2) == 0, (pick(2) == 0).then_some("new:9"));
            let old = lines.join("\n") + if ends { "\n" } else { "" };
            let mut turn = decided.into_iter();
            let mut edited = edit(old.as_bytes(), |_| match turn.next() {
                Some("keep") | None => LineAction::Keep,
                Some("drop") => LineAction::Drop,
                Some(other) => LineAction::Replace(other.into()),
            });
            if let Some(line) = added {
                edited.add(line.as_bytes());
            }
            let new = edited.finish().map(|new| String::from_utf8(new).unwrap());
            let expected = plainly(lines, decided, ends, added);
            let is_same = expected == old;
            assert_eq!(new, (!is_same).then_some(expected), "{old:?} {decided:?}");
        }
    }

    #[test]
    fn a_line_replaced_by_itself_is_no_change() {
        let replace = |old: &str, new: &str| {
            let edited = edit(old.as_bytes(), |_| LineAction::Replace(new.into()));
            edited.finish().map(|file| String::from_utf8(file).unwrap())
        };
        assert_eq!(replace("a:x\n", "a:x"), None);
        assert_eq!(replace("a:x\n", "a:y").unwrap(), "a:y\n");
        assert_eq!(replace("a:x", "a:x").unwrap(), "a:x\n", "its newline");
    }

    #[test]
    fn a_dropped_line_is_a_change() {
        let edited = edit(b"a\nb\n", |line| match line {
            b"a" => LineAction::Drop,
            _ => LineAction::Keep,
        });
        assert_eq!(edited.finish().unwrap(), b"b\n");
    }

    #[test]
    fn new_lines_go_before_nis() {
        assert_eq!(
            keep_and_add("root:x\n+::\nz:x\n", &["a:x", "b:x"]).unwrap(),
            "root:x\na:x\nb:x\n+::\nz:x\n"
        );
        assert_eq!(keep_and_add("-bad", &["a:x"]).unwrap(), "a:x\n-bad");
    }

    #[test]
    fn a_missing_final_newline_is_mended_when_we_write() {
        assert_eq!(keep_and_add("root:x", &["a:x"]).unwrap(), "root:x\na:x\n");
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
