//! What was changed in /etc/shadow inside the container goes into the records, under the locks
//! and before anything is rewritten.
//!
//! `accounts::reconcile::captures` decides which ones; this only writes them.

use super::session::Session;
use crate::error::{Error, chain};
use crate::log::say;
use accounts::reconcile::AppliedEntry;
use accounts::reconcile::{Capture, Captures, captures};

impl Session {
    /// Takes what was changed inside the container into the records. What can't be taken
    /// stays in /etc/shadow, and stops nothing else.
    pub(super) fn capture(&mut self) {
        let Captures { taken, reverted } =
            captures(&self.records, &self.snapshot.etc, &self.applied);
        let mut agreed = Vec::new();
        self.announce(&taken);
        for capture in taken {
            let (name, what) = (capture.name.clone(), capture.what());
            if self.store_lock.is_none() {
                say(&format!(
                    "{what} of '{name}' stays in /etc/shadow; the next restore takes it into its record"
                ));
                self.defer_capture(capture);
                continue;
            }
            match self.capture_one(capture.clone()) {
                Ok(entry) => {
                    agreed.push((name.clone(), entry));
                    say(&format!("took {what} of '{name}' into its record"));
                }
                Err(error) => {
                    say(&format!(
                        "cannot take {what} of '{name}', it stays in /etc/shadow: {}",
                        chain(&error)
                    ));
                    self.defer_capture(capture);
                }
            }
        }
        // At once: the next change is one against what was just taken.
        if !agreed.is_empty() {
            let mut applied = self.applied.clone();
            applied.accounts.extend(agreed);
            applied.capturing.clear();
            if let Err(error) = self.remember(applied) {
                say(&chain(&error));
            }
        }
        for reverted in reverted {
            say(&format!("{reverted}; next: {}", reverted.hint()));
        }
    }

    /// Writes to applied.json which passwords are about to go into records: after a kill, the
    /// next change is still recognised.
    fn announce(&mut self, captures: &[Capture]) {
        if captures.is_empty() {
            return;
        }
        let mut applied = self.applied.clone();
        for capture in captures.iter().filter(|_| self.store_lock.is_some()) {
            if let Some(mut account) = self.records.accounts.get(&capture.name).cloned() {
                capture.clone().apply(&mut account);
                let entry = AppliedEntry::of(&account);
                applied.capturing.insert(capture.name.clone(), entry);
            }
        }
        if let Err(error) = self.remember(applied) {
            say(&chain(&error));
        }
    }

    /// Captures one; returns the entry on which record and line agree from then on.
    fn capture_one(&mut self, capture: Capture) -> Result<AppliedEntry, Error> {
        let mut record = self.store.read(&capture.name, self.image.uids)?;
        record.update(|account| capture.apply(account));
        self.save(&record)?;
        Ok(AppliedEntry::of(record.account()))
    }

    /// Keeps the new password for this restore's plan, although no record has it yet.
    fn defer_capture(&mut self, capture: Capture) {
        let name = capture.name.clone();
        if let Some(account) = self.records.accounts.get_mut(&name) {
            capture.apply(account);
            self.not_captured.insert(name);
        }
    }
}
