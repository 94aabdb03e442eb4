//! Which change to /etc/shadow goes into a record, and which does not.

use super::*;
use crate::account::UidRange;
use crate::record::ParsedRecord;
use std::collections::BTreeMap;

fn hash(letter: &str) -> String {
    format!("$6$saltsaltsaltsalt${}", letter.repeat(86))
}

fn account(fields: &str, hash: &str) -> Account {
    let text = format!(
        r#"{{"userName":"alice","uid":10000,"lastPasswordChangeUSec":1728000000000000,
            "privileged":{{"hashedPassword":["{hash}"]}}{fields}}}"#
    );
    match ParsedRecord::parse(text.as_bytes(), UidRange::default()) {
        Ok(ParsedRecord::Record(record)) => record.account().clone(),
        _ => panic!("not a record: {text}"),
    }
}

fn line_of(account: &Account) -> String {
    shadow::line(account)
}

fn applied(account: &Account) -> Applied {
    let entry = AppliedEntry::of(account);
    Applied {
        accounts: BTreeMap::from([(account.name.clone(), entry)]),
        capturing: BTreeMap::new(),
    }
}

fn records(account: Account) -> Records {
    Records {
        accounts: BTreeMap::from([(account.name.clone(), Box::new(account))]),
        ..Records::default()
    }
}

fn etc(shadow: &str) -> Etc {
    let mut etc = Etc::default();
    let passwd = "root:x:0:0::/root:/bin/sh\nalice:x:10000:10000::/home/alice:/bin/bash\n";
    etc.set(File::Passwd, passwd.into());
    etc.set(File::Shadow, shadow.into());
    etc
}

/// What is captured when restore wrote `base`, the record says `record` and
/// shadow(5) says `line`: the account afterwards, or whether it differs.
fn outcome(base: &Account, record: &Account, lines: &str) -> Result<Option<Account>, &'static str> {
    let (taken, differing) = captures(&records(record.clone()), &etc(lines), &applied(base));
    match (taken.as_slice(), differing.as_slice()) {
        ([], []) => Ok(None),
        ([], [name]) if name.as_str() == "alice" => Err("differs"),
        ([capture], []) => {
            let mut after = record.clone();
            capture.clone().apply(&mut after);
            Ok(Some(after))
        }
        _ => panic!("{} captures, {} differ", taken.len(), differing.len()),
    }
}

fn unchanged(account: &Account, lines: &str) -> Result<Option<Account>, &'static str> {
    outcome(account, account, lines)
}

#[test]
fn a_persons_new_password_is_taken() {
    let old = account("", &hash("a"));
    let new = hash("b");
    let after = unchanged(&old, &format!("alice:{new}:20500:0:99999:7:::\n"));
    let after = after.unwrap().unwrap();
    assert_eq!(after.hash.as_ref().unwrap().expose(), new);
    assert_eq!(after.password_changed_usec, Some(20_500 * DAY_USEC));
    assert_eq!(after.aging, Aging::default().written());
}

impl Aging {
    /// The defaults as they stand in shadow(5) and come back from there.
    fn written(self) -> Self {
        Self {
            min: self.min.or(Some(0)),
            max: self.max.or(Some(99_999)),
            warn: self.warn.or(Some(7)),
            ..self
        }
    }
}

#[test]
fn a_new_password_on_the_same_day_keeps_the_time_of_the_record() {
    let old = account("", &hash("a"));
    let new = hash("b");
    let after = unchanged(&old, &format!("alice:{new}:20000:0:99999:7:::\n"));
    assert_eq!(
        after.unwrap().unwrap().password_changed_usec,
        Some(1_728_000_000_000_000)
    );
}

#[test]
fn what_restore_wrote_is_no_change() {
    let old = account("", &hash("a"));
    let line = line_of(&old);
    assert_eq!(unchanged(&old, &format!("{line}\n")), Ok(None));
    assert_eq!(unchanged(&old, ""), Ok(None), "no line at all");
}

#[test]
fn the_aging_fields_alone() {
    let old = account("", &hash("a"));
    let hash = hash("a");
    let after = unchanged(&old, &format!("alice:{hash}:20000:1:90:14:30:30000:\n"));
    let after = after.unwrap().unwrap();
    assert_eq!(after.hash, old.hash);
    let aging = Aging {
        min: Some(1),
        max: Some(90),
        warn: Some(14),
        inactive: Some(30),
        expire: Some(30_000),
    };
    assert_eq!(after.aging, aging);
}

#[test]
fn days_that_no_record_can_hold() {
    let old = account("", &hash("a"));
    let hash = hash("a");
    let line = format!("alice:{hash}:4294967295:0:4294967295:7::99999999999999999999:\n");
    let after = unchanged(&old, &line).unwrap().unwrap();
    let mut record = crate::record::Record::new(old);
    record.update(|account| *account = after);
    assert!(ParsedRecord::parse(&record.to_bytes(), UidRange::default()).is_ok());
}

#[test]
fn no_lock_and_no_open_door_is_ever_taken() {
    let old = account("", &hash("a"));
    let (a, b) = (hash("a"), hash("b"));
    for field in [
        "",
        "!",
        "*",
        "!!",
        "!*",
        "x",
        "plain",
        "$1$a$b",
        &format!("!{a}"),
        &format!("!{b}"),
        &format!("{b}\r"),
        &format!("$6$rounds=999999999$salt${}", "b".repeat(86)),
    ] {
        let line = format!("alice:{field}:20500:0:99999:7:::\n");
        assert_eq!(unchanged(&old, &line), Err("differs"), "{field}");
    }
}

#[test]
fn a_disabled_account_takes_nothing() {
    let locked = account(r#","locked":true"#, &hash("a"));
    for line in [
        format!("alice:{}:20500:0:99999:7:::\n", hash("b")),
        format!("alice:{}:20000:0:99999:7:::\n", hash("a")),
        format!("alice:!{}:20000:0:99999:7:::\n", hash("a")),
    ] {
        assert_eq!(unchanged(&locked, &line), Err("differs"));
    }
}

#[test]
fn disabled_between_two_restores() {
    let enabled = account("", &hash("a"));
    let locked = account(r#","locked":true"#, &hash("a"));
    let new = format!("alice:{}:20500:0:99999:7:::\n", hash("b"));
    assert_eq!(outcome(&enabled, &locked, &new), Err("differs"));
    assert_eq!(outcome(&locked, &enabled, &new), Err("differs"));
}

#[test]
fn an_administrators_reset_is_never_undone() {
    let base = account("", &hash("a"));
    let reset = account("", &hash("r"));
    let new = format!("alice:{}:20500:0:99999:7:::\n", hash("b"));
    assert_eq!(outcome(&base, &reset, &new), Err("differs"));
    let old = format!("alice:{}:20000:0:99999:7:::\n", hash("a"));
    assert_eq!(
        outcome(&base, &reset, &old),
        Ok(None),
        "restore has not run yet; nobody changed anything"
    );
}

#[test]
fn a_kill_between_writing_and_remembering_is_no_difference() {
    let base = account("", &hash("a"));
    let reset = account("", &hash("r"));
    let line = line_of(&reset);
    assert_eq!(outcome(&base, &reset, &format!("{line}\n")), Ok(None));
}

#[test]
fn without_a_base_the_record_wins() {
    let old = account("", &hash("a"));
    let none = Applied::default();
    let new = format!("alice:{}:20500:0:99999:7:::\n", hash("b"));
    let (taken, differing) = captures(&records(old.clone()), &etc(&new), &none);
    assert!(taken.is_empty());
    assert_eq!(differing, std::slice::from_ref(&old.name));
    let line = line_of(&old);
    let (taken, differing) = captures(&records(old), &etc(&line), &none);
    assert!(taken.is_empty() && differing.is_empty());
}

#[test]
fn another_uid_is_another_person() {
    let base = account("", &hash("a"));
    let mut moved = base.clone();
    moved.uid = UidRange::default().uid(10_001).unwrap();
    let line = format!("alice:{}:20500:0:99999:7:::\n", hash("b"));
    assert_eq!(outcome(&base, &moved, &line), Ok(None), "passwd says 10000");
    assert_eq!(outcome(&moved, &base, &line), Err("differs"));
}

#[test]
fn a_key_only_account_gets_a_password() {
    let mut key_only = account("", &hash("a"));
    key_only.hash = None;
    let new = hash("b");
    let line = format!("alice:{new}:20500:0:99999:7:::\n");
    let after = unchanged(&key_only, &line).unwrap().unwrap();
    assert_eq!(after.hash.unwrap().expose(), new);
    assert_eq!(
        unchanged(&key_only, "alice::20000:0:99999:7:::\n"),
        Err("differs")
    );
}

#[test]
fn the_first_line_of_a_name_counts() {
    let old = account("", &hash("a"));
    let ours = line_of(&old);
    let (b, c) = (hash("b"), hash("c"));
    let later = format!("{ours}\nalice:{b}:20500:0:99999:7:::\n");
    assert_eq!(unchanged(&old, &later), Ok(None), "nobody reads the second");
    let both = format!("alice:{b}:20500:0:99999:7:::\nalice:{c}:20500:0:99999:7:::\n");
    let after = unchanged(&old, &both).unwrap().unwrap();
    assert_eq!(after.hash.unwrap().expose(), b);
}

#[test]
fn lines_that_no_reader_takes() {
    let old = account("", &hash("a"));
    let b = hash("b");
    for line in [
        format!("alice:{b}:20500:0:99999:7::\n"),
        format!("#alice:{b}:20500:0:99999:7:::\n"),
        format!("+alice:{b}:20500:0:99999:7:::\n"),
        format!("bob:{b}:20500:0:99999:7:::\n"),
    ] {
        assert_eq!(unchanged(&old, &line), Ok(None), "{line}");
    }
}

/// The same after a kill between a record and the memory of it: restore had
/// written `base`, and was about to take `capturing`.
fn after_a_kill(base: &Account, capturing: &Account, record: &Account, line: &str) -> bool {
    let known = Applied {
        capturing: applied(capturing).accounts,
        ..applied(base)
    };
    let (taken, differing) = captures(&records(record.clone()), &etc(line), &known);
    assert_eq!(taken.len() + differing.len(), 1);
    taken.len() == 1
}

#[test]
fn what_was_about_to_be_taken_is_a_base_too() {
    let [old, taken, reset] = ["a", "b", "r"].map(|letter| account("", &hash(letter)));
    let later = format!("alice:{}:20500:0:99999:7:::\n", hash("c"));
    assert!(
        after_a_kill(&old, &taken, &taken, &later),
        "killed after the record"
    );
    assert!(after_a_kill(&old, &taken, &old, &later), "killed before it");
    assert!(
        !after_a_kill(&old, &taken, &reset, &later),
        "an administrator's reset"
    );
    let locked = account(",\"locked\":true", &hash("b"));
    assert!(
        !after_a_kill(&old, &taken, &locked, &later),
        "disabled since"
    );
}
