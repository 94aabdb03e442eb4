//! Accounts that may not log in any more, although a restore wrote their lines once: their
//! processes are to be ended. Ends none itself.

use super::session::Session;
use crate::proc::kill::AccountUids;
use accounts::account::{Account, Uid, Username};
use accounts::reconcile::AppliedEntry;
use accounts::record::Records;
use std::collections::BTreeSet;

impl Session {
    /// Accounts whose lines a restore wrote as enabled, and that are disabled or removed by now.
    /// Uids to which another account has a right are left out.
    pub(crate) fn lost_access(&self) -> Vec<AccountUids> {
        let Records {
            accounts,
            tombstones,
            ..
        } = &self.records;
        let was_let_in = |account: &&Account| {
            let base = self.applied.get(account.name.as_str().as_bytes());
            base.is_some_and(|base| {
                base.uid == account.uid.get() && *base != AppliedEntry::of(account)
            })
        };
        let disabled = accounts.values().map(Box::as_ref);
        let disabled = disabled.filter(|account| account.locked);
        let disabled: Vec<&Account> = disabled.filter(was_let_in).collect();
        let removed = tombstones
            .iter()
            .filter(|dead| {
                self.applied
                    .has(dead.name.as_str().as_bytes(), dead.uid.get())
            })
            .filter(|dead| accounts.values().all(|account| account.uid != dead.uid))
            .map(|dead| self.context().account_uids(&dead.name, dead.uid));
        if disabled.is_empty() {
            return removed.collect();
        }
        let (admitted, _) = self.records.restorable(&self.image);
        // By name: a record without a right to its uid must not end its owner's.
        let admitted: BTreeSet<&Username> = admitted.iter().map(|account| &account.name).collect();
        let disabled = disabled
            .into_iter()
            .filter(|account| admitted.contains(&account.name))
            .map(|account| self.context().account_uids(&account.name, account.uid));
        disabled.chain(removed).collect()
    }

    /// The uid under which restore once wrote lines of that name, unless another account has it
    /// by now.
    pub(crate) fn uid_of_lines(&self, name: &Username) -> Option<Uid> {
        let written = self.applied.get(name.as_str().as_bytes())?.uid;
        let uid = self.image.uids.uid(written.into()).ok()?;
        let mut accounts = self.records.accounts.values();
        let is_free = accounts.all(|account| account.uid != uid);
        (is_free && self.context().uid_in_passwd(name) == Some(written)).then_some(uid)
    }
}
