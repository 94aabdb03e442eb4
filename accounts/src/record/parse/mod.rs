//! Reads an account out of a record's JSON: which fields, of which types, under
//! which rules. Writes nothing.

use super::strict_json::{self, InvalidJson, Object, Value};
use crate::account::{
    Account, Aging, Home, InvalidHash, InvalidName, InvalidText, InvalidUid, PasswordHash,
    RealName, Shell, UidRange, Username, whole_days,
};

/// The version of our part of a record. A higher one is used for nothing.
pub const SCHEMA: u64 = 1;
/// Most bytes of a record.
pub const MAX_BYTES: usize = 64 * 1024;

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
    /// Not a person's account.
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

/// The content of a record file, as far as restore needs it: it reads thousands.
#[derive(Clone, PartialEq)]
pub enum ParsedAccount {
    /// Ours.
    Account(Box<Account>),
    /// opencode-cloud's, to be taken over.
    Legacy(Legacy),
}

impl ParsedAccount {
    /// Reads a record file.
    pub fn parse(bytes: &[u8], range: UidRange) -> Result<Self, InvalidRecord> {
        Self::of(&object_of(bytes)?, range)
    }

    pub(super) fn of(document: &Object<'_>, range: UidRange) -> Result<Self, InvalidRecord> {
        let is_legacy = document.get("username").is_some() && document.get("userName").is_none();
        if is_legacy {
            return legacy(document).map(Self::Legacy);
        }
        account(document, range).map(|account| Self::Account(Box::new(account)))
    }
}

pub(super) fn object_of(bytes: &[u8]) -> Result<Object<'_>, InvalidRecord> {
    if bytes.len() > MAX_BYTES {
        return Err(InvalidRecord::TooLarge(bytes.len() as u64));
    }
    match strict_json::parse(bytes)? {
        Value::Object(document) => Ok(document),
        _ => Err(InvalidRecord::NotAnObject),
    }
}

/// A record of ours.
fn account(document: &Object<'_>, range: UidRange) -> Result<Account, InvalidRecord> {
    check_schema(document)?;
    let name =
        Username::parse(string(document, "userName")?.ok_or(InvalidRecord::Missing("userName"))?)?;
    let uid = range.uid(number(document, "uid")?.ok_or(InvalidRecord::Missing("uid"))?)?;
    match number(document, "gid")? {
        Some(gid) if gid != u64::from(uid.get()) => return Err(InvalidRecord::Gid(gid)),
        _ => (),
    }
    if string(document, "disposition")?.is_some_and(|word| word != "regular") {
        return Err(InvalidRecord::Disposition);
    }
    let home = match string(document, "homeDirectory")? {
        Some(home) => Home::parse(home)?,
        None => Home::parse(&format!("/home/{name}"))?,
    };
    let locked = boolean(document, "locked")?.unwrap_or(false);
    let (hash, hash_refused) = read_hash(document, locked)?;
    Ok(Account {
        real_name: RealName::parse(string(document, "realName")?.unwrap_or(""))?,
        shell: string(document, "shell")?
            .map(Shell::parse)
            .transpose()?
            .unwrap_or_default(),
        member_of: strings(document, "memberOf")?,
        locked,
        aging: read_aging(document)?,
        ssh_keys: object(document, "privileged")?
            .map_or(Ok(Vec::new()), |p| strings(p, "sshAuthorizedKeys"))?,
        created_usec: object(document, "occ")?
            .map_or(Ok(None), |o| number(o, "created"))?
            .unwrap_or(0),
        passkeys: object(document, "occ")?.map_or(0, count_passkeys),
        name,
        uid,
        home,
        hash,
        hash_refused,
        password_changed_usec: number(document, "lastPasswordChangeUSec")?,
        must_change: boolean(document, "passwordChangeNow")?.unwrap_or(false),
    })
}

/// A list of another type is none: it must not take the account away.
fn count_passkeys(occ: &Object<'_>) -> usize {
    match occ.get("passkeys") {
        Some(Value::Array(entries)) => entries.len(),
        _ => 0,
    }
}

fn check_schema(document: &Object<'_>) -> Result<(), InvalidRecord> {
    match object(document, "occ")?.map_or(Ok(None), |occ| number(occ, "schema"))? {
        Some(schema) if schema > SCHEMA => Err(InvalidRecord::Newer(schema)),
        _ => Ok(()),
    }
}

/// A hash, or why it does not pass the gate.
type Gated = (Option<PasswordHash>, Option<InvalidHash>);

/// The first hash. Where the record is locked `!` may stand before it, as `passwd -l` writes
/// and userdbctl(1) repeats.
fn read_hash(document: &Object<'_>, is_locked: bool) -> Result<Gated, InvalidRecord> {
    let Some(privileged) = object(document, "privileged")? else {
        return Ok((None, None));
    };
    let mut hashes = texts(privileged, "hashedPassword")?;
    let first = hashes.next().transpose()?;
    hashes.try_for_each(|hash| hash.map(drop))?;
    Ok(match first {
        None => (None, None),
        Some(hash) if is_locked && hash.starts_with('!') => unlocked(hash),
        Some(hash) => gate(hash),
    })
}

/// The hash behind the marks that lock it.
fn unlocked(field: &str) -> Gated {
    match field.trim_start_matches('!') {
        "" | "*" => (None, None),
        hash => gate(hash),
    }
}

fn gate(hash: &str) -> Gated {
    match PasswordHash::parse(hash) {
        Ok(hash) => (Some(hash), None),
        Err(reason) => (None, Some(reason)),
    }
}

/// The aging fields and their names in USER_RECORD, in microseconds there.
pub(super) const AGING_FIELDS: [&str; 5] = [
    "passwordChangeMinUSec",
    "passwordChangeMaxUSec",
    "passwordChangeWarnUSec",
    "passwordChangeInactiveUSec",
    "notAfterUSec",
];

fn read_aging(document: &Object<'_>) -> Result<Aging, InvalidRecord> {
    let mut days = [None; AGING_FIELDS.len()];
    for (day, field) in days.iter_mut().zip(AGING_FIELDS) {
        *day = number(document, field)?.map(whole_days);
    }
    let [min, max, warn, inactive, expire] = days;
    Ok(Aging {
        min,
        max,
        warn,
        inactive,
        expire,
    })
}

fn string<'a>(
    object: &'a Object<'_>,
    field: &'static str,
) -> Result<Option<&'a str>, InvalidRecord> {
    match object.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(InvalidRecord::Type(field, "a string")),
    }
}

fn number(object: &Object<'_>, field: &'static str) -> Result<Option<u64>, InvalidRecord> {
    let wrong = InvalidRecord::Type(field, "a whole number, not negative");
    match object.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Number(number)) => number.as_u64().map(Some).ok_or(wrong),
        Some(_) => Err(wrong),
    }
}

fn boolean(object: &Object<'_>, field: &'static str) -> Result<Option<bool>, InvalidRecord> {
    match object.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(value)) => Ok(Some(*value)),
        Some(_) => Err(InvalidRecord::Type(field, "true or false")),
    }
}

fn object<'a, 'v>(
    parent: &'a Object<'v>,
    field: &'static str,
) -> Result<Option<&'a Object<'v>>, InvalidRecord> {
    match parent.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(object)) => Ok(Some(object)),
        Some(_) => Err(InvalidRecord::Type(field, "an object")),
    }
}

fn strings(object: &Object<'_>, field: &'static str) -> Result<Vec<String>, InvalidRecord> {
    texts(object, field)?
        .map(|text| text.map(str::to_owned))
        .collect()
}

/// The strings of a list; none where there is no list.
fn texts<'a>(
    object: &'a Object<'_>,
    field: &'static str,
) -> Result<impl Iterator<Item = Result<&'a str, InvalidRecord>>, InvalidRecord> {
    let wrong = move || InvalidRecord::Type(field, "a list of strings");
    let items = match object.get(field) {
        None | Some(Value::Null) => &[][..],
        Some(Value::Array(items)) => items,
        Some(_) => return Err(wrong()),
    };
    Ok(items.iter().map(move |item| match item {
        Value::String(text) => Ok(text.as_ref()),
        _ => Err(wrong()),
    }))
}

/// A record of opencode-cloud.
fn legacy(document: &Object<'_>) -> Result<Legacy, InvalidRecord> {
    let name =
        Username::parse(string(document, "username")?.ok_or(InvalidRecord::Missing("username"))?)?;
    let field = string(document, "password_hash")?.unwrap_or("");
    // `passwd -l` puts '!' before the hash: locked by whichever sign says so.
    let locked = boolean(document, "locked")?.unwrap_or(false) || field.starts_with('!');
    let (hash, hash_refused) = unlocked(field);
    Ok(Legacy {
        name,
        hash,
        hash_refused,
        locked,
    })
}

#[cfg(test)]
mod tests;
