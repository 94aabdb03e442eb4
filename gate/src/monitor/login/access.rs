//! Wrong access tokens: they take from the budget of failed logins from their address.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::Duration;

use super::Logins;
use super::rate_limit::{Account, AddressBlock, Source};
use crate::wire::AccessHash;

/// Wrong ones that are remembered.
const REMEMBERED: usize = 256;

/// The latest wrong access tokens. The same one again is no further guess: a program
/// whose token has ended goes on showing it, and must not slow its person's logins.
#[derive(Debug, Default)]
pub(super) struct WrongAccess(VecDeque<AccessHash>);

impl WrongAccess {
    /// Remembers one. Returns whether it is new.
    fn add(&mut self, hash: AccessHash) -> bool {
        if self.0.contains(&hash) {
            return false;
        }
        if self.0.len() >= REMEMBERED {
            self.0.pop_front();
        }
        self.0.push_back(hash);
        true
    }
}

impl Logins {
    /// Counts a wrong access token; it names no account. Returns whether it is one more
    /// guess, or an error if there were too many: the seconds after which to try again.
    pub(crate) fn wrong_access(
        &mut self,
        hash: AccessHash,
        address: IpAddr,
        is_own: bool,
        now: Duration,
    ) -> Result<bool, u32> {
        let source = Source::Address(AddressBlock::of(address, is_own));
        // Nobody has this name.
        let account = Account::named("");
        if let Some(seconds) = self.failures.refusal(source, account, now) {
            return Err(seconds);
        }
        let is_new = self.wrong_access.add(hash);
        if is_new {
            self.failures.started(source, account, now);
        }
        Ok(is_new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::AccessToken;

    #[test]
    fn only_new_ones_are_guesses_and_few_are_remembered() {
        let mut wrong = WrongAccess::default();
        let hash = |number: usize| {
            let bytes = std::array::from_fn(|at| number.to_le_bytes()[at % 8]);
            AccessToken::new(bytes).hash()
        };
        assert!(wrong.add(hash(0)) && !wrong.add(hash(0)));
        assert!((1..10_000).all(|number| wrong.add(hash(number))));
        assert_eq!(wrong.0.len(), REMEMBERED);
        assert!(!wrong.add(hash(9_999)) && wrong.add(hash(0)));
    }
}
