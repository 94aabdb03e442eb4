//! What restore must not do, whatever stands on the volume. The whole files
//! are compared in `tests/golden`.

mod world;

use super::*;
use crate::account::Shell;
use crate::files::File;
use world::{GROUP, GSHADOW, HASH, PASSWD, SHADOW, World};

#[test]
fn a_tombstone_never_removes_an_account_of_the_image() {
    let world = World::new().tombstone("node", 1000);
    assert!(world.plan().writes.is_empty(), "{}", world.plan());
}

#[test]
fn a_tombstone_never_empties_a_group_of_the_image() {
    for name in ["sudo", "audio", "Audio", "root", "shadow", "docker"] {
        let world = World::new()
            .append(File::Group, "docker:x:998:node\n")
            .append(File::Gshadow, "docker:!::node\nshadow:*::\n")
            .tombstone(name, 10_000);
        assert!(world.plan().writes.is_empty(), "{name}: {}", world.plan());
    }
}

#[test]
fn applied_never_removes_an_account_of_the_image() {
    let mut world = World::new();
    world.applied = World::new().person("node", 1000).applied_of("node");
    assert!(world.plan().writes.is_empty(), "{}", world.plan());
}

#[test]
fn a_group_made_under_a_removed_name_keeps_its_gshadow_line() {
    let world = World::new()
        .append(File::Group, "team:x:2000:node\n")
        .append(File::Gshadow, "team:!::node\n")
        .append(File::Shadow, &format!("team:{HASH}:20000:0:99999:7:::\n"))
        .tombstone("team", 10_000)
        .restored();
    assert!(world.text(File::Gshadow).ends_with("team:!::node\n"));
    assert_eq!(
        world.text(File::Shadow),
        SHADOW,
        "an orphaned hash goes, the next 'team' would get it"
    );
}

#[test]
fn a_removed_persons_uid_goes_to_no_other_name() {
    let mut world = World::new()
        .tombstone("alice", 10_000)
        .person("bob", 10_000);
    assert_eq!(
        world.problems(),
        ["skipped 'bob': uid 10000 was given to 'alice'"]
    );
    assert!(world.plan().restored.is_empty());
    let uid = world.image.uids.uid(10_000).unwrap();
    world.records.ledger.insert(uid, "bob".into());
    assert!(world.problems().is_empty(), "the ledger knows better");
}

#[test]
fn a_name_comes_back_with_its_uid_or_with_a_new_one() {
    let dead = || World::new().tombstone("alice", 10_000);
    assert!(dead().person("alice", 10_000).problems().is_empty());
    assert_eq!(
        dead().person("alice", 10_001).problems(),
        ["skipped 'alice': home '/home/alice' belongs to 'alice'"],
        "another number, another home: the files there are the old one's"
    );
    let world = dead()
        .record(r#"{"userName":"alice","uid":10001,"homeDirectory":"/home/alice2"}"#)
        .restored();
    assert_eq!(world.text(File::Group), format!("{GROUP}alice:x:10001:\n"));
}

#[test]
fn two_records_of_one_uid() {
    let mut world = World::new().person("alice", 10_000).person("bob", 10_000);
    assert_eq!(
        world.problems(),
        ["skipped 'bob': uid 10000 was given to 'alice'"]
    );
    let uid = world.image.uids.uid(10_000).unwrap();
    assert!(world.records.doubtful_uids().contains(&uid));
    world.records.ledger.insert(uid, "bob".into());
    assert_eq!(
        world.problems(),
        ["skipped 'alice': uid 10000 was given to 'bob'"]
    );
}

/// Not a golden tree: its files could not be told apart on a file system that
/// folds case.
#[test]
fn names_that_differ_in_case_only() {
    let world = World::new()
        .record(r#"{"userName":"alice","uid":10000,"occ":{"created":9}}"#)
        .record(r#"{"userName":"Alice","uid":10001,"occ":{"created":5}}"#)
        .record(r#"{"userName":"ALICE","uid":10002,"occ":{"created":7}}"#);
    let twin = |name| format!("skipped '{name}': the name differs from 'Alice' in case only");
    assert_eq!(world.problems(), [twin("ALICE"), twin("alice")]);
    let world = World::new().person("Node", 10_000).person("SUDO", 10_001);
    assert!(world.plan().restored.is_empty(), "nor from the image's");
}

#[test]
fn what_the_volume_says_forges_no_log_line() {
    let mut world = World::new().person("alice", 10_000);
    let uid = world.image.uids.uid(10_000).unwrap();
    let forged = "x'\nocc-init: all is well\u{1b}[2J\u{202e}";
    world.records.ledger.insert(uid, forged.into());
    let world = world.record(
        r#"{"userName":"bob","uid":10001,"memberOf":["a\nocc-init: all is well\u001b[2J\u202e"]}"#,
    );
    let plan = world.plan().to_string();
    assert_eq!(plan.lines().count(), 8, "{plan}");
    assert!(
        !plan.contains(['\u{1b}', '\u{202e}', '\r']),
        "{}",
        plan.escape_debug()
    );
}

#[test]
fn a_group_asked_for_twice_is_joined_once() {
    let world = World::new()
        .allow("audio: *")
        .record(r#"{"userName":"alice","uid":10000,"memberOf":["audio","audio"]}"#)
        .restored();
    assert!(
        world
            .text(File::Group)
            .contains("\naudio:x:29:alice\nnode:")
    );
    assert!(
        world
            .text(File::Gshadow)
            .contains("\naudio:*::alice\nnode:")
    );
}

#[test]
fn memberships_that_nobody_granted_are_taken_away() {
    let mut world = World::new().person("alice", 10_000);
    let group = b"caf\xe9:x:2000:alice\nsudo:x:27:node, alice,alice\n+team:::alice\n";
    world.etc.set(File::Group, group.to_vec());
    let gshadow = "sudo:*:alice:alice\nalice:$6$old:root,bob:bob\n";
    world.etc.set(File::Gshadow, gshadow.into());
    let world = world.restored();
    assert_eq!(
        world.etc.bytes(File::Group),
        b"caf\xe9:x:2000:\nsudo:x:27:node\nalice:x:10000:\n+team:::alice\n"
    );
    assert_eq!(world.text(File::Gshadow), "sudo:*::\nalice:!::\n");
}

#[test]
fn the_private_group_takes_no_members() {
    let world = World::new()
        .allow("alice: *\nbob: *")
        .record(r#"{"userName":"alice","uid":10000,"memberOf":["alice","bob"]}"#)
        .record(r#"{"userName":"bob","uid":10001,"memberOf":["alice"]}"#)
        .restored();
    assert!(
        world
            .text(File::Group)
            .ends_with("alice:x:10000:\nbob:x:10001:\n")
    );
}

#[test]
fn an_unreadable_record_leaves_its_lines() {
    let mut world = World::new().person("alice", 10_000).restored();
    let before = world.text(File::Shadow);
    world.records = Records::default();
    let world = world.unreadable("alice").restored();
    assert_eq!(world.text(File::Shadow), before);
    assert!(
        world.applied.accounts.contains_key("alice"),
        "so that it is still ours when the record is mended or deleted"
    );
}

#[test]
fn a_deleted_record_takes_its_lines_along() {
    let mut world = World::new()
        .append(File::Subuid, "")
        .person("alice", 10_000)
        .restored();
    assert!(world.text(File::Subuid).starts_with("alice:"));
    world.records = Records::default();
    assert!(world.plan().only_removes());
    let world = world.restored();
    assert_eq!(world.text(File::Passwd), PASSWD);
    assert_eq!(world.text(File::Shadow), SHADOW);
    assert_eq!(world.text(File::Group), GROUP);
    assert_eq!(world.text(File::Gshadow), GSHADOW);
    assert_eq!(world.text(File::Subuid), "");
    assert!(world.applied.accounts.is_empty());
}

#[test]
fn a_line_of_somebody_else_stops_the_account_and_stays() {
    let cases = [
        (
            File::Passwd,
            "alice:x:500:500::/:/bin/sh\n",
            "passwd has a line 'alice' with id 500",
        ),
        (
            File::Passwd,
            "other:x:10000:10000::/:/bin/sh\n",
            "passwd has a line 'other' with id 10000",
        ),
        (
            File::Group,
            "alice:x:500:\n",
            "group has a line 'alice' with id 500",
        ),
        (
            File::Group,
            "other:x:10000:\n",
            "group has a line 'other' with id 10000",
        ),
        (
            File::Group,
            "other:x:10000:a:b\n",
            "group has a line 'other' with id 10000",
        ),
    ];
    for (file, line, why) in cases {
        let world = World::new().append(file, line).person("alice", 10_000);
        assert_eq!(
            world.problems(),
            [format!("skipped 'alice': {why} that is not ours")]
        );
        assert!(world.plan().writes.is_empty(), "{line}");
    }
}

/// The line of a refused account stays, and its number with it.
#[test]
fn a_line_that_stays_keeps_its_number() {
    let mut world = World::new()
        .person("alice", 10_000)
        .person("bob", 10_001)
        .restored();
    world.records = Records::default();
    let world = world
        .person("alice", 10_009)
        .person("bob", 10_000)
        .person("carol", 10_001)
        .append(File::Group, "team:x:10009:\n");
    assert_eq!(
        world.problems(),
        [
            "skipped 'alice': group has a line 'team' with id 10009 that is not ours",
            "skipped 'bob': passwd has a line 'alice' with id 10000 that is not ours",
            "skipped 'carol': passwd has a line 'bob' with id 10001 that is not ours",
        ]
    );
    assert!(world.plan().writes.is_empty());
}

#[test]
fn an_image_without_bash_shuts_out_nobody_who_never_chose_a_shell() {
    let with_shell =
        |name, uid, shell| format!(r#"{{"userName":"{name}","uid":{uid},"shell":"{shell}"}}"#);
    let mut world = World::new()
        .person("alice", 10_000)
        .record(&with_shell("bob", 10_001, "/bin/bash"))
        .record(&with_shell("carol", 10_002, "/usr/bin/git-shell"));
    world.image.shells.default = Shell::parse("/bin/sh").unwrap();
    let shells = |world: World| {
        let passwd = world.restored().text(File::Passwd);
        let line = |name: &str| {
            passwd
                .lines()
                .find(|line| line.starts_with(name))
                .map(str::to_owned)
        };
        ["alice", "bob", "carol"]
            .map(|name| line(name).unwrap().rsplit(':').next().unwrap().to_owned())
    };
    assert_eq!(shells(world), ["/bin/sh", "/bin/sh", "/usr/bin/git-shell"]);
}

#[test]
fn a_disabled_account_is_shut_in_every_file() {
    let record = format!(
        r#"{{"userName":"alice","uid":10000,"locked":true,"privileged":{{"hashedPassword":["{HASH}"]}}}}"#
    );
    let world = World::new().record(&record).restored();
    assert!(
        world
            .text(File::Passwd)
            .ends_with("alice:x:10000:10000::/home/alice:/usr/sbin/nologin\n")
    );
    assert!(
        world
            .text(File::Shadow)
            .ends_with(&format!("alice:!{HASH}::0:99999:7::1:\n"))
    );
}

#[test]
fn an_account_that_ended_in_1970_is_closed_for_every_reader() {
    let world = World::new()
        .record(r#"{"userName":"alice","uid":10000,"notAfterUSec":0}"#)
        .restored();
    assert!(
        world
            .text(File::Shadow)
            .ends_with("alice:*::0:99999:7::1:\n"),
        "0 in shadow(5) may be read as never"
    );
}

#[test]
fn a_clock_that_was_not_set_forces_no_password_change() {
    for usec in [0_u64, 1, 86_400_000_000] {
        let world = World::new()
            .record(&format!(
                r#"{{"userName":"alice","uid":10000,"lastPasswordChangeUSec":{usec}}}"#
            ))
            .restored();
        assert!(
            world
                .text(File::Shadow)
                .ends_with("alice:*::0:99999:7:::\n")
        );
    }
}

/// With a comparison of everybody with everybody this test takes minutes.
#[test]
fn many_people_in_one_group() {
    let mut world = World::new().allow("audio: *");
    for uid in 10_000..30_000 {
        world = world.record(&format!(
            r#"{{"userName":"p{uid}","uid":{uid},"memberOf":["audio"]}}"#
        ));
    }
    let world = world.restored();
    assert!(world.plan().writes.is_empty());
    assert_eq!(world.text(File::Group).matches(",p2").count(), 10_000);
}

/// The same with a store whose files all went bad.
#[test]
fn many_unreadable_records() {
    let mut world = World::new();
    for uid in 10_000..30_000 {
        world = world.person(&format!("p{uid}"), uid);
    }
    let mut world = world.restored();
    world.records = Records::default();
    for uid in 10_000..30_000 {
        world = world.unreadable(&format!("p{uid}"));
    }
    assert!(world.plan().writes.is_empty());
    assert_eq!(world.remembered(), world.applied);
}

#[test]
fn new_lines_are_in_the_order_of_their_numbers() {
    let world = World::new().person("zoe", 10_000).person("alice", 10_001);
    let group = world.restored().text(File::Group);
    assert_eq!(group, format!("{GROUP}zoe:x:10000:\nalice:x:10001:\n"));
}

#[test]
fn a_uid_that_does_not_exist_here_is_left_out() {
    let mut world = World::new().person("alice", 10_000).person("bob", 9_999);
    world.image.mapped_ids = vec![(0, 9_999), (10_001, 20_000)];
    assert_eq!(
        world.problems(),
        ["skipped 'alice': uid 10000 does not exist in this user namespace"]
    );
}
