//! Names that are the system's or none, and groups that give power.

use super::{recreate, skipped, skipped_fields};
use crate::tree::{MARK, Tree, hash, record};
use accounts::wire::ErrorKind;
use serde_json::json;
use std::fs;

#[test]
fn row_04_names_of_the_image_and_the_system() {
    for name in [
        "root", "sudo", "wheel", "admin", "daemon", "DAEMON", "staff", "shadow", "audio",
    ] {
        is_nobodys(name);
    }
}

/// A record of that name gives it neither a line nor a key, and no command
/// touches the name.
fn is_nobodys(name: &str) {
    let words = [&format!("skipped '{name}'")[..]];
    let tree = skipped(&words, |tree| {
        tree.plant(&format!("{name}.json"), &record(name, 20_000, &json!({ "privileged": { "sshAuthorizedKeys": ["ssh-rsa EVIL"], "hashedPassword": [hash('e')] } })));
    });
    assert!(!tree.text("etc/shadow").contains(&hash('e')));
    let keys = tree.run(&["user", "keys", name]);
    assert!(
        !keys.out.contains("EVIL"),
        "the volume gives '{name}' a key"
    );
    for verb in [
        &["passwd", name, "--generate"][..],
        &["disable", name],
        &["enable", name],
        &["remove", "--force", name],
    ] {
        tree.run(&[&["user"][..], verb].concat()).ends(5);
    }
}

#[test]
fn reserved_prefixes() {
    for name in ["occ-init", "occ-x", "systemd-network", "Systemd-x"] {
        is_nobodys(name);
    }
}

#[test]
fn group_names_of_sudoers() {
    // `%Operators` in the image's sudoers: a private group of that name would
    // be root.
    for name in ["operators", "Operators", "OPERATORS"] {
        is_nobodys(name);
    }
}

#[test]
fn groups_that_sudoers_names_in_other_files_or_by_number() {
    let tree = Tree::with(&["alice", "bob"]);
    let write = |path: &str, text: &str| tree.write(path, text.as_bytes(), 0o440);
    for directory in ["etc/sudoers.d/no_file", "etc/more"] {
        fs::create_dir_all(tree.path(directory)).unwrap();
    }
    write(
        "etc/sudoers.d/10-a",
        "\"%quoted\" ALL=(ALL) ALL\n%beside ALL=ALL\n",
    );
    write(
        "etc/sudoers.local",
        "%included ALL=ALL\n@include sudoers.local\n",
    );
    write("etc/more/x", "User_Alias A = \\\n  %below\nA ALL=ALL\n");
    let includes = "@include sudoers.local\n#includedir /etc/more\n@include /nowhere\n\
        @include /etc/passwd/x\n@includedir /etc/passwd\n%#10002 ALL=ALL\n";
    write("etc/sudoers", includes);
    for name in ["quoted", "beside", "included", "below"] {
        let ran = tree.run(&["--json", "user", "add", name, "--no-password"]);
        ran.fails_as(ErrorKind::Refused);
    }
    // The next number is the one that sudoers names; nobody gets it.
    let asked = [
        "--json",
        "user",
        "add",
        "carol",
        "--no-password",
        "--uid=10002",
    ];
    tree.run(&asked).fails_as(ErrorKind::Refused);
    assert_eq!(tree.add("carol", &hash('c')), 10_003);
    tree.plant("dave.json", &record("dave", 10_002, &json!({})));
    tree.plant("below.json", &record("below", 10_004, &json!({})));
    tree.restore().says(&[
        "skipped 'dave': sudoers names the group with gid 10002",
        "skipped 'below': sudoers names a group of that name",
    ]);
}

#[test]
fn row_05_names_that_are_none() {
    skipped_fields(&[
        (json!({ "userName": "../mallory" }), "no login name"),
        (json!({ "userName": "mallory:x:0:0" }), "no login name"),
        (
            json!({ "userName": "mallory\nroot2::0:0" }),
            "no login name",
        ),
        (json!({ "userName": "$(id)" }), "no login name"),
        (json!({ "userName": "\u{e9}lan" }), "no login name"),
        (json!({ "userName": "" }), "no login name"),
        (
            json!({ "userName": MARK }),
            "the name in it is not that of the file",
        ),
        (
            json!({ "userName": "MALLORY" }),
            "the name in it is not that of the file",
        ),
    ]);
}

#[test]
fn row_06_names_of_digits() {
    // Numbers are read as uids by container runtimes.
    for name in ["0", "1234", "0x10"] {
        let words = [&format!("skipped '{name}.json'")[..]];
        let tree = skipped(&words, |tree| {
            tree.plant(&format!("{name}.json"), &record(name, 20_000, &json!({})));
        });
        assert_eq!(tree.line("etc/passwd", name), None);
    }
}

#[test]
fn row_29_file_names_that_forge_log_lines() {
    use std::os::unix::ffi::OsStrExt;
    for (file, shown) in [
        (&b"a b.json"[..], "a b.json"),
        (b"-rf.json", "-rf.json"),
        (b".json.json", ""),
        (b"x\ny.json", "x\\ny.json"),
        (b"x\x1b[2Jy.json", "x\\u{1b}[2Jy.json"),
        (b"x\xe2\x80\xae.json", "x\\u{202e}.json"),
        (b"x\xff.json", "x\u{fffd}.json"),
        (b"mallory.json.json", "mallory.json.json"),
    ] {
        let words = if shown.is_empty() {
            Vec::new()
        } else {
            vec![format!("skipped '{shown}'")]
        };
        let old = Tree::with(&["alice"]);
        fs::write(
            old.store("").join(std::ffi::OsStr::from_bytes(file)),
            record("mallory", 20_000, &json!({})),
        )
        .unwrap();
        let tree = recreate(&old);
        let ran = tree
            .restore()
            .says(&words.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(ran.out.starts_with("restored 1 account"), "{}", ran.out);
        assert_eq!(
            ran.out.lines().count(),
            1 + words.len(),
            "a file name forges a line: {}",
            ran.out
        );
        assert!(!ran.out.contains('\u{1b}') && !ran.err.contains('\u{1b}'));
    }
}

#[test]
fn row_20_groups_that_give_power() {
    let asked = json!({ "memberOf": ["sudo", "root", "shadow", "staff", "audio", "nosuch", "a:b\nx", "*"] });
    let words = [
        "'mallory' is not put into group 'sudo'",
        "'mallory' is not put into group '(no name)'",
    ];
    let tree = skipped(&words, |tree| {
        tree.plant("mallory.json", &record("mallory", 20_000, &asked));
    });
    assert_eq!(tree.field("etc/group", "sudo", 3), "");
    assert_eq!(
        tree.field("etc/group", "audio", 3),
        "node",
        "allowed to alice and bob alone"
    );
    assert_eq!(
        tree.field("etc/group", "staff", 3),
        "mallory",
        "allowed to everybody"
    );
}

#[test]
fn row_20_thousands_of_groups_are_a_few_lines() {
    let tree = Tree::with(&["bob"]);
    let groups: Vec<String> = (0..7000).map(|n| format!("{n:x}")).collect();
    let greedy = record("alice", 10_001, &json!({ "memberOf": groups }));
    tree.plant("alice.json", &greedy);
    for args in [&["restore"][..], &["restore", "--boot"], &["check"]] {
        let ran = tree.run(args).says(&["'alice'", "more groups"]);
        let lines = ran.err.lines().chain(ran.out.lines());
        let about = lines.filter(|line| line.contains("alice")).count();
        assert!((1..=20).contains(&about), "{args:?}: {about} lines");
    }
    assert!(tree.line("etc/passwd", "alice").is_some());
}
