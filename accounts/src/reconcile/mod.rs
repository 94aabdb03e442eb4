//! Reconcile: image lines + records = the content of the files.
//!
//! [`plan()`] decides, and its result is a value that can be printed, compared
//! and applied; it never touches a line that is not ours. A line is ours when a
//! record or a tombstone has its name and number, or when restore once wrote it
//! ([`Applied`]).

mod applied;
mod capture;
mod changes;
mod drift;
mod files;
mod foreign;
mod index;
mod lines;
mod locked_out;
mod our_names;
mod plan;

pub use applied::{Applied, AppliedEntry};
pub use capture::{Capture, Captures, Reverted, Why, are_as_recorded, captures};
pub use changes::Change;
pub use drift::{Drift, drift};
pub use foreign::strangers;
pub use plan::Plan;

use crate::account::{Account, Username};
use crate::files::{Etc, File};
use crate::image::Image;
use crate::record::{Problem, Records};
use changes::Changes;
use files::Files;
use index::AccountIndex;
use locked_out::LockedOut;
use our_names::{OurNames, Released};
use std::collections::BTreeSet;

/// Most groups of one account that are named because the image does not grant them.
const NAMED_GROUPS: usize = 8;

/// Plans the content of the files.
pub fn plan(records: &Records, etc: &Etc, image: &Image, applied: &Applied) -> Plan {
    decide(records, etc, image, applied).plan()
}

/// The accounts to restore. The content of the files is still to be put together,
/// which takes most of the time.
pub struct Decision<'a> {
    records: &'a Records,
    etc: &'a Etc,
    image: &'a Image,
    applied: &'a Applied,
    our_names: OurNames<'a>,
    locked_out: LockedOut<'a>,
    problems: Vec<Problem>,
}

/// Decides who is restored.
pub fn decide<'a>(
    records: &'a Records,
    etc: &'a Etc,
    image: &'a Image,
    applied: &'a Applied,
) -> Decision<'a> {
    let (admitted, mut problems) = records.restorable(image);
    let released = Released::new(records, image, applied);
    let mut index = AccountIndex::new(admitted);
    let refused = foreign::claims(&index, &released, etc, applied);
    if !refused.is_empty() {
        let admitted = index.accounts().iter().copied();
        let kept = admitted.filter(|account| !refused.contains_key(&account.name));
        index = AccountIndex::new(kept.collect());
    }
    let refused = refused.into_iter();
    problems.extend(refused.map(|(name, why)| Problem::Refused(name, why)));
    problems.extend(strangers(&records.tombstones, etc.bytes(File::Passwd)));
    let our_names = OurNames::new(index, released, etc);
    let locked_out = LockedOut::new(&our_names, records, etc, image, applied);
    Decision {
        records,
        etc,
        image,
        applied,
        our_names,
        locked_out,
        problems,
    }
}

impl<'a> Decision<'a> {
    /// The accounts that are in the files afterwards, sorted by name.
    pub fn restored(&self) -> &[&'a Account] {
        self.our_names.restored()
    }

    /// The content of `applied.json` once the plan is carried out. An account of
    /// `waiting` has a new password in shadow(5) that could not be captured yet: its
    /// entry stays, so that the next restore captures it.
    pub fn applied(&self, waiting: &BTreeSet<Username>) -> Applied {
        let left_out = self.our_names.left_out(self.records, self.applied);
        self.applied
            .after_restore(self.restored(), waiting, left_out)
    }

    /// The content of the files, and all that changes.
    pub fn plan(&self) -> Plan {
        let restored = self.restored();
        let mut changes = Changes::new(restored.len());
        let files = Files {
            our_names: &self.our_names,
            locked_out: &self.locked_out,
            etc: self.etc,
            image: self.image,
        };
        let writes = files.writes(&mut changes);
        let ungranted = ungranted_groups(restored, self.image);
        Plan {
            writes,
            changes: changes.by_name(restored),
            restored: restored
                .iter()
                .map(|account| account.name.clone())
                .collect(),
            locked_out: self.locked_out.names().cloned().collect(),
            problems: self.problems.iter().cloned().chain(ungranted).collect(),
        }
    }
}

fn ungranted_groups(wanted: &[&Account], image: &Image) -> Vec<Problem> {
    let mut problems = Vec::new();
    for Account {
        name, member_of, ..
    } in wanted
    {
        let mut refused = member_of
            .iter()
            .filter(|group| !image.groups_allow.allows(group, name));
        let named = refused.by_ref().take(NAMED_GROUPS);
        problems.extend(named.map(|group| Problem::Group(name.clone(), group.clone())));
        let more = refused.count();
        problems.extend((more > 0).then(|| Problem::MoreGroups(name.clone(), more)));
    }
    problems
}

#[cfg(test)]
mod tests;
