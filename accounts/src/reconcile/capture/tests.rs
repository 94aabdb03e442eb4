//! Which change to /etc/shadow goes into a record, and which does not.

use super::*;
use crate::account::{DAY_USEC, UidRange};
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
fn outcome(base: &Account, record: &Account, lines: &str) -> Result<Option<Account>, Why> {
    let (after, why) = both(base, record, lines);
    assert!(after.is_none() || why.is_none(), "taken in part");
    why.map_or(Ok(after), Err)
}

/// The same where a line may be taken in part.
fn both(base: &Account, record: &Account, lines: &str) -> (Option<Account>, Option<Why>) {
    let Captures { taken, reverted } =
        captures(&records(record.clone()), &etc(lines), &applied(base));
    assert!(taken.len() <= 1 && reverted.len() <= 1);
    let after = taken.into_iter().next().map(|capture| {
        let mut after = record.clone();
        capture.apply(&mut after);
        after
    });
    (after, reverted.first().map(|reverted| reverted.why))
}

fn unchanged(account: &Account, lines: &str) -> Result<Option<Account>, Why> {
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
    assert_eq!(after.aging, Aging::default());
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
fn no_other_lock_and_no_open_door_is_ever_taken() {
    let old = account("", &hash("a"));
    let b = hash("b");
    for (field, expected) in [
        ("", Why::NoPassword),
        ("!", Why::OtherLock),
        ("*", Why::Star),
        ("!!", Why::OtherLock),
        ("!*", Why::OtherLock),
        ("x", Why::Hash(InvalidHash::Scheme)),
        ("$1$a$b", Why::Hash(InvalidHash::Scheme)),
        (&format!("!{b}"), Why::OtherLock),
        (&format!("!!{}", hash("a")), Why::OtherLock),
        (&format!("{b}\r"), Why::Hash(InvalidHash::Characters)),
        (
            &format!("$6$rounds=999999999$salt${}", "b".repeat(86)),
            Why::Hash(InvalidHash::Cost),
        ),
    ] {
        let line = format!("alice:{field}:20500:0:99999:7:::\n");
        assert_eq!(unchanged(&old, &line), Err(expected), "{field}");
    }
}

#[test]
fn a_lock_by_root_is_taken() {
    let open = account("", &hash("a"));
    let mut key_only = open.clone();
    key_only.hash = None;
    let hash = hash("a");
    for (old, line) in [
        (&open, format!("alice:!{hash}:20000:0:99999:7:::\n")),
        // usermod -L -e 1
        (&open, format!("alice:!{hash}:20000:0:99999:7::1:\n")),
        (&key_only, "alice:!*:20000:0:99999:7:::\n".to_owned()),
    ] {
        let after = unchanged(old, &line).unwrap().unwrap();
        let expected = Account {
            locked: true,
            ..old.clone()
        };
        assert_eq!(after, expected);
    }
}

#[test]
fn a_lock_with_a_day_of_its_own_keeps_the_day() {
    let old = account("", &hash("a"));
    let line = format!("alice:!{}:20000:0:99999:7::30000:\n", hash("a"));
    let after = unchanged(&old, &line).unwrap().unwrap();
    assert!(after.locked);
    assert_eq!(after.aging.expire, Some(30_000));
}

#[test]
fn expiry_is_taken_although_the_password_is_not() {
    let old = account("", &hash("a"));
    let line = format!("alice:!{}:20500:0:99999:7::20400:\n", hash("b"));
    let (after, why) = both(&old, &old, &line);
    let after = after.unwrap();
    assert_eq!(why, Some(Why::OtherLock));
    assert_eq!(after.aging.expire, Some(20_400));
    assert_eq!(after.hash, old.hash);
    assert_eq!(after.password_changed_usec, old.password_changed_usec);
}

#[test]
fn a_forced_change_is_taken_and_ends_with_the_change() {
    let old = account("", &hash("a"));
    let after = unchanged(&old, &format!("alice:{}:0:0:99999:7:::\n", hash("a")));
    let forced = after.unwrap().unwrap();
    assert!(forced.must_change);
    assert_eq!(forced.password_changed_usec, old.password_changed_usec);
    assert_eq!(
        unchanged(&forced, &format!("{}\n", line_of(&forced))),
        Ok(None)
    );
    let line = format!("alice:{}:20500:0:99999:7:::\n", hash("b"));
    let done = unchanged(&forced, &line).unwrap().unwrap();
    assert!(!done.must_change);
    assert_eq!(done.password_changed_usec, Some(20_500 * DAY_USEC));
}

#[test]
fn a_disabled_account_takes_nothing() {
    let locked = account(r#","locked":true"#, &hash("a"));
    for line in [
        format!("alice:{}:20500:0:99999:7:::\n", hash("b")),
        format!("alice:{}:20000:0:99999:7:::\n", hash("a")),
        format!("alice:!{}:20000:0:99999:7:::\n", hash("a")),
    ] {
        assert_eq!(unchanged(&locked, &line), Err(Why::Disabled));
    }
}

#[test]
fn disabled_between_two_restores() {
    let enabled = account("", &hash("a"));
    let locked = account(r#","locked":true"#, &hash("a"));
    let new = format!("alice:{}:20500:0:99999:7:::\n", hash("b"));
    assert_eq!(outcome(&enabled, &locked, &new), Err(Why::Disabled));
    assert_eq!(outcome(&locked, &enabled, &new), Err(Why::RecordIsNewer));
}

#[test]
fn an_administrators_reset_is_never_undone() {
    let base = account("", &hash("a"));
    let reset = account("", &hash("r"));
    let new = format!("alice:{}:20500:0:99999:7:::\n", hash("b"));
    assert_eq!(outcome(&base, &reset, &new), Err(Why::RecordIsNewer));
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
    let found = captures(&records(old.clone()), &etc(&new), &none);
    assert!(found.taken.is_empty());
    let [reverted] = found.reverted.as_slice() else {
        panic!("{found:?}");
    };
    assert_eq!(reverted.why, Why::RecordIsNewer);
    assert_eq!(reverted.hint(), "'occ-init user passwd alice'");
    let line = line_of(&old);
    let found = captures(&records(old), &etc(&line), &none);
    assert!(found.taken.is_empty() && found.reverted.is_empty());
}

#[test]
fn another_uid_is_another_person() {
    let base = account("", &hash("a"));
    let mut moved = base.clone();
    moved.uid = UidRange::default().uid(10_001).unwrap();
    let line = format!("alice:{}:20500:0:99999:7:::\n", hash("b"));
    assert_eq!(outcome(&base, &moved, &line), Ok(None), "passwd says 10000");
    assert_eq!(outcome(&moved, &base, &line), Err(Why::RecordIsNewer));
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
        Err(Why::NoPassword)
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
    let found = captures(&records(record.clone()), &etc(line), &known);
    assert_eq!(found.taken.len() + found.reverted.len(), 1);
    found.taken.len() == 1
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
