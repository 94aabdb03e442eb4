//! The entries of `occ.passkeys`: their form, their number, and what survives.

use super::*;
use crate::account::UidRange;
use crate::record::{MAX_BYTES, ParsedRecord};

fn record(occ: &Value) -> Record {
    let text = json!({"userName": "alice", "uid": 10_000, "occ": occ}).to_string();
    match ParsedRecord::parse(text.as_bytes(), UidRange::default()) {
        Ok(ParsedRecord::Record(record)) => *record,
        _ => panic!("not a record: {text}"),
    }
}

fn entry(number: u32) -> Value {
    json!({
        "id": format!("{number:08x}"), "name": "Büro: laptop", "madeUSec": 1,
        "credentialId": format!("AAAA-_{number}"), "publicKey": {"cred": {}}, "other": [1],
    })
}

fn ids(record: &Record) -> Vec<&str> {
    record.passkeys().map(|passkey| passkey.id).collect()
}

/// The record as the next reader finds it.
fn reread(record: &Record) -> Record {
    match ParsedRecord::parse(&record.to_bytes(), UidRange::default()) {
        Ok(ParsedRecord::Record(record)) => *record,
        _ => panic!("not a record any more"),
    }
}

#[test]
fn what_is_added_is_there_and_what_is_removed_is_not() {
    let mut record = record(&json!({"schema": 1, "theirs": {"a": 1}}));
    assert_eq!((record.account().passkeys, ids(&record).len()), (0, 0));
    for number in 1..=3 {
        assert_eq!(record.add_passkey(entry(number)), Ok(()));
    }
    let mut record = reread(&record);
    assert_eq!(ids(&record), ["00000001", "00000002", "00000003"]);
    assert_eq!(record.account().passkeys, 3);
    assert!(record.remove_passkey("00000002") && !record.remove_passkey("00000002"));
    record.update(|account| account.locked = true);
    let record = reread(&record);
    assert_eq!(ids(&record), ["00000001", "00000003"]);
    let saved = record.exported(true);
    assert_eq!(saved["occ"]["theirs"], json!({"a": 1}));
    assert_eq!(
        saved["occ"]["passkeys"][0],
        entry(1),
        "fields of others stay"
    );
}

#[test]
fn the_last_one_leaves_no_list_behind() {
    for occ in [Value::Null, json!({})] {
        let mut record = record(&occ);
        assert_eq!(record.add_passkey(entry(1)), Ok(()));
        assert!(record.remove_passkey("00000001"));
        assert_eq!(record.exported(true)["occ"], json!({}));
    }
}

#[test]
fn a_person_has_ten_at_most_and_each_once() {
    let mut record = record(&json!({}));
    for number in 0..10 {
        assert_eq!(record.add_passkey(entry(number)), Ok(()));
        assert_eq!(
            record.add_passkey(entry(number)),
            Err(PasskeyRefusal::Twice)
        );
    }
    assert_eq!(record.add_passkey(entry(10)), Err(PasskeyRefusal::Full));
    assert_eq!(ids(&reread(&record)).len(), MAX_PASSKEYS);
    let mut same_credential = entry(1);
    same_credential["id"] = json!("ffffffff");
    assert_eq!(
        record.add_passkey(same_credential),
        Err(PasskeyRefusal::Twice)
    );
}

#[test]
fn ten_of_the_largest_fit_into_a_record() {
    let mut record = record(&json!({}));
    for number in 0..10 {
        let mut entry = entry(number);
        entry["publicKey"] = json!({"n": ""});
        let room = ENTRY_LIMIT - entry.to_string().len();
        entry["publicKey"] = json!({"n": "x".repeat(room + 1)});
        assert_eq!(record.add_passkey(entry.clone()), Err(PasskeyRefusal::Form));
        entry["publicKey"] = json!({"n": "x".repeat(room)});
        assert_eq!(record.add_passkey(entry), Ok(()));
    }
    assert!(record.to_bytes().len() <= MAX_BYTES);
    assert_eq!(ids(&reread(&record)).len(), MAX_PASSKEYS);
}

#[test]
fn entries_of_another_form_are_not_added_and_not_used() {
    let bad = [
        ("id", json!("0000000G")),
        ("id", json!("0000001")),
        ("id", json!("--remove")),
        ("id", json!(1)),
        ("name", json!("")),
        ("name", json!(" x")),
        ("name", json!("a\nb")),
        ("name", json!("a\u{1b}[2J")),
        ("name", json!("a\u{202e}b")),
        ("name", json!("x".repeat(61))),
        ("credentialId", json!("")),
        ("credentialId", json!("a+b")),
        ("credentialId", json!("A".repeat(1365))),
        ("publicKey", json!("text")),
        ("publicKey", Value::Null),
        ("madeUSec", json!(-1)),
    ];
    for (field, value) in bad {
        let mut entry = entry(1);
        entry[field] = value;
        let mut record = record(&json!({"passkeys": [entry.clone()]}));
        assert!(ids(&record).is_empty(), "{entry}");
        assert_eq!(record.add_passkey(entry), Err(PasskeyRefusal::Form));
    }
}

/// A list that can't be read takes no account away.
#[test]
fn a_list_of_another_type_is_none() {
    for list in [json!("x"), json!(1), json!({"a": 1}), json!([1, null, {}])] {
        let record = record(&json!({"passkeys": list}));
        assert!(ids(&record).is_empty(), "{list}");
    }
}

#[test]
fn a_removed_account_keeps_none_and_an_export_all() {
    let mut record = record(&json!({}));
    assert_eq!(record.add_passkey(entry(1)), Ok(()));
    assert_eq!(record.exported(false)["occ"]["passkeys"], json!([entry(1)]));
    let remains = reread(&record.remains());
    assert_eq!((ids(&remains).len(), remains.account().passkeys), (0, 0));
}
