//! The four files and the records of an instance, and that they agree.

use super::{Call, docker};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const DAY_USEC: u64 = 86_400_000_000;

/// Everything in one exec. Records are separated by NUL: a bad one is no JSON.
const SCRIPT: &str = r#"
pwck -q -r >&2; printf 'pwck %s\n' $?
grpck -r >&2; printf 'grpck %s\n' $?
for database in passwd shadow group; do printf '\0'; getent "$database"; done
cd /var/lib/opencode-users || exit 9
for file in *.json; do [ ! -e "$file" ] || { printf '\0%s\0' "$file"; cat "$file"; }; done
for file in removed/*.json; do [ ! -e "$file" ] || { printf '\0%s\0' "$file"; cat "$file"; }; done
"#;

type Lines = BTreeMap<String, Vec<String>>;

/// Files and records of a container, already checked.
#[derive(Debug)]
pub(crate) struct Accounts {
    passwd: Lines,
    shadow: Lines,
    records: BTreeMap<String, Value>,
}

impl Accounts {
    /// Reads all and checks that: pwck(8) and grpck(8) find nothing, each record
    /// has exactly its lines, and no removed account has any.
    #[track_caller]
    pub(crate) fn of(container: &str) -> Self {
        let found = docker(["exec", container, "sh", "-c", SCRIPT]).ok();
        let mut parts = found.stdout.split('\0');
        assert_eq!(parts.next(), Some("pwck 0\ngrpck 0\n"), "{found:#?}");
        let mut database = || lines(parts.next().unwrap());
        let (passwd, shadow, group) = (database(), database(), database());
        let rest: Vec<&str> = parts.collect();
        let mut accounts = Self {
            passwd,
            shadow,
            records: BTreeMap::new(),
        };
        let mut removed = Vec::new();
        for pair in rest.chunks(2) {
            // A record that is no JSON is a test's own doing; who it names has no line.
            let Ok(record) = serde_json::from_str::<Value>(pair[1]) else {
                continue;
            };
            match pair[0]
                .strip_suffix(".json")
                .unwrap()
                .strip_prefix("removed/")
            {
                Some(_) => removed.push(record),
                None => drop(
                    accounts
                        .records
                        .insert(pair[0].trim_end_matches(".json").to_owned(), record),
                ),
            }
        }
        for (name, record) in &accounts.records {
            accounts.check(name, record, &group);
        }
        accounts.check_removed(&removed);
        accounts
    }

    #[track_caller]
    fn check(&self, name: &str, record: &Value, group: &Lines) {
        if record["uid"].as_u64().is_none_or(|uid| uid < 1000) {
            // A test's own doing, too: such a record is used for nothing.
            assert!(!self.has(name), "'{name}' got in without a proper uid");
            return;
        }
        let uid = record["uid"].to_string();
        let passwd = self
            .passwd
            .get(name)
            .unwrap_or_else(|| panic!("'{name}' has a record and no passwd line"));
        let shadow = &self.shadow[name];
        let locked = record["locked"].as_bool().unwrap_or(false);
        let hash = record["privileged"]["hashedPassword"][0]
            .as_str()
            .unwrap_or("*");
        let field = format!("{}{hash}", if locked { "!" } else { "" });
        assert!(
            shadow[1] == field,
            "the shadow field of '{name}' is not that of its record"
        );
        let day = record["lastPasswordChangeUSec"]
            .as_u64()
            .map(|usec| (usec / DAY_USEC).to_string());
        assert_eq!(
            shadow[2],
            day.unwrap_or_default(),
            "last change of '{name}'"
        );
        assert_eq!(shadow[7] == "1", locked, "expiry of '{name}'");
        assert_eq!(
            passwd[1..4],
            ["x".to_owned(), uid.clone(), uid.clone()],
            "passwd line of '{name}'"
        );
        assert_eq!(passwd[5], record["homeDirectory"].as_str().unwrap());
        assert_eq!(passwd[6].ends_with("/nologin"), locked, "shell of '{name}'");
        assert_eq!(group[name][2], uid, "group of '{name}'");
    }

    #[track_caller]
    fn check_removed(&self, removed: &[Value]) {
        let uids: BTreeSet<&str> = self
            .passwd
            .values()
            .map(|fields| fields[2].as_str())
            .collect();
        for tombstone in removed {
            let uid = tombstone["uid"].to_string();
            assert!(
                !uids.contains(uid.as_str()),
                "uid {uid} was removed and is in passwd"
            );
            assert!(
                tombstone["privileged"]["hashedPassword"].is_null(),
                "a tombstone keeps a hash"
            );
        }
    }

    /// The uid in passwd.
    #[track_caller]
    pub(crate) fn uid(&self, name: &str) -> u32 {
        self.passwd
            .get(name)
            .unwrap_or_else(|| panic!("no '{name}' in passwd"))[2]
            .parse()
            .unwrap()
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.passwd.contains_key(name)
    }

    /// The names of the records.
    pub(crate) fn names(&self) -> Vec<&str> {
        self.records.keys().map(String::as_str).collect()
    }

    /// The hash in the record.
    #[track_caller]
    pub(crate) fn hash(&self, name: &str) -> &str {
        self.records[name]["privileged"]["hashedPassword"][0]
            .as_str()
            .unwrap()
    }
}

#[track_caller]
fn lines(text: &str) -> Lines {
    let mut lines = Lines::new();
    for line in text.lines() {
        let fields: Vec<String> = line.split(':').map(str::to_owned).collect();
        let name = fields[0].clone();
        assert!(
            lines.insert(name.clone(), fields).is_none(),
            "'{name}' has two lines"
        );
    }
    lines
}

/// A digest of the account files, the store and the homes: equal when nothing
/// changed at all.
#[track_caller]
pub(crate) fn fingerprint(container: &str) -> String {
    let script = "cd / && sha256sum etc/passwd etc/shadow etc/group etc/gshadow && \
        stat -c '%n %i %Y' etc/passwd etc/shadow etc/group etc/gshadow && \
        find var/lib/opencode-users home ! -name .lock -printf '%p %m %U %s %T@\\n' | sort";
    let call: Call = docker(["exec", container, "sh", "-c", script]);
    call.ok().stdout
}
