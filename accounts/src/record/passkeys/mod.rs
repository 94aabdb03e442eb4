//! The passkeys in a record, under `occ.passkeys`: public keys with which the person logs
//! in at the login page. Knows the form of an entry and how many there may be; what a
//! public key says, and whether it proves anything, is the login's business.

use super::Record;
use crate::account::is_field;
use serde_json::{Map, Value, json};

/// Most passkeys of one person.
pub const MAX_PASSKEYS: usize = 10;
/// Longest name of a passkey, in bytes.
pub const PASSKEY_NAME_LIMIT: usize = 60;
/// Hexadecimal digits of an id.
const ID: usize = 8;
/// The longest credential id of WebAuthn, 1023 bytes, in base64.
const CREDENTIAL_ID_LIMIT: usize = 1364;
/// Room for the entry with an RSA key.
const ENTRY_LIMIT: usize = 4096;
const FIELD: &str = "passkeys";

/// A passkey, as its entry tells it. Nothing of it is a secret.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Passkey<'a> {
    /// Names it in `passkey remove`: eight hexadecimal digits.
    pub id: &'a str,
    /// The person's name for it.
    pub name: &'a str,
    /// The authenticator's name for it, in base64url.
    pub credential_id: &'a str,
    /// The key, in the form of the login.
    pub public_key: &'a Value,
    /// When it was made, in microseconds since 1970.
    pub made_usec: u64,
}

/// Why a passkey is not added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasskeyRefusal {
    /// The entry has not the form of one.
    Form,
    /// The person has [`MAX_PASSKEYS`].
    Full,
    /// The id or the credential is there already.
    Twice,
}

impl<'a> Passkey<'a> {
    /// Reads an entry; `None` if it has another form. Fields that are not ours may stand in it.
    pub fn of(entry: &'a Value) -> Option<Self> {
        let text = |field: &str| entry.get(field)?.as_str();
        let passkey = Self {
            id: text("id")?,
            name: text("name")?,
            credential_id: text("credentialId")?,
            public_key: entry.get("publicKey")?,
            made_usec: entry.get("madeUSec")?.as_u64()?,
        };
        passkey.is_fit().then_some(passkey)
    }

    fn is_fit(&self) -> bool {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let (name, credential) = (self.name, self.credential_id);
        self.id.len() == ID
            && self.id.bytes().all(is_digit)
            && (1..=PASSKEY_NAME_LIMIT).contains(&name.len())
            && name.trim() == name
            && is_field(&name.replace(':', ""))
            && (1..=CREDENTIAL_ID_LIMIT).contains(&credential.len())
            && credential.bytes().all(is_base64)
            && self.public_key.is_object()
    }
}

impl Record {
    /// The passkeys whose entries can be used, in the order in which they were added.
    pub fn passkeys(&self) -> impl Iterator<Item = Passkey<'_>> {
        self.entries().iter().filter_map(Passkey::of)
    }

    fn entries(&self) -> &[Value] {
        let entries = self.document.get("occ").and_then(|occ| occ.get(FIELD));
        let entries = entries.and_then(Value::as_array);
        entries.map_or(&[], Vec::as_slice)
    }

    /// Adds a passkey.
    pub fn add_passkey(&mut self, entry: Value) -> Result<(), PasskeyRefusal> {
        let new = Passkey::of(&entry).ok_or(PasskeyRefusal::Form)?;
        if entry.to_string().len() > ENTRY_LIMIT {
            return Err(PasskeyRefusal::Form);
        }
        let is_same = |old: Passkey<'_>| old.id == new.id || old.credential_id == new.credential_id;
        if self.passkeys().any(is_same) {
            return Err(PasskeyRefusal::Twice);
        }
        let mut entries = self.entries().to_vec();
        if entries.len() >= MAX_PASSKEYS {
            return Err(PasskeyRefusal::Full);
        }
        entries.push(entry);
        self.set_passkeys(&entries);
        Ok(())
    }

    /// Removes the passkey with this id. Returns false if there is none.
    pub fn remove_passkey(&mut self, id: &str) -> bool {
        let is_kept = |entry: &&Value| entry.get("id").and_then(Value::as_str) != Some(id);
        let kept: Vec<Value> = self.entries().iter().filter(is_kept).cloned().collect();
        let is_found = kept.len() < self.entries().len();
        if is_found {
            self.set_passkeys(&kept);
        }
        is_found
    }

    /// Removes all of them, with entries that have another form.
    pub(super) fn clear_passkeys(&mut self) {
        if !self.entries().is_empty() {
            self.set_passkeys(&[]);
        }
    }

    fn set_passkeys(&mut self, entries: &[Value]) {
        self.account.passkeys = entries.len();
        let occ = self.document.entry("occ").or_insert(Value::Null);
        if occ.is_null() {
            // `null` reads as absent, and must not swallow what is written.
            *occ = Value::Object(Map::new());
        }
        if let Value::Object(occ) = occ {
            if entries.is_empty() {
                occ.remove(FIELD);
            } else {
                occ.insert(FIELD.to_owned(), json!(entries));
            }
        }
    }
}

#[cfg(test)]
mod tests;
