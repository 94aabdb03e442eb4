//! The input of `user import`: lines of newusers(8), CSV, or records as JSON
//! lines. Only read here; whether an account may be made is decided elsewhere.
//!
//! What is read borrows from the input, so that there is one copy of each
//! password and the caller can wipe it. No error repeats what stood in a line:
//! with the columns mixed up, a password may stand anywhere.

use crate::account::{InvalidHash, UidRange};
use crate::files::table;
use crate::record::{InvalidRecord, ParsedRecord, Record};
use csv_core::{ReadRecordResult, Reader};
use zeroize::Zeroizing;

/// One line that describes an account. No `Debug`: it holds a password.
pub struct Line<'a> {
    /// Its number, from 1; of a quoted CSV field with newlines, the first one.
    pub number: usize,
    /// What it says.
    pub item: Result<Item<'a>, InvalidLine>,
}

/// What a line says.
pub enum Item<'a> {
    /// An account to be made.
    Entry(Entry<'a>),
    /// A record, to be taken as it is.
    Record(Box<Record>),
}

/// An account to be made; what is empty gets the default.
#[derive(Clone, Copy, Default)]
pub struct Entry<'a> {
    /// As written; not checked.
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
    /// Make it disabled.
    pub locked: bool,
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
        "it starts neither with name:password:uid:gid:comment:home:shell, nor with a CSV header that has a column 'name', nor with a record"
    )]
    Format,
    /// A header cell that is none of ours.
    #[error(
        "column {0} of the header is unknown; known are name, password, password_hash, uid, comment, home, shell, groups and locked"
    )]
    Column(usize),
    /// Which of the two would hold?
    #[error("column {0} of the header is there twice")]
    ColumnTwice(usize),
}

/// Why one line can't be used. Holds nothing of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLine {
    /// newusers(8) has seven fields.
    #[error("a line has 7 fields, name:password:uid:gid:comment:home:shell, and this one {0}")]
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
    /// Everybody has a group of their own, whose gid is the uid.
    #[error("the gid must be empty or the uid: every account has a group of its own")]
    Gid,
    /// Neither yes nor no.
    #[error("locked must be true or false")]
    Locked,
    /// Which of the two would hold?
    #[error("both a password and a hash")]
    TwoSecrets,
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

/// Reads the input. `unquoted` receives the fields of CSV; it is as secret as
/// the input itself.
pub fn parse<'a>(
    input: &'a [u8],
    unquoted: &'a mut Zeroizing<Vec<u8>>,
    uids: UidRange,
) -> Result<Vec<Line<'a>>, InvalidInput> {
    let input = input.strip_prefix(b"\xef\xbb\xbf").unwrap_or(input);
    let Some((_, first)) = lines(input).next() else {
        return Ok(Vec::new());
    };
    if first.trim_ascii_start().starts_with(b"{") {
        Ok(lines(input).map(|line| json_line(line, uids)).collect())
    } else if first.contains(&b':') {
        Ok(lines(input).map(newusers_line).collect())
    } else {
        csv(input, unquoted)
    }
}

/// The lines that are not blank, with their numbers.
fn lines(input: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let lines = table::lines(input).map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    (1..)
        .zip(lines)
        .filter(|(_, line)| !line.trim_ascii().is_empty())
}

fn json_line<'a>((number, line): (usize, &[u8]), uids: UidRange) -> Line<'a> {
    let item = match ParsedRecord::parse(line, uids) {
        Ok(ParsedRecord::Record(record)) => match record.account().hash_refused {
            Some(refused) => Err(InvalidLine::Hash(refused)),
            None => Ok(Item::Record(record)),
        },
        Ok(ParsedRecord::Legacy(_)) => Err(InvalidLine::Legacy),
        Err(invalid) => Err(InvalidLine::Record(invalid)),
    };
    Line { number, item }
}

fn newusers_line((number, line): (usize, &[u8])) -> Line<'_> {
    let item = newusers(&table::fields(line)).map(Item::Entry);
    Line { number, item }
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
        secret: if password.is_empty() {
            Secret::None
        } else {
            Secret::Password(password)
        },
        uid: number(uid)?,
        comment: given("comment", comment)?,
        home: given("home", home)?,
        shell: given("shell", shell)?,
        groups: "",
        locked: false,
    })
}

/// The columns of CSV.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Column {
    Name,
    Password,
    PasswordHash,
    Uid,
    Comment,
    Home,
    Shell,
    Groups,
    Locked,
}

impl Column {
    fn parse(cell: &[u8]) -> Option<Self> {
        Some(match cell.trim_ascii().to_ascii_lowercase().as_slice() {
            b"name" | b"username" => Self::Name,
            b"password" => Self::Password,
            b"password_hash" => Self::PasswordHash,
            b"uid" => Self::Uid,
            b"comment" => Self::Comment,
            b"home" => Self::Home,
            b"shell" => Self::Shell,
            b"groups" => Self::Groups,
            b"locked" => Self::Locked,
            _ => return None,
        })
    }
}

fn csv<'a>(
    input: &[u8],
    unquoted: &'a mut Zeroizing<Vec<u8>>,
) -> Result<Vec<Line<'a>>, InvalidInput> {
    let rows = unquote(input, unquoted);
    let unquoted: &'a [u8] = unquoted;
    let cells = |row: &Row| -> Vec<&'a [u8]> {
        let starts = std::iter::once(row.start).chain(row.ends.iter().copied());
        let spans = starts.zip(&row.ends);
        spans.map(|(start, &end)| &unquoted[start..end]).collect()
    };
    let mut rows = rows.iter();
    let columns = header(&rows.next().map(cells).unwrap_or_default())?;
    let line = |row: &Row| Line {
        number: row.line,
        item: csv_entry(&columns, &cells(row)).map(Item::Entry),
    };
    Ok(rows.map(line).collect())
}

fn header(cells: &[&[u8]]) -> Result<Vec<Column>, InvalidInput> {
    let parsed: Vec<Option<Column>> = cells.iter().map(|cell| Column::parse(cell)).collect();
    if !parsed.contains(&Some(Column::Name)) {
        return Err(InvalidInput::Format);
    }
    let mut columns = Vec::new();
    for (number, column) in (1..).zip(parsed) {
        let column = column.ok_or(InvalidInput::Column(number))?;
        if columns.contains(&column) {
            return Err(InvalidInput::ColumnTwice(number));
        }
        columns.push(column);
    }
    Ok(columns)
}

fn csv_entry<'a>(columns: &[Column], cells: &[&'a [u8]]) -> Result<Entry<'a>, InvalidLine> {
    if cells.len() != columns.len() {
        return Err(InvalidLine::Columns {
            expected: columns.len(),
            found: cells.len(),
        });
    }
    let cell = |wanted: Column| -> &'a [u8] {
        let mut pairs = columns.iter().zip(cells);
        pairs
            .find(|(column, _)| **column == wanted)
            .map_or(&[], |(_, &cell)| cell)
    };
    let secret = match (cell(Column::Password), cell(Column::PasswordHash)) {
        (b"", b"") => Secret::None,
        (password, b"") => Secret::Password(password),
        (b"", hash) => Secret::Hash(text("password hash", hash)?),
        _ => return Err(InvalidLine::TwoSecrets),
    };
    Ok(Entry {
        name: text("name", cell(Column::Name))?,
        secret,
        uid: number(cell(Column::Uid))?,
        comment: given("comment", cell(Column::Comment))?,
        home: given("home", cell(Column::Home))?,
        shell: given("shell", cell(Column::Shell))?,
        groups: text("list of groups", cell(Column::Groups))?,
        locked: boolean(cell(Column::Locked))?,
    })
}

/// One row of CSV: where its cells are in the unquoted bytes.
struct Row {
    line: usize,
    start: usize,
    ends: Vec<usize>,
}

/// Takes the quotes off, into a buffer that never has to grow: a buffer that
/// grows leaves copies behind.
fn unquote(input: &[u8], unquoted: &mut Zeroizing<Vec<u8>>) -> Vec<Row> {
    **unquoted = vec![0; input.len() + 1];
    let mut reader = Reader::new();
    let mut ends = [0; 64];
    let (mut rest, mut line, mut filled) = (input, 1, 0);
    let mut rows = Vec::new();
    let mut row = Row {
        line,
        start: 0,
        ends: Vec::new(),
    };
    loop {
        let (result, read, written, ended) =
            reader.read_record(rest, &mut unquoted[filled..], &mut ends);
        if row.ends.is_empty() && filled == row.start {
            // Blank lines before a row are read together with it.
            let next = rest.iter().position(|b| !matches!(b, b'\n' | b'\r'));
            row.line = line + newlines(&rest[..next.unwrap_or(0)]);
        }
        line += newlines(&rest[..read]);
        rest = &rest[read..];
        // Ends count from the start of the row.
        row.ends
            .extend(ends[..ended].iter().map(|end| row.start + end));
        filled += written;
        match result {
            // With no input left, the next call ends the last row.
            ReadRecordResult::InputEmpty | ReadRecordResult::OutputEndsFull => (),
            ReadRecordResult::Record => {
                rows.push(std::mem::replace(
                    &mut row,
                    Row {
                        line,
                        start: filled,
                        ends: Vec::new(),
                    },
                ));
            }
            ReadRecordResult::OutputFull | ReadRecordResult::End => return rows,
        }
    }
}

fn newlines(bytes: &[u8]) -> usize {
    bytes.split(|&b| b == b'\n').count() - 1
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

fn boolean(bytes: &[u8]) -> Result<bool, InvalidLine> {
    match bytes.trim_ascii().to_ascii_lowercase().as_slice() {
        b"" | b"false" | b"no" | b"0" => Ok(false),
        b"true" | b"yes" | b"1" => Ok(true),
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
