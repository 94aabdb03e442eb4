use super::*;
use crate::account::Account;
use crate::account::Home;
use crate::account::UidRange;
use crate::record::Tombstone;

fn holding(living: &[(&str, u64)], dead: &[(&str, u64)]) -> StoreContents {
    let mut all = StoreContents::default();
    for &(name, uid) in living.iter().chain(dead) {
        let is_living = living.contains(&(name, uid));
        let home = Home::parse(&format!("/home/{name}")).unwrap();
        let uid = UidRange::default().uid(uid).unwrap();
        let name = Username::parse(name).unwrap();
        all.ledger.insert(uid.get(), name.to_string());
        if is_living {
            all.files.insert(name.to_string());
            let account = Account::new(name.clone(), uid, home, 0);
            all.records.accounts.insert(name, Box::new(account));
        } else {
            all.records.tombstones.push(Tombstone { name, uid, home });
        }
    }
    all
}

fn names(names: &[Username]) -> Vec<&str> {
    names.iter().map(Username::as_str).collect()
}

const ALICE: (&str, u64) = ("alice", 10000);
const BOB: (&str, u64) = ("bob", 10001);

#[test]
fn everybody_is_added_to_an_empty_store() {
    let (here, backup) = (StoreContents::default(), holding(&[ALICE], &[BOB]));
    assert!(here.is_empty() && !backup.is_empty());
    let merge = merge(&here, &backup).unwrap();
    assert_eq!(names(&merge.added), ["alice"]);
    assert_eq!((merge.replaced.len(), merge.revived.len()), (0, 0));
}

#[test]
fn who_was_removed_comes_back_and_who_lives_stays_alive() {
    let here = holding(&[BOB, ("carol", 10002)], &[ALICE]);
    let backup = holding(&[ALICE], &[BOB]);
    let merge = merge(&here, &backup).unwrap();
    assert_eq!(names(&merge.added), ["alice"]);
    let numbers = |uids: &[Uid]| uids.iter().map(|uid| uid.get()).collect::<Vec<_>>();
    assert_eq!(numbers(&merge.revived), [10000]);
    assert_eq!(numbers(&merge.alive), [10001]);
    let again = super::merge(&holding(&[ALICE], &[]), &holding(&[ALICE], &[])).unwrap();
    assert_eq!(names(&again.replaced), ["alice"]);
}

#[test]
fn a_number_with_two_names_and_a_name_with_two_numbers_are_refused() {
    let here = holding(&[ALICE], &[]);
    let zoe = holding(&[("zoe", 10000)], &[]);
    assert_eq!(
        merge(&here, &zoe).unwrap_err().to_string(),
        "uid 10000 is 'alice' here and 'zoe' in the backup"
    );
    let elsewhere = holding(&[("alice", 10007)], &[]);
    assert_eq!(
        merge(&here, &elsewhere).unwrap_err().to_string(),
        "'alice' has uid 10000 here and 10007 in the backup"
    );
    // Long gone, and somebody else's all the same.
    let ledger = StoreContents {
        ledger: [(10000, "alice".to_owned())].into(),
        ..StoreContents::default()
    };
    assert!(merge(&ledger, &zoe).is_err() && merge(&here, &ledger).is_ok());
}

#[test]
fn an_unreadable_record_replaces_none() {
    let here = holding(&[ALICE], &[]);
    let mut backup = StoreContents::default();
    backup.files.extend(["alice".to_owned(), "x y".to_owned()]);
    assert_eq!(merge(&here, &backup).unwrap().left_out, ["alice"]);
}
