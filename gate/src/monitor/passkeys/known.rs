//! The passkeys of all records, and whose each is. A record is read again when its file has
//! changed; the directory and the records with passkeys tell whether any has.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::time::{Duration, SystemTime};

use accounts::account::UidRange;
use accounts::record::{MAX_BYTES, ParsedRecord, Record};
use serde_json::Value;

/// A change within this time of the last look may have the same time stamp as that look.
const STAMP: Duration = Duration::from_secs(2);

/// A passkey of a record.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Known {
    /// The account's name.
    pub(super) user: String,
    pub(super) uid: u32,
    /// Eight hexadecimal digits.
    pub(super) id: String,
    pub(super) name: String,
    pub(super) made_usec: u64,
    pub(super) credential: String,
    /// The key in the library's own form, from when it was added.
    pub(super) public_key: Value,
}

/// A state of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FileVersion {
    inode: u64,
    size: u64,
    modified: Option<SystemTime>,
}

impl FileVersion {
    fn of(metadata: &fs::Metadata) -> Self {
        Self {
            inode: metadata.ino(),
            size: metadata.size(),
            modified: metadata.modified().ok(),
        }
    }
}

/// All passkeys, as far as records can be read.
#[derive(Default)]
pub(super) struct KnownPasskeys {
    directory: Option<FileVersion>,
    records: HashMap<String, (FileVersion, Vec<Known>)>,
}

impl KnownPasskeys {
    /// The passkey with this credential, if it is one person's. A record on a volume says
    /// what it likes: of two who claim one credential neither has it.
    pub(super) fn find(&self, credential: &str) -> Option<&Known> {
        let mut found = self.all().filter(|known| known.credential == credential);
        let first = found.next()?;
        found.next().is_none().then_some(first)
    }

    pub(super) fn has(&self, credential: &str) -> bool {
        self.all().any(|known| known.credential == credential)
    }

    /// A person's passkeys, in the order in which they were added.
    pub(super) fn of(&self, user: &str) -> &[Known] {
        let record = self.records.get(user);
        record.map_or(&[], |(_, known)| known)
    }

    fn all(&self) -> impl Iterator<Item = &Known> {
        self.records.values().flat_map(|(_, known)| known)
    }

    /// Reads what has changed. On an error nothing is known.
    pub(super) fn refresh(&mut self, store: &Path, uids: UidRange) -> io::Result<()> {
        let done = self.try_refresh(store, uids);
        if done.is_err() {
            *self = Self::default();
        }
        done
    }

    fn try_refresh(&mut self, store: &Path, uids: UidRange) -> io::Result<()> {
        let metadata = fs::metadata(store)?;
        let version = FileVersion::of(&metadata);
        if self.directory == Some(version) && self.are_as_read(store) {
            return Ok(());
        }
        let mut before = std::mem::take(&mut self.records);
        for entry in fs::read_dir(store)? {
            let file = entry?.file_name();
            let user = file.to_str().and_then(|file| file.strip_suffix(".json"));
            let Some(user) = user else { continue };
            let old = before.remove(user);
            if let Some(read) = read(&store.join(&file), user, old, uids) {
                self.records.insert(user.to_owned(), read);
            }
        }
        let records = self.records.values().map(|(version, _)| version.modified);
        let newest = records.max().flatten().max(version.modified);
        let age = newest.and_then(|newest| SystemTime::now().duration_since(newest).ok());
        self.directory = age.filter(|age| *age > STAMP).map(|_| version);
        Ok(())
    }

    /// Returns whether the records with passkeys are the files that were read: an editor may
    /// write one in place, which leaves the directory as it is.
    fn are_as_read(&self, store: &Path) -> bool {
        let mut records = self.records.iter();
        records.all(|(user, (version, known))| {
            let found = || fs::symlink_metadata(store.join(format!("{user}.json")));
            known.is_empty() || found().is_ok_and(|found| FileVersion::of(&found) == *version)
        })
    }
}

/// A record's passkeys; `None` for a file that is no record, whatever the reason.
fn read(
    path: &Path,
    user: &str,
    old: Option<(FileVersion, Vec<Known>)>,
    uids: UidRange,
) -> Option<(FileVersion, Vec<Known>)> {
    // The volume may hold anything: a link leads elsewhere, a pipe never ends.
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
        .open(path)
        .ok()?;
    let metadata = file.metadata().ok()?;
    let version = FileVersion::of(&metadata);
    if let Some(old) = old.filter(|(before, _)| *before == version) {
        return Some(old);
    }
    let is_roots = metadata.is_file() && metadata.uid() == 0 && metadata.nlink() == 1;
    (is_roots && metadata.mode() & 0o022 == 0).then_some(())?;
    let bytes = bounded(&file)?;
    Some((version, passkeys_of(&bytes, user, uids)))
}

fn bounded(file: &File) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let most = MAX_BYTES as u64 + 1;
    file.take(most).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

fn passkeys_of(bytes: &[u8], user: &str, uids: UidRange) -> Vec<Known> {
    // Most records have none: looking is far cheaper than reading them.
    let has_some = bytes.windows(10).any(|part| part == b"\"passkeys\"");
    if !has_some {
        return Vec::new();
    }
    match ParsedRecord::parse(bytes, uids) {
        Ok(ParsedRecord::Record(record)) => known(&record, user),
        _ => Vec::new(),
    }
}

fn known(record: &Record, user: &str) -> Vec<Known> {
    let account = record.account();
    if account.name.as_str() != user || account.locked {
        return Vec::new();
    }
    let passkeys = record.passkeys().map(|passkey| Known {
        user: user.to_owned(),
        uid: account.uid.get(),
        id: passkey.id.to_owned(),
        name: passkey.name.to_owned(),
        made_usec: passkey.made_usec,
        credential: passkey.credential_id.to_owned(),
        public_key: passkey.public_key.clone(),
    });
    passkeys.collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn record(name: &str, credentials: &[&str]) -> String {
        let entry = |(at, credential): (usize, &&str)| {
            serde_json::json!({"id": format!("{at:08x}"), "name": "laptop", "madeUSec": 1,
                "credentialId": credential, "publicKey": {}})
        };
        let entries: Vec<Value> = credentials.iter().enumerate().map(entry).collect();
        serde_json::json!({"userName": name, "uid": 10_000, "occ": {"passkeys": entries}})
            .to_string()
    }

    fn write(store: &Path, file: &str, text: &str) {
        let path = store.join(file);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn owner<'a>(known: &'a KnownPasskeys, credential: &str) -> Option<&'a str> {
        known.find(credential).map(|known| known.user.as_str())
    }

    #[test]
    fn each_credential_has_one_owner_and_changes_are_seen() {
        let store = tempfile::tempdir().unwrap();
        let (store, uids) = (store.path(), UidRange::default());
        let mut known = KnownPasskeys::default();
        write(store, "alice.json", &record("alice", &["AA", "BB"]));
        write(store, "bob.json", &record("bob", &["CC"]));
        known.refresh(store, uids).unwrap();
        assert_eq!(owner(&known, "BB"), Some("alice"));
        assert_eq!(owner(&known, "CC"), Some("bob"));
        assert_eq!(owner(&known, "DD"), None);
        assert_eq!(known.of("alice").len(), 2);
        // At once: no time stamp is old enough to be relied on.
        write(store, "bob.json", &record("bob", &["DD", "AA"]));
        known.refresh(store, uids).unwrap();
        assert_eq!(owner(&known, "DD"), Some("bob"));
        assert_eq!(owner(&known, "AA"), None, "two claim it");
        assert!(known.has("AA") && !known.has("CC"));
        fs::remove_file(store.join("bob.json")).unwrap();
        known.refresh(store, uids).unwrap();
        assert_eq!(owner(&known, "AA"), Some("alice"));
    }

    #[test]
    fn record_that_is_written_in_place_is_seen() {
        let directory = tempfile::tempdir().unwrap();
        let (store, uids) = (directory.path(), UidRange::default());
        write(store, "alice.json", &record("alice", &["AA"]));
        let hour_ago = SystemTime::now() - Duration::from_secs(3600);
        for path in [&store.join("alice.json"), store] {
            File::open(path).unwrap().set_modified(hour_ago).unwrap();
        }
        let mut known = KnownPasskeys::default();
        known.refresh(store, uids).unwrap();
        assert!(known.directory.is_some() && known.has("AA"));
        write(store, "alice.json", &record("alice", &[]));
        known.refresh(store, uids).unwrap();
        assert!(!known.has("AA"));
        write(store, "alice.json", &record("alice", &["BB"]));
        known.refresh(store, uids).unwrap();
        assert!(known.has("BB"), "it was written a moment ago");
    }

    #[test]
    fn files_that_are_no_records_of_roots_have_none() {
        let store = tempfile::tempdir().unwrap();
        let (store, uids) = (store.path(), UidRange::default());
        write(store, "alice.json", &record("bob", &["AA"]));
        write(store, "carol.json", &record("carol", &["BB"]));
        let open = fs::Permissions::from_mode(0o666);
        fs::set_permissions(store.join("carol.json"), open).unwrap();
        write(store, "elsewhere", &record("dave", &["CC"]));
        symlink(store.join("elsewhere"), store.join("dave.json")).unwrap();
        write(store, "erin.json", "{\"passkeys\"");
        let mut known = KnownPasskeys::default();
        known.refresh(store, uids).unwrap();
        assert_eq!(known.all().count(), 0);
        assert!(known.refresh(&store.join("gone"), uids).is_err());
    }
}
