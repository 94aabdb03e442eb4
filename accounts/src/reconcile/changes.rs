//! Changes, collected file by file and listed by account.

use crate::account::{Account, Username};
use std::collections::BTreeMap;

/// The change of one account.
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

/// The changes so far: of restored accounts by their place, and of names that are
/// released or locked out.
pub(super) struct Changes {
    restored: Vec<Option<Change>>,
    others: Vec<(Username, Change)>,
}

impl Changes {
    pub(super) fn new(restored: usize) -> Self {
        Self {
            restored: vec![None; restored],
            others: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, place: usize) {
        self.restored[place] = Some(Change::Add);
    }

    pub(super) fn update(&mut self, place: usize) {
        self.restored[place].get_or_insert(Change::Update);
    }

    pub(super) fn other(&mut self, name: &Username, change: Change) {
        self.others.push((name.clone(), change));
    }

    /// Sorted by name, each name once.
    pub(super) fn by_name(self, restored: &[&Account]) -> Vec<(Username, Change)> {
        let changed = restored.iter().zip(self.restored);
        let changed = changed.filter_map(|(account, change)| Some((account.name.clone(), change?)));
        let by_name: BTreeMap<Username, Change> = changed.chain(self.others).collect();
        by_name.into_iter().collect()
    }
}
