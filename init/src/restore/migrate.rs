//! Migrates records of opencode-cloud, which have no uid: each gets the uid that its
//! person's files already have, if that can be found.

use super::session::Session;
use crate::admission;
use crate::clock::now_usec;
use crate::error::{Error, chain};
use crate::home::Homes;
use crate::log::say;
use accounts::account::{Account, Home, Uid, Username};
use accounts::image::Image;
use accounts::record::{Legacy, Part, Record, Rejected, refuse_by_image, refuse_name};

/// The line of a listing for a record that is still to be migrated, or can't be.
pub(super) fn not_yet(name: &Username, image: &Image) -> Rejected {
    let refusal = refuse_name(name, image);
    let (part, reason) = match refusal {
        None => (
            Part::Older,
            "an older record; the next restore takes it over".into(),
        ),
        Some(refusal) => (Part::Refused, refusal.to_string()),
    };
    left(name, part, reason)
}

fn left(name: &Username, part: Part, reason: String) -> Rejected {
    Rejected {
        part,
        file: format!("{name}.json"),
        name: Some(name.clone()),
        reason,
    }
}

impl Session {
    /// Migrates an older record, or leaves it where it is with a reason.
    pub(super) fn migrate(&mut self, legacy: &Legacy, bytes: &[u8]) {
        if let Err(error) = self.try_migrate(legacy, bytes) {
            self.leave(legacy, Part::Record, chain(&error));
        }
    }

    /// The original first, then the ledger, then the record: a kill in between
    /// leaves the old record, and the next run takes it over with the same uid.
    fn try_migrate(&mut self, legacy: &Legacy, bytes: &[u8]) -> Result<(), Error> {
        if let Some(refusal) = refuse_name(&legacy.name, &self.image) {
            self.leave(legacy, Part::Refused, refusal.to_string());
            return Ok(());
        }
        admission::check_ledger(&self.records)?;
        let mut tombstones = self.records.tombstones.iter();
        if let Some(dead) = tombstones.find(|dead| dead.name == legacy.name) {
            let reason = format!("the account was removed; its uid {} is kept", dead.uid);
            self.leave(legacy, Part::Record, reason);
            return Ok(());
        }
        let uid = self.uid_for(&legacy.name)?;
        let mut account = Account::new(
            legacy.name.clone(),
            uid,
            Home::parse(&format!("/home/{}", legacy.name))?,
            now_usec(),
        );
        account.hash.clone_from(&legacy.hash);
        account.locked = legacy.locked;
        if let Some(refusal) = refuse_by_image(&account, &self.image) {
            self.leave(legacy, Part::Refused, refusal.to_string());
            return Ok(());
        }
        if let Some(reason) = legacy.hash_refused {
            say(&format!(
                "'{}' has no password until it is set again: {reason}",
                legacy.name
            ));
        }
        self.store.keep_legacy(&legacy.name, bytes)?;
        self.admit(&Record::new(account))?;
        say(&format!(
            "took over the older record of '{}' (uid {uid})",
            legacy.name
        ));
        Ok(())
    }

    fn leave(&mut self, legacy: &Legacy, part: Part, reason: String) {
        let rejected = left(&legacy.name, part, reason);
        self.records.rejected.push(rejected);
    }

    /// The uid that the ledger, passwd or the owner of the home says, if it is
    /// free; else a new one.
    fn uid_for(&self, name: &Username) -> Result<Uid, Error> {
        if let Some(uid) = self.uid_in_ledger(name)? {
            return Ok(uid);
        }
        let home = Home::parse(&format!("/home/{name}"))?;
        let owner = Homes::open(&self.paths.root, &self.image.home_bases)?.owner(&home)?;
        for candidate in [self.context().uid_in_passwd(name), owner]
            .into_iter()
            .flatten()
        {
            if let Some(uid) = self.if_free(candidate, name)? {
                return Ok(uid);
            }
        }
        let context = self.context();
        admission::next_uid(&context, name, &admission::used_ids(&context)?)
    }

    fn uid_in_ledger(&self, name: &Username) -> Result<Option<Uid>, Error> {
        for number in self.store.given_uids()? {
            let is_ours = self
                .store
                .owner_of(number)?
                .is_some_and(|owner| owner == name.as_str());
            let is_taken = self
                .records
                .accounts
                .values()
                .any(|account| account.uid.get() == number);
            let is_buried = self
                .records
                .tombstones
                .iter()
                .any(|tombstone| tombstone.uid.get() == number);
            if is_ours && !is_taken && !is_buried {
                return Ok(self.image.uids.uid(number.into()).ok());
            }
        }
        Ok(None)
    }

    fn if_free(&self, number: u32, name: &Username) -> Result<Option<Uid>, Error> {
        let Ok(uid) = self.image.uids.uid(number.into()) else {
            return Ok(None);
        };
        let is_given = self
            .store
            .owner_of(number)?
            .is_some_and(|owner| owner != name.as_str());
        let is_taken = self
            .records
            .accounts
            .values()
            .any(|account| account.uid == uid)
            || self
                .records
                .tombstones
                .iter()
                .any(|tombstone| tombstone.uid == uid)
            || self.context().line_of_id(number, name).is_some()
            || self.image.accounts.owner_of(number).is_some();
        Ok((!is_given && !is_taken).then_some(uid))
    }
}
