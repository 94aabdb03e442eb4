//! What holds for any bytes on the volume and any lines in /etc.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failure here is what these tests are for"
)]

#[path = "../support/mod.rs"]
mod support;
mod worlds;

use accounts::account::{InvalidHash, UidRange};
use accounts::files::table::LineAction;
use accounts::files::{File, shadow, table};
use accounts::reconcile::{Captures, captures};
use accounts::record::ParsedRecord;
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::error::Error;
use worlds::{SECRET, files, hash, parse, record_json, world};

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
