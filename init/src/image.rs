//! Reads what the image says: its own accounts, allowed groups, sudoers,
//! login.defs, and which ids exist in this user namespace.

use crate::error::{Error, io, std_io};
use crate::fs::dir::{Directory, make_parents, open_directory};
use crate::fs::replace::Access;
use crate::fs::retry::{again_io, mkdir};
use crate::layout::{GROUPS_ALLOW, HOMES_ALLOW, IMAGE_ACCOUNTS, SNAPSHOT, STATE};
use crate::log::say;
use crate::store::Store;
use accounts::account::{Shell, Shells, UidRange};
use accounts::files::{Etc, File, table};
use accounts::image::{GroupsAllow, HomeBases, Image, ImageAccounts, Include, Sudoers};
use accounts::record::Records;
use nix::errno::Errno;
use nix::sys::stat::Mode;
use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Most files that sudoers may consist of.
const MAX_SUDOERS: usize = 1024;
/// Shells that are a person's if they never chose one, best first.
const LOGIN: [&str; 2] = ["bin/bash", "bin/sh"];
/// Shells that let nobody in, best first.
const NOLOGIN: [&str; 3] = ["usr/sbin/nologin", "sbin/nologin", "bin/false"];

/// The people that the store knows: none of them is of the image.
#[derive(Clone, Copy)]
pub(crate) struct People<'a> {
    pub(crate) records: &'a Records,
    /// With its ledger.
    pub(crate) store: Option<&'a Store>,
}

pub(crate) fn read(
    root: &Path,
    etc: &Etc,
    people: People<'_>,
    may_write: bool,
) -> Result<Image, Error> {
    let uids = uid_range(root)?;
    let mut accounts = image_accounts(root, etc, people, may_write)?;
    accounts.forget_people(uids, |name, id| people.have(name, id));
    Ok(Image {
        accounts,
        groups_allow: GroupsAllow::parse(&allowed(root, GROUPS_ALLOW)?),
        home_bases: HomeBases::parse(&allowed(root, HOMES_ALLOW)?),
        sudoers_groups: sudoers_groups(root)?,
        uids,
        mapped_ids: mapped_ids()?,
        shells: shells(root)?,
    })
}

/// The uids that the image's login.defs(5) gives to people.
pub(crate) fn uid_range(root: &Path) -> Result<UidRange, Error> {
    Ok(UidRange::from_login_defs(
        &read_optional(&root.join("etc/login.defs"))?.unwrap_or_default(),
    ))
}

/// The container's own state directory, root's alone.
pub(crate) fn state_directory(root: &Path) -> Result<Directory, Error> {
    let path = root.join(STATE);
    make_parents(&path)?;
    match mkdir(&path, Mode::S_IRWXU) {
        Ok(()) | Err(Errno::EEXIST) => open_directory(&path).map_err(io("open", path)),
        Err(errno) => Err(io("make", path)(errno)),
    }
}

impl People<'_> {
    /// Returns true if an account or a removed one has the name, in lower case, or the uid.
    fn have(self, name: &str, id: u32) -> bool {
        let living = self.records.accounts.values();
        let living = living.map(|account| (&account.name, account.uid));
        let dead = self.records.tombstones.iter();
        let mut all = living.chain(dead.map(|dead| (&dead.name, dead.uid)));
        all.any(|(other, uid)| uid.get() == id || other.folded() == name)
    }
}

fn image_accounts(
    root: &Path,
    etc: &Etc,
    people: People<'_>,
    may_write: bool,
) -> Result<ImageAccounts, Error> {
    if let Some(list) = read_optional(&root.join(IMAGE_ACCOUNTS))? {
        return Ok(ImageAccounts::parse(&list));
    }
    if let Some(snapshot) = read_optional(&root.join(STATE).join(SNAPSHOT))? {
        return Ok(ImageAccounts::parse_snapshot(&snapshot));
    }
    let mut accounts = ImageAccounts::snapshot(etc.bytes(File::Passwd), etc.bytes(File::Group));
    let given = people.store.map(Store::known_uids).transpose()?;
    accounts.forget_people(uid_range(root)?, |name, id| {
        given.is_some_and(|given| given.contains(&id)) || people.have(name, id)
    });
    if may_write {
        state_directory(root)?.replace(SNAPSHOT, &accounts.to_bytes(), Access::PRIVATE)?;
    }
    Ok(accounts)
}

/// A list counts only if nobody but root can have written it.
fn allowed(root: &Path, list: &str) -> Result<Vec<u8>, Error> {
    use std::os::unix::fs::MetadataExt;
    let path = root.join(list);
    let meta = match fs::symlink_metadata(&path) {
        Ok(meta) => meta,
        Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        Err(e) => return Err(std_io("read", path)(e)),
    };
    if !meta.is_file() || meta.uid() != 0 || meta.mode() & 0o022 != 0 {
        say(&format!(
            "ignored '{}': it must be a file that only root can write",
            path.display()
        ));
        return Ok(Vec::new());
    }
    Ok(read_optional(&path)?.unwrap_or_default())
}

/// Every group that sudoers(5) names, in all the files that it consists of.
/// Without sudo there is nothing to find; but what is there and can't be read now
/// may grant everything to a group that an account's name would make.
fn sudoers_groups(root: &Path) -> Result<BTreeSet<String>, Error> {
    let mut left = vec![root.join("etc/sudoers")];
    left.extend(files_in(&root.join("etc/sudoers.d"))?);
    let (mut seen, mut groups) = (BTreeSet::new(), BTreeSet::new());
    while let Some(file) = left.pop() {
        // As many as sudo follows itself, and more.
        if seen.len() == MAX_SUDOERS || !seen.insert(file.clone()) || is_no_file(&file) {
            continue;
        }
        let text = match fs::read(&file) {
            Ok(text) => text,
            Err(e) if leads_nowhere(&e) => continue,
            Err(e) => return Err(std_io("read", file)(e)),
        };
        let sudoers = Sudoers::parse(&String::from_utf8_lossy(&text));
        groups.extend(sudoers.groups);
        for include in &sudoers.includes {
            match include {
                Include::File(path) => left.push(included(root, &file, path)),
                Include::Directory(path) => left.extend(files_in(&included(root, &file, path))?),
            }
        }
    }
    Ok(groups)
}

/// The file that an include line of sudoers names.
fn included(root: &Path, file: &Path, path: &str) -> PathBuf {
    let mut path = path.to_owned();
    if path.contains("%h") {
        let host = nix::unistd::gethostname().unwrap_or_default();
        let host = host.to_string_lossy();
        path = path.replace("%h", host.split('.').next().unwrap_or_default());
    }
    match path.strip_prefix('/') {
        Some(below) => root.join(below.trim_start_matches('/')),
        None => file.parent().unwrap_or(root).join(path),
    }
}

/// Returns true for anything but a file or a link to one: sudo reads no directory below its
/// directory either.
fn is_no_file(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|meta| !meta.is_file())
}

/// Everything in a directory, if it is there.
fn files_in(directory: &Path) -> Result<Vec<PathBuf>, Error> {
    let failed = |e| std_io("read", directory)(e);
    match again_io(|| fs::read_dir(directory)) {
        Ok(entries) => entries
            .map(|entry| entry.map(|entry| entry.path()).map_err(failed))
            .collect(),
        Err(e) if leads_nowhere(&e) => Ok(Vec::new()),
        Err(e) => Err(failed(e)),
    }
}

/// Returns true if sudo finds no file there either, and so grants nobody anything.
fn leads_nowhere(error: &std::io::Error) -> bool {
    let code = error.raw_os_error().map(Errno::from_raw);
    // Without a code it is a path that holds NUL.
    code.is_none_or(|code| matches!(code, Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP))
}

fn shells(root: &Path) -> Result<Shells, Error> {
    // A link counts: busybox's are absolute, so in another tree they lead nowhere.
    let is_there = |path: &&str| fs::symlink_metadata(root.join(path)).is_ok();
    let first = |paths: &[&str]| {
        let present = paths
            .iter()
            .find(|path| is_there(path))
            .unwrap_or(&paths[0]);
        Shell::parse(&format!("/{present}"))
    };
    Ok(Shells {
        nologin: first(&NOLOGIN)?,
        default: first(&LOGIN)?,
    })
}

/// The ids that are in both maps of this user namespace: user_namespaces(7).
fn mapped_ids() -> Result<Vec<(u32, u32)>, Error> {
    let map = |path| {
        let map = fs::read(path).map_err(std_io("read", path))?;
        Ok::<_, Error>(parse_map(&map))
    };
    Ok(intersection(
        &map("/proc/self/uid_map")?,
        &map("/proc/self/gid_map")?,
    ))
}

fn parse_map(map: &[u8]) -> Vec<(u32, u32)> {
    let run = |line: &[u8]| {
        let text = String::from_utf8_lossy(line).into_owned();
        let mut numbers = text
            .split_ascii_whitespace()
            .map_while(|word| word.parse::<u64>().ok());
        let (first, _, count) = (numbers.next()?, numbers.next()?, numbers.next()?);
        let last = (first + count).checked_sub(1)?.min(u64::from(u32::MAX));
        Some((u32::try_from(first).ok()?, u32::try_from(last).ok()?))
    };
    table::lines(map).filter_map(run).collect()
}

fn intersection(left: &[(u32, u32)], right: &[(u32, u32)]) -> Vec<(u32, u32)> {
    let pairs = left
        .iter()
        .flat_map(|a| right.iter().map(move |b| (a.0.max(b.0), a.1.min(b.1))));
    pairs.filter(|(first, last)| first <= last).collect()
}

/// A file that may be missing; any other failure is one.
pub(crate) fn read_optional(path: &PathBuf) -> Result<Option<Vec<u8>>, Error> {
    match fs::read(path) {
        Ok(content) => Ok(Some(content)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(std_io("read", path)(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps() {
        assert_eq!(
            parse_map(b"         0          0 4294967295\n"),
            [(0, 4_294_967_294)]
        );
        let ids = intersection(
            &parse_map(b"0 100000 1000\n1000 5 10\n"),
            &parse_map(b"0 100000 1005\n"),
        );
        assert_eq!(ids, [(0, 999), (1000, 1004)]);
    }
}
