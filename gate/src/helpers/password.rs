//! Passwords and the hashes of shadow(5), by crypt(3): whose password a hash is of,
//! and the time that a check of one takes. Only for helpers, which have one thread.

use accounts::files::{shadow, table};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::sys;
use crate::wire::{Secret, User};

/// The setting of new passwords, for a place where nobody has one yet.
const USUAL: &[u8] = b"$6$rounds=500000$nobodyhasoneyet$";

/// The digest of a hash: tells one from another and opens nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HashDigest([u8; 32]);

impl HashDigest {
    pub(crate) fn of(hash: &[u8]) -> Self {
        Self(Sha256::digest(hash).into())
    }
}

/// The digest of the hash that shadow(5) holds for this account, if that is a hash
/// of this password.
pub(crate) fn stored(user: &User, password: &Secret) -> Option<HashDigest> {
    let hash = hash_of(user)?;
    let computed = sys::crypt(password.expose(), &hash)?;
    (*computed == *hash).then(|| HashDigest::of(&hash))
}

/// Takes as long as a check of this account's password.
pub(crate) fn spend_a_check(like: Option<&User>, password: &Secret) {
    let hash = like.and_then(hash_of);
    let setting = hash.as_ref().map_or(USUAL, |hash| hash.as_slice());
    // Only its time is wanted.
    let _ = sys::crypt(password.expose(), setting);
}

fn hash_of(user: &User) -> Option<Zeroizing<Vec<u8>>> {
    let file = Zeroizing::new(std::fs::read("/etc/shadow").ok()?);
    let mut entries = table::lines(&file).filter_map(shadow::Entry::parse);
    let entry = entries.find(|entry| entry.name == user.as_str().as_bytes())?;
    Some(Zeroizing::new(entry.password.to_vec()))
}
