//! A password that somebody changed inside the container, as passwd(1) does:
//! taken into the record, but never against an administrator.

use crate::tree::{STORE, Tree, hash, unchanged};
use serde_json::{Value, json};
use std::fs;

fn recorded_hash(tree: &Tree, name: &str) -> Value {
    tree.record(name)["privileged"]["hashedPassword"][0].clone()
}

/// What passwd(1) leaves: a new hash, a new day, a new inode.
fn passwd_inside(tree: &Tree, name: &str, letter: char) {
    let line = tree.line("etc/shadow", name).unwrap();
    let mut fields: Vec<&str> = line.split(':').collect();
    let new = hash(letter);
    fields[1] = &new;
    tree.edit("etc/shadow", &line, &fields.join(":"));
}

#[test]
fn the_next_command_or_restore_takes_it() {
    for args in [
        &["restore"][..],
        &["restore", "--boot"],
        &["user", "disable", "bob"],
        &["user", "add", "carol", "--no-password"],
    ] {
        let tree = Tree::with(&["alice", "bob"]);
        passwd_inside(&tree, "alice", 'n');
        tree.run(args)
            .ends(0)
            .says(&["took the new password of 'alice' into its record"]);
        assert_eq!(recorded_hash(&tree, "alice"), hash('n'));
        assert_eq!(tree.field("etc/shadow", "alice", 1), hash('n'));
        let fresh = Tree::new();
        fs::rename(tree.path(STORE), fresh.path(STORE)).unwrap();
        fresh.restore();
        assert_eq!(
            fresh.field("etc/shadow", "alice", 1),
            hash('n'),
            "it survives an update"
        );
        passwd_inside(&fresh, "alice", 'm');
        fresh.restore();
        assert_eq!(
            recorded_hash(&fresh, "alice"),
            hash('m'),
            "and the next change too"
        );
    }
}

#[test]
fn looking_takes_nothing() {
    let tree = Tree::with(&["alice"]);
    passwd_inside(&tree, "alice", 'n');
    let before = tree.state();
    for args in [
        &["user", "list"][..],
        &["user", "show", "alice"],
        &["check"],
        &["restore", "--dry-run"],
    ] {
        tree.run(args);
        unchanged(&before, &tree.state(), &args);
    }
}

#[test]
fn what_is_no_password_is_not_taken() {
    for field in ["!", "*", "", "!!", "x", "$1$salt$qJH7.N4xYta3aEG/dfqo/0"] {
        let tree = Tree::with(&["alice"]);
        tree.edit("etc/shadow", &hash('a'), field);
        tree.restore()
            .says(&["'alice' was changed in /etc/shadow; its record wins"]);
        assert_eq!(recorded_hash(&tree, "alice"), hash('a'), "{field:?}");
        assert_eq!(tree.field("etc/shadow", "alice", 1), hash('a'), "{field:?}");
    }
    let tree = Tree::with(&["alice"]);
    let bomb = format!("$6$rounds=9000000$salt${}", "x".repeat(86));
    tree.edit("etc/shadow", &hash('a'), &bomb);
    tree.restore();
    assert_eq!(tree.field("etc/shadow", "alice", 1), hash('a'));
}

/// What `usermod -L`, `chage -E` and `passwd -e` leave: one field is another.
fn field_inside(tree: &Tree, name: &str, changes: &[(usize, &str)]) {
    let line = tree.line("etc/shadow", name).unwrap();
    let mut fields: Vec<&str> = line.split(':').collect();
    for (index, value) in changes {
        fields[*index] = value;
    }
    tree.edit("etc/shadow", &line, &fields.join(":"));
}

/// The store in another image, restored there.
fn updated(tree: &Tree) -> Tree {
    let fresh = Tree::new();
    fs::rename(tree.path(STORE), fresh.path(STORE)).unwrap();
    fresh.restore();
    fresh
}

#[test]
fn a_lock_by_root_survives_an_update() {
    let locked = format!("!{}", hash('a'));
    for changes in [&[(1, &*locked)][..], &[(1, &*locked), (7, "1")]] {
        let tree = Tree::with(&["alice"]);
        field_inside(&tree, "alice", changes);
        tree.restore()
            .says(&["took the lock of 'alice' into its record"]);
        let fresh = updated(&tree);
        assert_eq!(fresh.record("alice")["locked"], true);
        assert_eq!(fresh.field("etc/shadow", "alice", 1), locked);
        fresh.run(&["user", "enable", "alice"]).ends(0);
        assert_eq!(fresh.field("etc/shadow", "alice", 1), hash('a'));
        assert_eq!(
            fresh.field("etc/shadow", "alice", 7),
            "",
            "open, not expired"
        );
    }
}

#[test]
fn expiry_by_root_survives_an_update_whatever_else_is_refused() {
    let other = format!("!{}", hash('b'));
    for changes in [&[(7, "18262")][..], &[(7, "18262"), (1, &*other)]] {
        let tree = Tree::with(&["alice"]);
        field_inside(&tree, "alice", changes);
        tree.restore();
        assert_eq!(tree.field("etc/shadow", "alice", 1), hash('a'));
        tree.run(&["user", "list"]).ends(0).says(&["expired"]);
        assert_eq!(updated(&tree).field("etc/shadow", "alice", 7), "18262");
    }
}

#[test]
fn a_forced_change_by_root_survives_an_update() {
    let tree = Tree::with(&["alice"]);
    let before = tree.record("alice")["lastPasswordChangeUSec"].clone();
    field_inside(&tree, "alice", &[(2, "0")]);
    tree.restore()
        .says(&["took the forced change of the password of 'alice' into its record"]);
    let record = tree.record("alice");
    assert_eq!(record["passwordChangeNow"], true);
    assert_eq!(record["lastPasswordChangeUSec"], before);
    let fresh = updated(&tree);
    assert_eq!(fresh.field("etc/shadow", "alice", 2), "0");
    fresh.run(&["check"]).ends(0);
}

#[test]
fn what_is_reverted_says_why_and_what_to_do() {
    for (field, why) in [
        (
            "",
            "an empty password lets everybody in; next: 'occ-init user passwd alice'",
        ),
        (
            "*",
            "'*' is no password; next: 'occ-init user disable alice'",
        ),
        (
            "!",
            "what stands behind the '!' is not the recorded password; next: 'occ-init user disable alice'",
        ),
        (
            "$1$salt$qJH7.N4xYta3aEG/dfqo/0",
            "the password hash has no known scheme",
        ),
    ] {
        let tree = Tree::with(&["alice"]);
        tree.edit("etc/shadow", &hash('a'), field);
        tree.restore().says(&["its record wins: ", why]);
    }
    let tree = Tree::with(&["alice"]);
    tree.run(&["user", "disable", "alice"]).ends(0);
    field_inside(&tree, "alice", &[(1, &hash('a'))]);
    tree.restore()
        .says(&["the account is disabled; next: 'occ-init user enable alice'"]);
}

#[test]
fn a_disabled_account_stays_as_it_was() {
    let tree = Tree::with(&["alice", "bob"]);
    tree.run(&["user", "disable", "alice"]).ends(0);
    // `passwd -u` and a new password, by a root inside.
    let line = tree.line("etc/shadow", "alice").unwrap();
    tree.edit(
        "etc/shadow",
        &line,
        &format!("alice:{}:20000:0:99999:7:::", hash('n')),
    );
    tree.restore().says(&["its record wins"]);
    assert_eq!(recorded_hash(&tree, "alice"), hash('a'));
    assert_eq!(
        tree.field("etc/shadow", "alice", 1),
        format!("!{}", hash('a'))
    );
}

#[test]
fn an_administrators_newer_record_wins() {
    let tree = Tree::with(&["alice"]);
    passwd_inside(&tree, "alice", 'n');
    // Another container on the same volume reset the password meanwhile.
    let path = tree.store("alice.json");
    let text = fs::read_to_string(&path)
        .unwrap()
        .replace(&hash('a'), &hash('r'));
    fs::write(&path, text).unwrap();
    tree.restore().says(&["its record wins"]);
    assert_eq!(tree.field("etc/shadow", "alice", 1), hash('r'));
    assert_eq!(recorded_hash(&tree, "alice"), hash('r'));
}

#[test]
fn without_a_base_the_record_wins() {
    for damage in ["", "{", "[]", "{\"accounts\":{\"alice\":7}}"] {
        let tree = Tree::with(&["alice"]);
        passwd_inside(&tree, "alice", 'n');
        if damage.is_empty() {
            fs::remove_file(tree.path("var/lib/occ-init/applied.json")).unwrap();
        } else {
            tree.write("var/lib/occ-init/applied.json", damage.as_bytes(), 0o600);
        }
        tree.restore().says(&["its record wins"]);
        assert_eq!(tree.field("etc/shadow", "alice", 1), hash('a'), "{damage}");
    }
}

#[test]
fn an_administrators_passwd_beats_what_was_typed_inside() {
    let tree = Tree::with(&["alice"]);
    passwd_inside(&tree, "alice", 'n');
    tree.feed(
        &["user", "passwd", "alice", "--password-hash-stdin"],
        hash('r'),
    )
    .ends(0);
    assert_eq!(tree.field("etc/shadow", "alice", 1), hash('r'));
    assert_eq!(recorded_hash(&tree, "alice"), hash('r'));
}

#[test]
fn the_aging_fields_too() {
    let tree = Tree::with(&["alice"]);
    let old = tree.line("etc/shadow", "alice").unwrap();
    // chage -m 1 -M 90 -W 14 -I 30 -E 2030-01-01 -d 2024-01-01
    let aged = format!("alice:{}:19723:1:90:14:30:21915:", hash('a'));
    tree.edit("etc/shadow", &old, &aged);
    tree.restore();
    assert_eq!(tree.line("etc/shadow", "alice").unwrap(), aged);
    let record = tree.record("alice");
    let days = |n: u64| json!(n * 86_400_000_000);
    for (field, value) in [
        ("lastPasswordChangeUSec", 19_723),
        ("passwordChangeMinUSec", 1),
        ("passwordChangeMaxUSec", 90),
        ("passwordChangeWarnUSec", 14),
        ("passwordChangeInactiveUSec", 30),
        ("notAfterUSec", 21_915),
    ] {
        assert_eq!(record[field], days(value), "{field}");
    }
    let fresh = Tree::new();
    fs::rename(tree.path(STORE), fresh.path(STORE)).unwrap();
    fresh.restore();
    assert_eq!(fresh.line("etc/shadow", "alice").unwrap(), aged);
}

#[test]
fn passwd_and_home_edits_are_not_taken() {
    let tree = Tree::with(&["alice"]);
    let line = tree.line("etc/passwd", "alice").unwrap();
    tree.edit(
        "etc/passwd",
        &line,
        "alice:x:10000:10000:Chfn:/tmp:/bin/zsh",
    );
    tree.restore();
    assert_eq!(tree.line("etc/passwd", "alice").unwrap(), line);
}

#[test]
fn a_record_without_room_for_it_does_not_stop_the_others() {
    let tree = Tree::with(&["alice", "bob"]);
    let mut fat = tree.record("alice");
    // Her first password is what there is no room for.
    fat["privileged"] = json!({});
    let short = fat.to_string().len();
    fat["note"] = json!("x".repeat(65_536 - short - 20));
    tree.plant("alice.json", fat.to_string().as_bytes());
    tree.restore();
    passwd_inside(&tree, "alice", 'n');
    passwd_inside(&tree, "bob", 'm');
    tree.restore().says(&["'alice'", "64 KiB"]);
    assert_eq!(recorded_hash(&tree, "bob"), hash('m'));
}

#[test]
fn other_fields_of_a_record_survive() {
    let tree = Tree::with(&["alice"]);
    let mut record = tree.record("alice");
    record["emailAddress"] = json!("alice@example.org");
    record["privileged"]["passwordHint"] = json!("the usual");
    record["occ"]["later"] = json!([1, { "a": null }]);
    tree.plant("alice.json", record.to_string().as_bytes());
    passwd_inside(&tree, "alice", 'n');
    tree.restore();
    tree.run(&["user", "disable", "alice"]).ends(0);
    let after = tree.record("alice");
    assert_eq!(after["emailAddress"], record["emailAddress"]);
    assert_eq!(after["privileged"]["passwordHint"], "the usual");
    assert_eq!(after["occ"]["later"], record["occ"]["later"]);
}

#[test]
fn a_boot_without_the_stores_lock_leaves_a_new_password_where_it_is() {
    let tree = Tree::with(&["alice", "bob"]);
    passwd_inside(&tree, "alice", 'n');
    let lock = fs::File::options()
        .write(true)
        .open(tree.store(".lock"))
        .unwrap();
    let whole = nix::libc::flock {
        l_type: i16::try_from(nix::libc::F_WRLCK).unwrap(),
        l_whence: 0,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    };
    nix::fcntl::fcntl(&lock, nix::fcntl::FcntlArg::F_OFD_SETLK(&whole)).unwrap();
    // A record of somebody else that changed meanwhile is applied all the same.
    let mut bob = tree.record("bob");
    bob["locked"] = json!(true);
    tree.plant("bob.json", &serde_json::to_vec(&bob).unwrap());
    for _ in 0..2 {
        tree.run(&["restore", "--boot"]).ends(0).says(&[
            "going on without the lock",
            "the new password of 'alice' stays in /etc/shadow",
        ]);
        assert_eq!(tree.field("etc/shadow", "alice", 1), hash('n'));
        assert_eq!(recorded_hash(&tree, "alice"), hash('a'));
        assert!(tree.field("etc/shadow", "bob", 1).starts_with('!'));
    }
    drop(lock);
    tree.restore()
        .says(&["took the new password of 'alice' into its record"]);
    assert_eq!(recorded_hash(&tree, "alice"), hash('n'));
    assert_eq!(tree.field("etc/shadow", "alice", 1), hash('n'));
}

#[test]
fn a_kill_between_record_and_memory_loses_no_later_change() {
    let tree = Tree::with(&["alice", "bob"]);
    let applied = "var/lib/occ-init/applied.json";
    passwd_inside(&tree, "alice", 'n');
    // What a run leaves that is killed right after it has written the record:
    // everything as it was before, but for the note that it was about to.
    let before = tree.read(applied);
    let mut note: Value = serde_json::from_slice(&before).unwrap();
    let mut taken = note["accounts"]["alice"].clone();
    tree.restore();
    taken["shadow"] = accounts::account::Digest::of([hash('n')])
        .to_string()
        .into();
    note["taking"] = json!({ "alice": taken });
    tree.write(applied, note.to_string().as_bytes(), 0o600);
    passwd_inside(&tree, "alice", 'm');
    tree.restore()
        .says(&["took the new password of 'alice' into its record"]);
    assert_eq!(recorded_hash(&tree, "alice"), hash('m'));
    assert_eq!(tree.field("etc/shadow", "bob", 1), hash('b'));
    let after: Value = serde_json::from_slice(&tree.read(applied)).unwrap();
    assert_eq!(after["taking"], Value::Null, "the note is for one time");
    // It is no base against an administrator.
    tree.write(applied, note.to_string().as_bytes(), 0o600);
    tree.feed(
        &["user", "passwd", "alice", "--password-hash-stdin"],
        hash('r'),
    )
    .ends(0);
    tree.write(applied, note.to_string().as_bytes(), 0o600);
    passwd_inside(&tree, "alice", 'x');
    tree.restore().says(&["its record wins"]);
    assert_eq!(tree.field("etc/shadow", "alice", 1), hash('r'));
}
