use super::*;

fn names(applied: &Applied) -> Vec<&str> {
    applied.accounts.keys().map(Username::as_str).collect()
}

/// `applied.json` after a restore of these accounts, written and read; every
/// other entry is kept.
fn next(applied: &Applied, accounts: &[Account], waiting: &[&str]) -> Applied {
    let accounts: Vec<&Account> = accounts.iter().collect();
    let waiting = waiting.iter().map(|name| Username::parse(name).unwrap());
    let is_restored = |name: &&Username| accounts.iter().any(|a| a.name == **name);
    let kept = applied.accounts.keys().filter(|name| !is_restored(name));
    let next = applied.after_restore(&accounts, &waiting.collect(), kept.cloned());
    let read = Applied::parse(&next.to_json().unwrap());
    assert_eq!(read.as_ref(), Some(&next));
    next
}

#[test]
fn entries_are_those_of_the_restored_accounts_and_of_those_left_out() {
    let mut accounts: Vec<Account> = ["ada", "bob", "eve"]
        .into_iter()
        .zip(10_001..)
        .map(|(name, uid)| Account::called(name, uid))
        .collect();
    let first = next(&Applied::default(), &accounts, &[]);
    let expected = accounts
        .iter()
        .map(|a| (a.name.clone(), AppliedEntry::of(a)));
    assert_eq!(first.accounts, expected.collect());
    assert_eq!(next(&first, &accounts, &[]), first, "nothing changed");

    accounts.remove(1);
    accounts[1].locked = true;
    let second = next(&first, &accounts, &[]);
    assert_eq!(names(&second), ["ada", "bob", "eve"]);
    assert_eq!(second.accounts["bob"], first.accounts["bob"]);
    assert_eq!(second.accounts["eve"], AppliedEntry::of(&accounts[1]));
}

#[test]
fn entry_of_a_waiting_account_stays() {
    let mut accounts = [
        Account::called("ada", 10_001),
        Account::called("bob", 10_002),
    ];
    let first = next(&Applied::default(), &accounts, &[]);
    accounts[0].locked = true;
    assert_eq!(next(&first, &accounts, &["ada"]), first);
    let second = next(&first, &accounts, &["bob"]);
    assert_eq!(second.accounts["ada"], AppliedEntry::of(&accounts[0]));
}

#[test]
fn announced_captures_end_with_the_next_restore() {
    let accounts = [Account::called("ada", 10_001)];
    let mut first = next(&Applied::default(), &accounts, &[]);
    first.capturing = first.accounts.clone();
    assert!(next(&first, &accounts, &[]).capturing.is_empty());
}

#[test]
fn name_that_no_account_can_have_is_not_ours() {
    let entry = AppliedEntry::of(&Account::called("ada", 10_001));
    let entry = serde_json::to_string(&entry).unwrap();
    let file = |name: &str| format!(r#"{{"accounts":{{"{name}":{entry}}}}}"#);
    assert!(Applied::parse(file("ada").as_bytes()).is_some());
    assert_eq!(Applied::parse(file("a:b").as_bytes()), None);
}
