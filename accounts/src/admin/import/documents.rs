//! Records of `user import`: JSON, one a line as `user export` prints them, or documents of
//! any form one after the other, in a list, or with the separators of RFC 7464: what
//! userdbctl and homectl print, and a record file itself.

use super::{InvalidLine, Item, Line, LineWarning};
use crate::account::UidRange;
use crate::record::ParsedRecord;

/// The separator of RFC 7464 (`userdbctl --json=short` in a pipe).
const RECORD_SEPARATOR: u8 = 0x1e;

/// Fields of USER_RECORD that change who may log in, and that nothing here reads.
const NOT_HONOURED: [&str; 2] = ["perMachine", "notBeforeUSec"];

/// Returns whether the input is JSON.
pub(super) fn is_json(input: &[u8]) -> bool {
    let first = input.iter().find(|byte| !is_between(**byte));
    first == Some(&b'{')
}

/// Reads all records.
pub(super) fn parse(input: &[u8], uids: UidRange) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    let mut at = 0;
    let mut number = 1;
    // Once an object does not end, no later one is looked for beyond its line: to look through
    // the rest for each would take the square of the input's length.
    let mut has_ends = true;
    while at < input.len() {
        let rest = &input[at..];
        let length = match rest[0] {
            b'{' if has_ends => object_length(rest).unwrap_or_else(|| {
                has_ends = false;
                line_length(rest)
            }),
            byte if is_between(byte) => 1,
            _ => line_length(rest),
        };
        let document = &rest[..length];
        if !document.iter().all(|byte| is_between(*byte)) {
            lines.push(record(document, number, uids));
        }
        number += document.split(|&byte| byte == b'\n').count() - 1;
        at += length;
    }
    lines
}

/// Returns whether a byte may stand between two documents.
fn is_between(byte: u8) -> bool {
    byte.is_ascii_whitespace() || matches!(byte, b'[' | b']' | b',' | RECORD_SEPARATOR)
}

fn line_length(text: &[u8]) -> usize {
    let end = text.iter().position(|&byte| byte == b'\n');
    end.unwrap_or(text.len())
}

/// The length of the object that a text begins with; of one that is broken, that of its line,
/// so that the records behind it are read all the same. `None`: it does not end.
fn object_length(text: &[u8]) -> Option<usize> {
    let (mut depth, mut in_string, mut is_escaped) = (0_usize, false, false);
    for (at, byte) in text.iter().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if in_string => is_escaped = true,
            b'"' => in_string = !in_string,
            // No string of JSON holds one: the document is broken here.
            b'\n' if in_string => return Some(line_length(text)),
            b'{' if !in_string => depth += 1,
            b'}' if !in_string => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => (),
        }
    }
    None
}

fn record(document: &[u8], number: usize, uids: UidRange) -> Line<'static> {
    let item = match ParsedRecord::parse(document, uids) {
        Ok(ParsedRecord::Record(record)) => match record.account().hash_refused {
            Some(refused) => Err(InvalidLine::Hash(refused)),
            None => Ok(Item::Record(record)),
        },
        Ok(ParsedRecord::Legacy(_)) => Err(InvalidLine::Legacy),
        Err(invalid) => Err(InvalidLine::Record(invalid)),
    };
    let ignored: Vec<&str> = match &item {
        Ok(Item::Record(record)) => {
            let fields = NOT_HONOURED.into_iter();
            fields.filter(|field| record.has(field)).collect()
        }
        _ => Vec::new(),
    };
    Line {
        number,
        warning: (!ignored.is_empty()).then_some(LineWarning::NotHonoured(ignored)),
        item,
    }
}
