//! Records: one account as a systemd JSON User Record (USER_RECORD), the form
//! in which it lives on the volume.
//!
//! A [`Record`] keeps the whole document, so that fields of others survive a
//! rewrite, and reads from it the [`Account`] that restore works with. Older
//! records `{"username","password_hash","locked"}` are read as [`Legacy`].

mod parse;
mod passkeys;
mod refusal;
mod restorable;
mod set;
mod settle;
mod strict_json;

pub use parse::{InvalidRecord, Legacy, MAX_BYTES, ParsedAccount, SCHEMA};
pub use passkeys::{MAX_PASSKEYS, PASSKEY_NAME_LIMIT, Passkey, PasskeyRefusal};
pub use refusal::{Problem, Refusal, refuse_by_image, refuse_name};
pub use set::{Part, Records, Rejected, Tombstone};
pub use strict_json::InvalidJson;

use crate::account::Account;
use crate::account::{DAY_USEC, PasswordHash, UidRange, whole_days};
use serde_json::{Map, Value, json};

/// A record: the document and the account in it, always in step.
#[derive(Clone, PartialEq)]
pub struct Record {
    document: Map<String, Value>,
    account: Account,
}

/// The content of a record file, whole, to be edited.
#[derive(Clone, PartialEq)]
pub enum ParsedRecord {
    /// Ours.
    Record(Box<Record>),
    /// opencode-cloud's, to be taken over.
    Legacy(Legacy),
}

impl ParsedRecord {
    /// Reads a record file.
    pub fn parse(bytes: &[u8], range: UidRange) -> Result<Self, InvalidRecord> {
        let document = parse::object_of(bytes)?;
        Ok(match ParsedAccount::of(&document, range)? {
            ParsedAccount::Legacy(legacy) => Self::Legacy(legacy),
            ParsedAccount::Account(account) => {
                let document = document.to_owned();
                Self::Record(Box::new(Record {
                    document,
                    account: *account,
                }))
            }
        })
    }
}

impl Record {
    /// A record for an account that is new, or taken over from elsewhere.
    pub fn new(account: Account) -> Self {
        let mut document = Map::new();
        document.insert("userName".into(), json!(account.name.as_str()));
        document.insert("uid".into(), json!(account.uid.get()));
        document.insert("gid".into(), json!(account.uid.get()));
        document.insert("disposition".into(), json!("regular"));
        document.insert(
            "occ".into(),
            json!({ "schema": SCHEMA, "created": account.created_usec }),
        );
        write_account(&mut document, &account);
        Self { document, account }
    }

    /// The account in it.
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// Returns whether the document has a field, and not as `null`.
    pub fn has(&self, field: &str) -> bool {
        self.document
            .get(field)
            .is_some_and(|value| !value.is_null())
    }

    /// Changes the account and writes the change into the document. Name and
    /// uid stay, whatever `edit` does.
    pub fn update(&mut self, edit: impl FnOnce(&mut Account)) {
        let mut account = self.account.clone();
        edit(&mut account);
        account.name = self.account.name.clone();
        account.uid = self.account.uid;
        write_account(&mut self.document, &account);
        self.account = account;
    }

    /// The document for `user export`. Without hashes nothing is left that
    /// somebody could log in with or guess at: of the privileged section only
    /// the ssh keys, which are public as passkeys are, and nothing of the section `secret`.
    pub fn exported(&self, with_hashes: bool) -> Value {
        let mut document = self.document.clone();
        if !with_hashes {
            document.remove("secret");
            if let Some(Value::Object(privileged)) = document.get_mut("privileged") {
                privileged.retain(|field, _| field == "sshAuthorizedKeys");
            }
        }
        Value::Object(document)
    }

    /// The bytes of the record file, readable by people; in one line where that
    /// alone keeps it within [`MAX_BYTES`]: an account must not be beyond
    /// disabling because its record came without blanks.
    pub fn to_bytes(&self) -> Vec<u8> {
        let document = Value::Object(self.document.clone());
        let mut text = format!("{document:#}\n");
        if text.len() > MAX_BYTES {
            text = format!("{document}\n");
        }
        text.into_bytes()
    }

    /// The record of a tombstone: uid, name and home for ever, and the fields that are
    /// of use when the account comes back. It holds no secrets, and never more than
    /// [`MAX_BYTES`]: a tombstone that can't be read loses its uid.
    #[must_use]
    pub fn remains(&self) -> Self {
        let mut remains = self.clone();
        remains.update(|account| {
            account.hash = None;
            account.hash_refused = None;
            account.must_change = false;
            account.ssh_keys.clear();
        });
        remains.clear_passkeys();
        if remains.to_bytes().len() <= MAX_BYTES {
            return remains;
        }
        let mut account = remains.account;
        account.member_of.clear();
        Self::new(account)
    }
}

fn write_account(document: &mut Map<String, Value>, account: &Account) {
    let aging = &account.aging;
    let aging_days = [
        aging.min,
        aging.max,
        aging.warn,
        aging.inactive,
        aging.expire,
    ];
    for (field, days) in parse::AGING_FIELDS.into_iter().zip(aging_days) {
        put_days(document, field, days);
    }
    let real_name = account.real_name.as_str();
    put(
        document,
        "realName",
        (!real_name.is_empty()).then(|| json!(real_name)),
    );
    put(
        document,
        "homeDirectory",
        Some(json!(account.home.as_str())),
    );
    put(document, "shell", Some(json!(account.shell.as_str())));
    put(
        document,
        "memberOf",
        (!account.member_of.is_empty()).then(|| json!(account.member_of)),
    );
    put(document, "locked", Some(json!(account.locked)));
    put(
        document,
        "lastPasswordChangeUSec",
        account.password_changed_usec.map(|usec| json!(usec)),
    );
    put(
        document,
        "passwordChangeNow",
        account.must_change.then_some(json!(true)),
    );
    // `null` reads as absent, and must not swallow what is written.
    if document.get("privileged").is_none_or(Value::is_null) {
        document.insert("privileged".into(), json!({}));
    }
    if let Some(Value::Object(privileged)) = document.get_mut("privileged") {
        if account.hash_refused.is_none() {
            put_hash(privileged, account);
        }
        put(
            privileged,
            "sshAuthorizedKeys",
            (!account.ssh_keys.is_empty()).then(|| json!(account.ssh_keys)),
        );
    }
}

/// Days as microseconds, unless the field says as many days already: the part
/// of a day that shadow(5) can't hold is for other readers.
fn put_days(document: &mut Map<String, Value>, field: &'static str, days: Option<u32>) {
    let present = document.get(field).and_then(Value::as_u64);
    if present.map(whole_days) != days {
        // shadow(5) has room for days that overflow 64 bits of microseconds.
        let usec = |days: u32| u64::from(days).saturating_mul(DAY_USEC);
        put(document, field, days.map(|days| json!(usec(days))));
    }
}

/// The hash, unless it is the first already: the format allows several, and
/// the others are not ours to drop with an unrelated change.
fn put_hash(privileged: &mut Map<String, Value>, account: &Account) {
    let present = privileged
        .get("hashedPassword")
        .and_then(|hashes| hashes.get(0)?.as_str());
    let present = if account.locked {
        // The mark that locks it says nothing else than the record.
        let bare = present.map(|text| text.trim_start_matches('!'));
        bare.filter(|bare| !matches!(*bare, "" | "*"))
    } else {
        present
    };
    let hash = account.hash.as_ref().map(PasswordHash::expose);
    if present != hash {
        put(privileged, "hashedPassword", hash.map(|hash| json!([hash])));
    }
}

fn put(object: &mut Map<String, Value>, field: &str, value: Option<Value>) {
    match value {
        Some(value) => object.insert(field.to_owned(), value),
        None => object.remove(field),
    };
}

#[cfg(test)]
mod tests;
