//! `occ backup`: everybody comes back in another container; nothing else than a
//! whole backup changes anything.

use crate::harness::{BUILD, Call, Instance, until};
use serde_json::json;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Stdio;

const PASSWORD: &str = "kept in a drawer";

/// A file that goes with its directory.
fn file() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("accounts.tar");
    (directory, path)
}

fn backup<'a>(instance: &Instance, verb: &'a str, path: &'a std::path::Path) -> Call {
    instance
        .occ(["backup", verb])
        .args([path.to_str().unwrap()])
}

/// alice with a file at home, bob disabled, carol removed.
fn people(theme: &str) -> Instance {
    let instance = Instance::started(theme);
    instance.add("alice", PASSWORD);
    instance.add("bob", PASSWORD);
    instance.add("carol", PASSWORD);
    instance.user(["disable", "bob"], "");
    instance.user(["remove", "carol", "--yes"], "");
    instance
        .exec_as("alice", ["sh", "-c", "echo dear diary > /home/alice/diary"])
        .ok();
    instance
}

#[test]
fn everybody_comes_back_under_another_name() {
    let from = people("backup-from");
    let (directory, path) = file();
    backup(&from, "create", &path)
        .args(["--homes"])
        .ok()
        .prints("Backup of 2 accounts written to '");
    let mode = path.metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(directory.path().read_dir().unwrap().count(), 1);
    backup(&from, "create", &path)
        .run()
        .exits(4)
        .says("--force");

    let to = Instance::beside(&from, "backup-to");
    to.start();
    let reply = backup(&to, "restore", &path)
        .args(["--homes", "--json"])
        .ok()
        .json();
    assert_eq!(reply["added"], json!(["alice", "bob"]));
    assert_eq!(reply["homes"].as_array().unwrap().len(), 3, "{reply}");
    let (then, now) = (from.accounts(), to.accounts());
    for name in ["alice", "bob"] {
        assert_eq!(then.uid(name), now.uid(name));
        assert_eq!(then.hash(name), now.hash(name));
    }
    assert_eq!(to.login("alice", PASSWORD).unwrap(), then.uid("alice"));
    to.shut_out("bob", PASSWORD);
    to.exec_as("alice", ["cat", "/home/alice/diary"])
        .ok()
        .prints("dear diary");
    // The removed one's number stays hers.
    assert_eq!(to.add("dave", PASSWORD), 10003);
    let config = std::fs::read_to_string(to.config().join("occ/config.json")).unwrap();
    assert!(config.contains("alice"), "{config}");
}

#[test]
fn accounts_that_are_there_are_replaced_only_when_asked() {
    let instance = people("backup-force");
    let (_directory, path) = file();
    backup(&instance, "create", &path).ok();
    instance.user(["passwd", "alice", "--password-stdin"], "changed since\n");
    instance.add("dave", PASSWORD);
    let before = instance.fingerprint();
    backup(&instance, "restore", &path)
        .run()
        .exits(5)
        .says("the store is not empty: it has 3 accounts and 1 removed one")
        .says("--force");
    assert_eq!(before, instance.fingerprint());
    backup(&instance, "restore", &path)
        .args(["--force"])
        .ok()
        .prints("2 accounts restored: 0 new here, 2 replaced.");
    instance.login("alice", PASSWORD).unwrap();
    instance.shut_out("alice", "changed since");
    instance.login("dave", PASSWORD).unwrap();
}

/// Everything but the time of the store's own directory, beside whose records a
/// backup is staged.
fn contents(instance: &Instance) -> String {
    let all = instance.fingerprint();
    let lines = all.lines();
    let kept = lines.filter(|line| !line.starts_with("var/lib/opencode-users "));
    kept.collect::<Vec<_>>().join("\n")
}

#[test]
fn archive_that_is_no_whole_backup_changes_nothing() {
    let instance = people("backup-damaged");
    let (_directory, path) = file();
    backup(&instance, "create", &path).ok();
    let whole = std::fs::read(&path).unwrap();
    let before = contents(&instance);
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    let cases: [(&[u8], &str); 4] = [
        (b"PK\x03\x04", "it is not a backup of occ"),
        (b"", "it is not a backup of occ"),
        (&whole[..whole.len() - 5000], "it ends too early"),
        (&flipped, "it is damaged"),
    ];
    for (bytes, why) in cases {
        std::fs::write(&path, bytes).unwrap();
        backup(&instance, "restore", &path)
            .args(["--force"])
            .run()
            .exits(9)
            .says(why);
        // Through a pipe it is checked in the container.
        instance
            .occ(["backup", "restore", "-", "--force"])
            .input(bytes)
            .run()
            .exits(9)
            .says(why);
        assert_eq!(before, contents(&instance), "{why}");
    }
}

#[test]
fn a_pipe_does_as_well_as_a_file() {
    let from = people("backup-pipe");
    let mut saved = from.occ(["backup", "create", "-"]).into_command();
    let output = saved.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success());
    let to = Instance::beside(&from, "backup-piped");
    to.start();
    to.occ(["backup", "restore", "-"]).input(output.stdout).ok();
    to.login("alice", PASSWORD).unwrap();
}

fn add_a_thousand(instance: &Instance) {
    let record = |number: u32| {
        let (name, uid) = (format!("user{number}"), 20_000 + number);
        json!({
            "userName": name, "uid": uid, "gid": uid, "disposition": "regular",
            "homeDirectory": format!("/home/{name}"), "shell": "/bin/bash",
            "locked": false, "occ": { "schema": 1, "created": 1 },
        })
        .to_string()
    };
    let lines: Vec<String> = (0..1000).map(record).collect();
    instance
        .occ(["user", "import"])
        .input(lines.join("\n"))
        .within(BUILD)
        .ok();
}

/// Until all of it has arrived nothing is changed; from then on it is done.
#[test]
fn a_killed_restore_leaves_the_old_accounts_or_the_new() {
    let from = Instance::started("backup-many");
    add_a_thousand(&from);
    let (_directory, path) = file();
    backup(&from, "create", &path)
        .ok()
        .prints("Backup of 1000 accounts");
    let whole = std::fs::read(&path).unwrap();
    let to = Instance::beside(&from, "backup-killed");
    to.start();
    let at_work = || {
        to.exec(["pgrep", "--full", "^/usr/local/bin/occ-init user load"])
            .run()
            .code
            == Some(0)
    };
    for sent in [1, 70_000, whole.len() / 2, whole.len() - 1, whole.len()] {
        let mut child = to.occ(["backup", "restore", "-"]).started();
        let mut pipe = child.stdin.take().unwrap();
        pipe.write_all(&whole[..sent]).unwrap();
        until("occ-init takes it in", || {
            let ended = child.try_wait().unwrap().is_some();
            (ended || at_work()).then_some(())
        });
        child.kill().unwrap();
        child.wait().unwrap();
        drop(pipe);
        until("occ-init is done", || (!at_work()).then_some(()));
        to.exec(["occ-init", "restore"]).ok();
        let listed = to.occ(["user", "list", "-q"]).ok().stdout;
        let count = listed.lines().count();
        assert!(
            count == 0 || sent == whole.len() && count == 1000,
            "{count} after {sent}"
        );
        if count == 1000 {
            break;
        }
    }
    backup(&to, "restore", &path).args(["--force"]).ok();
    assert_eq!(to.accounts().names().len(), 1000);
}

#[test]
fn a_container_that_does_not_run_and_files_in_the_way_are_named() {
    let instance = people("backup-stopped");
    let (directory, path) = file();
    backup(&instance, "create", &path).ok();
    instance.occ(["stop"]).ok();
    for verb in ["create", "restore"] {
        let again = directory.path().join("again.tar");
        let path = if verb == "create" { &again } else { &path };
        backup(&instance, verb, path)
            .run()
            .exits(7)
            .says("Container not running. Start with `occ start` first.");
        assert!(!again.exists());
    }
}
