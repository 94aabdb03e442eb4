//! Records: one account as a systemd JSON User Record (USER_RECORD), the form
//! in which it lives on the volume.
//!
//! A [`Record`] keeps the whole document, so that fields of others survive a
//! rewrite, and reads from it the [`Account`] that restore works with. Older
//! records `{"username","password_hash","locked"}` are read as [`Legacy`].

pub(crate) mod parse;
pub mod set;
pub mod strict_json;

use crate::id::{InvalidUid, Uid, UidRange};
use crate::json::{self, InvalidJson};
use crate::name::{InvalidName, Username};
use crate::password::{InvalidHash, PasswordHash};
use crate::read;
use crate::shadow::Aging;
use crate::text::{Home, InvalidText, RealName, Shell, is_field};
use crate::wire::{AccountView, Status};
use serde_json::{Map, Value, json};

/// The version of our part of a record. A higher one is used for nothing.
pub const SCHEMA: u64 = 1;
/// Most bytes of a record.
pub const MAX_BYTES: usize = 64 * 1024;

/// What a person has, as restore needs it. No gid: it is the uid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The login name.
    pub name: Username,
    /// The number that this name keeps for ever.
    pub uid: Uid,
    /// gecos.
    pub real_name: RealName,
    /// Below /home.
    pub home: Home,
    /// The login shell while enabled.
    pub shell: Shell,
    /// Groups asked for; the image decides which are granted.
    pub member_of: Vec<String>,
    /// The hash, if there is one and it passed the gate.
    pub hash: Option<PasswordHash>,
    /// Why the record's hash did not pass; the account is then restored with `*`.
    pub hash_refused: Option<InvalidHash>,
    /// Disabled by an administrator.
    pub locked: bool,
    /// The password-aging fields of shadow(5), but the day of the last change,
    /// which is [`Account::password_changed_usec`].
    pub aging: Aging,
    /// When the password was last set, microseconds since 1970.
    pub password_changed_usec: Option<u64>,
    /// Lines for sshd.
    pub ssh_keys: Vec<String>,
    /// When the record was made, microseconds since 1970.
    pub created_usec: u64,
}

/// Why bytes are no record that we can use. Prints nothing of the file but
/// numbers: a hash may stand in any field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRecord {
    /// Not JSON.
    #[error(transparent)]
    Json(#[from] InvalidJson),
    /// Larger than [`MAX_BYTES`].
    #[error("{0} bytes, at most 65536 are allowed")]
    TooLarge(u64),
    /// JSON, but no object.
    #[error("not a JSON object")]
    NotAnObject,
    /// A field is missing.
    #[error("field '{0}' is missing")]
    Missing(&'static str),
    /// A field has another type than the format says.
    #[error("field '{0}' must be {1}")]
    Type(&'static str, &'static str),
    /// Written by a newer version of ours.
    #[error("schema {0} is newer than this program knows; update the image")]
    Newer(u64),
    /// A group other than the user private group.
    #[error("gid {0} is not the uid; every account has a group of its own")]
    Gid(u64),
    /// For somebody else than a person.
    #[error("disposition is not 'regular'")]
    Disposition,
    /// The name.
    #[error("the name in it is no login name")]
    Name(InvalidName),
    /// The uid.
    #[error(transparent)]
    Uid(#[from] InvalidUid),
    /// gecos, home or shell.
    #[error("{}", .0.without_value())]
    Text(InvalidText),
}

// Not `#[from]`: that makes them sources too, and those repeat what was given.
impl From<InvalidName> for InvalidRecord {
    fn from(invalid: InvalidName) -> Self {
        Self::Name(invalid)
    }
}

impl From<InvalidText> for InvalidRecord {
    fn from(invalid: InvalidText) -> Self {
        Self::Text(invalid)
    }
}

/// A record: the document and the account in it, always in step.
#[derive(Clone, PartialEq)]
pub struct Record {
    document: Map<String, Value>,
    account: Account,
}

/// A record of opencode-cloud, which has no uid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Legacy {
    /// The login name.
    pub name: Username,
    /// The hash, if it passed the gate.
    pub hash: Option<PasswordHash>,
    /// Why it did not.
    pub hash_refused: Option<InvalidHash>,
    /// Locked then, locked now.
    pub locked: bool,
}

/// What a record file can hold, whole, to be edited.
#[derive(Clone, PartialEq)]
pub enum Document {
    /// Ours.
    Record(Box<Record>),
    /// opencode-cloud's, to be taken over.
    Legacy(Legacy),
}

/// What a record file can hold, as far as restore needs it: it reads thousands.
#[derive(Clone, PartialEq)]
pub enum Contents {
    /// Ours.
    Account(Box<Account>),
    /// opencode-cloud's, to be taken over.
    Legacy(Legacy),
}

impl Document {
    /// Reads a record file.
    pub fn parse(bytes: &[u8], range: UidRange) -> Result<Self, InvalidRecord> {
        let document = parse_object(bytes)?;
        Ok(match Contents::of(&document, range)? {
            Contents::Legacy(legacy) => Self::Legacy(legacy),
            Contents::Account(account) => {
                let document = document.to_owned();
                Self::Record(Box::new(Record {
                    document,
                    account: *account,
                }))
            }
        })
    }
}

impl Contents {
    /// Reads a record file.
    pub fn parse(bytes: &[u8], range: UidRange) -> Result<Self, InvalidRecord> {
        Self::of(&parse_object(bytes)?, range)
    }

    fn of(document: &json::Object<'_>, range: UidRange) -> Result<Self, InvalidRecord> {
        let is_legacy = document.get("username").is_some() && document.get("userName").is_none();
        if is_legacy {
            return read::legacy(document).map(Self::Legacy);
        }
        read::account(document, range).map(|account| Self::Account(Box::new(account)))
    }
}

fn parse_object(bytes: &[u8]) -> Result<json::Object<'_>, InvalidRecord> {
    if bytes.len() > MAX_BYTES {
        return Err(InvalidRecord::TooLarge(bytes.len() as u64));
    }
    match json::parse(bytes)? {
        json::Value::Object(document) => Ok(document),
        _ => Err(InvalidRecord::NotAnObject),
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
    /// the ssh keys, which are public, and nothing of the section `secret`.
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

    /// What a tombstone keeps: number, name and home for ever, and what is
    /// worth having when the account comes back. No secrets; and no more than
    /// can be read again, for then the number would be forgotten.
    #[must_use]
    pub fn remains(&self) -> Self {
        let mut remains = self.clone();
        remains.update(|account| {
            account.hash = None;
            account.hash_refused = None;
            account.ssh_keys.clear();
        });
        if remains.to_bytes().len() <= MAX_BYTES {
            return remains;
        }
        let mut account = remains.account;
        account.member_of.clear();
        Self::new(account)
    }
}

impl Account {
    /// A new account with the defaults of a new person.
    pub fn new(name: Username, uid: Uid, home: Home, created_usec: u64) -> Self {
        Self {
            name,
            uid,
            real_name: RealName::default(),
            home,
            shell: Shell::default(),
            member_of: Vec::new(),
            hash: None,
            hash_refused: None,
            locked: false,
            aging: Aging::default(),
            password_changed_usec: None,
            ssh_keys: Vec::new(),
            created_usec,
        }
    }

    /// Sets a new password, as passwd(1) does: the hash and the day.
    pub fn set_password(&mut self, hash: PasswordHash, now_usec: u64) {
        self.hash = Some(hash);
        self.hash_refused = None;
        self.password_changed_usec = Some(now_usec);
    }

    /// What programs see of it.
    pub fn view(&self) -> AccountView {
        // Whatever the record asks for ends up on a terminal.
        let printable = |group: &&String| !group.is_empty() && is_field(group);
        let mut member_of: Vec<String> = self.member_of.iter().filter(printable).cloned().collect();
        member_of.sort();
        member_of.dedup();
        AccountView {
            user_name: self.name.to_string(),
            uid: self.uid.get(),
            gid: self.uid.get(),
            real_name: self.real_name.as_str().to_owned(),
            home_directory: self.home.to_string(),
            shell: self.shell.as_str().to_owned(),
            member_of,
            status: if self.locked {
                Status::Disabled
            } else {
                Status::Enabled
            },
            last_password_change_usec: self.password_changed_usec,
        }
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
    for (field, days) in read::AGING_FIELDS.into_iter().zip(aging_days) {
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
    // `null` reads as absent, and must not swallow what is written.
    if document.get("privileged").is_none_or(Value::is_null) {
        document.insert("privileged".into(), json!({}));
    }
    if let Some(Value::Object(privileged)) = document.get_mut("privileged") {
        if account.hash_refused.is_none() {
            put_hash(privileged, account.hash.as_ref());
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
    if present.map(crate::shadow::days) != days {
        // shadow(5) has room for days that overflow 64 bits of microseconds.
        let usec = |days: u32| u64::from(days).saturating_mul(crate::shadow::DAY_USEC);
        put(document, field, days.map(|days| json!(usec(days))));
    }
}

/// The hash, unless it is the first already: the format allows several, and
/// the others are not ours to drop with an unrelated change.
fn put_hash(privileged: &mut Map<String, Value>, hash: Option<&PasswordHash>) {
    let present = privileged
        .get("hashedPassword")
        .and_then(|hashes| hashes.get(0)?.as_str());
    let hash = hash.map(PasswordHash::expose);
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
