//! Changes of the passkeys in a person's record, by `occ-init user passkey`.

use accounts::wire::ErrorKind;
use serde_json::{Value, json};

use crate::log;
use crate::monitor::occ_init;

/// The outcome of a change of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Changed {
    Done,
    /// It is there already.
    Twice,
    /// There is no such passkey.
    Absent,
    /// The person has too many.
    Full,
    /// The log says why.
    Failed,
}

/// Adds an entry to a person's record.
pub(super) async fn add(user: &str, entry: &Value) -> Changed {
    let request = json!({"schema": 1, "passkey": entry}).to_string();
    run(&["add", user, "--request-stdin"], &request).await
}

/// Removes one from it.
pub(super) async fn remove(user: &str, id: &str) -> Changed {
    run(&["remove", user, id], "").await
}

async fn run(words: &[&str], input: &str) -> Changed {
    let words = [&["user", "passkey"], words].concat();
    let Err(error) = occ_init::run(&words, input.as_bytes()).await else {
        return Changed::Done;
    };
    match error.kind {
        ErrorKind::Conflict => Changed::Twice,
        ErrorKind::NotFound => Changed::Absent,
        ErrorKind::Refused => Changed::Full,
        _ => {
            let why = error.message;
            log::line(&format!("passkey: the record is as it was: {why}"));
            Changed::Failed
        }
    }
}
