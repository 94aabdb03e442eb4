//! The answers of commands on accounts.

use crate::commands::output::Output;
use accounts::wire::{AccountReply, AccountView, ListReply, SCHEMA};

/// The answer of a command on one account.
pub(super) fn one(
    text: String,
    changed: bool,
    account: AccountView,
    generated_password: Option<String>,
) -> Output {
    Output::new(
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
pub(super) fn several(text: String, changed: bool, mut accounts: Vec<AccountView>) -> Output {
    match accounts.pop() {
        Some(account) if accounts.is_empty() => one(text, changed, account, None),
        last => {
            accounts.extend(last);
            Output::new(
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
