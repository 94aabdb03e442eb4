//! Reads an account out of a record's JSON: which fields, of which types, under
//! which rules. Changes nothing; writing is `record`'s.

use crate::id::UidRange;
use crate::json::{Object, Value};
use crate::name::Username;
use crate::password::{InvalidHash, PasswordHash};
use crate::record::{Account, InvalidRecord, Legacy, SCHEMA};
use crate::shadow::Aging;
use crate::text::{Home, RealName, Shell};

/// A record of ours.
pub(crate) fn account(document: &Object<'_>, range: UidRange) -> Result<Account, InvalidRecord> {
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
    let (hash, hash_refused) = read_hash(document)?;
    Ok(Account {
        real_name: RealName::parse(string(document, "realName")?.unwrap_or(""))?,
        shell: string(document, "shell")?
            .map(Shell::parse)
            .transpose()?
            .unwrap_or_default(),
        member_of: strings(document, "memberOf")?,
        locked: boolean(document, "locked")?.unwrap_or(false),
        aging: read_aging(document)?,
        ssh_keys: object(document, "privileged")?
            .map_or(Ok(Vec::new()), |p| strings(p, "sshAuthorizedKeys"))?,
        created_usec: object(document, "occ")?
            .map_or(Ok(None), |o| number(o, "created"))?
            .unwrap_or(0),
        name,
        uid,
        home,
        hash,
        hash_refused,
        password_changed_usec: number(document, "lastPasswordChangeUSec")?,
    })
}

fn check_schema(document: &Object<'_>) -> Result<(), InvalidRecord> {
    match object(document, "occ")?.map_or(Ok(None), |occ| number(occ, "schema"))? {
        Some(schema) if schema > SCHEMA => Err(InvalidRecord::Newer(schema)),
        _ => Ok(()),
    }
}

fn read_hash(
    document: &Object<'_>,
) -> Result<(Option<PasswordHash>, Option<InvalidHash>), InvalidRecord> {
    let Some(privileged) = object(document, "privileged")? else {
        return Ok((None, None));
    };
    let mut hashes = texts(privileged, "hashedPassword")?;
    let first = hashes.next().transpose()?;
    hashes.try_for_each(|hash| hash.map(drop))?;
    Ok(first.map_or((None, None), gate))
}

fn gate(hash: &str) -> (Option<PasswordHash>, Option<InvalidHash>) {
    match PasswordHash::parse(hash) {
        Ok(hash) => (Some(hash), None),
        Err(reason) => (None, Some(reason)),
    }
}

/// The aging fields and their names in USER_RECORD, in microseconds there.
pub(crate) const AGING_FIELDS: [&str; 5] = [
    "passwordChangeMinUSec",
    "passwordChangeMaxUSec",
    "passwordChangeWarnUSec",
    "passwordChangeInactiveUSec",
    "notAfterUSec",
];

fn read_aging(document: &Object<'_>) -> Result<Aging, InvalidRecord> {
    let mut days = [None; AGING_FIELDS.len()];
    for (day, field) in days.iter_mut().zip(AGING_FIELDS) {
        *day = number(document, field)?.map(crate::shadow::days);
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
pub(crate) fn legacy(document: &Object<'_>) -> Result<Legacy, InvalidRecord> {
    let name =
        Username::parse(string(document, "username")?.ok_or(InvalidRecord::Missing("username"))?)?;
    let field = string(document, "password_hash")?.unwrap_or("");
    // `passwd -l` puts '!' before the hash: locked by whichever sign says so.
    let bare = field.trim_start_matches('!');
    let locked = boolean(document, "locked")?.unwrap_or(false) || bare.len() != field.len();
    let (hash, hash_refused) = match bare {
        "" | "*" => (None, None),
        other => gate(other),
    };
    Ok(Legacy {
        name,
        hash,
        hash_refused,
        locked,
    })
}
