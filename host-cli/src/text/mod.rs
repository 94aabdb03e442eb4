//! Text that somebody else wrote, made safe to show and to type. Pure; must not print.
//!
//! A container answers whatever the programs in it choose: escape sequences that move
//! the cursor or set the title, overrides that turn the line around, a newline that
//! fakes a line of ours, a name that a shell would run.

use std::borrow::Cow;

/// Returns true for characters that a terminal obeys instead of showing them: control
/// characters, line separators, and those that change the direction of text.
fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{feff}')
        || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn escaped(
    text: &str,
    is_kept: impl Fn(usize, char) -> bool,
    escape: impl Fn(char) -> String,
) -> Cow<'_, str> {
    if !text.contains(is_harmful) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for (at, c) in text.char_indices() {
        if is_harmful(c) && !is_kept(at, c) {
            safe.push_str(&escape(c));
        } else {
            safe.push(c);
        }
    }
    Cow::Owned(safe)
}

/// For people, such as `\u{1b}`.
fn visible(c: char) -> String {
    match c {
        '\n' | '\r' | '\t' => c.escape_default().to_string(),
        c => c.escape_unicode().to_string(),
    }
}

/// One line: every harmful character becomes its visible escape, such as `\u{1b}`.
pub(crate) fn line(text: &str) -> Cow<'_, str> {
    escaped(text, |_, _| false, visible)
}

/// A message of ours with words of others in it. A newline stays only before two blanks,
/// which all our continuation lines begin with; so nobody else's can look like a line
/// of ours.
pub(crate) fn message(text: &str) -> Cow<'_, str> {
    let is_kept = |at: usize, c| c == '\t' || text[at..].starts_with("\n  ");
    escaped(text, is_kept, visible)
}

/// Lines whose parts went through [`line()`]: a table, a list, a script of ours.
pub(crate) fn lines(text: &str) -> Cow<'_, str> {
    escaped(text, |_, c| matches!(c, '\n' | '\t'), visible)
}

/// A JSON document: what JSON itself lets pass (DEL, C1, overrides) is written `\u202e`.
/// Outside strings a document has no such character.
pub(crate) fn json(document: &str) -> Cow<'_, str> {
    escaped(
        document,
        |_, _| false,
        |c| format!("\\u{:04x}", u32::from(c)),
    )
}

/// A word as it can be typed into a shell, quoted if it has to be.
pub(crate) fn word(text: &str) -> Cow<'_, str> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./:@%+=,".contains(&byte);
    if !text.is_empty() && text.bytes().all(is_plain) {
        return Cow::Borrowed(text);
    }
    let quoted = format!("'{}'", text.replace('\'', r"'\''"));
    Cow::Owned(line(&quoted).into_owned())
}

/// A message whose commands can be typed as they stand: `occ …` in backquotes, first or
/// after `&&`, gets the options that chose engine and container in this run.
pub(crate) fn addressed<'a>(text: &'a str, options: &str) -> Cow<'a, str> {
    if options.is_empty() || !text.contains('`') {
        return Cow::Borrowed(text);
    }
    let addressed = |part: &str| {
        let commands = part.split(" && ");
        let commands = commands.map(|command| addressed_one(command, options));
        commands.collect::<Vec<_>>().join(" && ")
    };
    let parts = text.split('`').enumerate();
    let parts = parts.map(|(at, part)| match at % 2 {
        0 => part.to_owned(),
        _ => addressed(part),
    });
    Cow::Owned(parts.collect::<Vec<_>>().join("`"))
}

/// No hint about the configuration or the help depends on the container.
fn addressed_one(command: &str, options: &str) -> String {
    let rest = command.strip_prefix("occ ");
    let rest = rest.filter(|rest| {
        !rest.starts_with("config ") && !rest.ends_with("--help") && !rest.starts_with(options)
    });
    rest.map_or_else(
        || command.to_owned(),
        |rest| format!("occ {options} {rest}"),
    )
}

/// Bytes that come in pieces, such as a log: harmless, whatever a piece cuts in two.
#[derive(Debug, Default)]
pub(crate) struct Stream {
    /// The begin of a character that the last piece ended in.
    cut: Vec<u8>,
}

impl Stream {
    /// The next piece, as it can be shown.
    pub(crate) fn next(&mut self, piece: &[u8]) -> String {
        self.cut.extend_from_slice(piece);
        let whole = match std::str::from_utf8(&self.cut) {
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            _ => self.cut.len(),
        };
        let rest = self.cut.split_off(whole);
        let text = String::from_utf8_lossy(&self.cut).into_owned();
        self.cut = rest;
        lines(&text.replace("\r\n", "\n")).into_owned()
    }
}

#[cfg(test)]
mod tests;
