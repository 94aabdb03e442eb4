//! What a plan changes, in words for a person: whose line of which file, what
//! it says now, and what it will say. No hash and no password: a line of
//! shadow(5) is never repeated.

use super::plan::Plan;
use crate::files::{Etc, File, table};
use std::collections::{BTreeMap, BTreeSet};

/// One field of one line, or one membership, that the next restore changes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Drift {
    /// The account's name, made printable.
    pub name: String,
    /// In which file.
    pub file: File,
    /// A sentence without subject: `shell is '/bin/zsh', '/bin/bash' is recorded`.
    pub what: String,
}

impl std::fmt::Display for Drift {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { name, file, what } = self;
        write!(f, "'{name}' in /etc/{}: {what}", file.name())
    }
}

/// What the plan changes about names that stay. Who comes or goes as a whole is
/// in [`Plan::changes`].
pub fn drift(etc: &Etc, plan: &Plan) -> Vec<Drift> {
    let whole: BTreeSet<&[u8]> = plan
        .changes
        .iter()
        .filter(|(_, change)| change.is_whole())
        .map(|(name, _)| name.as_bytes())
        .collect();
    let mut found = Vec::new();
    for (file, new) in &plan.writes {
        let (old, new) = (by_name(etc.bytes(*file)), by_name(new));
        let names: BTreeSet<&[u8]> = old.keys().chain(new.keys()).copied().collect();
        for name in names {
            let changed = Lines {
                file: *file,
                name,
                old: old.get(name).map_or(&[], Vec::as_slice),
                new: new.get(name).map_or(&[], Vec::as_slice),
            };
            let differences = changed.differences().into_iter();
            found.extend(differences.filter(|found| !whole.contains(found.name.as_bytes())));
        }
    }
    found.sort();
    found.dedup();
    found
}

fn by_name(content: &[u8]) -> BTreeMap<&[u8], Vec<&[u8]>> {
    let mut lines = BTreeMap::<&[u8], Vec<&[u8]>>::new();
    for line in table::lines(content) {
        if let Some(name) = table::name(line) {
            lines.entry(name).or_default().push(line);
        }
    }
    lines
}

/// All lines of one name in one file, before and after.
struct Lines<'a> {
    file: File,
    name: &'a [u8],
    old: &'a [&'a [u8]],
    new: &'a [&'a [u8]],
}

impl Lines<'_> {
    fn differences(&self) -> Vec<Drift> {
        if self.old == self.new {
            return Vec::new();
        }
        let (Some(old), Some(new)) = (self.old.first(), self.new.first()) else {
            let what = match self.new.first() {
                Some(_) => "no line is there",
                None => "what is left of somebody removed is there",
            };
            return vec![self.one(what.into())];
        };
        if self.old.len() > 1 {
            let count = self.old.len();
            return vec![self.one(format!("{count} lines are there, one is enough"))];
        }
        let (old, new) = (table::fields(old), table::fields(new));
        if old.len() != new.len() {
            let count = old.len();
            return vec![self.one(format!("the line has {count} fields, not {}", new.len()))];
        }
        let pairs = FIELDS[self.file as usize].iter().zip(old.iter().zip(&new));
        pairs
            .filter(|(_, (old, new))| old != new)
            .flat_map(|(field, (old, new))| self.field(*field, old, new))
            .collect()
    }

    fn field(&self, field: Field, old: &[u8], new: &[u8]) -> Vec<Drift> {
        match field {
            Field::Plain(name) => {
                let (old, new) = (shown(old), shown(new));
                vec![self.one(format!("{name} is {old}, {new} is recorded"))]
            }
            Field::Password if self.file == File::Shadow => {
                vec![self.one(password(old, new).into())]
            }
            Field::Password => vec![self.one("the password field is not as it must be".into())],
            Field::Members => self.members(old, new),
        }
    }

    /// Of a group of somebody else, each member is whom it is about.
    fn members(&self, old: &[u8], new: &[u8]) -> Vec<Drift> {
        let set = |list: &[u8]| -> BTreeSet<String> {
            let members = list
                .split(|&b| b == b',')
                .filter(|member| !member.is_empty());
            members.map(printable).collect()
        };
        let (old, new, group) = (set(old), set(new), printable(self.name));
        let about = |name: &String, what: String| Drift {
            name: name.clone(),
            file: self.file,
            what,
        };
        let leave = old.difference(&new).map(|name| {
            about(
                name,
                format!("member of '{group}', which record or image does not allow"),
            )
        });
        let join = new.difference(&old).map(|name| {
            about(
                name,
                format!("no member of '{group}', which record and image ask for"),
            )
        });
        leave.chain(join).collect()
    }

    fn one(&self, what: String) -> Drift {
        let (name, file) = (printable(self.name), self.file);
        Drift { name, file, what }
    }
}

/// How a field may be told.
#[derive(Clone, Copy)]
enum Field {
    Plain(&'static str),
    Password,
    Members,
}

/// The fields of a line, in the order of [`File`].
const FIELDS: [&[Field]; File::ALL.len()] = {
    use Field::{Members, Password, Plain};
    const SUBIDS: &[Field] = &[Plain("name"), Plain("first id"), Plain("count")];
    [
        SUBIDS,
        SUBIDS,
        &[Plain("name"), Password, Plain("gid"), Members],
        &[Plain("name"), Password, Members, Members],
        &[
            Plain("name"),
            Password,
            Plain("day of the last change"),
            Plain("minimum age"),
            Plain("maximum age"),
            Plain("warning"),
            Plain("inactivity"),
            Plain("expiry"),
            Plain("last field"),
        ],
        &[
            Plain("name"),
            Password,
            Plain("uid"),
            Plain("gid"),
            Plain("comment"),
            Plain("home"),
            Plain("shell"),
        ],
    ]
};

fn password(old: &[u8], new: &[u8]) -> &'static str {
    match (old.starts_with(b"!"), new.starts_with(b"!")) {
        (true, false) => "locked, and recorded as enabled",
        (false, true) => "not locked, and recorded as disabled",
        _ => "another password than the recorded one",
    }
}

/// A field of somebody's making: where a home should be, a hash may stand.
fn shown(field: &[u8]) -> String {
    let text = printable(field);
    if text.is_empty() {
        "empty".into()
    } else if text.len() > 128 || text.contains('$') {
        "something else".into()
    } else {
        format!("'{text}'")
    }
}

fn printable(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).escape_debug().to_string()
}

#[cfg(test)]
mod tests;
