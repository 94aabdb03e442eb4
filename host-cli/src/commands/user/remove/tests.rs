use super::*;

fn account(name: &str, status: Status) -> AccountView {
    AccountView {
        user_name: name.into(),
        uid: 10000,
        gid: 10000,
        real_name: String::new(),
        home_directory: format!("/home/{name}"),
        shell: "/bin/bash".into(),
        member_of: vec![],
        status,
        expires_usec: None,
        password_change_now: false,
        has_password: None,
        ssh_keys: None,
        passkeys: None,
        last_password_change_usec: None,
    }
}

fn code(accounts: &[AccountView], names: &[&str]) -> u8 {
    let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
    refuse(accounts, &names).map_or_else(|error| error.kind().exit_code(), |_| 0)
}

#[test]
fn the_last_account_and_the_last_that_can_log_in_stay() {
    let (alice, bob) = (
        account("alice", Status::Enabled),
        account("bob", Status::Disabled),
    );
    assert_eq!(code(std::slice::from_ref(&alice), &["alice"]), 5);
    assert_eq!(code(&[alice.clone(), bob.clone()], &["alice"]), 5);
    assert_eq!(code(&[alice.clone(), bob.clone()], &["bob"]), 0);
    assert_eq!(code(&[alice.clone(), bob.clone()], &["alice", "bob"]), 5);
    assert_eq!(
        code(&[account("a", Status::Disabled), bob.clone()], &["bob"]),
        0
    );
    assert_eq!(code(&[alice, bob], &["bob", "bobb"]), 3);
}

#[test]
fn removal_question_names_users_and_homes() {
    let names = ["alice".to_owned(), "bob".to_owned()];
    let homes = ["/home/alice".to_owned(), "/home/bob".to_owned()];
    assert_eq!(
        question(&names[..1], &homes[..1], false),
        "Remove user 'alice'? The home directory is kept."
    );
    assert_eq!(
        question(&names, &homes, true),
        "Remove users 'alice', 'bob' and delete /home/alice, /home/bob?"
    );
}
