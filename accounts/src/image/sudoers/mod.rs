//! sudoers(5), as far as it gives rights to groups: a person's own group must
//! not be one of them. The caller finds the files.
//!
//! Every `%name` counts, also in a comment or in a rule that takes rights away: a
//! person who is refused a harmless name can take another one.

use std::collections::BTreeSet;

/// The groups and includes of one file.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Sudoers {
    /// Every `%name`, folded to lower case; a `%#gid` as `#gid`.
    pub groups: BTreeSet<String>,
    /// Further files that belong to it.
    pub includes: Vec<Include>,
}

/// Other files that belong to it. A path without `/` in front starts at its own
/// directory, and `%h` in it is the name of the host.
#[derive(Debug, PartialEq, Eq)]
pub enum Include {
    /// One file.
    File(String),
    /// All files of a directory.
    Directory(String),
}

impl Sudoers {
    /// Reads one file.
    pub fn parse(text: &str) -> Self {
        let mut sudoers = Self::default();
        for line in joined(text).lines() {
            if let Some(include) = include(line) {
                sudoers.includes.push(include);
            }
            sudoers.groups.extend(groups(line));
        }
        sudoers
    }
}

/// A backslash at the end of a line, perhaps with blanks after it, continues it.
fn joined(text: &str) -> String {
    let mut whole = String::with_capacity(text.len());
    for line in text.lines() {
        match line.trim_ascii_end().strip_suffix('\\') {
            Some(start) => whole.extend([start, " "]),
            None => whole.extend([line, "\n"]),
        }
    }
    whole
}

fn include(line: &str) -> Option<Include> {
    let directive = line.trim_ascii_start().strip_prefix(['@', '#'])?;
    let rest = directive.strip_prefix("include")?;
    let (rest, is_directory) = match rest.strip_prefix("dir") {
        Some(rest) => (rest, true),
        None => (rest, false),
    };
    let path = path(rest.strip_prefix([' ', '\t'])?.trim_ascii())?;
    Some(if is_directory {
        Include::Directory(path)
    } else {
        Include::File(path)
    })
}

/// A path, in quotes or up to a blank that no backslash stands before.
fn path(text: &str) -> Option<String> {
    let (mut path, mut is_quoted) = (String::new(), false);
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => is_quoted = !is_quoted,
            '\\' => path.extend(chars.next()),
            ' ' | '\t' if !is_quoted => break,
            c => path.push(c),
        }
    }
    (!path.is_empty()).then_some(path)
}

/// The names of a line that begin with `%`, in quotes and escaped ones too.
fn groups(line: &str) -> Vec<String> {
    let mut groups = Vec::new();
    let (mut word, mut is_quoted) = (String::new(), false);
    let mut end = |word: &mut String| {
        let name = word
            .strip_prefix('%')
            .map(|name| name.trim_start_matches(':'));
        groups.extend(
            name.filter(|name| !name.is_empty())
                .map(str::to_ascii_lowercase),
        );
        word.clear();
    };
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => word.push(escaped(&mut chars)),
            '"' => {
                // A name in quotes is one by itself; `%"a"` is no other than `%a`.
                if word != "%" {
                    end(&mut word);
                }
                is_quoted = !is_quoted;
            }
            // `%:name` asks a plugin, `%#gid` is a number.
            ':' | '#' if word == "%" => word.push(c),
            c if !is_quoted && (c.is_whitespace() || ",=():!#>".contains(c)) => end(&mut word),
            c => word.push(c),
        }
    }
    end(&mut word);
    groups
}

/// The character that a backslash escapes: `\x6f` is a letter by its number,
/// anything else is itself.
fn escaped(chars: &mut std::str::Chars<'_>) -> char {
    let number = chars.as_str().strip_prefix('x').and_then(|hex| {
        let byte = u8::from_str_radix(hex.get(..2)?, 16).ok()?;
        Some(char::from(byte))
    });
    match number {
        Some(letter) => {
            chars.nth(2);
            letter
        }
        None => chars.next().unwrap_or(' '),
    }
}

#[cfg(test)]
mod tests;
