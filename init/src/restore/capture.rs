//! Passwords that people changed inside the container go into their records,
//! under the locks and before anything is rewritten.
//!
//! Which ones, `accounts::capture` decides; this only writes them down.

use super::Session;
use crate::error::{Error, chain};
use crate::log::say;
use accounts::applied;
use accounts::capture::{Capture, captures};

impl Session {
    /// Takes passwords changed inside the container into their records. One
    /// that can't be taken is no reason to keep everybody out, and none to give
    /// its owner the old one back.
    pub(super) fn capture(&mut self) {
        let (taken, differing) = captures(&self.records, &self.snapshot.etc, &self.applied);
        let mut agreed = Vec::new();
        self.announce(&taken);
        for capture in taken {
            let name = capture.name.clone();
            if self.store_lock.is_none() {
                say(&format!(
                    "the new password of '{name}' stays in /etc/shadow; the next restore takes it into its record"
                ));
                self.let_wait(capture);
                continue;
            }
            match self.take(capture.clone()) {
                Ok(entry) => {
                    agreed.push((name.to_string(), entry));
                    say(&format!(
                        "took the new password of '{name}' into its record"
                    ));
                }
                Err(error) => {
                    say(&format!(
                        "cannot take the new password of '{name}', it stays in /etc/shadow: {}",
                        chain(&error)
                    ));
                    self.let_wait(capture);
                }
            }
        }
        // At once: the next change is one against what was just taken.
        if !agreed.is_empty() {
            let mut applied = self.applied.clone();
            applied.accounts.extend(agreed);
            applied.taking.clear();
            if let Err(error) = self.remember(applied) {
                say(&chain(&error));
            }
        }
        for name in differing {
            say(&format!(
                "'{name}' was changed in /etc/shadow; its record wins"
            ));
        }
    }

    /// Writes down what is about to go into records, so that a kill before it is
    /// remembered as applied costs nobody the next change.
    fn announce(&mut self, captures: &[Capture]) {
        if captures.is_empty() {
            return;
        }
        let mut applied = self.applied.clone();
        for capture in captures.iter().filter(|_| self.store_lock.is_some()) {
            if let Some(mut account) = self.records.accounts.get(&capture.name).cloned() {
                capture.clone().apply(&mut account);
                let entry = applied::Entry::of(&account);
                applied.taking.insert(capture.name.to_string(), entry);
            }
        }
        if let Err(error) = self.remember(applied) {
            say(&chain(&error));
        }
    }

    /// Returns what record and line agree on from then on.
    fn take(&mut self, capture: Capture) -> Result<applied::Entry, Error> {
        let mut record = self.store.read(&capture.name, self.image.uids)?;
        record.update(|account| capture.apply(account));
        self.save(&record)?;
        Ok(applied::Entry::of(record.account()))
    }

    /// Plans with the new password, although no record has it yet.
    fn let_wait(&mut self, capture: Capture) {
        let name = capture.name.clone();
        if let Some(account) = self.records.accounts.get_mut(&name) {
            capture.apply(account);
            self.waiting.insert(name);
        }
    }
}
