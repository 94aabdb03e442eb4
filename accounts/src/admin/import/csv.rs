//! CSV of `user import`: a header that names the columns, and a line per account.
//!
//! csv-core, not csv: that crate keeps copies of the cells, and so of passwords, in
//! buffers that are never wiped.

use super::{Entry, InvalidInput, InvalidLine, Item, Line, Secret, boolean, given, number, text};
use csv_core::{ReadRecordResult, Reader};
use zeroize::Zeroizing;

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
    fn named(cell: &[u8]) -> Option<Self> {
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

/// Reads a header and the lines after it. `unquoted` receives all cells.
pub(super) fn parse<'a>(
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
    let parsed: Vec<Option<Column>> = cells.iter().map(|cell| Column::named(cell)).collect();
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
