//! The answers of commands on accounts.

use crate::commands::output::Answer;
use accounts::wire::{AccountReply, AccountView, ListReply, SCHEMA};

/// The answer of a command on one account.
pub(super) fn one(
    text: String,
    changed: bool,
    account: AccountView,
    generated_password: Option<String>,
) -> Answer {
    Answer::new(
        text,
        &AccountReply {
            schema: SCHEMA,
            changed,
            account,
            generated_password,
        },
    )
}

/// The answer of a command on one or several accounts.
pub(super) fn several(text: String, changed: bool, mut accounts: Vec<AccountView>) -> Answer {
    match accounts.pop() {
        Some(account) if accounts.is_empty() => one(text, changed, account, None),
        last => {
            accounts.extend(last);
            Answer::new(
                text,
                &ListReply {
                    schema: SCHEMA,
                    changed: Some(changed),
                    accounts,
                },
            )
        }
    }
}
