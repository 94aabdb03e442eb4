//! What a record file may hold: every rule, one hostile file each.

use super::*;
use crate::record::ParsedRecord;
use crate::record::tests::{HASH, parse, record, with};

fn legacy(text: &str) -> Legacy {
    match parse(text) {
        Ok(ParsedRecord::Legacy(legacy)) => legacy,
        Ok(ParsedRecord::Record(_)) => panic!("read as a record: {text}"),
        Err(reason) => panic!("{reason}: {text}"),
    }
}

fn refused(text: &str) -> String {
    match parse(text) {
        Ok(_) => panic!("accepted: {text}"),
        Err(reason) => reason.to_string(),
    }
}

#[test]
fn the_smallest_record_has_the_defaults_of_a_person() {
    let record = record(&with(""));
    let account = record.account();
    assert_eq!(
        (account.name.as_str(), account.uid.get()),
        ("alice", 10_000)
    );
    assert_eq!(account.home.as_str(), "/home/alice");
    assert_eq!(account.shell.as_str(), "/bin/bash");
    assert_eq!(account.real_name.as_str(), "");
    assert!(account.hash.is_none() && account.hash_refused.is_none() && !account.locked);
    assert_eq!(account.aging, Aging::default());
    assert!(account.member_of.is_empty() && account.ssh_keys.is_empty());
}

#[test]
fn null_is_as_good_as_absent() {
    let nulls = r#""gid":null,"realName":null,"homeDirectory":null,"shell":null,"memberOf":null,"locked":null,
        "disposition":null,"privileged":null,"occ":null,"notAfterUSec":null,"lastPasswordChangeUSec":null"#;
    assert_eq!(record(&with(nulls)).account(), record(&with("")).account());
}

#[test]
fn fields_of_another_type_are_refused() {
    let cases = [
        ("userName", "a string", r#"1 true ["alice"]"#),
        ("realName", "a string", "7 {}"),
        ("homeDirectory", "a string", "{} []"),
        ("shell", "a string", "false"),
        ("disposition", "a string", "1"),
        ("locked", "true or false", r#""yes" "true" 0 1"#),
        ("memberOf", "a list of strings", r#""audio" [1] [null] {}"#),
        ("privileged", "an object", r#"[] "x" 1"#),
        ("occ", "an object", "1 []"),
    ];
    for (field, expected, values) in cases {
        for value in values.split(' ') {
            let reason = refused(&with(&format!(r#""{field}":{value}"#)));
            assert_eq!(reason, format!("field '{field}' must be {expected}"));
        }
    }
}

#[test]
fn numbers_are_whole_and_not_negative() {
    let fields = [
        "uid",
        "gid",
        "lastPasswordChangeUSec",
        "notAfterUSec",
        "passwordChangeMaxUSec",
    ];
    for field in fields {
        for value in [
            "\"10000\"",
            "-1",
            "-0",
            "10000.0",
            "1e4",
            "18446744073709551616",
            "true",
            "[]",
        ] {
            let reason = refused(&with(&format!(r#""{field}":{value}"#)));
            assert_eq!(
                reason,
                format!("field '{field}' must be a whole number, not negative"),
                "{value}"
            );
        }
    }
}

#[test]
fn fields_of_another_type_one_level_down() {
    let cases = [
        (
            r#""privileged":{"hashedPassword":"x"}"#,
            "field 'hashedPassword' must be a list of strings",
        ),
        (
            r#""privileged":{"hashedPassword":[["x"]]}"#,
            "field 'hashedPassword' must be a list of strings",
        ),
        (
            r#""privileged":{"sshAuthorizedKeys":{}}"#,
            "field 'sshAuthorizedKeys' must be a list of strings",
        ),
        (
            r#""occ":{"schema":"1"}"#,
            "field 'schema' must be a whole number, not negative",
        ),
        (
            r#""occ":{"created":-5}"#,
            "field 'created' must be a whole number, not negative",
        ),
    ];
    for (field, reason) in cases {
        assert_eq!(refused(&with(field)), reason, "{field}");
    }
}

#[test]
fn name_and_uid_must_be_there() {
    assert_eq!(refused(r#"{"uid":10000}"#), "field 'userName' is missing");
    assert_eq!(refused(r#"{"userName":"alice"}"#), "field 'uid' is missing");
    assert_eq!(
        refused(r#"{"userName":null,"uid":10000}"#),
        "field 'userName' is missing"
    );
    assert_eq!(refused("{}"), "field 'userName' is missing");
}

#[test]
fn uids_that_are_nobodys() {
    for uid in [
        "0",
        "1",
        "999",
        "60000",
        "65534",
        "65535",
        "100000",
        "4294967295",
        "4294967296",
        "4294977296",
        "18446744073709551615",
    ] {
        let reason = refused(&with(&format!(r#""uid":{uid}"#)));
        assert!(
            reason.starts_with(&format!("invalid uid {uid}: people have 1000 to 59999")),
            "{reason}"
        );
    }
}

#[test]
fn the_group_is_the_users_own() {
    assert!(parse(&with(r#""gid":10000"#)).is_ok());
    for gid in ["0", "27", "10001", "4294977296"] {
        let reason = refused(&with(&format!(r#""gid":{gid}"#)));
        assert_eq!(
            reason,
            format!("gid {gid} is not the uid; every account has a group of its own")
        );
    }
}

#[test]
fn only_people() {
    assert!(parse(&with(r#""disposition":"regular""#)).is_ok());
    for word in ["system", "intrinsic", "Regular", ""] {
        let reason = refused(&with(&format!(r#""disposition":"{word}""#)));
        assert_eq!(reason, "disposition is not 'regular'");
    }
}

#[test]
fn names_that_are_no_login_names() {
    for name in [
        "",
        "0x0",
        "1000",
        "../../etc/cron.d/x",
        "a b",
        "a:x:0:0",
        "a\\nroot",
        "root\\u0000",
        "élan",
        "a$",
        "+",
        "-",
    ] {
        refused(&with(&format!(r#""userName":"{name}""#)));
    }
}

#[test]
fn text_that_would_end_a_field_or_mislead_its_reader() {
    for field in ["realName", "homeDirectory", "shell"] {
        let prefix = if field == "homeDirectory" {
            "/home/"
        } else {
            "/"
        };
        assert!(parse(&with(&format!(r#""{field}":"{prefix}fine""#))).is_ok());
        for bad in [
            ":",
            "\\n",
            "\\r",
            "\\u0000",
            "\\u001b[2J",
            "\\u007f",
            "\\u0085",
            "\\u202e",
            "\\u2066",
            "\\u2028",
        ] {
            refused(&with(&format!(r#""{field}":"{prefix}x{bad}y""#)));
        }
        refused(&with(&format!(
            r#""{field}":"{prefix}{}""#,
            "x".repeat(300)
        )));
    }
}

#[test]
fn homes_are_one_name_below_a_directory() {
    for home in [
        "/",
        "/root",
        "/etc",
        "/home",
        "/home/",
        "/home/a/",
        "//etc",
        "/home/./a",
        "/home/..",
        "/home/.ssh",
        "/home//a",
        "home/a",
        "",
    ] {
        let reason = refused(&with(&format!(r#""homeDirectory":"{home}""#)));
        assert!(reason.contains("home"), "{reason}");
    }
}

/// A record's text may be anything, a hash in the wrong field too; the reason
/// goes into a log that many can read.
#[test]
fn a_reason_repeats_nothing_of_the_file() {
    let secret = "hunter2:hunter2";
    for field in [
        "userName",
        "realName",
        "homeDirectory",
        "shell",
        "disposition",
    ] {
        let reason = refused(&with(&format!(r#""{field}":"{secret}""#)));
        assert!(!reason.contains("hunter2"), "{field}: {reason}");
    }
    let reason = refused(&format!(r#"{{"username":"{secret}"}}"#));
    assert!(!reason.contains("hunter2"), "{reason}");
}

#[test]
fn bytes_that_are_no_document() {
    let whole = with("");
    let cases: [(Vec<u8>, &str); 9] = [
        (Vec::new(), "not valid JSON: EOF"),
        (whole.as_bytes()[..20].to_vec(), "not valid JSON: EOF"),
        (
            [b"\xef\xbb\xbf", whole.as_bytes()].concat(),
            "not valid JSON: expected value at line 1 column 1",
        ),
        (
            [whole.as_bytes(), b"\0"].concat(),
            "not valid JSON: trailing characters",
        ),
        (
            [whole.as_bytes(), whole.as_bytes()].concat(),
            "not valid JSON: trailing characters",
        ),
        (
            b"{\"userName\":\"al\xffice\",\"uid\":10000}".to_vec(),
            "not valid JSON: invalid unicode code point",
        ),
        (
            b"{\"userName\":\"al\0ice\",\"uid\":10000}".to_vec(),
            "not valid JSON: control character",
        ),
        (b"[]".to_vec(), "not a JSON object"),
        (b"null".to_vec(), "not a JSON object"),
    ];
    for (bytes, expected) in cases {
        let reason = ParsedRecord::parse(&bytes, UidRange::default())
            .err()
            .unwrap()
            .to_string();
        assert!(reason.starts_with(expected), "{reason}");
    }
}

#[test]
fn a_key_twice_is_refused_at_any_depth() {
    for text in [
        r#"{"userName":"alice","uid":10000,"uid":0}"#,
        r#"{"userName":"alice","uid":10000,"\u0075id":0}"#,
        r#"{"userName":"alice","uid":10000,"privileged":{"hashedPassword":[],"hashedPassword":[]}}"#,
        r#"{"userName":"alice","uid":10000,"x":[{"a":1,"a":1}]}"#,
    ] {
        assert!(refused(text).contains("a key stands twice"), "{text}");
    }
}

#[test]
fn depth_and_size_are_bounded() {
    let nested = |n: usize| with(&format!(r#""x":{}{}"#, "[".repeat(n), "]".repeat(n)));
    assert!(parse(&nested(strict_json::MAX_DEPTH - 1)).is_ok());
    assert!(refused(&nested(strict_json::MAX_DEPTH)).contains("nested deeper than 16"));
    let padded = |total: usize| {
        let text = with("");
        format!("{text}{}", " ".repeat(total - text.len()))
    };
    assert!(parse(&padded(MAX_BYTES)).is_ok());
    assert_eq!(
        refused(&padded(MAX_BYTES + 1)),
        "65537 bytes, at most 65536 are allowed"
    );
}

#[test]
fn a_newer_schema_is_used_for_nothing() {
    assert!(parse(&with(r#""occ":{"schema":1}"#)).is_ok());
    assert!(parse(&with(r#""occ":{}"#)).is_ok());
    let reason = refused(&with(r#""occ":{"schema":2},"uid":0,"userName":"?""#));
    assert_eq!(
        reason, "schema 2 is newer than this program knows; update the image",
        "before anything else is judged"
    );
}

#[test]
fn a_hash_that_does_not_pass_leaves_the_account_without_password() {
    let cases = [
        ("", InvalidHash::Empty),
        ("*", InvalidHash::Characters),
        ("!", InvalidHash::Characters),
        ("!$6$salt$hash", InvalidHash::Characters),
        ("x:0:0:99999:7:::\\nroot::0", InvalidHash::Characters),
        ("hunter2", InvalidHash::Scheme),
        ("$1$salt$qJH7.N4xYta3aEG/dfqo/0", InvalidHash::Scheme),
    ];
    for (hash, why) in cases {
        let record = record(&with(&format!(
            r#""privileged":{{"hashedPassword":["{hash}"]}}"#
        )));
        let account = record.account();
        assert_eq!(
            (&account.hash, account.hash_refused),
            (&None, Some(why)),
            "{hash}"
        );
        assert_eq!(crate::files::shadow::password_field(account), ["", "*"]);
    }
}

#[test]
fn legacy_locks_are_never_weakened() {
    let cases = [
        (HASH.to_owned(), "false", false, true),
        (HASH.to_owned(), "true", true, true),
        (format!("!{HASH}"), "false", true, true),
        (format!("!!{HASH}"), "false", true, true),
        ("!".to_owned(), "false", true, false),
        ("!*".to_owned(), "false", true, false),
        ("*".to_owned(), "false", false, false),
        (String::new(), "false", false, false),
    ];
    for (hash, locked, is_locked, has_hash) in cases {
        let text = format!(r#"{{"username":"bob","password_hash":"{hash}","locked":{locked}}}"#);
        let legacy = legacy(&text);
        assert_eq!(
            (legacy.locked, legacy.hash.is_some()),
            (is_locked, has_hash),
            "{text}"
        );
        assert_eq!(legacy.hash_refused, None);
    }
}

#[test]
fn legacy_without_hash_or_lock() {
    let bare = legacy(r#"{"username":"bob"}"#);
    assert!(bare.hash.is_none() && !bare.locked && bare.name.as_str() == "bob");
    let null = legacy(r#"{"username":"bob","password_hash":null,"locked":null}"#);
    assert_eq!(null, bare);
    let weak = legacy(r#"{"username":"bob","password_hash":"!plain"}"#);
    assert_eq!(
        (weak.locked, weak.hash_refused),
        (true, Some(InvalidHash::Scheme))
    );
}

#[test]
fn legacy_of_the_wrong_shape() {
    for text in [
        r#"{"username":1}"#,
        r#"{"username":null}"#,
        r#"{"username":"../x"}"#,
        r#"{"username":"bob","locked":"false"}"#,
        r#"{"username":"bob","password_hash":["x"]}"#,
        r#"{"username":"bob","locked":true,"locked":false}"#,
    ] {
        refused(text);
    }
}

#[test]
fn a_mark_before_the_hash_of_a_locked_record_is_no_part_of_it() {
    let hash = format!("$6$saltsaltsaltsalt${}", "x".repeat(86));
    for (field, kept) in [
        (format!("!{hash}"), Some(hash.as_str())),
        (format!("!!{hash}"), Some(&hash)),
        ("!".to_owned(), None),
        ("!*".to_owned(), None),
    ] {
        let record = record(&with(&format!(
            r#""locked":true,"privileged":{{"hashedPassword":["{field}"]}}"#
        )));
        let account = record.account();
        assert!(account.locked, "{field}");
        assert_eq!(account.hash.as_ref().map(PasswordHash::expose), kept);
        assert_eq!(account.hash_refused, None);
    }
}
