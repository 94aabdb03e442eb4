use super::*;

#[test]
fn people_get_the_summary_as_lines() {
    let status = json!({
        "schema": 1, "pid": 1, "child": {"pid": 0, "argv0": "op\u{1b}en"},
        "restore": {"state": "done", "restored": 2, "skipped": ["a", "b"], "removed": []},
    });
    assert_eq!(
        for_people(&status),
        "restore: done\n  removed: none\n  restored: 2\n  skipped: a, b\ncommand: op?en (pid 0), not running\n"
    );
}

#[test]
fn stat_lines() {
    let found = parse_stat("12 (a) Z (b) S 7 12 12 0").unwrap();
    assert_eq!(
        (found.name.as_str(), found.state, found.parent),
        ("a) Z (b", 'S', 7)
    );
    assert!(parse_stat("12 (a").is_none());
}

#[test]
fn the_end_stays_whatever_a_late_restore_says_and_the_rest_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let globals = Globals {
        root: Some(dir.path().to_owned()),
        ..Globals::default()
    };
    let mut status = Status::new(&globals, 7, "sh".to_owned());
    status.end();
    assert!(read(&globals).is_err(), "nothing is made up");
    let mut status = Status::new(&globals, 7, "sh".to_owned());
    status.write(r#"{"state":"running"}"#).unwrap();
    let before = read(&globals).unwrap();
    assert!(!is_ending(&before));
    status.end();
    status.end();
    let mut after = read(&globals).unwrap();
    assert!(is_ending(&after));
    after["ending"] = json!(false);
    assert_eq!(after, before);
    status.write(r#"{"state":"done"}"#).unwrap();
    let late = read(&globals).unwrap();
    assert_eq!(late.pointer("/restore/state"), Some(&json!("done")));
    assert!(is_ending(&late));
    assert_eq!(is_ready(&late).unwrap_err(), "the command was told to end");
}

#[test]
fn written_whole_with_its_mode_and_read_back() {
    let dir = tempfile::tempdir().unwrap();
    let globals = Globals {
        root: Some(dir.path().to_owned()),
        ..Globals::default()
    };
    let status = Status::new(&globals, 7, "a \"b\"".to_owned());
    status.write(r#"{"state":"done"}"#).unwrap();
    let value = read(&globals).unwrap();
    assert_eq!(
        value.pointer("/child"),
        Some(&json!({"pid": 7, "argv0": "a \"b\""}))
    );
    assert_eq!(value.pointer("/restore/state"), Some(&json!("done")));
    assert_eq!(
        status.path().metadata().unwrap().permissions().mode() & 0o7777,
        0o644
    );
    assert_eq!(
        fs::read_dir(dir.path().join("run/occ-init"))
            .unwrap()
            .count(),
        1,
        "no temporary file stays"
    );
}
