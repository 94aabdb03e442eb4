//! The answers of commands on accounts.

use crate::clock::today;
use crate::commands::output::Output;
use accounts::account::Account;
use accounts::record::Record;
use accounts::wire::{AccountReply, ListReply, SCHEMA};

pub(super) fn one(text: String, changed: bool, account: &Account) -> Output {
    with_generated(text, changed, account, None)
}

/// The answer of a command that made a record or set a password. `-q` never swallows a
/// password that nobody could read otherwise; with `always`, one that was not generated is
/// mentioned too.
pub(super) fn with_password(
    message: String,
    account: &Account,
    generated: Option<&String>,
    quiet: bool,
    always: bool,
) -> Output {
    let text = match (generated, quiet) {
        (Some(password), true) => password.clone(),
        (Some(password), false) => format!("{message}\nPassword: {password}"),
        (None, true) => String::new(),
        (None, false) if always => format!("{message}\nPassword: ********"),
        (None, false) => message,
    };
    with_generated(text, true, account, generated.cloned())
}

fn with_generated(
    text: String,
    changed: bool,
    account: &Account,
    generated_password: Option<String>,
) -> Output {
    let reply = AccountReply {
        schema: SCHEMA,
        changed,
        account: account.view(today()),
        generated_password,
    };
    Output::new(text, &reply)
}

/// The answer of a command on one or several accounts; `done` is what became of them.
pub(super) fn several(done: &str, changed: bool, records: &[Record]) -> Output {
    let line = |record: &Record| format!("User '{}' {done}.", record.account().name);
    let text = records.iter().map(line).collect::<Vec<_>>().join("\n");
    if let [record] = records {
        return one(text, changed, record.account());
    }
    let today = today();
    let views = records.iter().map(|record| record.account().view(today));
    let reply = ListReply {
        schema: SCHEMA,
        changed: Some(changed),
        accounts: views.collect(),
    };
    Output::new(text, &reply)
}
