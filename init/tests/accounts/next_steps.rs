//! Texts that have to say what to do next: a container that may not do what accounts need,
//! a login shell that is missing, a hash that compose has changed, a lock that hangs.

use crate::live::mounted;
use crate::locks::Holder;
use crate::tree::{Tree, finish, hash, unchanged};
use accounts::wire::{ErrorKind, ErrorReply};
use std::process::Command;

/// The call, without some of root's capabilities.
fn without(capabilities: &str, tree: &Tree, args: &[&str]) -> crate::tree::Ran {
    let mut command = Command::new("setpriv");
    let dropped: Vec<String> = capabilities
        .split(' ')
        .map(|name| format!("-{name}"))
        .collect();
    let dropped = dropped.join(",");
    command.args(["--bounding-set", &dropped, "--inh-caps", &dropped]);
    command.arg(env!("CARGO_BIN_EXE_occ-init"));
    command.arg("--root").arg(tree.root()).args(args);
    finish(command, b"")
}

#[test]
fn a_read_only_file_system_names_the_options_of_the_engine() {
    for place in ["etc", "var/lib/opencode-users", "home"] {
        let tree = Tree::with(&["alice"]);
        let read_only = format!("bind {place}; mount -o remount,ro,bind \"$TREE/{place}\"");
        let code = i32::from(place != "home");
        mounted(
            &tree,
            &format!("{read_only}; occ user add bob --no-password"),
        )
        .ends(code)
        .says(&["read-only file system", "--read-only", ":ro"]);
    }
}

#[test]
fn a_missing_capability_is_named() {
    let tree = Tree::with(&["alice"]);
    let add = ["user", "add", "bob", "--no-password"];
    without("chown", &tree, &add).ends(1).says(&[
        "gshadow': operation not permitted",
        "hint: run the container with '--cap-add CHOWN': accounts need it",
    ]);
    tree.write("etc/shadow", &tree.read("etc/shadow"), 0o000);
    without(
        "dac_override dac_read_search",
        &tree,
        &["user", "disable", "alice"],
    )
    .ends(1)
    .says(&["permission denied", "--cap-add DAC_OVERRIDE"]);
}

#[test]
fn a_shell_that_the_image_does_not_have_is_warned_about() {
    let tree = Tree::with(&["alice"]);
    let warning = "warning: the image has no '/bin/fish', so 'alice' cannot log in there";
    tree.run(&["user", "set", "alice", "--shell", "/bin/fish"])
        .ends(0)
        .says(&[warning]);
    let add = [
        "user",
        "add",
        "bob",
        "--no-password",
        "--shell",
        "/bin/fish",
    ];
    tree.run(&add)
        .ends(0)
        .says(&[&warning.replace("alice", "bob")]);
}

#[test]
fn a_hash_whose_dollars_compose_took_names_the_doubled_ones() {
    let tree = Tree::with(&["alice"]);
    let before = tree.state();
    // Compose replaces `$6` and `$rounds` by nothing, and the rest stays.
    for broken in ["=500000", "6rounds=500000abc", ""] {
        let args = ["--json", "user", "passwd", "alice", "--password-hash-stdin"];
        let ran = tree.feed(&args, broken).ends(9);
        let reply: ErrorReply = ran.json();
        assert!(
            reply.error.hint.contains("'$$'"),
            "{broken}: {}",
            reply.error.hint
        );
        unchanged(&before, &tree.state(), &broken);
    }
}

#[test]
fn the_holder_of_a_lock_is_named() {
    let tree = Tree::with(&["alice"]);
    let holder = Holder::of(&tree, "etc/.pwd.lock", 0);
    let reply = tree
        .run(&["--json", "user", "passwd", "alice", "--generate"])
        .fails_as(ErrorKind::Busy);
    let named = format!(".pwd.lock' is locked by process {} (", holder.pid());
    assert!(
        reply.error.message.contains(&named),
        "{}",
        reply.error.message
    );
    let typed = format!("'kill {}'", holder.pid());
    assert!(reply.error.hint.contains(&typed), "{}", reply.error.hint);
    drop(holder);
    let mut editor = Command::new("sleep").arg("600").spawn().unwrap();
    tree.write("etc/shadow.lock", editor.id().to_string().as_bytes(), 0o600);
    tree.run(&["user", "disable", "alice"])
        .ends(ErrorKind::Busy.exit_code().into())
        .says(&[&format!(
            "shadow.lock' is locked by process {} (sleep) of uid 0",
            editor.id()
        )]);
    editor.kill().unwrap();
    editor.wait().unwrap();
    tree.run(&["user", "disable", "alice"]).ends(0);
    assert_eq!(
        tree.field("etc/shadow", "alice", 1),
        format!("!{}", hash('a'))
    );
}

#[test]
fn enabling_an_expired_account_says_that_it_stays_shut() {
    let tree = Tree::with(&["alice"]);
    tree.run(&["user", "set", "alice", "--expires", "2020-01-01"])
        .ends(0);
    tree.run(&["user", "enable", "alice"])
        .ends(0)
        .says(&["stays shut: 'occ-init user set alice --expires never' opens it"]);
    let ran = tree
        .run(&["user", "set", "alice", "--expires", "never"])
        .ends(0);
    assert!(!ran.err.contains("expired"), "{}", ran.err);
    let ran = tree.run(&["user", "enable", "alice"]).ends(0);
    assert!(!ran.err.contains("expired"), "{}", ran.err);
}

#[test]
fn an_account_without_password_or_key_is_told_where_people_look() {
    let tree = Tree::with(&["alice"]);
    tree.run(&["user", "add", "bob", "--no-password"]).ends(0);
    let line = "nobody can log in as bob, without a password or key: \
                'occ-init user passwd bob' sets one";
    tree.run(&["user", "list"]).ends(0).says(&[line]);
    tree.run(&["user", "show", "bob"])
        .ends(0)
        .says(&["Password: none", "SSH keys: 0"]);
    for quiet in ["-q", "--json"] {
        let ran = tree.run(&["user", "list", quiet]).ends(0);
        assert_eq!(ran.err, "", "{quiet}");
    }
    tree.feed(
        &["user", "passwd", "bob", "--password-hash-stdin"],
        hash('b'),
    )
    .ends(0);
    let ran = tree.run(&["user", "list"]).ends(0);
    assert_eq!(ran.err, "");
}
