//! Summary of a restore: for the log, for `status.json` and for the command that asked for
//! it. Decides nothing.

use crate::clock::now_usec;
use accounts::account::Username;
use accounts::reconcile::{Change, Plan};
use accounts::record::{Problem, Refusal};
use accounts::wire::counted;
use serde::{Serialize, Serializer};
use std::time::Duration;

/// The most problems that are listed one by one.
const MOST_TOLD: usize = 100;
const DONE: &str = "done";

/// The result of a restore; `status.json` holds it.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Summary {
    pub(crate) state: &'static str,
    pub(crate) restored: usize,
    pub(crate) added: usize,
    pub(crate) updated: usize,
    pub(crate) removed: usize,
    pub(crate) unchanged: usize,
    pub(crate) homes_made: usize,
    /// One line each: what was skipped or left out, and why.
    #[serde(serialize_with = "the_first")]
    pub(crate) problems: Vec<String>,
    #[serde(rename = "durationUSec")]
    pub(crate) duration_usec: u128,
    #[serde(rename = "finishedUSec")]
    pub(crate) finished_usec: u64,
    /// Accounts whose homes need attention, and why.
    #[serde(skip)]
    pub(crate) odd_homes: Vec<(Username, String)>,
    /// Disabled accounts that are left out and whose lines are locked.
    #[serde(skip)]
    pub(crate) shut: Vec<Username>,
    /// Accounts that are left out.
    #[serde(skip)]
    pub(crate) refused: Vec<(Username, Refusal)>,
}

impl Summary {
    /// The summary of a restore that had nothing to do.
    pub(crate) fn nothing() -> Self {
        Self {
            state: DONE,
            finished_usec: now_usec(),
            ..Self::default()
        }
    }

    pub(crate) fn new(
        plan: &Plan,
        homes_made: usize,
        odd_homes: Vec<(Username, String)>,
        took: Duration,
    ) -> Self {
        let count = |change: Change| plan.changes.iter().filter(|(_, c)| *c == change).count();
        let (added, updated, removed) = (
            count(Change::Add),
            count(Change::Update),
            count(Change::Remove),
        );
        let homes = odd_homes.iter().map(|(_, what)| what.clone());
        Self {
            state: DONE,
            restored: plan.restored.len(),
            added,
            updated,
            removed,
            unchanged: plan.restored.len().saturating_sub(added + updated),
            homes_made,
            problems: plan
                .problems
                .iter()
                .map(ToString::to_string)
                .chain(homes)
                .collect(),
            duration_usec: took.as_micros(),
            finished_usec: now_usec(),
            odd_homes,
            shut: plan.locked_out.clone(),
            refused: plan.problems.iter().filter_map(refused).collect(),
        }
    }

    /// The first problems, and how many more there are: a hostile volume can
    /// hold a million bad records, and must not flood a log.
    pub(crate) fn told(&self) -> Vec<String> {
        told(&self.problems)
    }

    /// For people: one line.
    pub(crate) fn line(&self) -> String {
        let Self {
            restored,
            added,
            updated,
            removed,
            unchanged,
            problems,
            ..
        } = self;
        format!(
            "restored {} ({added} new, {updated} changed, {unchanged} unchanged), \
             {removed} removed, {} to look at",
            counted(*restored, "account"),
            problems.len()
        )
    }
}

fn told(problems: &[String]) -> Vec<String> {
    let first = problems.iter().take(MOST_TOLD).cloned();
    let more = problems.len().saturating_sub(MOST_TOLD);
    let rest = (more > 0).then(|| format!("{more} more: 'occ-init check' lists them"));
    first.chain(rest).collect()
}

/// PID 1 takes one line of bounded length.
fn the_first<S: Serializer>(problems: &[String], serializer: S) -> Result<S::Ok, S::Error> {
    told(problems).serialize(serializer)
}

/// The account that a problem leaves out.
pub(crate) fn refused(problem: &Problem) -> Option<(Username, Refusal)> {
    match problem {
        Problem::Refused(name, why) => Some((name.clone(), why.clone())),
        _ => None,
    }
}
