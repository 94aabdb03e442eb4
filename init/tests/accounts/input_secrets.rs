//! Bad passwords, hashes, requests and ssh keys: named by rule, never repeated.

use crate::input::refused;
use crate::tree::{KEY, MARK, Tree, hash};
use accounts::wire::ErrorKind;
use serde_json::{Value, json};

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
            with(&json!({ "sshAuthorizedKeys": [KEY] })),
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
    let many = vec![format!("{KEY} {}", "a".repeat(1000)); 60];
    for (keys, words) in [
        (
            vec![format!("{KEY}\n{KEY}")],
            ["line 1", "no ssh public key"],
        ),
        (
            vec![KEY.to_owned(), format!("{KEY} \u{1b}[2J")],
            ["line 2", "no ssh public key"],
        ),
        (
            vec![format!("{KEY}\r{KEY}")],
            ["line 1", "no ssh public key"],
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
            format!("{KEY}\n\n{KEY} \x07\n").into_bytes(),
            ErrorKind::Invalid,
            ["line 3", "no ssh public key"],
        ),
        (
            [KEY.as_bytes(), b"\nssh-rsa \xff\n"].concat(),
            ErrorKind::Invalid,
            ["line 2", "no ssh public key"],
        ),
        (
            format!("{KEY} {}\n", "a".repeat(1000))
                .repeat(70)
                .into_bytes(),
            ErrorKind::Invalid,
            ["ssh keys", "48 KiB"],
        ),
    ] {
        tree.write("keys", &content, 0o600);
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
    let most = format!("{KEY} {}\n", "a".repeat(900)).repeat(45);
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
