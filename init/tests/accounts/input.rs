//! Bad input: the right exit code, a message that names the value and what is
//! allowed, and not one byte changed.

use crate::tree::{Tree, unchanged};
use accounts::wire::ErrorKind;

/// Runs it as JSON and as text; it must fail and change nothing.
#[track_caller]
pub(crate) fn refused(tree: &Tree, args: &[&str], input: &[u8], kind: ErrorKind, words: &[&str]) {
    let before = tree.state();
    let reply = tree
        .feed(&[&["--json"][..], args].concat(), input)
        .fails_as(kind);
    for word in words {
        let said = format!("{} {}", reply.error.message, reply.error.hint);
        assert!(said.contains(word), "{args:?}: no '{word}' in {said}");
    }
    tree.feed(args, input)
        .ends(kind.exit_code().into())
        .prints("");
    unchanged(&before, &tree.state(), &args);
}

#[test]
fn names() {
    let tree = Tree::with(&["alice"]);
    let long = "a".repeat(33);
    for name in [
        "",
        "a",
        "ab",
        "1ab",
        "123",
        "0x1",
        "-abc",
        "a-b",
        "a:b",
        "a b",
        "a\tb",
        "a\nb",
        "../x",
        "..",
        "a/b",
        "élan",
        "a$",
        "$(id)",
        "a.b",
        "a@b",
        "a,b",
        "a'b",
        "a\"b",
        "a;b",
        "a%b",
        "a\u{202e}b",
        "a\u{7f}b",
        &long,
    ] {
        let escaped = format!("'{}'", name.escape_debug());
        let words = [escaped.as_str(), "3 to 32 of ASCII letters, digits and '_'"];
        refused(
            &tree,
            &["user", "add", "--no-password", "--", name],
            b"",
            ErrorKind::Invalid,
            &words,
        );
        // Records may hold short and dashed names, so asking for one is no error.
        let kind = if ["a", "ab", "a-b"].contains(&name) {
            ErrorKind::NotFound
        } else {
            ErrorKind::Invalid
        };
        for verb in ["show", "keys", "enable", "disable"] {
            refused(&tree, &["user", verb, "--", name], b"", kind, &[&escaped]);
        }
        refused(
            &tree,
            &["user", "remove", "--force", "--", name],
            b"",
            kind,
            &[&escaped],
        );
        refused(
            &tree,
            &["user", "passwd", "--generate", "--", name],
            b"",
            kind,
            &[&escaped],
        );
    }
    for name in [
        "root",
        "Root",
        "sudo",
        "wheel",
        "ADMIN",
        "adm",
        "docker",
        "shadow",
        "disk",
        "lxd",
        "libvirt",
        "occ-x",
        "systemd-x",
    ] {
        let args = ["user", "add", name, "--no-password"];
        refused(
            &tree,
            &args,
            b"",
            ErrorKind::Refused,
            &[&format!("'{name}'"), "reserved"],
        );
    }
}

#[test]
fn a_name_that_is_not_utf8() {
    use std::os::unix::ffi::OsStrExt;
    let tree = Tree::with(&["alice"]);
    let before = tree.state();
    let args = [&b"user"[..], b"add", b"--no-password", b"b\xffb"].map(std::ffi::OsStr::from_bytes);
    tree.run(&args).ends(2);
    unchanged(&before, &tree.state(), &"a name of Latin-1");
}

#[test]
fn sudoers_groups_are_nobodys_names() {
    let tree = Tree::with(&["alice"]);
    let args = ["user", "add", "operators", "--no-password"];
    refused(
        &tree,
        &args,
        b"",
        ErrorKind::Refused,
        &["'operators'", "sudoers"],
    );
}

#[test]
fn uids() {
    let tree = Tree::with(&["alice"]);
    for uid in [
        "0",
        "1",
        "999",
        "60000",
        "65534",
        "65535",
        "4294967295",
        "4294967296",
        "4294968296",
    ] {
        let args = ["user", "add", "bob", "--no-password", "--uid", uid];
        refused(
            &tree,
            &args,
            b"",
            ErrorKind::Invalid,
            &[uid, "1000 to 59999"],
        );
    }
    for uid in [
        "",
        "many",
        "-1",
        "+1500",
        "1e4",
        "1500.0",
        "0x5dc",
        " 1500",
        "99999999999999999999",
    ] {
        let args = ["user", "add", "bob", "--no-password", "--uid", uid];
        let words = [&format!("invalid uid '{uid}'")[..]];
        refused(&tree, &args, b"", ErrorKind::Invalid, &words);
    }
    tree.write("etc/login.defs", b"UID_MAX 200000\n", 0o644);
    for uid in ["65534", "65535", "200001"] {
        let args = ["user", "add", "bob", "--no-password", "--uid", uid];
        refused(
            &tree,
            &args,
            b"",
            ErrorKind::Invalid,
            &[uid, "1000 to 200000"],
        );
    }
    tree.run(&["user", "add", "bob", "--no-password", "--uid", "200000"])
        .ends(0);
}

#[test]
fn texts() {
    let tree = Tree::with(&["alice"]);
    let long = "x".repeat(257);
    for comment in [
        "a:b",
        "a\nb",
        "a\rb",
        "a\tb",
        "\u{7f}",
        "\u{85}",
        "\u{202e}x",
        "\u{2066}x",
        "\u{2028}",
        &long,
    ] {
        let shown = if comment.len() > 256 {
            "257 bytes, at most 256".to_owned()
        } else {
            format!("'{}'", comment.escape_debug())
        };
        let args = ["user", "add", "bob", "--no-password", "--comment", comment];
        refused(&tree, &args, b"", ErrorKind::Invalid, &["comment", &shown]);
    }
    let long = format!("/{}", "x".repeat(128));
    for shell in [
        "",
        "/",
        "bash",
        "/bin/../x",
        "/bin//sh",
        "/bin/./sh",
        "/bin/",
        "/bin/sh:",
        "/bin/sh\n",
        "/bin/\u{202e}",
        &long,
    ] {
        let shown = if shell.len() > 128 {
            "129 bytes, at most 128".to_owned()
        } else {
            format!("'{}'", shell.escape_debug())
        };
        let args = ["user", "add", "bob", "--no-password", "--shell", shell];
        refused(&tree, &args, b"", ErrorKind::Invalid, &["shell", &shown]);
    }
    for group in ["sudo", "root", "nosuchgroup", "", "a:b", "audio\n", "*"] {
        let args = ["user", "add", "bob", "--no-password", "--groups", group];
        refused(
            &tree,
            &args,
            b"",
            ErrorKind::Refused,
            &[&format!("'{}'", group.escape_debug())],
        );
    }
}

#[test]
fn several_names_and_one_of_them_wrong() {
    let tree = Tree::with(&["alice", "bob", "carol"]);
    for verb in [
        &["user", "disable"][..],
        &["user", "enable"],
        &["user", "remove", "--yes"],
    ] {
        for (wrong, kind) in [
            ("a:b", ErrorKind::Invalid),
            ("nosuch", ErrorKind::NotFound),
            ("daemon", ErrorKind::Refused),
        ] {
            let args = [verb, &["alice", wrong, "bob"]].concat();
            refused(&tree, &args, b"", kind, &[wrong]);
        }
    }
    let all = ["user", "remove", "--yes", "alice", "bob", "carol"];
    refused(&tree, &all, b"", ErrorKind::Refused, &["last user"]);
}

#[test]
fn more_uids_than_there_are() {
    let tree = Tree::with(&["alice"]);
    let mut passwd = tree.read("etc/passwd");
    for uid in (1000..60_000).filter(|&uid| uid != 10_000) {
        passwd.extend(format!("u{uid}:x:{uid}:{uid}::/:/bin/sh\n").bytes());
    }
    tree.write("etc/passwd", &passwd, 0o644);
    let args = ["user", "add", "bob", "--no-password"];
    let before = tree.state();
    tree.run(&args)
        .ends(1)
        .says(&["no uid is left between 1000 and 59999", "UID_MAX"]);
    unchanged(&before, &tree.state(), &args);
}
