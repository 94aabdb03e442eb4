//! The last login with each passkey and the counter that came with it: an authenticator
//! that counts, and whose counter did not grow, has been copied. The copy's counter may
//! overtake, so neither logs in from then on.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::wire::Time;

/// The version of the file.
const SCHEMA: u32 = 1;

/// A login with a passkey.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Use {
    counter: u32,
    pub(super) at: Time,
}

/// The last one of each, by credential.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Uses {
    schema: u32,
    uses: HashMap<String, Use>,
}

impl Uses {
    /// Reads the file; `None` if this version can't.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let uses: Self = serde_json::from_slice(bytes).ok()?;
        (uses.schema <= SCHEMA).then_some(uses)
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    pub(super) fn last(&self, credential: &str) -> Option<Use> {
        self.uses.get(credential).copied()
    }

    /// The counter of the last login; 0 if there was none.
    pub(super) fn counter(&self, credential: &str) -> u32 {
        self.last(credential).map_or(0, |last| last.counter)
    }

    /// Counts a login. Returns false, and counts none, if the counter did not grow: without
    /// one it is always 0.
    pub(super) fn add(&mut self, credential: &str, counter: u32, at: Time) -> bool {
        let before = self.counter(credential);
        if (counter, before) != (0, 0) && counter <= before {
            return false;
        }
        self.schema = SCHEMA;
        let last = Use { counter, at };
        self.uses.insert(credential.to_owned(), last);
        true
    }

    /// Lets a passkey log nobody in any more: no counter is higher.
    pub(super) fn shut(&mut self, credential: &str) {
        let at = self.last(credential).map_or(0, |last| last.at);
        let counter = u32::MAX;
        self.schema = SCHEMA;
        self.uses.insert(credential.to_owned(), Use { counter, at });
    }

    /// Forgets what is in no record any more.
    pub(super) fn keep_only(&mut self, is_known: impl Fn(&str) -> bool) {
        self.uses.retain(|credential, _| is_known(credential));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_that_does_not_grow_is_a_copy() {
        let mut uses = Uses::default();
        assert!(uses.add("A", 5, 1) && uses.add("A", 6, 2));
        for counter in [0, 5, 6] {
            assert!(!uses.add("A", counter, 3), "{counter}");
        }
        uses.shut("A");
        assert!(!uses.add("A", 7, 4) && !uses.add("A", u32::MAX, 4));
        assert_eq!(uses.last("A").map(|last| last.at), Some(2));
        assert!(
            uses.add("B", 0, 1) && uses.add("B", 0, 2),
            "it does not count"
        );
        let mut again = Uses::parse(&uses.to_bytes()).unwrap();
        assert_eq!(again, uses);
        again.keep_only(|credential| credential == "B");
        assert_eq!((again.counter("A"), again.last("B").is_some()), (0, true));
    }

    #[test]
    fn another_file_is_none() {
        for text in ["", "[]", r#"{"schema":2,"uses":{}}"#] {
            assert!(Uses::parse(text.as_bytes()).is_none(), "{text}");
        }
    }
}
