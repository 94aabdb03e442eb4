//! Passkeys of people: open challenges, whose each credential is, and the last login with
//! each. A passkey stands in its person's record, which occ-init alone writes.

pub(crate) mod check;

mod challenges;
mod known;
mod record;
mod requests;
mod uses;

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use accounts::account::UidRange;
use tokio::sync::Semaphore;
use webauthn_rs::prelude::{DiscoverableAuthentication, PasskeyRegistration};

use self::challenges::Challenges;
use self::check::{Check, CheckTask, Nobody};
use self::known::{Known, KnownPasskeys};
use self::uses::Uses;
use super::access::make_limit::MakeLimit;
use super::accounts::Accounts;
use super::files;
use super::login::rate_limit::AddressBlock;
use crate::clock;
use crate::log;
use crate::wire::ask::PasskeyLogin;
use crate::wire::{CredentialId, Origin, TokenHash};

/// The records, which the gate only reads.
const STORE: &str = "/var/lib/opencode-users";
/// The counters and the times of the last logins.
const USES: &str = "/var/lib/occ-gate/passkeys.json";
/// Changes of records that run at once.
const CHANGES: usize = 4;

/// The purpose of a challenge.
enum Ceremony {
    Login {
        origin: Origin,
        state: DiscoverableAuthentication,
    },
    Add {
        session: TokenHash,
        origin: Origin,
        state: PasskeyRegistration,
    },
}

/// Everything about passkeys that lasts longer than a call.
pub(crate) struct Passkeys {
    /// The administrator wants none.
    is_off: bool,
    /// The ids of processes that read what strangers send.
    nobody: Nobody,
    challenges: Challenges<AddressBlock, Ceremony>,
    known: KnownPasskeys,
    uses: Uses,
    changes: Arc<Semaphore>,
    limit: MakeLimit,
}

/// A login with a passkey that is somebody's, before anything is proven.
pub(crate) struct Claim {
    pub(crate) user: String,
    /// The passkey's id in the record.
    pub(crate) id: String,
    pub(crate) check: Check,
    pub(crate) nobody: Nobody,
}

/// A passkey that signed a login's challenge.
pub(crate) struct Signed {
    pub(crate) credential: CredentialId,
    /// `None` once the signature is counted.
    pub(crate) counter: Option<u32>,
}

/// A signature to be counted.
pub(crate) struct Signature {
    pub(crate) user: String,
    pub(crate) credential: CredentialId,
    pub(crate) counter: u32,
}

impl Passkeys {
    /// Reads the last logins. A file that can't be read is as none: the records have the
    /// counters that passkeys were added with.
    pub(crate) fn load(is_off: bool, uid: u32, gid: u32) -> Self {
        let uses = match fs::read(USES) {
            Ok(bytes) => Uses::parse(&bytes),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Some(Uses::default()),
            Err(_) => None,
        };
        if uses.is_none() {
            log::line(&format!(
                "cannot use '{USES}': passkeys count from when they were added"
            ));
        }
        Self {
            is_off,
            nobody: Nobody { uid, gid },
            challenges: Challenges::default(),
            known: KnownPasskeys::default(),
            uses: uses.unwrap_or_default(),
            changes: Arc::new(Semaphore::new(CHANGES)),
            limit: MakeLimit::default(),
        }
    }

    /// Reads the records that have changed.
    fn refresh(&mut self) {
        let defs = fs::read("/etc/login.defs").unwrap_or_default();
        let uids = UidRange::from_login_defs(&defs);
        // Without a store nobody has any.
        if let Err(error) = self.known.refresh(Path::new(STORE), uids)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            log::line(&format!(
                "cannot read '{STORE}': {error}; no passkey is good"
            ));
        }
    }

    /// Finds whose passkey it is, by its credential alone, and takes the challenge. `None`:
    /// the login is refused as any other.
    pub(crate) fn claim(
        &mut self,
        login: &PasskeyLogin,
        accounts: &Accounts,
        now: Duration,
    ) -> Option<Claim> {
        let ceremony = self.challenges.take(login.challenge.hash(), now)?;
        let Ceremony::Login { origin, state } = ceremony else {
            return None;
        };
        (!self.is_off).then_some(())?;
        self.refresh();
        let known = self.owned(login.credential.as_str(), accounts)?;
        let task = CheckTask::Login {
            state,
            public_key: known.public_key.clone(),
            counter: self.uses.counter(&known.credential),
        };
        Some(Claim {
            user: known.user.clone(),
            id: known.id.clone(),
            check: Check {
                origin,
                task,
                proof: login.proof.clone(),
            },
            nobody: self.nobody,
        })
    }

    /// The passkey, if its person may log in and has the uid of the record.
    fn owned(&self, credential: &str, accounts: &Accounts) -> Option<&Known> {
        let known = self.known.find(credential)?;
        let person = accounts.get(&known.user)?;
        (person.uid == known.uid).then_some(known)
    }

    /// Returns whether a passkey is this person's right now.
    pub(crate) fn is_of(
        &mut self,
        user: &str,
        credential: &CredentialId,
        accounts: &Accounts,
    ) -> bool {
        self.refresh();
        self.of(user, credential, accounts).is_some()
    }

    fn of(&self, user: &str, credential: &CredentialId, accounts: &Accounts) -> Option<&Known> {
        let known = self.owned(credential.as_str(), accounts)?;
        (!self.is_off && known.user == user).then_some(known)
    }

    /// Counts a login that everything else allows. Returns false if the passkey is another
    /// person's or nobody's by now, or may have been copied.
    pub(crate) fn used(&mut self, signature: &Signature, accounts: &Accounts) -> bool {
        self.refresh();
        let user = &signature.user;
        let Some(known) = self.of(user, &signature.credential, accounts) else {
            return false;
        };
        let id = known.id.clone();
        let credential = signature.credential.as_str();
        if !self.uses.add(credential, signature.counter, clock::now()) {
            log::line(&format!("login: {user}: {}", copied(user, &id)));
            self.shut(&signature.credential);
            return false;
        }
        self.keep_uses();
        true
    }

    /// Lets a passkey that has been copied log nobody in any more.
    pub(crate) fn shut(&mut self, credential: &CredentialId) {
        self.uses.shut(credential.as_str());
        self.keep_uses();
    }

    fn keep_uses(&mut self) {
        let known = &self.known;
        self.uses.keep_only(|credential| known.has(credential));
        if let Err(error) = files::replace(USES, &self.uses.to_bytes(), 0o600, true) {
            log::line(&format!("cannot write '{USES}': {error}"));
        }
    }
}

/// The words for the log: an authenticator that counts gave a number that it gave before.
pub(crate) fn copied(user: &str, id: &str) -> String {
    format!(
        "passkey {id} gave a number that it gave before, so somebody has a copy of it: it logs \
         nobody in any more; 'occ user passkey remove {user} {id}' removes it"
    )
}
