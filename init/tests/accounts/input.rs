//! Bad input: the right exit code, a message that names the value and what is
//! allowed, and not one byte changed.

use crate::tree::{MARK, Tree, hash, unchanged};
use accounts::wire::ErrorKind;
use serde_json::{Value, json};

/// Runs it as JSON and as text; it must fail and change nothing.
#[track_caller]
fn refused(tree: &Tree, args: &[&str], input: &[u8], kind: ErrorKind, words: &[&str]) {
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
fn passwords() {
    let tree = Tree::with(&["alice"]);
    let long = [MARK.as_bytes(), &[b'x'; 245]].concat();
    let huge = MARK.repeat(20_000);
    let cases: [(&[u8], &str); 7] = [
        (b"", "empty"),
        (b"\n", "empty"),
        (&long, "more than 255"),
        (huge.as_bytes(), "more than 255"),
        (b"xyzzy-plugh\0b\n", "NUL"),
        (b"xyzzy-plugh\nb\n", "newline"),
        (b"xyzzy-plugh\n\n", "newline"),
    ];
    for (input, word) in cases {
        for args in [
            ["user", "add", "bob", "--password-stdin"],
            ["user", "passwd", "alice", "--password-stdin"],
        ] {
            refused(
                &tree,
                &args,
                input,
                ErrorKind::Invalid,
                &["invalid password", word, "1 to 255 bytes"],
            );
        }
    }
    let most = [MARK.as_bytes(), &[b'x'; 244]].concat();
    tree.feed(&["user", "add", "bob", "--password-stdin"], most)
        .ends(0);
    tree.feed(
        &["user", "passwd", "bob", "--password-stdin"],
        b"xyzzy-plugh \xff\xfe ",
    )
    .ends(0);
}

#[test]
fn hashes() {
    let tree = Tree::with(&["alice"]);
    let sha = |middle: &str| format!("$6${middle}${}", "x".repeat(86));
    let bcrypt = |cost: &str| format!("$2b${cost}${}", "x".repeat(53));
    let yescrypt = |params: &str| format!("$y${params}$salt${}", "x".repeat(43));
    let cases: Vec<(String, &str)> = vec![
        (String::new(), "empty"),
        ("*".into(), "characters"),
        ("!".into(), "characters"),
        (format!("!{}", hash('x')), "characters"),
        (format!("{}:0", hash('x')), "characters"),
        (format!("{}\nroot::0", hash('x')), "characters"),
        (format!("{}\\", hash('x')), "characters"),
        (format!("{} ", hash('x')), "characters"),
        (format!("{}é", &hash('x')[..60]), "characters"),
        ("x".into(), "scheme"),
        (MARK.into(), "scheme"),
        ("abJnggxhB/yWI".into(), "scheme"),
        ("$1$salt$qJH7.N4xYta3aEG/dfqo/0".into(), "scheme"),
        (sha("rounds=2000001$saltsaltsaltsalt"), "costly"),
        (sha("rounds=999999999$salt"), "costly"),
        (sha("rounds=999$salt"), "costly"),
        (sha("rounds=0100000$salt"), "costly"),
        (sha(&"s".repeat(17)), "scheme"),
        (sha(&"s".repeat(23)), "scheme"),
        (format!("$6$salt${}", "x".repeat(85)), "scheme"),
        (bcrypt("15"), "costly"),
        (bcrypt("31"), "costly"),
        (bcrypt("9"), "scheme"),
        (yescrypt("jFT"), "costly"),
        (yescrypt("jzT"), "costly"),
        (yescrypt(""), "costly"),
        (format!("$7$zzzzzzzzzzzsalt${}", "x".repeat(43)), "costly"),
        ("x".repeat(129), "129 bytes"),
    ];
    for (bad, word) in &cases {
        for args in [
            ["user", "add", "bob", "--password-hash-stdin"],
            ["user", "passwd", "alice", "--password-hash-stdin"],
        ] {
            refused(
                &tree,
                &args,
                bad.as_bytes(),
                ErrorKind::Invalid,
                &["password hash", word],
            );
        }
        let request = json!({ "schema": 1, "passwordHash": bad }).to_string();
        refused(
            &tree,
            &["user", "add", "bob", "--request-stdin"],
            request.as_bytes(),
            ErrorKind::Invalid,
            &[word],
        );
    }
    for (name, good) in [
        ("sha", sha("rounds=2000000$salt")),
        ("bcrypt", bcrypt("14")),
        ("yescrypt", yescrypt("jET")),
    ] {
        tree.add(name, &good);
        assert_eq!(tree.field("etc/shadow", name, 1), good, "kept as it is");
    }
}

#[test]
fn a_hash_that_is_not_utf8() {
    let tree = Tree::with(&["alice"]);
    let args = ["user", "passwd", "alice", "--password-hash-stdin"];
    refused(
        &tree,
        &args,
        b"$6$salt$\xff\xfe",
        ErrorKind::Invalid,
        &["password hash"],
    );
}

#[test]
fn requests() {
    let tree = Tree::with(&["alice"]);
    let with = |more: &Value| {
        let mut request = json!({ "schema": 1 });
        for (field, value) in more.as_object().unwrap() {
            request[field] = value.clone();
        }
        request.to_string().into_bytes()
    };
    let whole = with(&json!({ "password": format!("{MARK}-12") }));
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (Vec::new(), "not one whole JSON document"),
        (b"{".to_vec(), "not one whole"),
        (whole[..whole.len() - 1].to_vec(), "not one whole"),
        ([&whole[..], &whole[..]].concat(), "not one whole"),
        (b"{\"password\":\"xyzzy-plugh\"}".to_vec(), "not one whole"),
        (
            b"{\"schema\":1,\"password\":\"xyzzy-plugh\",\"password\":\"b\"}".to_vec(),
            "not one whole",
        ),
        (b"[]".to_vec(), "not one whole"),
        (with(&json!({ "password": 7 })), "not one whole"),
        (with(&json!({})), "no password and no hash"),
        (
            with(&json!({ "sshAuthorizedKeys": ["ssh-rsa A"] })),
            "no password and no hash",
        ),
        (with(&json!({ "password": "" })), "empty"),
        (with(&json!({ "password": format!("{MARK}\u{0}") })), "NUL"),
        (with(&json!({ "password": format!("{MARK}\n") })), "newline"),
        (with(&json!({ "password": MARK.repeat(30) })), "255"),
        (
            with(&json!({ "password": MARK, "passwordHash": hash('x') })),
            "both a password and a hash",
        ),
        (
            with(&json!({ "schema": 2, "password": MARK })),
            "newer schema",
        ),
        (
            with(&json!({ "password": MARK, "more": "x".repeat(70_000) })),
            "more than 64 KiB",
        ),
    ];
    for (input, word) in &cases {
        for args in [
            ["user", "add", "bob", "--request-stdin"],
            ["user", "passwd", "alice", "--request-stdin"],
        ] {
            refused(&tree, &args, input, ErrorKind::Invalid, &[word]);
        }
    }
    let args = ["user", "add", "bob", "--request-stdin", "--no-password"];
    refused(&tree, &args, &whole, ErrorKind::Invalid, &["--no-password"]);
}

#[test]
fn ssh_keys() {
    let tree = Tree::with(&["alice", "carol"]);
    tree.run(&["user", "remove", "--yes", "carol"]).ends(0);
    let many = vec![format!("ssh-rsa {}", "A".repeat(1000)); 60];
    for (keys, words) in [
        (
            vec!["ssh-rsa A\nssh-rsa EVIL".to_owned()],
            ["line 1", "no control characters"],
        ),
        (
            vec!["ssh-rsa A".to_owned(), "ssh-rsa B\u{1b}[2J".to_owned()],
            ["line 2", "no control characters"],
        ),
        (
            vec!["ssh-rsa A\r".to_owned() + "ssh-rsa B"],
            ["line 1", "no control characters"],
        ),
        (many, ["ssh keys", "48 KiB"]),
    ] {
        let request = json!({ "schema": 1, "passwordHash": hash('x'), "sshAuthorizedKeys": keys })
            .to_string();
        for args in [
            &["user", "add", "bob", "--request-stdin"][..],
            &["user", "add", "carol", "--restore", "--request-stdin"],
        ] {
            refused(&tree, args, request.as_bytes(), ErrorKind::Invalid, &words);
        }
    }
    for (content, kind, words) in [
        (
            &b"ssh-rsa A\n\nssh-rsa B\x07\n"[..],
            ErrorKind::Invalid,
            ["line 3", "no control characters"],
        ),
        (
            b"ssh-rsa A\nssh-rsa \xff\n",
            ErrorKind::Invalid,
            ["line 2", "no control characters"],
        ),
        (
            &vec![b'A'; 70_000],
            ErrorKind::Invalid,
            ["ssh keys", "48 KiB"],
        ),
    ] {
        tree.write("keys", content, 0o600);
        let path = tree.path("keys");
        let args = [
            "user",
            "add",
            "bob",
            "--no-password",
            "--ssh-key-file",
            path.to_str().unwrap(),
        ];
        refused(&tree, &args, b"", kind, &words);
    }
    let path = tree.path("no-such-file");
    let args = [
        "user",
        "add",
        "bob",
        "--no-password",
        "--ssh-key-file",
        path.to_str().unwrap(),
    ];
    refused(
        &tree,
        &args,
        b"",
        ErrorKind::Failed,
        &["cannot read", "no such file"],
    );
    let most = format!("{}\n", "A".repeat(1000)).repeat(45);
    tree.write("keys", most.as_bytes(), 0o600);
    let path = tree.path("keys");
    let args = [
        "user",
        "add",
        "bob",
        "--no-password",
        "--ssh-key-file",
        path.to_str().unwrap(),
    ];
    tree.run(&args).ends(0);
    assert_eq!(
        tree.run(&["user", "keys", "bob"]).ends(0).out,
        most,
        "what was taken can be read back"
    );
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
