//! One restore: plan, homes and staged files, commit. What it decides is a [`Plan`], which
//! `restore --dry-run` prints; this only carries it out.

use super::applied_file::NextApplied;
use super::homes::Ensured;
use super::session::{Progress, Session};
use super::summary::Summary;
use crate::error::{Error, chain};
use crate::etc::{EtcFiles, StagedFile};
use crate::fs::parallel;
use crate::log::say;
use accounts::files::File;
use accounts::reconcile;
use accounts::reconcile::{Change, Plan, are_as_recorded};
use std::time::Instant;

/// One try to see that there is something to capture, the others for a file that somebody
/// else changes meanwhile.
const TRIES: usize = 4;

/// A restore that has made homes and temporaries, and changed nothing else.
struct Prepared<'a> {
    plan: Plan,
    new: Vec<StagedFile<'a>>,
    applied: Option<NextApplied>,
    homes: Ensured,
}

impl Session {
    /// Brings homes and /etc in line with the records. Called once in a session: applied.json is
    /// not read again.
    pub(crate) fn restore(&mut self, progress: Progress<'_>) -> Result<Summary, Error> {
        let started = Instant::now();
        let mut homes_made = 0;
        for _ in 0..TRIES {
            let Prepared {
                plan,
                new,
                applied,
                homes,
            } = self.prepare(progress)?;
            homes_made += homes.made;
            if !self.is_captured && !self.is_recorded(&plan) {
                drop(new);
                self.is_captured = true;
                self.capture();
                continue;
            }
            let (etc, lock, read) = (&self.etc_files, &self.etc_lock, &self.snapshot);
            let written = etc.commit(lock, read, new, plan.only_removes())?;
            if let Some(written) = written {
                self.write_applied(applied)?;
                self.written = written;
                self.enter_in_ledger(&plan);
                let summary = Summary::new(&plan, homes_made, homes.odd, started.elapsed());
                for (file, content) in plan.writes {
                    self.snapshot.etc.set(file, content);
                }
                return Ok(summary);
            }
            self.snapshot = self.etc_files.read()?;
            // What changed may be a password.
            self.capture();
        }
        Err(Error::KeepsChanging(self.etc_files.directory.path.clone()))
    }

    /// Enters in the ledger who was added without an entry: a record that somebody put into the
    /// store by hand. Its uid is its own from now on.
    fn enter_in_ledger(&self, plan: &Plan) {
        let is_added = |(_, change): &(_, Change)| *change == Change::Add;
        if self.store_lock.is_none() || !plan.changes.iter().any(is_added) {
            return;
        }
        let known = match self.store.known_uids() {
            Ok(known) => known,
            Err(error) => return say(&chain(&error)),
        };
        let accounts = self.records.accounts.values();
        let left = accounts.filter(|account| !known.contains(&account.uid.get()));
        for account in left.filter(|account| plan.restored.binary_search(&account.name).is_ok()) {
            if let Err(error) = self.store.give_uid(account.uid, &account.name) {
                say(&chain(&error));
            }
        }
    }

    /// Returns true if every line agrees with its record, as nearly always: then there is nothing
    /// to capture.
    fn is_recorded(&self, plan: &Plan) -> bool {
        let is_of_all = plan.restored.len() == self.records.accounts.len();
        let is_kept = plan.writes.iter().all(|(file, _)| *file != File::Shadow);
        (is_of_all && is_kept) || are_as_recorded(&self.records, &self.snapshot.etc)
    }

    /// Plans, stages the files under temporary names, and meanwhile makes the homes. Nothing
    /// changes for others yet.
    fn prepare(&self, progress: Progress<'_>) -> Result<Prepared<'_>, Error> {
        let decision = reconcile::decide(
            &self.records,
            &self.snapshot.etc,
            &self.image,
            &self.applied,
        );
        progress();
        let restored = decision.restored();
        let files = || {
            let plan = decision.plan();
            let new = EtcFiles::stage(&self.etc_lock, &self.snapshot, &plan.writes)?;
            Ok::<_, Error>((plan, new))
        };
        let ((files, homes), applied) = parallel::both(
            restored.len(),
            || self.ensure_homes(restored, progress, files),
            || self.next_applied(decision.applied(&self.not_captured)),
        );
        let (plan, new) = files?;
        Ok(Prepared {
            plan,
            new,
            applied: applied?,
            homes,
        })
    }
}
