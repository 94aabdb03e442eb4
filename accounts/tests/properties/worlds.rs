//! Records, account files and images as somebody may have left them.

use crate::support::World;
use accounts::account::{Account, DAY_USEC, Digest, Home, Shells, UidRange, Username};
use accounts::files::{Etc, File, table};
use accounts::image::{GroupsAllow, HomeBases, Image, ImageAccounts};
use accounts::reconcile::{Applied, AppliedEntry};
use accounts::record::{ParsedRecord, Part, Records, Rejected, Tombstone};
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// People, twins, names of the image and of the system.
const NAMES: [&str; 14] = [
    "alice", "alice", "bob", "bob", "carol", "carol", "x-y", "x-y", "Alice", "node", "audio",
    "team", "sudo", "root",
];
const UIDS: [u32; 8] = [1000, 1001, 10_003, 10_004, 10_000, 10_001, 10_002, 59_999];
const GROUPS: [&str; 6] = ["audio", "sudo", "team", "alice", "root", "a:0:\nb"];
/// Stands in every hash, and nowhere else.
pub(crate) const SECRET: &str = "s3cr3ts3cr3ts3cr3t";

pub(crate) fn hash(letter: &str) -> String {
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
pub(crate) fn record_json() -> impl Strategy<Value = Value> {
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

pub(crate) fn parse(document: &Value) -> Result<ParsedRecord, accounts::record::InvalidRecord> {
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
pub(crate) fn files() -> impl Strategy<Value = Vec<(File, Vec<u8>)>> {
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

pub(crate) fn world() -> impl Strategy<Value = World> {
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
