//! The input of `user import`: lines of newusers(8), CSV, or records as JSON
//! lines. Only read here; whether an account may be made is decided elsewhere.
//!
//! What is read borrows from the input, so that there is one copy of each
//! password and the caller can wipe it. No error repeats what stood in a line:
//! with the columns mixed up, a password may stand anywhere.

mod csv;
mod documents;

use crate::account::{InvalidHash, UidRange};
use crate::files::table;
use crate::record::{InvalidRecord, Record};
use std::borrow::Cow;
use std::fmt;
use zeroize::Zeroizing;

/// One line that describes an account. No `Debug`: it holds a password.
pub struct Line<'a> {
    /// Its number, from 1; of a quoted CSV field with newlines, the first one.
    pub number: usize,
    /// What an administrator may want to know about it.
    pub warning: Option<LineWarning>,
    /// Its content.
    pub item: Result<Item<'a>, InvalidLine>,
}

/// Something about a line that is taken as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LineWarning {
    /// A quoted password that begins or ends with a blank.
    OuterBlanks,
    /// These fields of a record are kept, and nothing here reads them.
    NotHonoured(Vec<&'static str>),
}

impl fmt::Display for LineWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OuterBlanks => f.write_str(
                "the password begins or ends with a blank, which belongs to it because of the quotes",
            ),
            Self::NotHonoured(fields) => write!(
                f,
                "kept, but without effect here: {} '{}'",
                if fields.len() == 1 { "field" } else { "fields" },
                fields.join("' and '")
            ),
        }
    }
}

/// The content of one line.
pub enum Item<'a> {
    /// An account to be made.
    Entry(Entry<'a>),
    /// A record, to be taken as it is.
    Record(Box<Record>),
}

/// An account to be made; what is empty gets the default.
#[derive(Clone, Copy, Default)]
pub struct Entry<'a> {
    /// The name as written; not checked.
    pub name: &'a str,
    /// How to log in.
    pub secret: Secret<'a>,
    /// The number asked for.
    pub uid: Option<u64>,
    /// gecos.
    pub comment: Option<&'a str>,
    /// Below /home.
    pub home: Option<&'a str>,
    /// The login shell.
    pub shell: Option<&'a str>,
    /// Groups of the image, between `,`, `;` or blanks.
    pub groups: &'a str,
    /// Make it disabled, or not; none where nothing is said.
    pub locked: Option<bool>,
}

/// How the person logs in.
#[derive(Clone, Copy, Default)]
pub enum Secret<'a> {
    /// With a password that is set later, or ssh keys.
    #[default]
    None,
    /// Plain, as written.
    Password(&'a [u8]),
    /// A crypt(5) hash; not checked.
    Hash(&'a str),
}

/// Why the input as a whole can't be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidInput {
    /// Neither of the three formats.
    #[error(
        "it starts neither with name:password:uid:gid:comment:home:shell, nor with a CSV header that has a column 'name' (known are name, password, password_hash, uid, comment, home, shell, groups and locked), nor with a record"
    )]
    Format,
    /// CSV in the encoding of an old spreadsheet: a password in it would be other bytes than
    /// a login page sends.
    #[error(
        "it is not UTF-8; save it as 'CSV UTF-8', or give what `iconv -f WINDOWS-1252 -t UTF-8 FILE` prints"
    )]
    NotUtf8,
    /// Bytes that look like UTF-16 and are not.
    #[error("it begins as UTF-16 and is none; save it as 'CSV UTF-8'")]
    NotUtf16,
    /// A header cell that is none of ours.
    #[error(
        "column {0} of the header is unknown; known are name, password, password_hash, uid, comment, home, shell, groups and locked"
    )]
    Column(usize),
    /// Ambiguous: which of the two counts?
    #[error("column {0} of the header is there twice")]
    ColumnTwice(usize),
}

/// Why one line can't be used. Holds nothing of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLine {
    /// newusers(8) has seven fields.
    #[error(
        "a line has 7 fields, name:password:uid:gid:comment:home:shell, and this one {0}; a CSV has the columns that its first line names: 'name,password_hash'"
    )]
    Fields(usize),
    /// CSV with other columns than its header.
    #[error("the header has {expected} columns, and this line {found}")]
    Columns {
        /// In the header.
        expected: usize,
        /// In this line.
        found: usize,
    },
    /// Not UTF-8, which all but passwords must be.
    #[error("the {0} is not UTF-8")]
    NotUtf8(&'static str),
    /// Not a number.
    #[error("the uid is not a whole number")]
    Uid,
    /// Every account has a group of its own, whose gid is the uid.
    #[error("the gid must be empty or the uid: every account has a group of its own")]
    Gid,
    /// Neither yes nor no.
    #[error("locked must be true or false")]
    Locked,
    /// Quotes that are part of a cell.
    #[error("a blank stands before a quote; quotes begin right behind the separator")]
    Quote,
    /// Ambiguous: which of the two counts?
    #[error("both a password and a hash")]
    TwoSecrets,
    /// A line of passwd(5) or shadow(5) where one of newusers(8) is expected, or a hash in the
    /// column of passwords: the account would get the text itself as its password.
    #[error(
        "the password is 'x', '*', '!' or a hash, as in passwd(5) and shadow(5); a plain password is expected here, and hashes go into the column 'password_hash' of a CSV"
    )]
    NotPlain,
    /// No record of ours.
    #[error("invalid record: {0}")]
    Record(InvalidRecord),
    /// opencode-cloud's.
    #[error("an older record; put it into the store, where it is taken over")]
    Legacy,
    /// The hash of a record.
    #[error(transparent)]
    Hash(InvalidHash),
}

/// The input as UTF-8 without a mark of its encoding: spreadsheets also write UTF-16.
pub fn decode(input: &[u8]) -> Result<Cow<'_, [u8]>, InvalidInput> {
    let (unit, rest): (fn([u8; 2]) -> u16, _) = match input {
        [0xff, 0xfe, rest @ ..] => (u16::from_le_bytes, rest),
        [0xfe, 0xff, rest @ ..] => (u16::from_be_bytes, rest),
        [0xef, 0xbb, 0xbf, rest @ ..] => return Ok(Cow::Borrowed(rest)),
        _ => return Ok(Cow::Borrowed(input)),
    };
    let (pairs, odd) = rest.as_chunks::<2>();
    // The whole size at once: what grows leaves copies of passwords behind.
    let mut text = Zeroizing::new(String::with_capacity(2 * rest.len()));
    for char in char::decode_utf16(pairs.iter().copied().map(unit)) {
        text.push(char.map_err(|_| InvalidInput::NotUtf16)?);
    }
    if !odd.is_empty() {
        return Err(InvalidInput::NotUtf16);
    }
    Ok(Cow::Owned(std::mem::take(&mut *text).into_bytes()))
}

/// Reads the input, which [`decode`] made. `unquoted` receives the fields of CSV; it is as
/// secret as the input itself.
pub fn parse<'a>(
    input: &'a [u8],
    unquoted: &'a mut Zeroizing<Vec<u8>>,
    uids: UidRange,
) -> Result<Vec<Line<'a>>, InvalidInput> {
    if documents::is_json(input) {
        return Ok(documents::parse(input, uids));
    }
    let Some((_, first)) = lines(input).next() else {
        return Ok(Vec::new());
    };
    if first.contains(&b':') {
        Ok(lines(input).map(newusers_line).collect())
    } else {
        csv::parse(input, unquoted)
    }
}

/// The lines that are not blank and no comments, with their numbers.
fn lines(input: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let lines = table::lines(input).map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    (1..)
        .zip(lines)
        .filter(|(_, line)| !matches!(line.trim_ascii(), b"" | [b'#', ..]))
}

fn newusers_line((number, line): (usize, &[u8])) -> Line<'_> {
    Line {
        number,
        warning: None,
        item: newusers(&table::fields(line)).map(Item::Entry),
    }
}

fn newusers<'a>(fields: &[&'a [u8]]) -> Result<Entry<'a>, InvalidLine> {
    let &[name, password, uid, gid, comment, home, shell] = fields else {
        return Err(InvalidLine::Fields(fields.len()));
    };
    if !gid.is_empty() && gid != uid {
        return Err(InvalidLine::Gid);
    }
    Ok(Entry {
        name: text("name", name)?,
        secret: plain(password)?,
        uid: number(uid)?,
        comment: given("comment", comment)?,
        home: given("home", home)?,
        shell: given("shell", shell)?,
        groups: "",
        locked: None,
    })
}

/// A plain password; not what stands in that place in passwd(5) and shadow(5).
fn plain(password: &[u8]) -> Result<Secret<'_>, InvalidLine> {
    match password {
        b"" => Ok(Secret::None),
        b"x" | b"*" | [b'!', ..] => Err(InvalidLine::NotPlain),
        hash if is_hash(hash) => Err(InvalidLine::NotPlain),
        plain => Ok(Secret::Password(plain)),
    }
}

/// Returns true for what looks like a hash of crypt(5): `$`, a word, `$`, and more.
fn is_hash(field: &[u8]) -> bool {
    let mut parts = field.split(|&byte| byte == b'$');
    let (before, scheme) = (parts.next(), parts.next().unwrap_or_default());
    let is_word = (1..=8).contains(&scheme.len()) && scheme.iter().all(u8::is_ascii_alphanumeric);
    before == Some(b"") && is_word && parts.next().is_some_and(|rest| !rest.is_empty())
}

fn text<'a>(field: &'static str, bytes: &'a [u8]) -> Result<&'a str, InvalidLine> {
    std::str::from_utf8(bytes).map_err(|_| InvalidLine::NotUtf8(field))
}

fn given<'a>(field: &'static str, bytes: &'a [u8]) -> Result<Option<&'a str>, InvalidLine> {
    text(field, bytes).map(|text| (!text.is_empty()).then_some(text))
}

fn number(bytes: &[u8]) -> Result<Option<u64>, InvalidLine> {
    match bytes.trim_ascii() {
        b"" => Ok(None),
        digits => table::number(digits)
            .map(|number| Some(number.into()))
            .ok_or(InvalidLine::Uid),
    }
}

/// A truth value as people and spreadsheets in English and German write it.
fn boolean(bytes: &[u8]) -> Result<Option<bool>, InvalidLine> {
    match bytes.trim_ascii().to_ascii_lowercase().as_slice() {
        b"" => Ok(None),
        b"false" | b"no" | b"0" | b"falsch" | b"nein" => Ok(Some(false)),
        b"true" | b"yes" | b"1" | b"wahr" | b"ja" => Ok(Some(true)),
        _ => Err(InvalidLine::Locked),
    }
}

impl Entry<'_> {
    /// The groups asked for, each once, sorted.
    pub fn groups(&self) -> Vec<String> {
        let words = self
            .groups
            .split(|c: char| matches!(c, ',' | ';') || c.is_whitespace());
        let mut groups: Vec<String> = words
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect();
        groups.sort();
        groups.dedup();
        groups
    }
}

#[cfg(test)]
mod tests;
