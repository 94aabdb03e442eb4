//! The sessions (setsid(2)) of open terminals, by uid. The end of a person's opencode
//! ends whatever runs under their uid, except in these.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// Shared by terminals, which enter their sessions, and opencodes, which spare them.
#[derive(Clone, Default)]
pub(crate) struct SparedSessions(Rc<RefCell<BTreeMap<u32, BTreeSet<i32>>>>);

impl SparedSessions {
    pub(crate) fn insert(&self, uid: u32, session: i32) {
        self.0.borrow_mut().entry(uid).or_default().insert(session);
    }

    pub(crate) fn remove(&self, uid: u32, session: i32) {
        let mut all = self.0.borrow_mut();
        if let Some(own) = all.get_mut(&uid) {
            own.remove(&session);
            if own.is_empty() {
                all.remove(&uid);
            }
        }
    }

    /// The sessions of a person's terminals, each a pid of its first process.
    pub(crate) fn of(&self, uid: u32) -> Vec<i32> {
        let all = self.0.borrow();
        all.get(&uid).into_iter().flatten().copied().collect()
    }
}
