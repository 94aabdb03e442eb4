//! The homes of those who are restored, and what is remembered of each. Decides
//! nothing about who that is.

use super::{Progress, Session};
use crate::error::chain;
use crate::home::{Found, Homes};
use crate::parallel;
use crate::say::say;
use accounts::applied::Entries;
use accounts::name::Username;
use accounts::record::Account;

/// How it went.
#[derive(Default)]
pub(super) struct Ensured {
    pub(super) made: usize,
    /// What should be looked at about whose home.
    pub(super) odd: Vec<(Username, String)>,
}

impl Session {
    /// Everybody's home, and what is to be remembered of them. A home that can't be
    /// made is no reason to keep its owner out of /etc: the person is told by the
    /// login program, the administrator by us.
    pub(super) fn ensure_homes<'a>(
        &self,
        accounts: &'a [&'a Account],
        progress: Progress<'_>,
    ) -> (Ensured, serde_json::Result<Vec<Entries<'a>>>) {
        let homes = Homes::open(&self.paths.root, &self.image.home_bases);
        let homes = homes.inspect_err(|error| say(&format!("no homes are made: {}", chain(error))));
        let homes = homes.ok();
        // Whoever else holds the store's lock may be at the very same.
        if let Some(homes) = homes.as_ref().filter(|_| self.holds_store())
            && let Err(error) = homes.clean()
        {
            say(&chain(&error));
        }
        let done = parallel::blocks(accounts, progress, |accounts| {
            let ensure = |account: &&Account| homes.as_ref().map(|homes| ensure(homes, account));
            let found: Vec<Option<Found>> = accounts.iter().map(ensure).collect();
            (found, self.applied.entries(accounts, &self.waiting))
        });
        let (found, parts): (Vec<_>, Vec<_>) = done.into_iter().unzip();
        let mut ensured = Ensured::default();
        for (account, found) in accounts.iter().zip(found.into_iter().flatten()) {
            match found {
                Some(Found::Made) => ensured.made += 1,
                Some(Found::Odd(what)) => ensured.odd.push((account.name.clone(), what)),
                Some(Found::Present) | None => (),
            }
        }
        (ensured, parts.into_iter().collect())
    }
}

fn ensure(homes: &Homes, account: &Account) -> Found {
    homes
        .ensure(&account.home, account.uid)
        .unwrap_or_else(|error| Found::Odd(chain(&error)))
}
