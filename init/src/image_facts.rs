//! Reads what the image says: its own accounts, allowed groups, sudoers,
//! login.defs, and which ids exist in this user namespace.

use crate::again::{again_io, mkdir};
use crate::error::{Error, io};
use crate::replace::{Access, Directory, open_directory};
use crate::say::say;
use accounts::etc::{Etc, File};
use accounts::id::UidRange;
use accounts::image::{GroupsAllow, Image, ImageAccounts, Shells};
use accounts::table;
use accounts::text::Shell;
use nix::errno::Errno;
use nix::sys::stat::Mode;
use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Written by the image build.
pub(crate) const IMAGE_ACCOUNTS: &str = "usr/share/occ/image-accounts";
/// Where the image says who may be in which group.
const GROUPS_ALLOW: &str = "etc/occ/groups.allow";
/// State of this container, not of the store.
pub(crate) const STATE: &str = "var/lib/occ-init";
/// The snapshot that stands in for [`IMAGE_ACCOUNTS`].
pub(crate) const SNAPSHOT: &str = "image-accounts";
/// Shells that are a person's if they never chose one, best first.
const LOGIN: [&str; 2] = ["bin/bash", "bin/sh"];
/// Shells that let nobody in, best first.
const NOLOGIN: [&str; 3] = ["usr/sbin/nologin", "sbin/nologin", "bin/false"];

/// Reads all of it from a tree.
pub(crate) fn read(root: &Path, etc: &Etc, may_write: bool) -> Result<Image, Error> {
    Ok(Image {
        accounts: image_accounts(root, etc, may_write)?,
        groups_allow: GroupsAllow::parse(&groups_allow(root)?),
        sudoers_groups: sudoers_groups(root)?,
        uids: uid_range(root)?,
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
    let parents = path
        .parent()
        .map_or(Ok(()), |parent| again_io(|| fs::create_dir_all(parent)));
    parents.map_err(|e| io("make", &path)(errno(&e)))?;
    match mkdir(&path, Mode::from_bits_truncate(0o700)) {
        Ok(()) | Err(Errno::EEXIST) => open_directory(&path).map_err(io("open", path)),
        Err(errno) => Err(io("make", path)(errno)),
    }
}

fn image_accounts(root: &Path, etc: &Etc, may_write: bool) -> Result<ImageAccounts, Error> {
    let snapshot = root.join(STATE).join(SNAPSHOT);
    for path in [root.join(IMAGE_ACCOUNTS), snapshot] {
        if let Some(list) = read_optional(&path)? {
            return Ok(ImageAccounts::parse(&list));
        }
    }
    let accounts = ImageAccounts::snapshot(etc.bytes(File::Passwd), etc.bytes(File::Group));
    if may_write {
        state_directory(root)?.replace(SNAPSHOT, &accounts.to_bytes(), Access::PRIVATE)?;
    }
    Ok(accounts)
}

/// The list counts only if nobody but root can have written it.
fn groups_allow(root: &Path) -> Result<Vec<u8>, Error> {
    use std::os::unix::fs::MetadataExt;
    let path = root.join(GROUPS_ALLOW);
    let meta = match fs::symlink_metadata(&path) {
        Ok(meta) => meta,
        Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        Err(e) => return Err(io("read", path)(errno(&e))),
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

/// Every `%name` in sudoers(5) and its directory, folded to lower case. Without
/// sudo there is nothing to find; but what is there and can't be read now may
/// grant everything to a group that an account's name would make.
fn sudoers_groups(root: &Path) -> Result<BTreeSet<String>, Error> {
    let directory = root.join("etc/sudoers.d");
    let mut files = vec![root.join("etc/sudoers")];
    match again_io(|| fs::read_dir(&directory)) {
        Ok(entries) => {
            for entry in entries {
                files.push(entry.map_err(|e| io("read", &directory)(errno(&e)))?.path());
            }
        }
        Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => (),
        Err(e) => return Err(io("read", directory)(errno(&e))),
    }
    let mut groups = BTreeSet::new();
    // sudo reads no directory below its directory either.
    for file in files.iter().filter(|file| !file.is_dir()) {
        let text = read_optional(file)?.unwrap_or_default();
        groups.extend(percent_names(&String::from_utf8_lossy(&text)));
    }
    Ok(groups)
}

fn percent_names(text: &str) -> Vec<String> {
    let words =
        text.split(|c: char| c.is_whitespace() || matches!(c, ',' | '=' | '(' | ')' | ':' | '!'));
    words
        .filter_map(|word| word.strip_prefix('%'))
        .map(str::to_ascii_lowercase)
        .collect()
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
    let map = |path: &str| match fs::read(path) {
        Ok(map) => Ok(parse_map(&map)),
        Err(error) => Err(io("read", path)(errno(&error))),
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
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(io("read", path)(errno(&error))),
    }
}

fn errno(error: &std::io::Error) -> Errno {
    Errno::from_raw(error.raw_os_error().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_of_sudoers() {
        assert_eq!(
            percent_names("root ALL=(ALL:ALL) ALL\n%Ops,%dba ALL=(ALL) NOPASSWD: ALL\n"),
            ["ops", "dba"]
        );
    }

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
