//! The homes of those who are restored, and what is remembered of each. Decides
//! nothing about who that is.

use super::{Progress, Session};
use crate::error::chain;
use crate::fs::parallel;
use crate::home::{Found, Homes};
use crate::log::say;
use accounts::applied::Entries;
use accounts::name::Username;
use accounts::record::Account;
use std::sync::OnceLock;

/// How it went.
#[derive(Default)]
pub(super) struct Ensured {
    pub(super) made: usize,
    /// What should be looked at about whose home.
    pub(super) odd: Vec<(Username, String)>,
}

impl Session {
    /// Everybody's home, and what is to be remembered of them, beside something
    /// else. A home that can't be made is no reason to keep its owner out of /etc:
    /// the person is told by the login program, the administrator by us.
    pub(super) fn ensure_homes<'a, A>(
        &self,
        accounts: &'a [&'a Account],
        progress: Progress<'_>,
        first: impl FnOnce() -> A,
    ) -> (A, Ensured, serde_json::Result<Vec<Entries<'a>>>) {
        let homes = Homes::open(&self.paths.root, &self.image.home_bases);
        let homes = homes.inspect_err(|error| say(&format!("no homes are made: {}", chain(error))));
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
            (ensured, self.applied.entries(accounts, &self.waiting))
        });
        clean();
        let (parts, entries): (Vec<_>, Vec<_>) = done.into_iter().unzip();
        let ensured = parts.into_iter().fold(Ensured::default(), Ensured::and);
        (first, ensured, entries.into_iter().collect())
    }

    /// Whoever else holds the store's lock may be at the very same.
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
            Some(Err(error)) => self.odd.push((account.name.clone(), chain(&error))),
        }
    }

    fn and(mut self, other: Self) -> Self {
        self.made += other.made;
        self.odd.extend(other.odd);
        self
    }
}
