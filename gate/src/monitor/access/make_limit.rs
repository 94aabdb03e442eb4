//! How often a person makes access tokens, or changes passkeys: each one is a write that
//! everybody waits for.

use std::collections::HashMap;
use std::time::Duration;

use crate::wire::ACCESS_LIMIT;

const HOUR: Duration = Duration::from_secs(60 * 60);
/// All that a person may have, twice.
const MOST: usize = 2 * ACCESS_LIMIT;

/// Counts what each person made within an hour.
#[derive(Debug, Default)]
pub(in crate::monitor) struct MakeLimit(HashMap<String, (Duration, usize)>);

impl MakeLimit {
    /// Counts one more. Returns false if there were too many; `now` is the time since the
    /// start.
    pub(in crate::monitor) fn allows(&mut self, user: &str, now: Duration) -> bool {
        self.0
            .retain(|_, (since, _)| now.saturating_sub(*since) < HOUR);
        let (_, count) = self.0.entry(user.to_owned()).or_insert((now, 0));
        *count += 1;
        *count <= MOST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_within_an_hour_are_too_many() {
        let mut limit = MakeLimit::default();
        let minute = Duration::from_secs(60);
        let mut allowed = |user: &str, now| limit.allows(user, now);
        assert!((0..MOST).all(|_| allowed("alice", minute)));
        assert!(!allowed("alice", 2 * minute) && allowed("bob", 2 * minute));
        assert!(!allowed("alice", 60 * minute));
        assert!(allowed("alice", 61 * minute), "the hour is over");
    }
}
