use super::*;

/// Returns `None` if the file is the same.
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

/// The expected content of three edited lines, put together line by line.
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
            Some(other) => LineAction::Replace(other.as_bytes().into()),
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
        let edited = edit(old.as_bytes(), |_| {
            LineAction::Replace(new.as_bytes().into())
        });
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
