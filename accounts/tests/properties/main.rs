//! What holds for any bytes on the volume and any lines in /etc.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failure here is what these tests are for"
)]

mod support;

use accounts::account::{Account, DAY_USEC, Digest, Home, InvalidHash, Shells, UidRange, Username};
use accounts::files::table::LineAction;
use accounts::files::{Etc, File, shadow, table};
use accounts::image::{GroupsAllow, HomeBases, Image, ImageAccounts};
use accounts::reconcile::{Applied, AppliedEntry, Captures, captures};
use accounts::record::{ParsedRecord, Part, Records, Rejected, Tombstone};
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use support::World;

/// People, twins, names of the image and of the system.
const NAMES: [&str; 14] = [
    "alice", "alice", "bob", "bob", "carol", "carol", "x-y", "x-y", "Alice", "node", "audio",
    "team", "sudo", "root",
];
const UIDS: [u32; 8] = [1000, 1001, 10_003, 10_004, 10_000, 10_001, 10_002, 59_999];
const GROUPS: [&str; 6] = ["audio", "sudo", "team", "alice", "root", "a:0:\nb"];
/// Stands in every hash, and nowhere else.
const SECRET: &str = "s3cr3ts3cr3ts3cr3t";

fn hash(letter: &str) -> String {
    format!("$6$saltsaltsaltsalt${SECRET}{}", letter.repeat(68))
}

/// A value that no field expects.
fn hostile() -> impl Strategy<Value = Value> {
    let fixed = vec![
        json!(null),
        json!(true),
        json!(-1),
        json!(0),
        json!(1.5),
        json!(4_294_967_296_u64),
        json!(4_294_977_296_u64),
        json!(u64::MAX),
        json!(""),
        json!("0"),
        json!("10000"),
        json!("x:0:0"),
        json!("alice\nroot2::0:0::/:/bin/sh"),
        json!("/home/a:0"),
        json!([]),
        json!({}),
        json!(["x", null]),
        json!(hash("h")),
    ];
    prop_oneof![3 => select(fixed), 1 => any::<String>().prop_map(Value::from)]
}

fn mostly<T: Into<Value>>(good: impl Strategy<Value = T>) -> impl Strategy<Value = Value> {
    prop_oneof![60 => good.prop_map(Into::into), 1 => hostile()]
}

fn hashes() -> impl Strategy<Value = Value> {
    let refused = ["", "*", "$1$a$b", "!", "x:0:0:::::\nroot2::0"];
    prop_oneof![
        4 => select(vec!["a", "b"]).prop_map(|letter| json!([hash(letter)])),
        1 => select(refused.to_vec()).prop_map(|refused| json!([refused])),
        1 => Just(json!([])),
        1 => hostile(),
    ]
}

/// A record as somebody may have left it on the volume.
fn record_json() -> impl Strategy<Value = Value> {
    let text = |choices: &[&'static str]| mostly(select(choices.to_vec()));
    let name = mostly(select(NAMES.to_vec()));
    let uid = mostly(select(UIDS.to_vec()));
    let home = text(&["/home/alice", "/home/zoe", "/home/Zo\u{eb}", "/home/x"]);
    let shell = text(&["/bin/bash", "/bin/zsh"]);
    let real_name = text(&["", "Alice Liddell", "Zo\u{eb} \u{1f600}"]);
    let groups = mostly(subsequence(GROUPS.to_vec(), 0..4));
    let day = select(vec![0, 1, DAY_USEC, 30_000 * DAY_USEC, u64::MAX]);
    let optional = (
        proptest::option::weighted(0.2, home),
        proptest::option::of(shell),
        proptest::option::of(real_name),
        proptest::option::of(groups),
        proptest::option::of(mostly(any::<bool>())),
        proptest::option::of(hashes()),
        proptest::option::of(mostly(day.clone())),
        proptest::option::of(mostly(day)),
        proptest::option::of(mostly(0_u64..5)),
    );
    (name, uid, optional).prop_map(|(name, uid, optional)| {
        let (home, shell, real_name, groups, locked, hashes, changed, expire, created) = optional;
        let fields = [
            ("userName", Some(name)),
            ("uid", Some(uid)),
            ("homeDirectory", home),
            ("shell", shell),
            ("realName", real_name),
            ("memberOf", groups),
            ("locked", locked),
            (
                "privileged",
                hashes.map(|hashes| json!({ "hashedPassword": hashes })),
            ),
            ("lastPasswordChangeUSec", changed),
            ("notAfterUSec", expire),
            (
                "occ",
                created.map(|created| json!({ "schema": 1, "created": created })),
            ),
        ];
        let present = fields
            .into_iter()
            .filter_map(|(field, value)| Some((field.to_owned(), value?)));
        Value::Object(present.collect::<Map<_, _>>())
    })
}

fn parse(document: &Value) -> Result<ParsedRecord, accounts::record::InvalidRecord> {
    ParsedRecord::parse(document.to_string().as_bytes(), UidRange::default())
}

fn accounts_of(documents: &[Value]) -> BTreeMap<Username, Box<Account>> {
    let records = documents
        .iter()
        .filter_map(|document| match parse(document) {
            Ok(ParsedRecord::Record(record)) => Some(record.account().clone()),
            _ => None,
        });
    records
        .map(|account| (account.name.clone(), Box::new(account)))
        .collect()
}

fn name() -> impl Strategy<Value = Username> {
    select(NAMES.to_vec()).prop_map(|name| Username::parse(name).unwrap())
}

fn records() -> impl Strategy<Value = Records> {
    let tombstone = (name(), select(UIDS.to_vec())).prop_map(|(name, uid)| Tombstone {
        home: Home::parse(&format!("/home/{name}")).unwrap(),
        uid: UidRange::default().uid(uid.into()).unwrap(),
        name,
    });
    let rejected = name().prop_map(|name| Rejected {
        part: Part::Record,
        file: format!("{name}.json"),
        name: Some(name),
        reason: "unreadable".into(),
    });
    let ledger = vec((select(UIDS.to_vec()), select(NAMES.to_vec())), 0..3);
    (
        vec(record_json(), 0..7),
        vec(tombstone, 0..3),
        vec(rejected, 0..2),
        ledger,
    )
        .prop_map(|(documents, tombstones, rejected, ledger)| {
            let mut records = Records {
                accounts: accounts_of(&documents),
                tombstones,
                ..Records::default()
            };
            let is_readable = |rejected: &Rejected| {
                rejected
                    .name
                    .as_ref()
                    .is_some_and(|name| records.accounts.contains_key(name))
            };
            records.rejected = rejected
                .into_iter()
                .filter(|rejected| !is_readable(rejected))
                .collect();
            let doubtful = records.doubtful_uids();
            let owners = ledger.into_iter().map(|(uid, owner)| {
                (
                    UidRange::default().uid(uid.into()).unwrap(),
                    owner.to_owned(),
                )
            });
            records.ledger = owners.filter(|(uid, _)| doubtful.contains(uid)).collect();
            records
        })
}

/// One line: of the right shape more often than not.
fn line(fields: usize) -> impl Strategy<Value = Vec<u8>> {
    let field = select(vec![
        &b""[..],
        b"x",
        b"*",
        b"0",
        b"00",
        b"1000",
        b"10000",
        b"10001",
        b"010000",
        b"+10000",
        b"4294967296",
        b"65536",
        b"alice",
        b"alice,bob,www",
        b" alice",
        b"/home/alice",
        b"\xe9",
    ]);
    let start = prop_oneof![
        1 => select(NAMES.to_vec()).prop_map(str::to_owned),
        9 => select(vec!["svc", "www", "mail", "_x"]).prop_map(str::to_owned),
        1 => select(vec!["+", "-", "+alice", "#alice", "", "www", "ROOT", "\u{e9}"]).prop_map(str::to_owned),
    ];
    let count = prop_oneof![8 => Just(fields), 1 => 0..11_usize];
    let shaped =
        (start, count, vec(field, 11), any::<bool>()).prop_map(|(start, count, pool, is_crlf)| {
            let mut line = start.into_bytes();
            for field in pool.iter().take(count.saturating_sub(1)) {
                line.push(b':');
                line.extend_from_slice(field);
            }
            if is_crlf && count == 3 {
                line.push(b'\r');
            }
            line
        });
    let junk = vec(any::<u8>().prop_filter("one line", |&b| b != b'\n'), 0..12);
    prop_oneof![12 => shaped, 1 => junk]
}

fn file(fields: usize) -> impl Strategy<Value = Option<Vec<u8>>> {
    let content = (vec(line(fields), 0..7), any::<bool>()).prop_map(|(lines, ends)| {
        let mut content = lines.join(&b'\n');
        if ends && !content.is_empty() {
            content.push(b'\n');
        }
        content
    });
    prop_oneof![1 => Just(None), 9 => content.prop_map(Some)]
}

/// Files, as they stand in [`Etc`]; that one never prints, and these must.
fn files() -> impl Strategy<Value = Vec<(File, Vec<u8>)>> {
    let contents = (file(7), file(9), file(4), file(4), file(3), file(3));
    contents.prop_map(|(passwd, shadow, group, gshadow, subuid, subgid)| {
        let contents = [
            (File::Passwd, passwd),
            (File::Shadow, shadow),
            (File::Group, group),
            (File::Gshadow, gshadow),
            (File::Subuid, subuid),
            (File::Subgid, subgid),
        ];
        let present = contents
            .into_iter()
            .filter_map(|(file, content)| Some((file, content?)));
        present.collect()
    })
}

fn etc(files: &[(File, Vec<u8>)]) -> Etc {
    let mut etc = Etc::default();
    for (file, content) in files {
        etc.set(*file, content.clone());
    }
    etc
}

fn image() -> impl Strategy<Value = Image> {
    let allow = select(vec![
        "",
        "audio: *",
        "audio: alice\nteam: bob carol",
        "alice: *\nroot: bob\nsudo: *",
    ]);
    let sudoers = btree_set(select(vec!["team".to_owned(), "carol".to_owned()]), 0..2);
    let highest = select(vec![u32::MAX, 50_000]);
    (allow, sudoers, highest).prop_map(|(allow, sudoers_groups, highest)| Image {
        accounts: ImageAccounts::parse(
            b"user root 0\nuser node 1000\ngroup root 0\ngroup sudo 27\ngroup audio 29\ngroup node 1000\n",
        ),
        groups_allow: GroupsAllow::parse(allow.as_bytes()),
        home_bases: HomeBases::default(),
        sudoers_groups,
        uids: UidRange::default(),
        mapped_ids: vec![(0, highest)],
        shells: Shells::default(),
    })
}

/// What restore wrote before: for the records as they are, or for others.
fn applied(records: &Records) -> impl Strategy<Value = Applied> + use<> {
    let current: Vec<(Username, AppliedEntry)> = records
        .accounts
        .values()
        .map(|account| (account.name.clone(), AppliedEntry::of(account)))
        .collect();
    let stale = (select(NAMES.to_vec()), select(UIDS.to_vec())).prop_map(|(name, uid)| {
        let entry = AppliedEntry {
            uid,
            shadow: Digest::of(["*"]),
            aging: ":0:99999:7::".into(),
        };
        (Username::parse(name).unwrap(), entry)
    });
    let len = current.len();
    (vec(stale, 0..3), subsequence(current, 0..=len)).prop_map(|(stale, current)| Applied {
        accounts: stale.into_iter().chain(current).collect(),
        capturing: BTreeMap::new(),
    })
}

/// What restore or a tool of the image may have written for somebody.
fn line_of(file: File, name: &str, uid: u32) -> Vec<u8> {
    let line = match file {
        File::Passwd => format!("{name}:x:{uid}:{uid}::/home/{name}:/bin/bash"),
        File::Shadow => format!("{name}:{}:20000:0:99999:7:::", hash("z")),
        File::Group => format!("{name}:x:{uid}:"),
        File::Gshadow => format!("{name}:!::"),
        File::Subuid | File::Subgid => format!("{name}:{}:65536", u64::from(uid) * 65_536),
    };
    line.into_bytes()
}

/// Puts a line of somebody that the world knows of somewhere into a file.
fn plant(world: &mut World, who: Index, file: File, position: Index) {
    let records = &world.records;
    let accounts = records
        .accounts
        .values()
        .map(|account| (account.name.to_string(), account.uid.get()));
    let dead = records
        .tombstones
        .iter()
        .map(|dead| (dead.name.to_string(), dead.uid.get()));
    let applied = world
        .applied
        .accounts
        .iter()
        .map(|(name, entry)| (name.to_string(), entry.uid));
    let known: Vec<(String, u32)> = accounts.chain(dead).chain(applied).collect();
    if known.is_empty() {
        return;
    }
    let (name, uid) = who.get(&known);
    let planted = line_of(file, name, *uid);
    let mut lines: Vec<&[u8]> = table::lines(world.etc.bytes(file)).collect();
    lines.insert(position.index(lines.len() + 1), &planted);
    let content = [lines.join(&b'\n').as_slice(), b"\n"].concat();
    world.etc.set(file, content);
}

fn world() -> impl Strategy<Value = World> {
    let planted = (any::<Index>(), select(File::ALL.to_vec()), any::<Index>());
    (records(), files(), image(), vec(planted, 0..16)).prop_flat_map(
        |(records, files, image, planted)| {
            applied(&records).prop_map(move |applied| {
                let mut world = World {
                    records: records.clone(),
                    etc: etc(&files),
                    image: image.clone(),
                    applied,
                };
                for (who, file, position) in &planted {
                    plant(&mut world, *who, *file, *position);
                }
                world
            })
        },
    )
}

/// A percentage of `PROPTEST_CASES` (256).
fn config(percent: u32) -> ProptestConfig {
    let usual = ProptestConfig::default();
    ProptestConfig {
        cases: usual.cases * percent / 100,
        failure_persistence: None,
        ..usual
    }
}

/// Everything that an error says, with its causes.
fn whole_text(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

proptest! {
    #![proptest_config(config(100))]

    #[test]
    fn a_file_where_nothing_changes_is_the_same_to_the_byte(content in vec(any::<u8>(), 0..200), files in files()) {
        for content in files.iter().map(|(_, content)| content).chain([&content]) {
            prop_assert_eq!(table::edit(content, |_| LineAction::Keep).finish(), None);
            // The rest, when one line changes.
            let more = [b"first\n", content.as_slice()].concat();
            let mut actions = std::iter::once(LineAction::Drop).chain(std::iter::repeat(LineAction::Keep));
            let rest = table::edit(&more, |_| actions.next().unwrap()).finish();
            prop_assert_eq!(&rest.unwrap(), content);
        }
    }

    #[test]
    fn every_restore_keeps_the_rules(world in world()) {
        let plan = world.plan();
        prop_assert!(!plan.to_string().contains(&SECRET[..6]), "a hash in the plan");
        if let Err(why) = support::check(&world, &plan) {
            return Err(TestCaseError::fail(format!("{why}\n{plan}")));
        }
    }

    #[test]
    fn a_kill_between_two_renames_heals(world in world()) {
        let plan = world.plan();
        let whole = world.restored(&plan);
        let forth: Vec<_> = plan.writes.iter().collect();
        let back: Vec<_> = plan.writes.iter().rev().collect();
        for order in [forth, back] {
            for done in 0..order.len() {
                let killed = world.written(order[..done].iter().copied());
                let healed = killed.restored(&killed.plan());
                if healed.etc != whole.etc || healed.applied != whole.applied {
                    return Err(TestCaseError::fail(format!("after {done}:
{plan}
{healed:?}")));
                }
            }
        }
    }

    #[test]
    fn what_is_captured_stays(world in world(), letter in select(vec!["c", "d"])) {
        let world = world.restored(&world.plan());
        let mut changed = world.clone();
        let new = hash(letter);
        let lines = table::edit(world.etc.bytes(File::Shadow), |line| match shadow::Entry::parse(line) {
            Some(entry) => LineAction::Replace(
                [entry.name, b":", new.as_bytes(), b":20000:0:99999:7:::"].concat().into(),
            ),
            None => LineAction::Keep,
        });
        if let Some(lines) = lines.finish() {
            changed.etc.set(File::Shadow, lines);
        }
        let Captures { taken, reverted } =
            captures(&changed.records, &changed.etc, &changed.applied);
        for capture in taken {
            let account = changed.records.accounts.get_mut(&capture.name).unwrap();
            prop_assert!(!account.locked && reverted.iter().all(|other| other.name != capture.name));
            capture.apply(account);
            prop_assert_eq!(account.hash.as_ref().unwrap().expose(), &new);
        }
        let restored = changed.plan();
        prop_assert_eq!(&restored.restored, &world.plan().restored);
        let after = changed.restored(&restored);
        let again = captures(&after.records, &after.etc, &after.applied);
        prop_assert!(again.taken.is_empty(), "captured twice");
        for name in restored.restored {
            let account = &after.records.accounts[&name];
            prop_assert!(account.locked || account.hash.as_ref().unwrap().expose() == new);
        }
    }

    #[test]
    fn no_uid_is_given_twice(
        present in btree_set(any::<u32>(), 0..20),
        steps in vec(proptest::option::of(prop_oneof![0..70_000_u32, 59_900..60_010_u32]), 1..60),
        uid_max in select(vec![60_000_u32, 65_540, 70_000]),
    ) {
        let range = UidRange::from_login_defs(format!("UID_MAX {uid_max}\n").as_bytes());
        let mut used = present;
        for step in steps {
            if let Some(planted) = step { used.insert(planted); } else {
                    let uid = range.allocate(&used).unwrap().get();
                    prop_assert!(range.uid(uid.into()).is_ok(), "{} is nobody's", uid);
                    prop_assert!(used.insert(uid), "{} twice", uid);
}
        }
    }
}

proptest! {
    #![proptest_config(config(5))]

    #[test]
    fn the_last_uids_go_one_by_one(free in btree_set(1000..60_000_u32, 0..6)) {
        let range = UidRange::default();
        let mut used: BTreeSet<u32> = (0..=59_999).filter(|uid| !free.contains(uid)).collect();
        for _ in &free {
            let uid = range.allocate(&used).unwrap().get();
            prop_assert!(free.contains(&uid) && used.insert(uid));
        }
        prop_assert!(range.allocate(&used).is_err());
    }
}

proptest! {
    #![proptest_config(config(800))]

    #[test]
    fn any_bytes_are_a_record_or_an_error(content in vec(any::<u8>(), 0..300)) {
        _ = ParsedRecord::parse(&content, UidRange::default());
    }

    #[test]
    fn an_error_never_holds_a_hash(
        document in record_json(),
        edits in vec((any::<Index>(), any::<Option<u8>>()), 0..4),
        cut in proptest::option::of(any::<Index>()),
    ) {
        let mut bytes = document.to_string().into_bytes();
        for (at, edit) in edits {
            let at = at.index(bytes.len());
            match edit {
                Some(byte) => bytes[at] = byte,
                None => _ = bytes.remove(at),
            }
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Err(error) = ParsedRecord::parse(&bytes, UidRange::default()) {
            prop_assert!(!whole_text(&error).contains(&SECRET[..6]), "{}", whole_text(&error));
            prop_assert!(!whole_text(&error).contains(char::is_control), "control characters");
        }
    }

    #[test]
    fn an_update_loses_nothing(document in record_json(), locked in any::<bool>()) {
        let mut document = document;
        document["sinceVersion2"] = json!({"x": [1, 2.5, null, "y"]});
        if let Ok(ParsedRecord::Record(mut record)) = parse(&document) {
            let mut expected = record.account().clone();
            expected.locked = locked;
            record.update(|account| account.locked = locked);
            let Ok(ParsedRecord::Record(again)) = ParsedRecord::parse(&record.to_bytes(), UidRange::default()) else {
                return Err(TestCaseError::fail("can't be read again"));
            };
            if expected.hash_refused == Some(InvalidHash::Characters) {
                // A locked record may have the mark before its hash, an open one may not.
                expected.hash_refused = again.account().hash_refused;
                expected.hash.clone_from(&again.account().hash);
            }
            prop_assert_eq!(again.account(), &expected);
            let saved: Value = serde_json::from_slice(&record.to_bytes()).unwrap();
            for (field, value) in document.as_object().unwrap() {
                // A mark that locks goes with the lock.
                let is_mark = value["hashedPassword"][0].as_str().is_some_and(|hash| hash.starts_with('!'));
                let is_meant = field == "locked" || (field == "privileged" && is_mark);
                let is_unchanged = saved.get(field) == Some(value) || is_meant || is_empty(value);
                prop_assert!(is_unchanged, "{} was {} and is {:?}", field, value, saved.get(field));
            }
        }
    }
}

/// What may stand there or not, and means the same.
fn is_empty(value: &Value) -> bool {
    matches!(value, Value::Null)
        || *value == json!("")
        || *value == json!([])
        || value
            .as_object()
            .is_some_and(|object| object.values().all(is_empty))
}
