//! `docs/troubleshooting.md` lists every message of the transcripts that other tests hold
//! against the programs. `UPDATE_EXPECT=1` writes the list.

use super::{read, source};
use std::collections::BTreeMap;
use std::fmt::Write as _;

const PAGE: &str = "docs/troubleshooting.md";
/// Calls that end with an error, and their texts.
const TRANSCRIPTS: [&str; 2] = [
    "host-cli/tests/golden/errors.txt",
    "tests/docs/transcript.txt",
];
const BEGIN: &str = "<!-- messages: begin -->\n";
const END: &str = "<!-- messages: end -->\n";

/// Exit code and next step of each message.
type Messages = BTreeMap<String, (String, String)>;

/// `no such account 'alcie'` as `no such account '…'`: what is quoted differs.
fn shape(text: &str) -> String {
    let mut shape = String::new();
    for (index, part) in text.split('\'').enumerate() {
        let is_quoted = index % 2 == 1;
        let is_last = index == text.matches('\'').count();
        // An option, or a sign that a name may have, is always the same.
        let is_sign = index > 1 && ["_", "-", "."].contains(&part);
        let is_fixed = is_sign || part.starts_with("--");
        match (is_quoted, is_last) {
            (true, false) if is_fixed => shape.extend(["'", part, "'"]),
            (true, false) => shape.push_str("'…'"),
            (true, true) => shape.extend(["'", part]),
            (false, _) => shape.push_str(part),
        }
    }
    shape.replace("--container NAME ", "")
}

/// One call of a transcript: its message, if it failed with one.
fn message(call: &str, messages: &mut Messages) {
    let lines: Vec<&str> = call
        .lines()
        .map(|line| line.strip_prefix("2> ").unwrap_or(line))
        .collect();
    let exit = lines
        .iter()
        .rev()
        .find_map(|line| line.strip_prefix("exit "));
    let exit = exit.map(|exit| exit.split(',').next().unwrap());
    let speaks = |line: &&&str| {
        ["occ: ", "error: ", "Container not ", "Cannot "]
            .iter()
            .any(|start| line.starts_with(start))
    };
    let (Some(exit), Some(text)) = (exit, lines.iter().find(speaks)) else {
        return;
    };
    let hint = lines.iter().find_map(|line| line.strip_prefix("hint: "));
    let next = match (hint, exit) {
        (Some(hint), _) => hint.replace("--container NAME ", ""),
        (None, "2") => "the command's `--help` lists what it takes".to_owned(),
        (None, _) => "as the message says".to_owned(),
    };
    messages
        .entry(shape(text))
        .or_insert((exit.to_owned(), next));
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn table() -> String {
    let mut messages = Messages::new();
    for path in TRANSCRIPTS {
        for call in read(path).split("$ occ ").skip(1) {
            message(call, &mut messages);
        }
    }
    assert!(messages.len() > 40, "{messages:#?}");
    let mut table = "| message | exit | next step |\n|---|---|---|\n".to_owned();
    for (text, (exit, next)) in &messages {
        let quotes = if text.contains('`') { "`` " } else { "`" };
        let end: String = quotes.chars().rev().collect();
        let (text, next) = (cell(text), cell(next));
        writeln!(table, "| {quotes}{text}{end} | {exit} | {next} |").unwrap();
    }
    table
}

#[test]
fn every_message_of_the_transcripts_is_in_the_page() {
    let page = read(PAGE);
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (written, after) = rest.split_once(END).unwrap();
    let table = table();
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        let page = format!("{before}{BEGIN}{table}{END}{after}");
        return std::fs::write(source(PAGE), page).unwrap();
    }
    assert!(
        written == table,
        "`just bless` writes {PAGE} anew; it has another table than\n{table}"
    );
}

#[test]
fn quoted_words_are_left_out() {
    assert_eq!(shape("no such account 'alcie'"), "no such account '…'");
    assert_eq!(shape("it's new"), "it's new");
    assert_eq!(shape("'x' for '--port'"), "'…' for '--port'");
}
