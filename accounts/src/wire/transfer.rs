//! The answers of `user export`, `user import` and `user load`.

use super::error::ErrorBody;
use serde::{Deserialize, Serialize};

/// The answer of `user export`.
///
/// No `Debug`: with `--with-hashes` the records hold password hashes.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct ExportReply {
    /// [`SCHEMA`](super::SCHEMA).
    pub schema: u32,
    /// The records (USER_RECORD), sorted by name.
    pub records: Vec<serde_json::Value>,
    /// Why others are not among them, a sentence each; then the exit code is 1.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<String>,
}

/// The answer of `user import`. Exit 0 if no line failed, else 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportReply {
    /// [`SCHEMA`](super::SCHEMA).
    pub schema: u32,
    /// True if an account was made or changed; never with `--dry-run`.
    pub changed: bool,
    /// One for each line with an account, in their order.
    pub results: Vec<ImportResult>,
}

/// The outcome of one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImportResult {
    /// The line's number, from 1.
    pub line: u64,
    /// The login name; empty if the line has none that could be one.
    #[serde(default)]
    pub user_name: String,
    /// The action taken, or with `--dry-run` would be.
    pub action: ImportAction,
    /// The account's uid, unless the line failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<u32>,
    /// Why the line failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorBody>,
    /// What an administrator may want to look at, a sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

impl ImportReply {
    /// How many lines ended with this.
    pub fn count(&self, action: ImportAction) -> usize {
        let actions = self.results.iter().map(|result| result.action);
        actions.filter(|other| *other == action).count()
    }

    /// For people: a line for each line, and how many there were of each kind;
    /// with `quiet` only those that failed.
    pub fn sentences(&self, dry_run: bool, quiet: bool) -> Vec<String> {
        let said = self
            .results
            .iter()
            .filter(|result| !quiet || result.action == ImportAction::Failed);
        let mut text: Vec<String> = said.flat_map(|result| result.sentences(dry_run)).collect();
        if !quiet {
            text.push(self.total(dry_run));
        }
        text
    }

    fn total(&self, dry_run: bool) -> String {
        let would = if dry_run { "would be " } else { "" };
        let count = |action, done: &str| format!("{} {would}{done}", self.count(action));
        let updated = match self.count(ImportAction::Updated) {
            0 => String::new(),
            _ => format!(", {}", count(ImportAction::Updated, "changed")),
        };
        format!(
            "{}{updated}, {} exist already, {} failed",
            count(ImportAction::Created, "created"),
            self.count(ImportAction::Exists),
            self.count(ImportAction::Failed),
        )
    }
}

impl ImportResult {
    fn sentences(&self, dry_run: bool) -> Vec<String> {
        let warnings = self.warnings.iter();
        let warnings = warnings.map(|warning| format!("line {}: warning: {warning}", self.line));
        std::iter::once(self.sentence(dry_run))
            .chain(warnings)
            .collect()
    }

    fn sentence(&self, dry_run: bool) -> String {
        let Self {
            line, user_name, ..
        } = self;
        let uid = self.uid.unwrap_or_default();
        match (self.action, &self.error) {
            (ImportAction::Created, _) if dry_run => {
                format!("line {line}: User '{user_name}' would be created (uid {uid}).")
            }
            (ImportAction::Created, _) => {
                format!("line {line}: User '{user_name}' created (uid {uid}).")
            }
            (ImportAction::Updated, _) if dry_run => {
                format!("line {line}: User '{user_name}' would be changed.")
            }
            (ImportAction::Updated, _) => format!("line {line}: User '{user_name}' changed."),
            (ImportAction::Exists, _) => format!("line {line}: User '{user_name}' already exists."),
            (ImportAction::Failed, error) => {
                let message = error.as_ref().map_or("", |error| &error.message);
                let whose = match user_name.as_str() {
                    "" => String::new(),
                    name => format!("'{name}': "),
                };
                format!("line {line}: failed: {whose}{message}")
            }
        }
    }
}

/// The answer of `user load`. Exit 0 if every account is restored, else 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LoadReply {
    /// [`SCHEMA`](super::SCHEMA).
    pub schema: u32,
    /// Names of accounts that were not here.
    pub added: Vec<String>,
    /// Names of accounts that were here and are now as in the backup.
    pub replaced: Vec<String>,
    /// Homes that were made from the backup.
    #[serde(default)]
    pub homes: Vec<String>,
    /// Homes that were here, and so were left as they are.
    #[serde(default)]
    pub kept_homes: Vec<String>,
    /// Parts that are left out, and why; one sentence each.
    #[serde(default)]
    pub problems: Vec<String>,
}

impl LoadReply {
    /// For people: one sentence.
    pub fn sentence(&self) -> String {
        let (added, replaced) = (self.added.len(), self.replaced.len());
        let mut text = format!(
            "{} restored: {added} new here, {replaced} replaced",
            counted(added + replaced, "account")
        );
        for (homes, word) in [(&self.homes, "made"), (&self.kept_homes, "left as it was")] {
            if !homes.is_empty() {
                let word = if homes.len() > 1 {
                    word.replace("it was", "they were")
                } else {
                    word.to_owned()
                };
                text = format!("{text}; {} {word}", counted(homes.len(), "home"));
            }
        }
        text + "."
    }
}

/// `1 account`, `2 accounts`.
pub fn counted(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// The action taken for one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ImportAction {
    /// A new account.
    Created,
    /// One of that name is there, and was changed (`--update`).
    Updated,
    /// There is one of that name; it was left as it is, or is as asked.
    Exists,
    /// Nothing was done. Unknown actions of a newer program read as this.
    #[serde(other)]
    Failed,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::SCHEMA;

    #[test]
    fn a_load_says_what_became_of_accounts_and_homes() {
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        let mut reply = LoadReply {
            schema: SCHEMA,
            added: names(&["alice"]),
            replaced: names(&[]),
            homes: names(&[]),
            kept_homes: names(&[]),
            problems: names(&[]),
        };
        assert_eq!(
            reply.sentence(),
            "1 account restored: 1 new here, 0 replaced."
        );
        reply.replaced = names(&["bob"]);
        reply.homes = names(&["/home/alice"]);
        reply.kept_homes = names(&["/home/bob", "/home/carol"]);
        assert_eq!(
            reply.sentence(),
            "2 accounts restored: 1 new here, 1 replaced; 1 home made; 2 homes left as they were."
        );
    }
}
