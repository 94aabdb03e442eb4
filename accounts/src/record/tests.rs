//! What a record holds once it was changed, exported or removed.

use super::*;
use crate::account::{Home, RealName, Username};
use serde_json::from_str;

pub(super) const HASH: &str = "$6$saltsaltsaltsalt$xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
const NOW: u64 = 1_790_000_000_000_000;

pub(super) fn parse(text: &str) -> Result<ParsedRecord, InvalidRecord> {
    ParsedRecord::parse(text.as_bytes(), UidRange::default())
}

pub(super) fn record(text: &str) -> Record {
    match parse(text) {
        Ok(ParsedRecord::Record(record)) => *record,
        Ok(ParsedRecord::Legacy(_)) => panic!("read as a legacy record: {text}"),
        Err(reason) => panic!("{reason}: {text}"),
    }
}

/// The smallest record, with more fields, or the same ones with other values.
pub(super) fn with(fields: &str) -> String {
    let mut document: Map<String, Value> = from_str(r#"{"userName":"alice","uid":10000}"#).unwrap();
    document.extend(from_str::<Map<String, Value>>(&format!("{{{fields}}}")).unwrap());
    Value::Object(document).to_string()
}

fn saved(record: &Record) -> Value {
    serde_json::from_slice(&record.to_bytes()).unwrap()
}

#[test]
fn a_refused_hash_stays_in_the_record_until_a_new_one_is_set() {
    let mut record = record(&with(r#""privileged":{"hashedPassword":["$1$old$hash"]}"#));
    record.update(|account| account.locked = true);
    assert_eq!(
        saved(&record)["privileged"]["hashedPassword"],
        json!(["$1$old$hash"])
    );
    record.update(|account| account.set_password(PasswordHash::parse(HASH).unwrap(), NOW));
    assert_eq!(
        saved(&record)["privileged"]["hashedPassword"],
        json!([HASH])
    );
    assert_eq!(saved(&record)["lastPasswordChangeUSec"], json!(NOW));
}

#[test]
fn what_others_wrote_survives_an_update() {
    let text = format!(
        r#""realName":"Alice","privileged":{{"hashedPassword":["{HASH}","$1$second$hash"],"recoveryKey":[{{"type":"modhex64"}}]}},
           "occ":{{"schema":1,"created":7,"note":"x"}},"perMachine":[{{"matchMachineId":"1"}}],"emailAddress":"a@b",
           "signature":null,"diskSize":18446744073709551615,"passwordChangeMinUSec":3600000000,"notAfterUSec":1790000000000001"#
    );
    let mut record = record(&with(&text));
    let before = saved(&record);
    record.update(|account| account.locked = true);
    let mut expected = before;
    expected["locked"] = json!(true);
    expected["homeDirectory"] = json!("/home/alice");
    expected["shell"] = json!("/bin/bash");
    assert_eq!(saved(&record), expected);
}

#[test]
fn an_update_is_what_the_next_reader_sees() {
    let mut record = record(&with(
        r#""privileged":null,"memberOf":["audio"],"realName":"Alice""#,
    ));
    record.update(|account| {
        account.set_password(PasswordHash::parse(HASH).unwrap(), NOW);
        account.ssh_keys = vec!["ssh-ed25519 AAAA alice".into()];
        account.member_of.clear();
        account.real_name = RealName::default();
        account.aging.expire = Some(30_000);
    });
    let again = self::record(std::str::from_utf8(&record.to_bytes()).unwrap());
    assert_eq!(again.account(), record.account());
    assert_eq!(again.account().hash.as_ref().unwrap().expose(), HASH);
}

#[test]
fn no_day_is_too_far_to_be_written_down() {
    let mut record = record(&with(""));
    record.update(|account| account.aging.max = Some(u32::MAX));
    assert!(parse(std::str::from_utf8(&record.to_bytes()).unwrap()).is_ok());
}

/// A record whose blanks alone would make it too large, of so many bytes.
fn without_blanks(len: usize) -> Record {
    let ones = vec!["1"; (len - with(r#""theirs":[1]"#).len()) / 2 + 1].join(",");
    record(&with(&format!(r#""theirs":[{ones}]"#)))
}

#[test]
fn a_record_that_came_without_blanks_can_be_written() {
    let mut record = without_blanks(MAX_BYTES - 1000);
    record.update(|account| account.locked = true);
    let bytes = record.to_bytes();
    assert!(bytes.len() <= MAX_BYTES && bytes.ends_with(b"}\n"));
    assert!(ParsedRecord::parse(&bytes, UidRange::default()).is_ok());
    assert_eq!(saved(&record)["theirs"][17], json!(1));
}

#[test]
fn what_is_left_of_an_account_can_always_be_read() {
    let mut small = record(&with(r#""theirs":7"#));
    small.update(|account| account.set_password(PasswordHash::parse(HASH).unwrap(), NOW));
    assert_eq!(saved(&small.remains())["theirs"], json!(7));
    assert_eq!(saved(&small.remains())["privileged"], json!({}));
    let mut large = without_blanks(MAX_BYTES);
    large.update(|account| account.locked = true);
    assert!(large.to_bytes().len() > MAX_BYTES, "no room for the rest");
    let bytes = large.remains().to_bytes();
    let left = record(std::str::from_utf8(&bytes).unwrap());
    let (left, large) = (left.account(), large.account());
    assert_eq!(
        (&left.name, left.uid, &left.home),
        (&large.name, large.uid, &large.home)
    );
}

#[test]
fn name_and_uid_never_change() {
    let mut record = record(&with(""));
    record.update(|account| {
        account.name = Username::parse("root").unwrap();
        account.uid = UidRange::default().uid(1000).unwrap();
    });
    assert_eq!(record.account().name.as_str(), "alice");
    assert_eq!(saved(&record)["uid"], json!(10_000));
}

#[test]
fn a_new_record_reads_as_a_systemd_user_record() {
    let name = Username::parse("alice").unwrap();
    let uid = UidRange::default().uid(10_000).unwrap();
    let mut account = Account::new(name, uid, Home::parse("/home/alice").unwrap(), NOW);
    account.set_password(PasswordHash::parse(HASH).unwrap(), NOW);
    let record = Record::new(account);
    assert_eq!(
        saved(&record),
        json!({
            "userName": "alice", "uid": 10000, "gid": 10000, "disposition": "regular", "locked": false,
            "homeDirectory": "/home/alice", "shell": "/bin/bash", "lastPasswordChangeUSec": NOW,
            "privileged": {"hashedPassword": [HASH]}, "occ": {"schema": 1, "created": NOW},
        })
    );
    assert_eq!(record.to_bytes().last(), Some(&b'\n'));
    let again = self::record(std::str::from_utf8(&record.to_bytes()).unwrap());
    assert!(again == record);
}

#[test]
fn what_programs_see_can_be_printed() {
    let groups = r#""memberOf":["video","audio","audio","a\u001b[2J","","b:c","d\u202e"]"#;
    let view = record(&with(groups)).account().view(0);
    assert_eq!(view.member_of, ["audio", "video"]);
}

#[test]
fn what_is_exported() {
    let text = br#"{"userName":"eve","uid":1001,"theme":"dark","secret":{"password":["x"]},
        "privileged":{"hashedPassword":["$1$old"],"recoveryKey":["y"],"sshAuthorizedKeys":["ssh-rsa A"]}}"#;
    let Ok(ParsedRecord::Record(record)) = ParsedRecord::parse(text, UidRange::default()) else {
        panic!("a record");
    };
    let whole: Value = serde_json::from_slice(text).unwrap();
    assert_eq!(record.exported(true), whole);
    assert_eq!(
        record.exported(false).to_string(),
        r#"{"privileged":{"sshAuthorizedKeys":["ssh-rsa A"]},"theme":"dark","uid":1001,"userName":"eve"}"#
    );
}

#[test]
fn a_forced_change_is_systemds_field() {
    let mut forced = record(&with(r#""passwordChangeNow":true"#));
    assert!(forced.account().must_change);
    forced.update(|account| account.must_change = false);
    assert_eq!(forced.exported(true).get("passwordChangeNow"), None);
    forced.update(|account| account.must_change = true);
    assert_eq!(forced.exported(true)["passwordChangeNow"], true);
}
