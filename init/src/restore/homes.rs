//! Makes the homes of the restored accounts.

use super::session::{Progress, Session};
use crate::error::chain;
use crate::fs::parallel;
use crate::home::{Found, Homes};
use crate::log::say;
use accounts::account::{Account, Username};
use std::sync::OnceLock;

/// The result for a block of accounts.
#[derive(Default)]
pub(super) struct Ensured {
    pub(super) made: usize,
    /// Accounts whose homes need attention, and why.
    pub(super) odd: Vec<(Username, String)>,
    /// The way out for the first home that could not be made, said once for all.
    hint: Option<String>,
}

impl Session {
    /// Makes homes, while this thread first does `first`. A home that can't be made does not
    /// keep its owner out of /etc: the login program tells the person, a line of ours the
    /// administrator.
    pub(super) fn ensure_homes<A>(
        &self,
        accounts: &[&Account],
        progress: Progress<'_>,
        first: impl FnOnce() -> A,
    ) -> (A, Ensured) {
        let homes = Homes::open(&self.paths.root, &self.image.home_bases);
        let homes = homes.inspect_err(|error| {
            say(&format!("no homes are made: {}", chain(error)));
            if !error.hint().is_empty() {
                say(&format!("hint: {}", error.hint()));
            }
        });
        let homes = homes.ok();
        // By whoever comes first, while this thread may still be at something else.
        let cleaned = OnceLock::new();
        let clean = || cleaned.get_or_init(|| self.clean_homes(homes.as_ref()));
        let (first, done) = parallel::beside(first, accounts, progress, |accounts| {
            clean();
            let mut ensured = Ensured::default();
            for account in accounts {
                ensured.add(homes.as_ref(), account);
            }
            ensured
        });
        clean();
        let ensured = done.into_iter().fold(Ensured::default(), Ensured::and);
        if let Some(hint) = &ensured.hint {
            say(hint);
        }
        (first, ensured)
    }

    /// Deletes temporaries of killed runs, unless another process may be making homes now.
    fn clean_homes(&self, homes: Option<&Homes>) {
        if let Some(homes) = homes.filter(|_| self.holds_store())
            && let Err(error) = homes.clean()
        {
            say(&chain(&error));
        }
    }
}

impl Ensured {
    fn add(&mut self, homes: Option<&Homes>, account: &Account) {
        let ensure = |homes: &Homes| homes.ensure(&account.home, account.uid);
        match homes.map(ensure) {
            Some(Ok(Found::Made)) => self.made += 1,
            Some(Ok(Found::Odd(what))) => self.odd.push((account.name.clone(), what)),
            Some(Ok(Found::Present)) | None => (),
            Some(Err(error)) => {
                self.odd.push((account.name.clone(), chain(&error)));
                let hint = || Some(error.hint()).filter(|hint| !hint.is_empty());
                self.hint = self.hint.take().or_else(hint);
            }
        }
    }

    fn and(mut self, other: Self) -> Self {
        self.made += other.made;
        self.odd.extend(other.odd);
        self.hint = self.hint.or(other.hint);
        self
    }
}
