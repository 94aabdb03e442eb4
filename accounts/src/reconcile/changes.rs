//! Changes, collected file by file and listed by account.

use crate::account::Account;
use std::collections::BTreeMap;

/// What happens to one account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It was not there.
    Add,
    /// A line of it changes.
    Update,
    /// It was ours and has no record any more.
    Remove,
}

impl Change {
    /// Whether all lines of the account come or go.
    pub const fn is_whole(self) -> bool {
        matches!(self, Self::Add | Self::Remove)
    }

    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Update => "update",
            Self::Remove => "remove",
        }
    }
}

/// What has been decided so far: about accounts by their place in `wanted`, and
/// about names that go or are shut out.
pub(super) struct Changes {
    wanted: Vec<Option<Change>>,
    others: Vec<(String, Change)>,
}

impl Changes {
    pub(super) fn new(wanted: usize) -> Self {
        Self {
            wanted: vec![None; wanted],
            others: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, index: usize) {
        self.wanted[index] = Some(Change::Add);
    }

    pub(super) fn update(&mut self, index: usize) {
        self.wanted[index].get_or_insert(Change::Update);
    }

    pub(super) fn other(&mut self, name: &[u8], change: Change) {
        self.others
            .push((String::from_utf8_lossy(name).into_owned(), change));
    }

    /// Sorted by name, as `wanted` is.
    pub(super) fn into_named(self, wanted: &[&Account]) -> Vec<(String, Change)> {
        let changed = wanted.iter().zip(self.wanted);
        let changed =
            changed.filter_map(|(account, change)| Some((account.name.to_string(), change?)));
        if self.others.is_empty() {
            return changed.collect();
        }
        let named: BTreeMap<String, Change> = changed.chain(self.others).collect();
        named.into_iter().collect()
    }
}
