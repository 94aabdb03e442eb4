//! Reconcile: image lines + records = what the files should say.
//!
//! [`plan`] decides, and its result is a value that can be printed, compared
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
mod ownership;
mod packed;
mod plan;

pub use applied::{Applied, AppliedEntry, Entries};
pub use capture::{Capture, are_as_recorded, captures};
pub use changes::Change;
pub use drift::{Difference, differences};
pub use plan::Plan;

use crate::account::{Account, Username};
use crate::files::Etc;
use crate::image::Image;
use crate::record::{Problem, Records};
use changes::Changes;
use files::Files;
use index::Named;
use locked_out::Shut;
use ownership::Owned;

/// So many groups of one account are named that the image does not grant.
const NAMED_GROUPS: usize = 8;

/// Decides what the files should say.
pub fn plan(records: &Records, etc: &Etc, image: &Image, applied: &Applied) -> Plan {
    decide(records, etc, image, applied).plan()
}

/// Who is restored is decided; what the files say about them is still to be put
/// together, which takes most of the time.
pub struct Decision<'a> {
    records: &'a Records,
    etc: &'a Etc,
    image: &'a Image,
    applied: &'a Applied,
    owned: Owned<'a>,
    shut: Shut<'a>,
    problems: Vec<Problem>,
}

/// Decides who is restored.
pub fn decide<'a>(
    records: &'a Records,
    etc: &'a Etc,
    image: &'a Image,
    applied: &'a Applied,
) -> Decision<'a> {
    let (admitted, mut problems) = records.admit(image);
    let gone = ownership::gone(records, image, applied);
    let admitted = Named::new(admitted);
    let refused = foreign::claims(&admitted, &gone, etc, applied);
    let wanted = if refused.is_empty() {
        admitted
    } else {
        let mut accounts = admitted.accounts;
        accounts.retain(|account| !refused.contains_key(&account.name));
        Named::new(accounts)
    };
    let owned = Owned::new(wanted, gone, etc);
    let refused = refused.into_iter();
    problems.extend(refused.map(|(name, why)| Problem::Refused(name, why)));
    let shut = locked_out::out(&owned, records, etc, image, applied);
    Decision {
        records,
        etc,
        image,
        applied,
        owned,
        shut,
        problems,
    }
}

impl<'a> Decision<'a> {
    /// The accounts that are in the files afterwards, sorted by name.
    pub fn restored(&self) -> &[&'a Account] {
        self.owned.wanted()
    }

    /// What the next restore must know: [`Applied::entries`] of [`Decision::restored`],
    /// all of them in their order, and what is kept of accounts that were left out.
    /// None: what it knows already.
    pub fn remembered(&self, parts: &[Entries<'_>]) -> serde_json::Result<Option<Vec<u8>>> {
        let left_out = self.owned.left_out(self.records, self.applied);
        self.applied.joined(parts, &left_out)
    }

    /// What the files should say.
    pub fn plan(&self) -> Plan {
        let wanted = self.owned.wanted();
        let mut changes = Changes::new(wanted.len());
        let writes = Files {
            owned: &self.owned,
            shut: &self.shut,
            etc: self.etc,
            image: self.image,
        }
        .writes(&mut changes);
        let ungranted = ungranted_groups(wanted, self.image);
        let left_shut = self.shut.keys();
        Plan {
            writes,
            changes: changes.into_named(wanted),
            restored: wanted.iter().map(|account| account.name.clone()).collect(),
            shut: left_shut
                .filter_map(|name| Username::parse(name).ok())
                .collect(),
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
