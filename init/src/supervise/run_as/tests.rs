use super::*;

const PASSWD: &[u8] = b"root:x:0:0:root:/root:/bin/bash\n# a comment\nshort:x:5\n\
    alice:x:10000:10000::/home/alice:/bin/bash\nbob:x:10001:10001::/home/bob:\n\
    app:x:999:998::/:/usr/sbin/nologin\nbad:x:4294967295:1::/:\nworse:x:+7:1::/:\n10001:x:77:77::/:/bin/sh\n";
const GROUP: &[u8] =
    b"root:x:0:\nvideo:x:44:bob,alice\naudio:x:45:bobby\nalice:x:10000:alice\napp:x:998:\n";
const SHADOW: &[u8] =
    b"alice:$6$salt$hash:20000:0:99999:7:::\nbob:!$6$salt$hash:20000::::::\napp:!:20000::::::\n\
    10001:!*:20000:::::1:\n";
const TODAY: u32 = 20_600;

fn of(spec: &str) -> Result<Identity, String> {
    resolve(spec.as_bytes(), PASSWD, GROUP, SHADOW, TODAY)
}

#[test]
fn person_has_their_groups() {
    let alice = of("alice").unwrap();
    assert_eq!(
        (alice.uid, alice.gid, alice.groups),
        (10000, 10000, vec![10000, 44])
    );
    assert_eq!(
        (alice.home, alice.shell),
        (b"/home/alice".to_vec(), b"/bin/bash".to_vec())
    );
}

#[test]
fn explicit_group_replaces_all_groups() {
    let alice = of("alice:video").unwrap();
    assert_eq!((alice.gid, alice.groups), (44, vec![44]));
    assert_eq!(of("alice:4711").unwrap().groups, [4711]);
    assert_eq!(
        of("alice:nope").unwrap_err(),
        "no group 'nope' in /etc/group"
    );
}

#[test]
fn numbers_are_uids_unless_they_are_names() {
    assert_eq!(of("999").unwrap().name, b"app");
    assert_eq!(
        of("10001").unwrap_err(),
        "the account '10001' is disabled",
        "the name, not bob's uid"
    );
    let nobody = of("4242").unwrap();
    assert_eq!(
        (nobody.uid, nobody.gid, nobody.home),
        (4242, 0, b"/".to_vec())
    );
    assert_eq!(of("4242:999").unwrap().gid, 999);
    assert_eq!(
        of("4294967295").unwrap_err(),
        "no user '4294967295' in /etc/passwd"
    );
}

#[test]
fn a_disabled_account_is_refused_and_a_service_user_is_not() {
    assert_eq!(of("bob").unwrap_err(), "the account 'bob' is disabled");
    assert_eq!(of("app").unwrap().uid, 999);
    for (expires, refused) in [
        ("", false),
        ("0", true),
        ("1", true),
        ("20600", true),
        ("20601", false),
    ] {
        let shadow = format!("alice:$6$a$b:20000:0:99999:7::{expires}:\n");
        let alice = resolve(b"alice", PASSWD, GROUP, shadow.as_bytes(), TODAY);
        assert_eq!(alice.is_err(), refused, "{expires}");
    }
}

#[test]
fn malformed_lines_name_no_user() {
    for spec in ["short", "bad", "worse", "", "4294967295", "# a comment"] {
        assert!(of(spec).is_err(), "{spec}");
    }
}
