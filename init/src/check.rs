//! `occ-init check`: records that are left out, and where /etc differs from
//! what the records say.

use crate::command::Answer;
use crate::restore::View;
use accounts::reconcile::Change;
use accounts::records::{Part, Problem, Refusal};
use accounts::wire;
use serde::Serialize;

/// One thing to look at.
#[derive(Debug, Serialize)]
struct Finding {
    /// record, image, conflict, unmapped, hash, group or drift.
    kind: &'static str,
    /// The account, or the record file where there is none.
    name: String,
    message: String,
    hint: &'static str,
}

/// Lists all findings; with any, the status is 1.
pub(crate) fn check(view: &View) -> Answer {
    let plan = view.plan();
    let mut findings: Vec<Finding> = plan.problems.iter().map(of_problem).collect();
    findings.extend(
        plan.changes
            .iter()
            .map(|(name, change)| of_change(name, *change)),
    );
    let text = if findings.is_empty() {
        format!("{} accounts, nothing to look at", plan.restored.len())
    } else {
        findings
            .iter()
            .map(Finding::line)
            .collect::<Vec<_>>()
            .join("\n")
    };
    let status = u8::from(!findings.is_empty());
    Answer {
        status,
        ..Answer::new(
            text,
            &serde_json::json!({ "schema": wire::SCHEMA, "findings": findings }),
        )
    }
}

impl Finding {
    fn line(&self) -> String {
        format!("{}\n  hint: {}", self.message, self.hint)
    }
}

fn of_problem(problem: &Problem) -> Finding {
    let (kind, name, hint) = match problem {
        Problem::Rejected(rejected) => ("record", rejected.file.clone(), of_part(rejected.part)),
        Problem::Refused(name, refusal) => {
            let (kind, hint) = of_refusal(refusal);
            (kind, name.to_string(), hint)
        }
        Problem::Hash(name, _) => (
            "hash",
            name.to_string(),
            "set a new password with 'user passwd'",
        ),
        Problem::Group(name, _) | Problem::MoreGroups(name, _) => (
            "group",
            name.to_string(),
            "allow it in /etc/occ/groups.allow of the image",
        ),
    };
    Finding {
        kind,
        name,
        message: problem.to_string(),
        hint,
    }
}

const fn of_part(part: Part) -> &'static str {
    match part {
        Part::Record => "mend or delete the file; it was left as it is",
        Part::Tombstone => {
            "mend the file, or its uid and home may go to somebody else; it was left as it is"
        }
        Part::Directory => {
            "make it a directory of root's again; whoever has a record is restored without it"
        }
    }
}

const fn of_refusal(refusal: &Refusal) -> (&'static str, &'static str) {
    match refusal {
        Refusal::Reserved
        | Refusal::ImageUser
        | Refusal::ImageGroup
        | Refusal::SudoersGroup
        | Refusal::ImageId(..) => (
            "image",
            "use an image that leaves this name and uid to people",
        ),
        Refusal::Unmapped(_) => (
            "unmapped",
            "widen the user namespace's maps to hold the uid",
        ),
        Refusal::UidTaken(..) | Refusal::CaseTwin(_) | Refusal::HomeTaken(..) => (
            "conflict",
            "one of the two records must go; remove it with 'user remove'",
        ),
        // In a container that has just started, every line not ours is the image's.
        Refusal::Foreign { .. } => ("image", "remove that line from the image, or the record"),
    }
}

fn of_change(name: &str, change: Change) -> Finding {
    let message = match change {
        Change::Add => format!("'{name}' has a record, but is not in /etc"),
        Change::Update => format!("'{name}' differs in /etc from its record"),
        Change::Remove => format!("'{name}' has no record any more, but is in /etc"),
    };
    Finding {
        kind: "drift",
        name: name.to_owned(),
        message,
        hint: "run 'occ-init restore'",
    }
}
