//! `occ-init check` and `restore --dry-run`: records that are left out, and where
//! /etc differs from what the records say; each with its reason and what to do.
//! Reads; changes nothing.

use crate::commands::output::Output;
use crate::home::Homes;
use crate::restore::{Paths, ReadOnlySession};
use accounts::account::Username;
use accounts::reconcile::{Captures, Change, Drift, Plan, captures, drift};
use accounts::record::{Part, Problem, Refusal};
use accounts::wire;
use serde::Serialize;
use serde_json::Value;

const RESTORE: &str = "run 'occ-init restore'";

#[derive(Debug, Serialize)]
struct Finding {
    /// record, image, conflict, unmapped, hash, group, password, drift or home.
    kind: &'static str,
    /// The account, or the record file where there is none.
    name: String,
    message: String,
    hint: String,
}

/// Lists all findings; with any, the status is 1.
pub(crate) fn check(view: &ReadOnlySession, paths: &Paths) -> Output {
    let (findings, plan) = look(view, paths);
    let text = if findings.is_empty() {
        let accounts = wire::counted(plan.restored.len(), "account");
        format!("{accounts}, nothing to look at")
    } else {
        lines(&findings).join("\n")
    };
    let document = serde_json::json!({ "schema": wire::SCHEMA, "findings": findings });
    Output {
        status: u8::from(!findings.is_empty()),
        ..Output::new(text, &document)
    }
}

/// The same, and which files a restore would write.
pub(crate) fn dry_run(view: &ReadOnlySession, paths: &Paths) -> Output {
    let (findings, plan) = look(view, paths);
    let change = |(name, change): &(Username, Change)| serde_json::json!({ "name": name, "change": change.word() });
    let changes: Vec<Value> = plan.changes.iter().map(change).collect();
    let problems: Vec<String> = plan.problems.iter().map(ToString::to_string).collect();
    let writes: Vec<&str> = plan.writes.iter().map(|(file, _)| file.name()).collect();
    let document = serde_json::json!({
        "schema": wire::SCHEMA,
        "changes": changes,
        "findings": findings,
        "problems": problems,
        "writes": writes,
        "accounts": plan.restored.len(),
    });
    let mut text = lines(&findings);
    let writes = writes.iter();
    text.extend(writes.map(|file| format!("would write '/etc/{file}'")));
    text.push(wire::counted(plan.restored.len(), "account"));
    Output::new(text.join("\n"), &document)
}

fn lines(findings: &[Finding]) -> Vec<String> {
    let line = |finding: &Finding| format!("{}\n  hint: {}", finding.message, finding.hint);
    findings.iter().map(line).collect()
}

/// All findings, and the plan of a restore now: with the passwords that it
/// would take into records first.
fn look(view: &ReadOnlySession, paths: &Paths) -> (Vec<Finding>, Plan) {
    let Captures { taken, reverted } = captures(&view.records, &view.snapshot.etc, &view.applied);
    let (mut records, mut findings) = (view.records.clone(), Vec::new());
    for capture in taken {
        let name = capture.name.clone();
        findings.push(Finding {
            kind: "password",
            message: format!(
                "{} of '{name}' in /etc/shadow is not in its record yet",
                capture.what()
            ),
            name: name.to_string(),
            hint: "the next restore takes it into the record".into(),
        });
        if let Some(account) = records.accounts.get_mut(&name) {
            capture.apply(account);
        }
    }
    findings.extend(reverted.into_iter().map(|reverted| Finding {
        kind: "password",
        message: reverted.to_string(),
        name: reverted.name.to_string(),
        hint: reverted.hint(),
    }));
    let plan = view.plan_of(&records);
    findings.extend(plan.problems.iter().map(of_problem));
    let drift = drift(&view.snapshot.etc, &plan);
    let is_told = |name: &Username| drift.iter().any(|one| one.name == name.as_str());
    let changes = plan.changes.iter();
    let untold = changes.filter(|(name, change)| change.is_whole() || !is_told(name));
    findings.extend(untold.map(|(name, change)| of_change(name, *change)));
    let of_difference = |one: &Drift| of_drift(one.name.clone(), one.to_string());
    findings.extend(drift.iter().map(of_difference));
    let restored = plan.restored.iter();
    for account in restored.filter_map(|name| records.accounts.get(name)) {
        let odd = Homes::look(&paths.root, &account.home, account.uid);
        findings.extend(odd.map(|what| of_home(account.name.to_string(), &what)));
    }
    (findings, plan)
}

fn of_problem(problem: &Problem) -> Finding {
    let (kind, name, hint) = match problem {
        Problem::Rejected(rejected) => {
            let hint = of_part(rejected.part).to_owned();
            ("record", rejected.file.clone(), hint)
        }
        Problem::Refused(name, refusal) => {
            let (kind, hint) = of_refusal(refusal);
            (
                kind,
                name.to_string(),
                hint.replace("{name}", name.as_str()),
            )
        }
        Problem::Hash(name, _) => {
            let hint = format!("set a new password with 'occ-init user passwd {name}'");
            ("hash", name.to_string(), hint)
        }
        Problem::Stranger { name, .. } => {
            let hint = format!(
                "'userdel {name}' and then 'occ-init user add {name}' give it a uid of its own"
            );
            ("conflict", name.clone(), hint)
        }
        Problem::Group(name, _) | Problem::MoreGroups(name, _) => {
            let hint = "allow it in /etc/occ/groups.allow of the image".to_owned();
            ("group", name.to_string(), hint)
        }
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
        Part::Older => "nothing needs to be done; 'occ-init restore' does it now",
        Part::Refused => {
            "make an account of another name, with its hash by --password-hash-stdin; then delete the file"
        }
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
        | Refusal::SudoersGid(_)
        | Refusal::ImageId(..) => (
            "image",
            "use an image that leaves this name and uid to people",
        ),
        Refusal::HomeElsewhere => (
            "image",
            "name the directory in /etc/occ/homes.allow of the image, or move the home to /home",
        ),
        Refusal::Unmapped(_) => (
            "unmapped",
            "widen the user namespace's maps to hold the uid",
        ),
        Refusal::UidTaken(..) | Refusal::CaseTwin(_) | Refusal::HomeTaken(..) => (
            "conflict",
            "one of the two records must go: 'occ-init user remove {name}' takes this one away",
        ),
        // In a container that has just started, every line not ours is the image's.
        Refusal::Foreign { .. } => ("image", "remove that line from the image, or the record"),
    }
}

fn of_change(name: &Username, change: Change) -> Finding {
    let message = match change {
        Change::Add => format!("'{name}' has a record, but is not in /etc"),
        Change::Update => format!("'{name}' differs in /etc from its record"),
        Change::Remove => format!("'{name}' has no record any more, but is in /etc"),
    };
    of_drift(name.to_string(), message)
}

fn of_drift(name: String, message: String) -> Finding {
    Finding {
        kind: "drift",
        name,
        message,
        hint: RESTORE.into(),
    }
}

fn of_home(name: String, what: &str) -> Finding {
    let is_missing = what.ends_with("is not there");
    Finding {
        kind: "home",
        message: format!("home of '{name}': {what}"),
        name,
        hint: if is_missing {
            RESTORE.into()
        } else {
            "an existing home is never changed: set owner and mode, or move it away".into()
        },
    }
}
