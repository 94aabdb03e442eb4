use super::*;

pub(crate) const PASSWD: &str = "root:x:0:0:root:/root:/bin/bash\n\
    alice:x:10000:10000:Alice Doe,room 1:/home/alice:/bin/bash\n\
    bob:x:10001:10001::/home/bob:/bin/sh\n";
pub(crate) const SHADOW: &str = "root:*:19000:0:99999:7:::\n\
    alice:$6$a$a:19000:0:99999:7:::\n\
    bob:$6$b$b:19000:0:99999:7:::\n";

fn files(passwd: &str, shadow: &str) -> AccountFiles {
    AccountFiles {
        passwd: passwd.into(),
        shadow: shadow.as_bytes().to_vec().into(),
        ..AccountFiles::default()
    }
}

/// SHADOW, with a last day for alice.
fn expiring(day: u32) -> String {
    SHADOW.replacen("99999:7:::\nbob", &format!("99999:7::{day}:\nbob"), 1)
}

pub(crate) fn people() -> Accounts {
    Accounts::read(&files(PASSWD, SHADOW), 20_000)
}

fn names(files: &AccountFiles) -> Vec<String> {
    Accounts::read(files, 20_000).people.into_keys().collect()
}

#[test]
fn people_are_found() {
    let people = people();
    let alice = people.get("alice").unwrap();
    assert_eq!((alice.uid, alice.gid), (10_000, 10_000));
    assert_eq!(alice.display_name, "Alice Doe");
    assert!(people.get("root").is_none());
    assert!(people.get("Alice").is_none());
}

#[test]
fn whoever_is_shut_out_is_not_among_them() {
    for (passwd, shadow) in [
        ("alice:x:10000", "alice:x:0"),
        ("alice:x:10000", "alice:x:999"),
        ("alice:x:10000:", "alice:x:65534:"),
        ("alice:x:10000:10000", "alice:x:10000:0"),
        ("/home/alice:/bin/bash", "/home/alice:/usr/sbin/nologin"),
        ("/home/alice:/bin/bash", "/home/alice:/bin/false"),
        ("/home/alice:/bin/bash", "/home/alice:"),
        (":/home/alice:", ":/alice:"),
        (":/home/alice:", ":/home/../root:"),
        ("/bin/bash\nbob", "/bin/bash:\nbob"),
        ("bob:x:10001:", "bob:x:10000:"),
    ] {
        let changed = PASSWD.replacen(passwd, shadow, 1);
        assert_ne!(changed, PASSWD);
        let names = names(&files(&changed, SHADOW));
        assert!(!names.contains(&"alice".to_owned()), "{changed}");
    }
    for field in ["", "!", "*", "!$6$a$a", "!!"] {
        let changed = SHADOW.replace("$6$a$a", field);
        assert_eq!(names(&files(PASSWD, &changed)), ["bob"], "{field}");
    }
    for (expire, open) in [(1, false), (0, false), (20_000, false), (20_001, true)] {
        let changed = expiring(expire);
        assert_eq!(names(&files(PASSWD, &changed)).len() == 2, open, "{expire}");
    }
    assert_eq!(names(&files(PASSWD, "")), [""; 0]);
    assert_eq!(names(&files("", SHADOW)), [""; 0]);
}

#[test]
fn the_image_and_the_lists_of_occ_init_count() {
    let image = |list: &str| AccountFiles {
        image_accounts: list.into(),
        ..files(PASSWD, SHADOW)
    };
    assert_eq!(names(&image("user alice 500\n")), ["bob"]);
    assert_eq!(names(&image("group other 10001\n")), ["alice"]);
    let applied = |json: &str| AccountFiles {
        applied: Some(json.into()),
        ..files(PASSWD, SHADOW)
    };
    let alice = format!(
        r#"{{"accounts":{{"alice":{{"uid":10000,"shadow":"{}","aging":""}}}}}}"#,
        "0".repeat(64)
    );
    assert_eq!(names(&applied(&alice)), ["alice"]);
    assert_eq!(names(&applied(&alice.replace("10000", "10009"))), [""; 0]);
    assert_eq!(names(&applied("{}")), [""; 0]);
    assert_eq!(names(&applied("garbage")), [""; 0]);
}

#[test]
fn fingerprint_covers_all_that_a_session_depends_on() {
    let before = people().fingerprint("alice").unwrap();
    let after = |passwd: &str, shadow: &str| {
        Accounts::read(&files(passwd, shadow), 20_000).fingerprint("alice")
    };
    let renamed = PASSWD.replace("Alice Doe", "Al");
    let aged = SHADOW.replace(":19000:0:", ":19001:0:");
    for (passwd, shadow) in [(&*renamed, SHADOW), (PASSWD, &aged)] {
        assert_eq!(after(passwd, shadow), Some(before));
    }
    let other_uid = PASSWD.replace("x:10000:", "x:10009:");
    let other_shell = PASSWD.replacen("/bin/bash\nbob", "/bin/sh\nbob", 1);
    let other_hash = SHADOW.replace("$6$a$a", "$6$a$c");
    for (passwd, shadow) in [
        (&*other_uid, SHADOW),
        (&other_shell, SHADOW),
        (PASSWD, &other_hash),
        (PASSWD, &expiring(30_000)),
    ] {
        let now = after(passwd, shadow);
        assert!(now.is_some() && now != Some(before), "{passwd}{shadow}");
    }
}

#[test]
fn there_is_nobody_at_all_only_if_no_list_has_anybody() {
    let nobody = |passwd: &str, applied: Option<&str>| {
        let files = AccountFiles {
            applied: applied.map(|list| list.as_bytes().to_vec()),
            ..files(passwd, SHADOW)
        };
        Accounts::read(&files, 20_000).are_none()
    };
    let digest = "0".repeat(64);
    let alice = format!(
        r#"{{"accounts":{{"alice":{{"uid":10000,"shadow":"{digest}","aging":":::::"}}}}}}"#
    );
    assert!(nobody("root:x:0:0:root:/root:/bin/sh\n", None));
    assert!(nobody("", Some(r#"{"accounts":{}}"#)));
    assert!(!nobody(PASSWD, None));
    assert!(!nobody("", Some(&alice)));
    assert!(!nobody("", Some("damaged")));
}
