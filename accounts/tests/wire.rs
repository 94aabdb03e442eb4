//! The frozen samples of the wire format: what a program of version 1 wrote
//! must be understood for ever. Never edit a sample; add one.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a sample that does not decode is what these tests are for"
)]

use accounts::wire::{
    AccountReply, ErrorKind, ErrorReply, ExportReply, ImportAction, ImportReply, ListReply,
    LoadReply, PasskeysReply, Request, SCHEMA, Status, StatusReply, TokensReply, without_way_in,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

const LISTS: [&str; 3] = [
    include_str!("wire/list.json"),
    include_str!("wire/list_empty.json"),
    include_str!("wire/list_changed.json"),
];
const ACCOUNTS: [&str; 3] = [
    include_str!("wire/account.json"),
    include_str!("wire/account_generated.json"),
    include_str!("wire/account_unchanged.json"),
];
const ERRORS: [(ErrorKind, &str); 11] = [
    (ErrorKind::Failed, include_str!("wire/error_failed.json")),
    (ErrorKind::Usage, include_str!("wire/error_usage.json")),
    (
        ErrorKind::NotFound,
        include_str!("wire/error_not_found.json"),
    ),
    (
        ErrorKind::Conflict,
        include_str!("wire/error_conflict.json"),
    ),
    (ErrorKind::Refused, include_str!("wire/error_refused.json")),
    (
        ErrorKind::EngineUnreachable,
        include_str!("wire/error_engine_unreachable.json"),
    ),
    (
        ErrorKind::NotRunning,
        include_str!("wire/error_not_running.json"),
    ),
    (ErrorKind::Busy, include_str!("wire/error_busy.json")),
    (ErrorKind::Invalid, include_str!("wire/error_invalid.json")),
    (
        ErrorKind::NotFound,
        include_str!("wire/error_no_such_account.json"),
    ),
    (
        ErrorKind::Usage,
        include_str!("wire/error_unknown_argument.json"),
    ),
];
const REQUESTS: [&str; 4] = [
    include_str!("wire/request_password.json"),
    include_str!("wire/request_hash.json"),
    include_str!("wire/request_keys.json"),
    include_str!("wire/request_empty.json"),
];

/// Decodes a sample, and the same with a field in every object that no
/// version 1 knows; both must encode to the sample.
fn frozen<T: DeserializeOwned + Serialize>(sample: &str) -> T {
    let value: Value = serde_json::from_str(sample).unwrap();
    let mut newer = value.clone();
    add_unknown_fields(&mut newer);
    assert_ne!(newer, value);
    let from_newer: T = serde_json::from_value(newer).unwrap();
    assert_eq!(serde_json::to_value(&from_newer).unwrap(), value);
    let decoded: T = serde_json::from_str(sample).unwrap();
    assert_eq!(serde_json::to_value(&decoded).unwrap(), value);
    let encoded = serde_json::to_string(&decoded).unwrap();
    assert!(!encoded.contains('\n'), "one document is one line");
    decoded
}

fn add_unknown_fields(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.values_mut().for_each(add_unknown_fields);
            object.insert("sinceVersion2".into(), json!({"nested": [1, null]}));
        }
        Value::Array(items) => items.iter_mut().for_each(add_unknown_fields),
        _ => (),
    }
}

#[test]
fn lists() {
    for sample in LISTS {
        assert_eq!(frozen::<ListReply>(sample).schema, SCHEMA);
    }
    let list = frozen::<ListReply>(LISTS[0]);
    assert_eq!(list.changed, None);
    assert_eq!(list.accounts[0].status, Status::Enabled);
    assert_eq!(
        list.accounts[0].last_password_change_usec,
        Some(1_790_000_000_000_000)
    );
    assert_eq!(list.accounts[0].member_of, ["audio", "video"]);
    assert_eq!(list.accounts[1].status, Status::Disabled);
    assert_eq!(list.accounts[1].last_password_change_usec, None);
}

#[test]
fn accounts() {
    let [plain, generated, unchanged] = ACCOUNTS.map(frozen::<AccountReply>);
    assert!(plain.changed && plain.generated_password.is_none());
    assert_eq!(
        generated.generated_password.as_deref().map(str::len),
        Some(24)
    );
    assert!(!unchanged.changed);
    assert_eq!(unchanged.account.user_name, "bob");
}

#[test]
fn errors() {
    for (kind, sample) in ERRORS {
        let reply = frozen::<ErrorReply>(sample);
        assert_eq!(reply.error.kind, kind);
        assert_eq!(reply.error.retryable, kind.retryable());
        assert!(!reply.error.message.is_empty());
    }
}

#[test]
fn tokens() {
    let list = frozen::<TokensReply>(include_str!("wire/tokens.json"));
    assert_eq!((list.changed, list.tokens.len()), (None, 2));
    assert_eq!(list.tokens[1].last_use_usec, None);
    let revoked = frozen::<TokensReply>(include_str!("wire/tokens_revoked.json"));
    assert_eq!(revoked.changed, Some(true));
}

#[test]
fn passkeys() {
    let list = frozen::<PasskeysReply>(include_str!("wire/passkeys.json"));
    assert_eq!((list.changed, list.passkeys.len()), (false, 2));
    assert_eq!(list.passkeys[0].id, "0a1b2c3d");
    // The entry is the login's: what this program does not know of it stays.
    let sample: Value = serde_json::from_str(include_str!("wire/request_passkey.json")).unwrap();
    let request: Request = serde_json::from_value(sample.clone()).unwrap();
    assert_eq!(serde_json::to_value(&request).unwrap(), sample);
}

#[test]
fn imports() {
    let [some, nothing] = [
        include_str!("wire/import.json"),
        include_str!("wire/import_nothing.json"),
    ]
    .map(frozen::<ImportReply>);
    assert!(some.changed && !nothing.changed && nothing.results.is_empty());
    let actions = some.results.iter().map(|result| result.action);
    assert_eq!(
        actions.collect::<Vec<_>>(),
        [
            ImportAction::Created,
            ImportAction::Exists,
            ImportAction::Failed
        ]
    );
    assert_eq!(some.results[0].uid, Some(10000));
    let error = some.results[2].error.as_ref().unwrap();
    assert_eq!((some.results[2].line, error.kind), (4, ErrorKind::Invalid));
    let unknown: ImportAction = serde_json::from_str("\"postponed\"").unwrap();
    assert_eq!(unknown, ImportAction::Failed);
}

#[test]
fn loads() {
    let reply = frozen::<LoadReply>(include_str!("wire/load.json"));
    assert_eq!((reply.added.len(), reply.replaced.len()), (1, 1));
    assert_eq!((reply.homes.len(), reply.kept_homes.len()), (1, 1));
    assert_eq!(reply.problems.len(), 1);
}

#[test]
fn exports() {
    let sample: Value = serde_json::from_str(include_str!("wire/export.json")).unwrap();
    let reply: ExportReply = serde_json::from_value(sample.clone()).unwrap();
    assert_eq!(reply.records[0]["userName"], "alice");
    assert_eq!(serde_json::to_value(&reply).unwrap(), sample);
}

#[test]
fn requests() {
    let [password, hash, keys, empty] = REQUESTS.map(frozen::<Request>);
    assert_eq!(
        password.password.as_deref(),
        Some("correct horse: \"battery\" é\\")
    );
    assert!(
        hash.password_hash
            .is_some_and(|hash| hash.starts_with("$6$"))
    );
    assert_eq!(keys.ssh_authorized_keys.map(|keys| keys.len()), Some(1));
    assert!(empty.password.is_none() && empty.ssh_authorized_keys.is_none());
}

/// What an older or smaller program leaves out.
#[test]
fn optional_fields() {
    let account = r#"{"userName":"a","uid":1000,"gid":1000,"homeDirectory":"/home/a","shell":"/bin/sh","status":"enabled"}"#;
    let list: ListReply =
        serde_json::from_str(&format!(r#"{{"schema":1,"accounts":[{account}]}}"#)).unwrap();
    assert!(list.accounts[0].real_name.is_empty() && list.accounts[0].member_of.is_empty());
    let error: ErrorReply =
        serde_json::from_str(r#"{"schema":1,"error":{"kind":"from_the_future","message":"m"}}"#)
            .unwrap();
    assert_eq!(error.error.kind, ErrorKind::Failed);
}

/// A client that dies half-way has sent no closing brace.
#[test]
fn half_a_document_is_none() {
    for sample in REQUESTS {
        let sample = sample.trim_end();
        for end in (0..sample.len()).filter(|&end| sample.is_char_boundary(end)) {
            assert!(
                serde_json::from_str::<Request>(&sample[..end]).is_err(),
                "{}",
                &sample[..end]
            );
        }
        assert!(serde_json::from_str::<Request>(&format!("{sample}{sample}")).is_err());
    }
}

#[test]
fn the_status_of_the_login() {
    let status: StatusReply = frozen(include_str!("wire/status.json"));
    let instances = status.gate.unwrap().instances;
    assert_eq!((instances.len(), &*instances[0].user_name), (1, "alice"));
    let without = format!("{{\"schema\":{SCHEMA},\"restore\":{{}}}}");
    let status: StatusReply = serde_json::from_str(&without).unwrap();
    assert_eq!(status.gate, None, "where no login runs");
}

#[test]
fn accounts_without_a_way_in_are_named_up_to_five() {
    let sample: AccountReply = serde_json::from_str(ACCOUNTS[0]).unwrap();
    let mut account = sample.account;
    assert_eq!(without_way_in(&[account.clone()]), None, "it does not say");
    (account.has_password, account.ssh_keys) = (Some(false), Some(0));
    let accounts: Vec<_> = ('a'..='g')
        .map(|name| {
            let mut account = account.clone();
            account.user_name = name.to_string();
            account
        })
        .collect();
    let (sentence, first) = without_way_in(&accounts).unwrap();
    let named = "nobody can log in as a, b, c, d, e and 2 more, without a password or key";
    assert_eq!((sentence.as_str(), first), (named, "a"));
    account.ssh_keys = Some(1);
    assert_eq!(without_way_in(&[account]), None);
}
