//! What `check` and `restore --dry-run` tell a person: every difference with its
//! reason and the next step, word for word; and the same as JSON.

use crate::tree::{Tree, hash, record, unchanged};
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};

/// Makes something that is to be found.
type Spoil = fn(&Tree);

/// Kind, how it comes about, and what is said.
const FINDINGS: &[(&str, Spoil, &str)] = &[
    (
        "record",
        |tree| tree.plant("mallory.json", b"{}"),
        "skipped 'mallory.json': field 'userName' is missing
  hint: mend or delete the file; it was left as it is",
    ),
    (
        "record",
        |tree| tree.plant("removed/20000.json", b"[]"),
        "skipped 'removed/20000.json': not a JSON object
  hint: mend the file, or its uid and home may go to somebody else; it was left as it is",
    ),
    (
        "record",
        |tree| {
            tree.plant(
                "carol.json",
                br#"{"username":"carol","password_hash":"","locked":true}"#,
            );
        },
        "skipped 'carol.json': an older record; the next restore takes it over
  hint: nothing needs to be done; 'occ-init restore' does it now",
    ),
    (
        "image",
        |tree| tree.plant("daemon.json", &record("daemon", 20_000, &json!({}))),
        "skipped 'daemon': the image has a user of that name
  hint: use an image that leaves this name and uid to people",
    ),
    (
        "image",
        |tree| {
            tree.edit("etc/group", "\nnogroup:", "\nothers:x:20000:\nnogroup:");
            tree.plant("mallory.json", &record("mallory", 20_000, &json!({})));
        },
        "skipped 'mallory': group has a line 'others' with id 20000 that is not ours
  hint: remove that line from the image, or the record",
    ),
    (
        "conflict",
        |tree| tree.plant("mallory.json", &record("mallory", 10_000, &json!({}))),
        "skipped 'mallory': uid 10000 was given to 'alice'
  hint: one of the two records must go: 'occ-init user remove mallory' takes this one away",
    ),
    (
        "hash",
        |tree| {
            set(
                tree,
                "alice",
                "privileged",
                json!({ "hashedPassword": ["$1$a$b"] }),
            );
        },
        "'alice' has no password until it is set again: the password hash has no known scheme: $y$, $gy$, $7$, $2a$, $2b$, $2y$, $6$ and $5$ are accepted
  hint: set a new password with 'occ-init user passwd alice'
'alice' in /etc/shadow: another password than the recorded one
  hint: run 'occ-init restore'",
    ),
    (
        "group",
        |tree| set(tree, "alice", "memberOf", json!(["sudo"])),
        "'alice' is not put into group 'sudo': the image does not allow it
  hint: allow it in /etc/occ/groups.allow of the image",
    ),
    (
        "password",
        |tree| tree.edit("etc/shadow", &hash('a'), &hash('n')),
        "the new password of 'alice' in /etc/shadow is not in its record yet
  hint: the next restore takes it into the record",
    ),
    (
        "password",
        |tree| tree.edit("etc/shadow", &hash('a'), "!"),
        "'alice' was changed in /etc/shadow; its record wins: what stands behind the '!' is not the recorded password
  hint: 'occ-init user disable alice'
'alice' in /etc/shadow: locked, and recorded as enabled
  hint: run 'occ-init restore'",
    ),
    (
        "drift",
        |tree| tree.edit("etc/passwd", "/home/alice:/bin/bash", "/tmp:/bin/zsh"),
        "'alice' in /etc/passwd: home is '/tmp', '/home/alice' is recorded
  hint: run 'occ-init restore'
'alice' in /etc/passwd: shell is '/bin/zsh', '/bin/bash' is recorded
  hint: run 'occ-init restore'",
    ),
    (
        "drift",
        |tree| tree.edit("etc/group", "sudo:x:27:", "sudo:x:27:alice"),
        "'alice' in /etc/group: member of 'sudo', which record or image does not allow
  hint: run 'occ-init restore'",
    ),
    (
        "drift",
        |tree| {
            fs::create_dir(tree.path("home/carol")).unwrap();
            fs::set_permissions(tree.path("home/carol"), fs::Permissions::from_mode(0o700))
                .unwrap();
            chown(tree.path("home/carol"), Some(20_000), None).unwrap();
            tree.plant("carol.json", &record("carol", 20_000, &json!({})));
        },
        "'carol' has a record, but is not in /etc
  hint: run 'occ-init restore'",
    ),
    (
        "drift",
        |tree| fs::remove_file(tree.store("alice.json")).unwrap(),
        "'alice' has no record any more, but is in /etc
  hint: run 'occ-init restore'",
    ),
    (
        "home",
        |tree| fs::remove_dir_all(tree.path("home/alice")).unwrap(),
        "home of 'alice': '/home/alice' is not there
  hint: run 'occ-init restore'",
    ),
    (
        "home",
        |tree| chown(tree.path("home/alice"), Some(4321), None).unwrap(),
        "home of 'alice': '/home/alice' belongs to uid 4321, not 10000
  hint: an existing home is never changed: set owner and mode, or move it away",
    ),
];

fn set(tree: &Tree, name: &str, field: &str, value: Value) {
    let mut record = tree.record(name);
    record[field] = value;
    tree.plant(&format!("{name}.json"), record.to_string().as_bytes());
}

#[test]
fn each_is_told_with_its_reason_and_the_next_step() {
    for (kind, spoil, expected) in FINDINGS {
        let tree = Tree::with(&["alice", "bob"]);
        spoil(&tree);
        let before = tree.state();
        tree.run(&["check"])
            .ends(1)
            .prints(&format!("{expected}\n"));
        let found: Value = tree.run(&["--json", "check"]).ends(1).json();
        let findings = found["findings"].as_array().unwrap();
        assert!(
            findings.iter().any(|finding| finding["kind"] == *kind),
            "{found}"
        );
        // The same text and the same document, from either.
        let told = findings.iter().map(|finding| {
            let [message, hint] = ["message", "hint"].map(|field| finding[field].as_str().unwrap());
            format!("{message}\n  hint: {hint}")
        });
        assert_eq!(told.collect::<Vec<_>>().join("\n"), *expected);
        let dry = tree.run(&["restore", "--dry-run"]).ends(0);
        assert!(dry.out.starts_with(&format!("{expected}\n")), "{}", dry.out);
        let plan: Value = tree.run(&["--json", "restore", "--dry-run"]).ends(0).json();
        assert_eq!(plan["findings"], found["findings"]);
        unchanged(&before, &tree.state(), expected);
    }
}

#[test]
fn a_dry_run_names_the_files_and_a_restore_leaves_nothing_to_say() {
    let tree = Tree::with(&["alice", "bob"]);
    tree.edit(
        "etc/passwd",
        "/home/alice:/bin/bash",
        "/home/alice:/bin/zsh",
    );
    tree.edit("etc/group", "sudo:x:27:", "sudo:x:27:bob");
    let dry = tree.run(&["restore", "--dry-run"]).ends(0);
    let end = "would write '/etc/group'\nwould write '/etc/passwd'\n2 accounts\n";
    assert!(dry.out.ends_with(end), "{}", dry.out);
    tree.restore();
    tree.run(&["check"])
        .ends(0)
        .prints("2 accounts, nothing to look at\n");
    tree.run(&["restore", "--dry-run"])
        .ends(0)
        .prints("2 accounts\n");
}
