//! CSV of `user import`: a header that names the columns, and a line per account. As
//! spreadsheets write it: with `,`, `;` or a tab between cells, perhaps a first line `sep=;`,
//! rows of nothing but separators, comments.
//!
//! csv-core, not csv: that crate keeps copies of the cells, and so of passwords, in
//! buffers that are never wiped.

use super::{
    Entry, InvalidInput, InvalidLine, Item, Line, LineWarning, Secret, boolean, given, number,
    plain, text,
};
use csv_core::{ReadFieldResult, Reader, ReaderBuilder};
use zeroize::Zeroizing;

/// What may stand between cells.
const SEPARATORS: [u8; 3] = [b',', b';', b'\t'];

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
    if std::str::from_utf8(input).is_err() {
        return Err(InvalidInput::NotUtf8);
    }
    let (separator, table) = separator(input);
    let skipped = newlines(&input[..input.len() - table.len()]);
    let rows = unquote(table, separator, unquoted);
    let unquoted: &'a [u8] = unquoted;
    let mut rows = rows.iter().map(|row| RowCells {
        line: row.line + skipped,
        cells: row.cells.iter().map(|cell| cell.of(unquoted)).collect(),
    });
    let columns = header(&rows.next().map(|row| row.cells).unwrap_or_default())?;
    let is_filled = |row: &RowCells<'_>| row.cells.iter().any(|cell| !cell.text.is_empty());
    Ok(rows
        .filter(is_filled)
        .map(|row| row.entry(&columns))
        .collect())
}

/// The separator, and the table behind a line that names it.
fn separator(input: &[u8]) -> (u8, &[u8]) {
    let end = input.iter().position(|&b| b == b'\n');
    let (first, rest) = end.map_or((input, &[][..]), |end| input.split_at(end + 1));
    if let Some(&[separator]) = first.trim_ascii_end().strip_prefix(b"sep=") {
        return (separator, rest);
    }
    let header = input[not_a_row(input)..].split(|&b| b == b'\n').next();
    let count = |separator: &u8| {
        let cells = header.unwrap_or_default().split(|byte| byte == separator);
        cells.count()
    };
    // The first of those that are there equally often.
    let most = SEPARATORS.into_iter().rev().max_by_key(count);
    (most.unwrap_or(b','), input)
}

fn header(cells: &[Cell<'_>]) -> Result<Vec<Column>, InvalidInput> {
    // A spreadsheet's table may be wider than what is in it.
    let filled = cells.iter().rposition(|cell| !cell.text.is_empty());
    let cells = &cells[..filled.map_or(0, |last| last + 1)];
    let parsed: Vec<Option<Column>> = cells.iter().map(|cell| Column::named(cell.text)).collect();
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

/// A cell without its quotes, and without blanks around it where it had none.
#[derive(Clone, Copy)]
struct Cell<'a> {
    text: &'a [u8],
    is_quoted: bool,
}

struct RowCells<'a> {
    line: usize,
    cells: Vec<Cell<'a>>,
}

impl<'a> RowCells<'a> {
    fn entry(self, columns: &[Column]) -> Line<'a> {
        Line {
            number: self.line,
            warning: self.warning(columns),
            item: self.read(columns).map(Item::Entry),
        }
    }

    fn cell(&self, columns: &[Column], wanted: Column) -> Option<Cell<'a>> {
        let mut pairs = columns.iter().zip(&self.cells);
        let found = pairs.find(|(column, _)| **column == wanted);
        found.map(|(_, &cell)| cell)
    }

    /// A password that was quoted keeps its blanks, which may be a slip.
    fn warning(&self, columns: &[Column]) -> Option<LineWarning> {
        let password = self.cell(columns, Column::Password)?;
        let has_blanks = password.text.trim_ascii() != password.text;
        has_blanks.then_some(LineWarning::OuterBlanks)
    }

    fn read(&self, columns: &[Column]) -> Result<Entry<'a>, InvalidLine> {
        let (expected, found) = (columns.len(), self.cells.len());
        let surplus = self.cells.iter().skip(expected);
        if found < expected || surplus.clone().any(|cell| !cell.text.is_empty()) {
            return Err(InvalidLine::Columns { expected, found });
        }
        if self.cells.iter().any(Cell::has_stray_quote) {
            return Err(InvalidLine::Quote);
        }
        let cell = |wanted| self.cell(columns, wanted).map_or(&[][..], |cell| cell.text);
        let secret = match (cell(Column::Password), cell(Column::PasswordHash)) {
            (b"", b"") => Secret::None,
            (password, b"") => plain(password)?,
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
}

impl Cell<'_> {
    /// `, "a b"`: the blank makes the quotes part of the cell, which nobody wants.
    fn has_stray_quote(&self) -> bool {
        !self.is_quoted
            && self.text.len() > 1
            && self.text.starts_with(b"\"")
            && self.text.ends_with(b"\"")
    }
}

/// One row of CSV: where its cells are in the unquoted bytes.
struct Row {
    line: usize,
    cells: Vec<Span>,
}

struct Span {
    start: usize,
    end: usize,
    is_quoted: bool,
}

impl Span {
    fn of<'a>(&self, unquoted: &'a [u8]) -> Cell<'a> {
        let text = &unquoted[self.start..self.end];
        Cell {
            text: if self.is_quoted {
                text
            } else {
                text.trim_ascii()
            },
            is_quoted: self.is_quoted,
        }
    }
}

/// Takes the quotes off, into a buffer that never has to grow: a buffer that
/// grows leaves copies behind.
fn unquote(input: &[u8], separator: u8, unquoted: &mut Zeroizing<Vec<u8>>) -> Vec<Row> {
    **unquoted = vec![0; input.len() + 1];
    let mut cells = Cells {
        reader: ReaderBuilder::new().delimiter(separator).build(),
        rest: input,
        unquoted,
        filled: 0,
    };
    let mut rows = Vec::new();
    let mut line = 1;
    loop {
        let skipped = &cells.rest[..not_a_row(cells.rest)];
        line += newlines(skipped);
        cells.rest = &cells.rest[skipped.len()..];
        let before = cells.rest;
        let Some(row) = cells.row() else {
            return rows;
        };
        rows.push(Row { line, cells: row });
        line += newlines(&before[..before.len() - cells.rest.len()]);
    }
}

struct Cells<'i, 'o> {
    reader: Reader,
    rest: &'i [u8],
    unquoted: &'o mut [u8],
    filled: usize,
}

impl Cells<'_, '_> {
    /// The cells of the next row.
    fn row(&mut self) -> Option<Vec<Span>> {
        let mut row = Vec::new();
        let mut cell = self.begin();
        loop {
            let room = &mut self.unquoted[self.filled..];
            let (result, read, written) = self.reader.read_field(self.rest, room);
            self.rest = &self.rest[read..];
            self.filled += written;
            match result {
                // With no input left, the next call ends the cell.
                ReadFieldResult::InputEmpty => (),
                ReadFieldResult::Field { record_end } => {
                    cell.end = self.filled;
                    row.push(cell);
                    if record_end {
                        return Some(row);
                    }
                    cell = self.begin();
                }
                ReadFieldResult::OutputFull | ReadFieldResult::End => return None,
            }
        }
    }

    fn begin(&self) -> Span {
        Span {
            start: self.filled,
            end: self.filled,
            is_quoted: self.rest.first() == Some(&b'"'),
        }
    }
}

/// How many bytes at the start of a row are none: blank lines and comments.
fn not_a_row(input: &[u8]) -> usize {
    let mut at = 0;
    loop {
        match input[at..] {
            [b'\n' | b'\r', ..] => at += 1,
            [b'#', ref comment @ ..] => {
                let end = comment.iter().position(|&b| b == b'\n');
                at += 1 + end.unwrap_or(comment.len());
            }
            _ => return at,
        }
    }
}

fn newlines(bytes: &[u8]) -> usize {
    bytes.split(|&b| b == b'\n').count() - 1
}
