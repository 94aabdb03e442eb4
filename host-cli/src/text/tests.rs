use super::*;

/// Clears the screen, sets the title, turns the line around, fakes a line of ours.
const HOSTILE: &str = "a\u{1b}[2J\u{1b}]0;t\u{7}\u{9b}1m\u{202e}b\u{2066}\nocc: done\r\u{7f}";

#[test]
fn hostile_text_becomes_visible_and_stays_on_its_line() {
    let safe = line(HOSTILE);
    assert!(!safe.contains(is_harmful), "{safe:?}");
    assert_eq!(
        safe,
        "a\\u{1b}[2J\\u{1b}]0;t\\u{7}\\u{9b}1m\\u{202e}b\\u{2066}\\nocc: done\\r\\u{7f}"
    );
    assert_eq!(line("müller, José, 王"), "müller, José, 王");
}

#[test]
fn continuation_lines_are_those_that_are_indented() {
    assert_eq!(message("a\n  b\nocc: c"), "a\n  b\\nocc: c");
    assert_eq!(message("ends\n"), "ends\\n");
    assert_eq!(lines("a\nb\u{1b}"), "a\nb\\u{1b}");
}

#[test]
fn documents_keep_their_meaning() {
    let document = serde_json::to_string(&[HOSTILE]).unwrap();
    let safe = json(&document);
    assert!(!safe.contains(is_harmful), "{safe:?}");
    let back: Vec<String> = serde_json::from_str(&safe).unwrap();
    assert_eq!(back, [HOSTILE]);
}

#[test]
fn words_are_quoted_for_a_shell() {
    assert_eq!(word("alice-2.json"), "alice-2.json");
    assert_eq!(word("a;touch X"), "'a;touch X'");
    assert_eq!(word("it's"), r"'it'\''s'");
    assert_eq!(word(""), "''");
}

#[test]
fn hints_name_the_container_that_was_given() {
    let options = "--container box";
    assert_eq!(
        addressed("`occ start`, then `occ user list`", options),
        "`occ --container box start`, then `occ --container box user list`"
    );
    assert_eq!(addressed("`occ start`", ""), "`occ start`");
    assert_eq!(
        addressed(
            "`docker stop x && occ start && occ user list`; occ is",
            options
        ),
        "`docker stop x && occ --container box start && occ --container box user list`; occ is"
    );
    let config = "`occ config list` shows it";
    assert_eq!(addressed(config, options), config);
    assert_eq!(
        addressed("`occ --container box start`", options),
        "`occ --container box start`"
    );
}

#[test]
fn characters_that_a_piece_cuts_in_two_are_whole_again() {
    let mut stream = Stream::default();
    let (first, second) = "ü\u{1b}[31m\u{202e}\r\n".as_bytes().split_at(1);
    let (second, third) = second.split_at(6);
    let shown = [first, second, third].map(|piece| stream.next(piece));
    assert_eq!(shown.concat(), "ü\\u{1b}[31m\\u{202e}\n");
    assert_eq!(stream.next(b"\xff!"), "\u{fffd}!");
}
