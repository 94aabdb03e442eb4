//! What each command prints for people (DESIGN's very words), for programs, and
//! with `-q`; and the exit code of each way to fail.

use crate::tree::{MARK, Tree, hash, unchanged};
use accounts::wire::{AccountReply, ErrorKind, ListReply, Status};
use serde_json::{Value, json};

fn password() -> String {
    format!("{MARK}-longer\n")
}

#[test]
fn add_for_people() {
    let tree = Tree::new();
    tree.feed(&["user", "add", "alice", "--password-stdin"], password())
        .ends(0)
        .prints("User 'alice' created (uid 10000).\nPassword: ********\n");
    tree.run(&["user", "add", "bob", "--no-password"])
        .ends(0)
        .prints("User 'bob' created (uid 10001).\n");
    tree.feed(
        &["-q", "user", "add", "carol", "--password-stdin"],
        password(),
    )
    .ends(0)
    .prints("");
    let generated = tree.run(&["user", "add", "dave", "--generate"]).ends(0);
    let shown = generated
        .out
        .strip_prefix("User 'dave' created (uid 10003).\nPassword: ")
        .unwrap();
    assert_is_generated(shown.trim_end());
    let quiet = tree
        .run(&["user", "add", "erin", "--generate", "-q"])
        .ends(0);
    assert_is_generated(quiet.out.trim_end());
    assert_eq!(tree.names(), ["alice", "bob", "carol", "dave", "erin"]);
}

fn assert_is_generated(password: &str) {
    assert_eq!(password.len(), 24, "{password:?}");
    assert!(
        password.bytes().all(|byte| byte.is_ascii_alphanumeric()),
        "{password:?}"
    );
}

#[test]
fn add_for_programs() {
    let tree = Tree::new();
    let args = [
        "user",
        "add",
        "alice",
        "--password-hash-stdin",
        "--json",
        "--uid",
        "12345",
        "--comment",
        "Zoë Liddell",
        "--shell",
        "/bin/sh",
        "--groups",
        "staff,audio",
        "--disabled",
    ];
    let reply: AccountReply = tree.feed(&args, hash('a')).ends(0).json();
    assert_eq!(
        (reply.schema, reply.changed, reply.generated_password),
        (1, true, None)
    );
    let account = reply.account;
    assert_eq!((account.uid, account.gid), (12345, 12345));
    assert_eq!(
        (account.user_name.as_str(), account.real_name.as_str()),
        ("alice", "Zoë Liddell")
    );
    assert_eq!(
        (account.home_directory.as_str(), account.shell.as_str()),
        ("/home/alice", "/bin/sh")
    );
    assert_eq!(
        (account.member_of, account.status),
        (vec!["audio".into(), "staff".into()], Status::Disabled)
    );
    assert!(account.last_password_change_usec.is_some());
    assert_eq!(
        tree.line("etc/passwd", "alice").unwrap(),
        "alice:x:12345:12345:Zoë Liddell:/home/alice:/usr/sbin/nologin"
    );
    assert_eq!(
        tree.field("etc/shadow", "alice", 1),
        format!("!{}", hash('a'))
    );
    assert_eq!(tree.field("etc/shadow", "alice", 7), "1");
    assert_eq!(tree.line("etc/group", "alice").unwrap(), "alice:x:12345:");
    assert_eq!(tree.line("etc/gshadow", "alice").unwrap(), "alice:!::");
    assert_eq!(tree.field("etc/group", "staff", 3), "alice");
    assert_eq!(tree.field("etc/group", "audio", 3), "node,alice");

    let reply: AccountReply = tree
        .run(&["--json", "user", "add", "bob", "--generate"])
        .ends(0)
        .json();
    assert_is_generated(&reply.generated_password.unwrap());
    let args = [
        "--json",
        "user",
        "add",
        "bob",
        "--if-missing",
        "--no-password",
    ];
    let reply: AccountReply = tree.run(&args).ends(0).json();
    assert_eq!(
        (reply.changed, reply.account.user_name.as_str()),
        (false, "bob")
    );
}

#[test]
fn add_what_a_request_holds() {
    let tree = Tree::new();
    let request = json!({
        "schema": 1, "password": format!("{MARK} ä\u{7f}"), "sshAuthorizedKeys": ["ssh-ed25519 AAAA alice@x"],
    });
    tree.feed(
        &["user", "add", "alice", "--request-stdin"],
        request.to_string(),
    )
    .ends(0)
    .prints("User 'alice' created (uid 10000).\nPassword: ********\n");
    let request = json!({ "schema": 1, "passwordHash": hash('b'), "later": [1] });
    tree.feed(
        &["user", "add", "bob", "--request-stdin"],
        request.to_string(),
    )
    .ends(0);
    assert_eq!(tree.field("etc/shadow", "bob", 1), hash('b'));
    let request = json!({ "schema": 1, "sshAuthorizedKeys": ["ssh-rsa BBBB", "# no key", " "] });
    tree.feed(
        &["user", "add", "carol", "--request-stdin", "--no-password"],
        request.to_string(),
    )
    .ends(0);
    assert_eq!(tree.field("etc/shadow", "carol", 1), "*");
    tree.run(&["user", "keys", "alice"])
        .ends(0)
        .prints("ssh-ed25519 AAAA alice@x\n");
    tree.run(&["user", "keys", "carol"])
        .ends(0)
        .prints("ssh-rsa BBBB\n");
    tree.run(&["user", "disable", "carol"]).ends(0);
    tree.run(&["user", "keys", "carol"]).ends(0).prints("");
}

#[test]
fn list_and_show() {
    let tree = Tree::new();
    tree.run(&["user", "list"])
        .ends(0)
        .prints("No users configured.\n");
    tree.run(&["-q", "user", "list"]).ends(0).prints("");
    tree.run(&["--json", "user", "list"])
        .ends(0)
        .prints("{\"schema\":1,\"accounts\":[]}\n");
    tree.add("zoe", &hash('z'));
    tree.add("alice", &hash('a'));
    tree.run(&["user", "disable", "zoe"]).ends(0);
    tree.run(&["user", "list"]).ends(0).prints(
        "Username  Status    UID    Home         Shell\n\
         alice     enabled   10001  /home/alice  /bin/bash\n\
         zoe       disabled  10000  /home/zoe    /bin/bash\n",
    );
    tree.run(&["user", "list", "-q"])
        .ends(0)
        .prints("alice\nzoe\n");
    let reply: ListReply = tree.run(&["user", "list", "--json"]).ends(0).json();
    assert_eq!(reply.changed, None);
    assert_eq!(reply.accounts[1].status, Status::Disabled);
    let shown = tree.run(&["user", "show", "alice"]).ends(0);
    assert!(
        shown
            .out
            .starts_with("Username: alice\nStatus: enabled\nUID: 10001\n"),
        "{}",
        shown.out
    );
    let reply: AccountReply = tree.run(&["--json", "user", "show", "zoe"]).ends(0).json();
    assert_eq!(
        (reply.changed, reply.account.status),
        (false, Status::Disabled)
    );
}

#[test]
fn looking_changes_nothing() {
    let tree = Tree::new();
    let before = tree.state();
    for args in [
        &["user", "list"][..],
        &["user", "keys", "nobody-here"],
        &["check"],
        &["restore", "--dry-run"],
        &["--json", "restore", "--dry-run"],
    ] {
        tree.run(args);
        unchanged(&before, &tree.state(), &args);
    }
}

#[test]
fn passwd_keeps_an_account_disabled() {
    let tree = Tree::with(&["alice", "bob"]);
    tree.feed(
        &["user", "passwd", "alice", "--password-hash-stdin"],
        hash('n'),
    )
    .ends(0)
    .prints("Password of 'alice' changed.\n");
    assert_eq!(tree.field("etc/shadow", "alice", 1), hash('n'));
    tree.feed(
        &["-q", "user", "passwd", "alice", "--password-stdin"],
        password(),
    )
    .ends(0)
    .prints("");
    let ran = tree.run(&["user", "passwd", "alice", "--generate"]).ends(0);
    assert_is_generated(
        ran.out
            .strip_prefix("Password of 'alice' changed.\nPassword: ")
            .unwrap()
            .trim_end(),
    );
    tree.run(&["user", "disable", "alice"]).ends(0);
    let request = json!({ "schema": 1, "passwordHash": hash('m') }).to_string();
    let reply: AccountReply = tree
        .feed(
            &["--json", "user", "passwd", "alice", "--request-stdin"],
            request,
        )
        .ends(0)
        .json();
    assert_eq!(
        (reply.changed, reply.account.status),
        (true, Status::Disabled)
    );
    assert_eq!(
        tree.field("etc/shadow", "alice", 1),
        format!("!{}", hash('m'))
    );
    assert_eq!(tree.field("etc/shadow", "bob", 1), hash('b'));
}

#[test]
fn a_short_password_is_warned_about() {
    let tree = Tree::new();
    tree.feed(&["user", "add", "alice", "--password-stdin"], "short\n")
        .ends(0)
        .says(&["warning: the password is short"]);
}

#[test]
fn disable_and_enable() {
    let tree = Tree::with(&["alice", "bob", "carol"]);
    let (passwd, shadow) = (tree.read("etc/passwd"), tree.read("etc/shadow"));
    tree.run(&["user", "disable", "alice"])
        .ends(0)
        .prints("User 'alice' disabled.\n");
    assert_eq!(
        tree.field("etc/shadow", "alice", 1),
        format!("!{}", hash('a'))
    );
    assert_eq!(tree.field("etc/shadow", "alice", 7), "1");
    assert_eq!(tree.field("etc/passwd", "alice", 6), "/usr/sbin/nologin");
    let reply: AccountReply = tree
        .run(&["--json", "user", "disable", "alice"])
        .ends(0)
        .json();
    assert_eq!(
        (reply.changed, reply.account.status),
        (false, Status::Disabled)
    );
    let reply: ListReply = tree
        .run(&["--json", "user", "disable", "bob", "alice", "bob"])
        .ends(0)
        .json();
    assert_eq!(reply.changed, Some(true));
    assert_eq!(reply.accounts.len(), 2, "each name once");
    tree.run(&["user", "enable", "bob", "alice"])
        .ends(0)
        .prints("User 'alice' enabled.\nUser 'bob' enabled.\n");
    assert_eq!(
        (tree.read("etc/passwd"), tree.read("etc/shadow")),
        (passwd, shadow)
    );
    tree.run(&["-q", "user", "disable", "carol"])
        .ends(0)
        .prints("");
    tree.run(&["-q", "user", "enable", "carol"])
        .ends(0)
        .prints("");
}

#[test]
fn remove() {
    let tree = Tree::with(&["alice", "bob", "carol", "dave"]);
    tree.run(&["user", "remove", "alice"])
        .ends(2)
        .says(&["--yes"]);
    tree.run(&["user", "remove", "--yes", "alice"])
        .ends(0)
        .prints("User 'alice' removed.\n");
    for file in crate::tree::FOUR {
        assert_eq!(tree.line(file, "alice"), None, "{file}");
    }
    assert!(tree.path("home/alice").is_dir(), "the home stays");
    tree.run(&["user", "remove", "-y", "-q", "bob"])
        .ends(0)
        .prints("");
    let reply: AccountReply = tree
        .run(&["--json", "user", "remove", "carol", "--yes"])
        .ends(0)
        .json();
    assert_eq!(
        (reply.changed, reply.account.user_name.as_str()),
        (true, "carol")
    );
    tree.run(&["user", "remove", "dave", "--yes"])
        .ends(5)
        .says(&["Cannot remove last user. Add another user first or use --force."]);
    tree.run(&["user", "remove", "dave", "--force"])
        .ends(0)
        .prints("User 'dave' removed.\n");
    tree.run(&["user", "list"]).prints("No users configured.\n");
}

#[test]
fn the_last_enabled_account_is_the_last() {
    let tree = Tree::with(&["alice", "bob"]);
    tree.run(&["user", "disable", "bob"]).ends(0);
    tree.run(&["--json", "user", "remove", "--yes", "alice"])
        .fails_as(ErrorKind::Refused);
    tree.run(&["user", "remove", "--yes", "bob"]).ends(0);
}

#[test]
fn restore_and_check() {
    let tree = Tree::with(&["alice"]);
    tree.restore().says(&["restored 1 accounts", "1 unchanged"]);
    tree.run(&["check"]).ends(0).says(&["nothing to look at"]);
    tree.plant("bob.json", b"{");
    tree.run(&["check"])
        .ends(1)
        .says(&["skipped 'bob.json'", "hint:"]);
    let findings: Value = tree.run(&["--json", "check"]).ends(1).json();
    assert_eq!(findings["findings"][0]["kind"], "record");
    assert_eq!(findings["findings"][0]["name"], "bob.json");
    let summary: Value = tree.run(&["--json", "restore"]).ends(0).json();
    assert_eq!(summary["restore"]["restored"], 1);
    assert_eq!(summary["restore"]["problems"].as_array().unwrap().len(), 1);
    tree.edit("etc/passwd", "alice:x:10000", "alice:y:10000");
    let plan: Value = tree.run(&["--json", "restore", "--dry-run"]).ends(0).json();
    assert_eq!(
        plan["changes"],
        json!([{ "name": "alice", "change": "update" }])
    );
    assert_eq!(plan["writes"], json!(["passwd"]));
    assert_eq!(
        tree.field("etc/passwd", "alice", 1),
        "y",
        "a dry run writes nothing"
    );
    tree.run(&["-q", "restore"]).ends(0);
    assert_eq!(tree.field("etc/passwd", "alice", 1), "x");
}

#[test]
fn usage_errors() {
    let tree = Tree::with(&["alice", "bob"]);
    let before = tree.state();
    for args in [
        &["user"][..],
        &["user", "frobnicate"],
        &["user", "add", "dave"],
        &["user", "add", "--generate"],
        &["user", "add", "dave", "carol", "--generate"],
        &["user", "add", "dave", "--generate", "--password-stdin"],
        &["user", "add", "dave", "--no-password", "--generate"],
        &[
            "user",
            "add",
            "dave",
            "--restore",
            "--new-uid",
            "--generate",
        ],
        &["user", "add", "dave", "--generate", "--uid", "many"],
        &["user", "add", "dave", "--generate", "--uid", "-1"],
        &[
            "user",
            "add",
            "dave",
            "--generate",
            "--uid",
            "99999999999999999999",
        ],
        &["user", "passwd"],
        &["user", "passwd", "alice"],
        &["user", "enable"],
        &["user", "disable"],
        &["user", "remove"],
        &["user", "remove", "alice"],
        &["user", "show"],
        &["user", "list", "--frobnicate"],
        &["restore", "now"],
    ] {
        let ran = tree.run(args).ends(2);
        assert!(
            !ran.err.is_empty() && ran.out.is_empty(),
            "{args:?}: {}",
            ran.out
        );
        tree.run(&[&["--json"][..], args].concat())
            .fails_as(ErrorKind::Usage);
        unchanged(&before, &tree.state(), &args);
    }
}

#[test]
fn each_failure_has_its_kind_in_json_and_in_the_exit_code() {
    let tree = Tree::with(&["alice", "bob"]);
    tree.run(&["user", "remove", "--yes", "bob"]).ends(0);
    tree.plant("dave.json", b"no json");
    let before = tree.state();
    let add = |more: &[&'static str]| [&["user", "add"][..], more, &["--no-password"]].concat();
    let cases: Vec<(Vec<&str>, ErrorKind, &str)> = vec![
        (
            add(&["alice"]),
            ErrorKind::Conflict,
            "account 'alice' already exists",
        ),
        (
            add(&["ALICE"]),
            ErrorKind::Conflict,
            "differs from 'alice' in case only",
        ),
        (
            add(&["bob"]),
            ErrorKind::Conflict,
            "account 'bob' was removed",
        ),
        (
            add(&["carol", "--restore"]),
            ErrorKind::NotFound,
            "no account 'carol' was removed",
        ),
        (
            add(&["carol", "--uid", "10000"]),
            ErrorKind::Conflict,
            "was given to 'alice'",
        ),
        (
            add(&["carol", "--uid", "10001"]),
            ErrorKind::Conflict,
            "was given to 'bob'",
        ),
        (
            add(&["carol", "--uid", "1000"]),
            ErrorKind::Conflict,
            "'node' in the image",
        ),
        (
            add(&["carol", "--groups", "sudo"]),
            ErrorKind::Refused,
            "in group 'sudo'",
        ),
        (
            add(&["carol", "--groups", "audio"]),
            ErrorKind::Refused,
            "'carol' in group 'audio'",
        ),
        (add(&["root"]), ErrorKind::Refused, "reserved"),
        (
            add(&["daemon"]),
            ErrorKind::Refused,
            "the image has a user of that name",
        ),
        (
            add(&["staff"]),
            ErrorKind::Refused,
            "the image has a group of that name",
        ),
        (
            add(&["dave"]),
            ErrorKind::Failed,
            "the record of 'dave' can't be used",
        ),
        (
            vec!["user", "show", "erin"],
            ErrorKind::NotFound,
            "no such account 'erin'",
        ),
        (
            vec!["user", "keys", "erin"],
            ErrorKind::NotFound,
            "no such account 'erin'",
        ),
        (
            vec!["user", "passwd", "erin", "--generate"],
            ErrorKind::NotFound,
            "no such account 'erin'",
        ),
        (
            vec!["user", "enable", "erin"],
            ErrorKind::NotFound,
            "no such account 'erin'",
        ),
        (
            vec!["user", "disable", "alice", "erin"],
            ErrorKind::NotFound,
            "no such account 'erin'",
        ),
        (
            vec!["user", "remove", "--force", "alice", "erin"],
            ErrorKind::NotFound,
            "no such account",
        ),
        (
            vec!["user", "disable", "daemon"],
            ErrorKind::Refused,
            "the image has a user",
        ),
        (
            vec!["user", "passwd", "root", "--generate"],
            ErrorKind::Refused,
            "reserved",
        ),
        (
            vec!["user", "show", "a:b"],
            ErrorKind::Invalid,
            "invalid name 'a:b'",
        ),
        (
            vec!["user", "remove", "--yes", "alice"],
            ErrorKind::Refused,
            "Cannot remove last user.",
        ),
    ];
    for (args, kind, words) in cases {
        let reply = tree.run(&[&["--json"][..], &args].concat()).fails_as(kind);
        assert!(
            reply.error.message.contains(words),
            "{args:?}: {}",
            reply.error.message
        );
        let ran = tree.run(&args).ends(kind.exit_code().into());
        assert!(ran.out.is_empty(), "{args:?}: {}", ran.out);
        assert!(ran.err.starts_with("occ-init: "), "{args:?}: {}", ran.err);
        unchanged(&before, &tree.state(), &args);
    }
    let reply = tree
        .run(&["--json", "user", "add", "bob", "--no-password"])
        .fails_as(ErrorKind::Conflict);
    for way_out in ["--restore", "--new-uid"] {
        assert!(reply.error.hint.contains(way_out), "{}", reply.error.hint);
    }
}

#[test]
fn a_group_of_somebody_else_with_the_name_is_a_conflict() {
    let tree = Tree::with(&["alice"]);
    tree.edit("etc/group", "nogroup:", "carol:x:1500:\nnogroup:");
    tree.edit(
        "etc/passwd",
        "nobody:",
        "dave:x:1600:1600::/home/dave:/bin/sh\nnobody:",
    );
    let before = tree.state();
    for name in ["carol", "dave"] {
        let args = ["--json", "user", "add", name, "--no-password"];
        tree.run(&args).fails_as(ErrorKind::Conflict);
        unchanged(&before, &tree.state(), &"");
    }
}

#[test]
fn a_change_that_does_not_reach_etc_is_no_success() {
    let tree = Tree::with(&["alice", "bob"]);
    // Somebody's group has taken alice's gid: restore leaves her out.
    tree.edit("etc/group", "nogroup:", "evil:x:10000:\nnogroup:");
    // Her lines are restore's own, so at least she can be shut out.
    tree.run(&["user", "disable", "alice"])
        .ends(0)
        .says(&["'alice' is shut out, but was not restored"]);
    for args in [
        &["user", "passwd", "alice", "--generate"][..],
        &["user", "enable", "alice"],
    ] {
        tree.run(args)
            .ends(1)
            .says(&["'evil' with id 10000", "recorded"]);
    }
    tree.run(&["user", "disable", "bob"]).ends(0);
}

#[test]
fn only_root_may() {
    let tree = Tree::with(&["alice"]);
    let everybody = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(tree.root(), everybody).unwrap();
    // A copy, because the build directory may be closed to others; by cp(1),
    // because a file that was ever open for writing here may be busy.
    let elsewhere = tempfile::TempDir::new().unwrap();
    let everybody = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(elsewhere.path(), everybody).unwrap();
    let copy = elsewhere.path().join("occ-init");
    let copied = std::process::Command::new("cp")
        .arg(env!("CARGO_BIN_EXE_occ-init"))
        .arg(&copy)
        .status();
    assert!(copied.unwrap().success());
    let before = tree.state();
    for args in [
        &["user", "list"][..],
        &["user", "show", "alice"],
        &["user", "add", "bob", "--no-password"],
        &["user", "disable", "alice"],
        &["restore"],
        &["restore", "--dry-run"],
        &["check"],
    ] {
        let mut command = std::process::Command::new(&copy);
        std::os::unix::process::CommandExt::uid(&mut command, 10_000);
        command.arg("--root").arg(tree.root()).args(args);
        crate::tree::finish(command, b"")
            .ends(5)
            .says(&["only root may do this"]);
    }
    unchanged(&before, &tree.state(), &"");
}
