//! `user import` and `user export`: three formats in, one out, and every line
//! whole or not at all.

use crate::tree::{MARK, Tree, hash, record, unchanged};
use accounts::wire::{
    ErrorKind, ExportReply, ImportAction, ImportReply, ImportResult, ListReply, Status,
};
use serde_json::json;
use std::fs;

const IMPORT: [&str; 3] = ["--json", "user", "import"];

/// `user export`, which may print hashes: not through the check of every run.
fn export(tree: &Tree, args: &[&str]) -> String {
    let output = tree
        .command(&[&["user", "export"], args].concat())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(output.stderr, b"");
    String::from_utf8(output.stdout).unwrap()
}

fn import(tree: &Tree, input: &str, code: i32) -> ImportReply {
    tree.feed(&IMPORT, input).ends(code).json()
}

fn kind(result: &ImportResult) -> Option<ErrorKind> {
    result.error.as_ref().map(|error| error.kind)
}

#[test]
fn lines_of_newusers() {
    let tree = Tree::with(&["alice"]);
    let alice = tree.record("alice");
    let input = format!(
        "alice:{MARK}-1:1234:::/home/other:\n\nbob:{MARK}-2:1500:1500:Bob B:/home/robert:/bin/sh\ncarol::::::\n"
    );
    tree.feed(&["user", "import"], &input).ends(0).prints(
        "line 1: User 'alice' already exists.\n\
         line 3: User 'bob' created (uid 1500).\n\
         line 4: User 'carol' created (uid 10001).\n\
         2 created, 1 exist already, 0 failed\n",
    );
    assert_eq!(tree.record("alice"), alice);
    assert_eq!(
        tree.line("etc/passwd", "bob").unwrap(),
        "bob:x:1500:1500:Bob B:/home/robert:/bin/sh"
    );
    assert!(
        tree.field("etc/shadow", "bob", 1)
            .starts_with("$6$rounds=100000$")
    );
    assert_eq!(tree.field("etc/shadow", "carol", 1), "*");
    assert!(tree.path("home/robert/.bashrc").exists());
    assert_eq!(tree.text("var/lib/opencode-users/uids/1500"), "bob\n");
    tree.run(&["check"]).ends(0);
    let again = tree.feed(&IMPORT, &input).ends(0);
    let again: ImportReply = again.json();
    assert!(!again.changed);
    assert!(
        again
            .results
            .iter()
            .all(|result| result.action == ImportAction::Exists)
    );
}

#[test]
fn csv_from_a_file() {
    let tree = Tree::new();
    let text = format!(
        "name,password,password_hash,groups,locked,comment\n\
         alice,\"{MARK},\"\"x\",,\"audio,staff\",no,\"Liddell, Alice\"\n\
         bob,,{},,yes,\n",
        hash('b')
    );
    tree.write("people.csv", text.as_bytes(), 0o600);
    let file = tree.path("people.csv");
    let reply: ImportReply = tree
        .run(&["--json", "user", "import", file.to_str().unwrap()])
        .ends(0)
        .json();
    assert!(reply.changed);
    assert_eq!(
        reply
            .results
            .iter()
            .map(|r| (r.line, r.uid))
            .collect::<Vec<_>>(),
        [(2, Some(10000)), (3, Some(10001))]
    );
    let list: ListReply = tree.run(&["--json", "user", "list"]).json();
    assert_eq!(list.accounts[0].member_of, ["audio", "staff"]);
    assert_eq!(list.accounts[0].real_name, "Liddell, Alice");
    assert_eq!(list.accounts[1].status, Status::Disabled);
    assert_eq!(
        tree.field("etc/shadow", "bob", 1),
        format!("!{}", hash('b'))
    );
}

#[test]
fn export_import_export_is_the_same() {
    let tree = Tree::with(&["alice", "bob", "carol"]);
    tree.run(&["user", "disable", "bob"]).ends(0);
    let odd = json!({"homeDirectory": "/home/elsewhere", "theme": {"dark": [1, null]}, "memberOf": ["nosuch"]});
    tree.plant("d-e.json", &record("d-e", 1200, &odd));
    tree.plant("uids/1200", b"d-e\n");
    tree.run(&["restore"]).ends(0);
    let exported = export(&tree, &["--with-hashes"]);
    assert_eq!(exported.lines().count(), 4);
    assert!(exported.lines().next().unwrap().contains(&hash('a')));
    let other = Tree::new();
    other.feed(&["-q", "user", "import"], &exported).ends(0);
    assert_eq!(export(&other, &["--with-hashes"]), exported);
    for file in ["etc/passwd", "etc/shadow", "etc/group"] {
        for name in ["alice", "bob", "carol", "d-e"] {
            assert_eq!(other.line(file, name), tree.line(file, name));
        }
    }
    let reply: ExportReply =
        serde_json::from_str(&export(&tree, &["--json", "--with-hashes"])).unwrap();
    let lines: Vec<String> = reply.records.iter().map(ToString::to_string).collect();
    assert_eq!(lines.join("\n") + "\n", exported);
}

#[test]
fn without_being_asked_no_hash_comes_out() {
    let tree = Tree::with(&["alice"]);
    tree.plant("uids/1200", b"eve\n");
    let hint = json!({"privileged": {"hashedPassword": [hash('x')], "recoveryKey": [{"hashedPassword": hash('y')}]}, "secret": {"password": [MARK]}});
    tree.plant("eve.json", &record("eve", 1200, &hint));
    // The check of every run looks for hashes and for the mark.
    let text = tree.run(&["user", "export"]).ends(0);
    assert_eq!(text.out.lines().count(), 2);
    tree.run(&["--json", "user", "export"]).ends(0);
    assert_eq!(export(&Tree::new(), &[]), "");
}

#[test]
fn each_line_stands_for_itself() {
    let tree = Tree::with(&["alice", "gone"]);
    tree.run(&["user", "remove", "gone", "--yes"]).ends(0);
    let reply = import(
        &tree,
        &format!(
            "good_one:{MARK}:::::\n\
             root::::::\nnode::::::\noccasion::1000::::\ngone::::::\nGood_One::::::\n\
             two::10000::::\nthree::0::::\nfour::::::/bin/../sh\nfive:::::/home/good_one:\n\
             six::2000::::\nseven::2000::::\neight:::::/home/h:\nnine:::::/home/h:\n\
             ab::::::\nALICE::::::\nten:\n{}::::::\nlast_one:{MARK}:::::\n",
            "x".repeat(40)
        ),
        1,
    );
    let kinds: Vec<_> = reply.results.iter().map(kind).collect();
    let (refused, conflict, invalid) = (
        Some(ErrorKind::Refused),
        Some(ErrorKind::Conflict),
        Some(ErrorKind::Invalid),
    );
    assert_eq!(
        kinds,
        [
            None, refused, refused, conflict, conflict, conflict, conflict, invalid, invalid,
            conflict, None, conflict, None, conflict, invalid, conflict, invalid, invalid, None
        ]
    );
    assert!(reply.changed);
    assert_eq!(
        tree.names(),
        ["alice", "eight", "good_one", "last_one", "six"]
    );
    let uids = fs::read_dir(tree.store("uids")).unwrap().count();
    assert_eq!(uids, 6, "a failed line has got no number");
    tree.run(&["check"]).ends(0);
}

#[test]
fn what_a_failed_line_holds_is_not_repeated() {
    let tree = Tree::new();
    let input = format!(
        "{MARK}!:alice:::::\nbob::{MARK}::::\ncarol:::::{MARK}:\ndave::::{MARK}\n\
         erin::::::{MARK}\nfay:{MARK}{}:::::\n",
        "x".repeat(255)
    );
    // Every run looks for the mark in what is printed.
    let reply = import(&tree, &input, 1);
    assert!(
        reply
            .results
            .iter()
            .all(|result| result.action == ImportAction::Failed)
    );
    tree.feed(&["user", "import"], &input).ends(1);
    let csv = format!(
        "name,groups,password_hash\nalice,{MARK},\nbob,,{}\n",
        hash('x').replace("100000", "9000000")
    );
    let reply = import(&tree, &csv, 1);
    assert_eq!(
        reply.results.iter().map(kind).collect::<Vec<_>>(),
        [Some(ErrorKind::Refused), Some(ErrorKind::Invalid)]
    );
    assert!(tree.names().is_empty());
}

#[test]
fn a_dry_run_changes_nothing() {
    let tree = Tree::with(&["alice"]);
    let before = tree.state();
    let input = format!("alice::::::\nbob:{MARK}:::::\ncarol::10001::::\ndave::5::::\n");
    let ran = tree.feed(&["--json", "user", "import", "--dry-run"], &input);
    let dry: ImportReply = ran.ends(1).json();
    unchanged(&before, &tree.state(), &"--dry-run");
    assert!(!dry.changed);
    let real = import(&tree, &input, 1);
    assert_eq!(dry.results, real.results, "it said what would be done");
    assert!(real.changed);
}

#[test]
fn input_that_can_not_be_used_at_all() {
    let tree = Tree::with(&["alice"]);
    let before = tree.state();
    for input in ["alice\nbob\n", "name,colour\nbob,red\n", "[]"] {
        let error = tree.feed(&IMPORT, input).fails_as(ErrorKind::Failed).error;
        let causes = error.message.matches("header").count();
        assert_eq!(causes, 1, "said once: {}", error.message);
    }
    tree.run(&["--json", "user", "import", "/nonexistent"])
        .fails_as(ErrorKind::Failed);
    tree.run(&["--json", "user", "import", "a", "b"])
        .fails_as(ErrorKind::Usage);
    let nothing = import(&tree, "", 0);
    assert!(!nothing.changed && nothing.results.is_empty());
    unchanged(&before, &tree.state(), &"bad input");
}

#[test]
fn hundreds_of_lines_show_progress_only_when_asked() {
    let tree = Tree::new();
    let names: Vec<String> = (0..250).map(|n| format!("user{n}::::::")).collect();
    let input = names.join("\n");
    let quiet = tree.feed(&["user", "import", "--dry-run"], &input).ends(0);
    assert_eq!(quiet.err, "");
    let ran = tree.feed(&["-v", "user", "import"], &input).ends(0);
    assert_eq!(
        ran.err,
        "occ-init: hashing: 100 of 250 lines\nocc-init: hashing: 200 of 250 lines\n"
    );
    assert_eq!(tree.names().len(), 250);
}

#[test]
fn update_changes_what_a_line_says() {
    let tree = Tree::with(&["alice", "bob"]);
    let input = format!(
        "name,comment,shell,groups,password\n\
         alice,Alice,/bin/sh,audio,\n\
         bob,,,,{MARK}-new\n\
         zoe,,,,{MARK}-first\n"
    );
    tree.feed(&["user", "import", "--update", "--dry-run"], &input)
        .ends(0)
        .says(&["line 2: User 'alice' would be changed."]);
    tree.feed(&["user", "import", "--update"], &input)
        .ends(0)
        .prints(
            "line 2: User 'alice' changed.\n\
             line 3: User 'bob' changed.\n\
             line 4: User 'zoe' created (uid 10002).\n\
             1 created, 2 changed, 0 exist already, 0 failed\n",
        );
    assert_eq!(
        tree.line("etc/passwd", "alice").unwrap(),
        "alice:x:10000:10000:Alice:/home/alice:/bin/sh"
    );
    assert_eq!(tree.field("etc/group", "audio", 3), "node,alice");
    assert_eq!(tree.field("etc/shadow", "alice", 1), hash('a'));
    assert_ne!(tree.field("etc/shadow", "bob", 1), hash('b'));
    assert_eq!(tree.field("etc/passwd", "bob", 6), "/bin/bash");
    let again: ImportReply = tree
        .feed(
            &[&IMPORT[..], &["--update"]].concat(),
            "name,comment\nalice,Alice\n",
        )
        .ends(0)
        .json();
    assert!(!again.changed);
}

#[test]
fn update_changes_no_uid_no_home_and_no_lock() {
    let tree = Tree::with(&["alice"]);
    let before = tree.state();
    for line in ["alice,10007,,", "alice,,/home/other,", "alice,,,true"] {
        let input = format!("name,uid,home,locked\n{line}\n");
        let args = [&IMPORT[..], &["--update"]].concat();
        let reply: ImportReply = tree.feed(&args, &input).ends(1).json();
        assert_eq!(kind(&reply.results[0]), Some(ErrorKind::Conflict), "{line}");
        unchanged(&before, &tree.state(), &line);
    }
}

#[test]
fn weak_passwords_are_warned_about() {
    let tree = Tree::new();
    let reply: ImportReply = tree
        .feed(
            &IMPORT,
            "name,password\nalice,short\nbob,\" long enough \"\n",
        )
        .ends(0)
        .json();
    assert!(reply.results[0].warnings[0].contains("short"));
    assert!(reply.results[1].warnings[0].contains("begins or ends with a blank"));
}
