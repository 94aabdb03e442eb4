//! Homes coming in from a backup, as homes that were not there.
//!
//! A home is filled where only root can go, as a new one is, and renamed in when the whole
//! backup was read; one that is there is never touched. A directory follows its contents, so
//! its owner and times are set last.

use super::{Homes, NEW, discard};
use crate::error::{Error, io};
use crate::fs::dir::{Directory, kind, stat};
use crate::fs::retry::{again, fchmod, fchown, fchownat, linkat, mkdirat, renameat, symlinkat};
use crate::fs::sealed_stream::{Failed, foreign, parts};
use accounts::account::Uid;
use accounts::admin::backup::HOMES;
use nix::errno::Errno;
use nix::fcntl::AtFlags;
use nix::sys::stat::{Mode, SFlag, UtimensatFlags, futimens, utimensat};
use nix::sys::time::TimeSpec;
use nix::unistd::{Gid, Uid as RawUid, syncfs};
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::{self as std_io, Read};
use std::os::fd::AsFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use tar::EntryType;

/// Homes that are being made from a backup; dropped, those not committed go.
pub(crate) struct HomeExtractor<'a> {
    homes: &'a Homes,
    /// By component of the path, whose it is.
    owners: BTreeMap<String, Uid>,
    open: Option<(String, Option<Directory>)>,
    complete: Vec<String>,
    kept: Vec<String>,
}

impl<'a> HomeExtractor<'a> {
    pub(crate) fn new(homes: &'a Homes, owners: BTreeMap<String, Uid>) -> Self {
        Self {
            homes,
            owners,
            open: None,
            complete: Vec::new(),
            kept: Vec::new(),
        }
    }

    /// Takes an entry in; `parts` is its path below `home/`.
    pub(crate) fn take<R: Read>(
        &mut self,
        parts: &[&[u8]],
        entry: &mut tar::Entry<'_, R>,
    ) -> Result<(), Failed> {
        let foreign = || foreign(&parts.join(&b'/'));
        let (component, uid) = self.owner(parts).ok_or_else(foreign)?;
        self.enter(&component, uid)?;
        let Some((_, Some(root))) = &self.open else {
            // It is there already: read past it.
            std_io::copy(entry, &mut std_io::sink())?;
            return Ok(());
        };
        let is_whole = parts.len() == 1 && entry.header().entry_type() == EntryType::Directory;
        unpack(root, parts, entry).map_err(|why| match why {
            Stopped::Stream(error) => error.into(),
            Stopped::Foreign => foreign().into(),
            Stopped::Here(errno) => Failed::from(io("write", &root.path)(errno)),
        })?;
        if is_whole {
            self.complete.push(component);
            self.open = None;
        }
        Ok(())
    }

    fn owner(&self, parts: &[&[u8]]) -> Option<(String, Uid)> {
        let component = std::str::from_utf8(parts.first()?).ok()?;
        let done = self.complete.iter().any(|done| done == component);
        let uid = self.owners.get(component).filter(|_| !done)?;
        Some((component.to_owned(), *uid))
    }

    /// Makes where its contents go, unless the home is there.
    fn enter(&mut self, component: &str, uid: Uid) -> Result<(), Error> {
        let open = self.open.as_ref();
        if open.is_some_and(|(open, _)| open == component) {
            return Ok(());
        }
        let base = &self.homes.bases.main;
        let path = base.join(component);
        let present = stat(base, component).map_err(io("read", &path))?.is_some();
        let directory = if present {
            self.kept.push(component.to_owned());
            None
        } else {
            let name = format!("{NEW}{uid}");
            let made = discard(base, &name).and_then(|()| base.make(&name));
            Some(made.map_err(io("make", path))?)
        };
        self.open = Some((component.to_owned(), directory));
        Ok(())
    }

    /// Puts the complete ones into place: those made, and those that were there.
    pub(crate) fn commit(mut self) -> Result<(Vec<String>, Vec<String>), Error> {
        let base = &self.homes.bases.main;
        again(|| syncfs(base)).map_err(io("sync", &base.path))?;
        let complete = std::mem::take(&mut self.complete);
        for component in &complete {
            let uid = self.owners.get(component).copied();
            let name = uid.map(|uid| format!("{NEW}{uid}")).unwrap_or_default();
            renameat(base, name.as_str(), base, component.as_str())
                .map_err(io("rename", base.join(component)))?;
        }
        base.sync()?;
        let shown = |names: Vec<String>| names.iter().map(|name| format!("/home/{name}")).collect();
        Ok((shown(complete), shown(std::mem::take(&mut self.kept))))
    }
}

impl Drop for HomeExtractor<'_> {
    fn drop(&mut self) {
        let open = self.open.take().map(|(component, _)| component);
        for component in self.complete.iter().chain(&open) {
            if let Some(uid) = self.owners.get(component) {
                let _ = discard(&self.homes.bases.main, &format!("{NEW}{uid}"));
            }
        }
    }
}

/// Why an entry did not get in.
enum Stopped {
    Stream(std_io::Error),
    Foreign,
    Here(Errno),
}

impl From<Errno> for Stopped {
    fn from(errno: Errno) -> Self {
        Self::Here(errno)
    }
}

/// Makes one thing of a home; `parts` is its path below `home/`.
fn unpack<R: Read>(
    root: &Directory,
    parts: &[&[u8]],
    entry: &mut tar::Entry<'_, R>,
) -> Result<(), Stopped> {
    let access = Access::of(entry.header()).ok_or(Stopped::Foreign)?;
    let entry_type = entry.header().entry_type();
    let below = &parts[1..];
    let Some((name, _)) = below.split_last() else {
        // The home itself.
        return match entry_type {
            EntryType::Directory => Ok(access.give_to(root)?),
            _ => Err(Stopped::Foreign),
        };
    };
    let within = parent(root, below)?;
    let name = OsStr::from_bytes(name);
    match entry_type {
        EntryType::Directory => Ok(access.give_to(&descend(&within, name.as_bytes())?)?),
        EntryType::Regular => make_file(&within, name, &access, entry),
        EntryType::Link => make_name(root, parts[0], entry, &within, name),
        EntryType::Symlink => {
            let target = entry.link_name_bytes().ok_or(Stopped::Foreign)?;
            let target = OsString::from_vec(target.into_owned());
            symlinkat(target.as_os_str(), &within, name)?;
            let (owner, group) = access.ids();
            fchownat(&within, name, owner, group, AtFlags::AT_SYMLINK_NOFOLLOW)?;
            let (time, flag) = (&access.time, UtimensatFlags::NoFollowSymlink);
            Ok(again(|| utimensat(&within, name, time, time, flag))?)
        }
        _ => Err(Stopped::Foreign),
    }
}

/// The directory that a path below the root lies in, made if it is not there.
fn parent(root: &Directory, below: &[&[u8]]) -> Result<Directory, Errno> {
    let mut within = root.open(".")?;
    for part in &below[..below.len() - 1] {
        within = descend(&within, part)?;
    }
    Ok(within)
}

/// One more name for a file of the same home that came before. No directory is opened
/// through a link, and linkat(2) follows none.
fn make_name<R: Read>(
    root: &Directory,
    component: &[u8],
    entry: &tar::Entry<'_, R>,
    within: &Directory,
    name: &OsStr,
) -> Result<(), Stopped> {
    let path = entry.link_name_bytes().ok_or(Stopped::Foreign)?;
    let parts = parts(&path).map_err(|_| Stopped::Foreign)?;
    let below = match parts.as_slice() {
        [top, home, below @ ..] if *top == HOMES.as_bytes() && *home == component => below,
        _ => return Err(Stopped::Foreign),
    };
    let first = OsStr::from_bytes(below.last().ok_or(Stopped::Foreign)?);
    let from = parent(root, below)?;
    match stat(&from, first)? {
        Some(state) if kind(&state) == SFlag::S_IFREG => {
            Ok(linkat(&from, first, within, name, AtFlags::empty())?)
        }
        _ => Err(Stopped::Foreign),
    }
}

/// The directory of that name, made if it is not there.
fn descend(within: &Directory, name: &[u8]) -> Result<Directory, Errno> {
    let name = OsStr::from_bytes(name);
    match mkdirat(within, name, Mode::S_IRWXU) {
        Ok(()) | Err(Errno::EEXIST) => within.open(name),
        Err(errno) => Err(errno),
    }
}

fn make_file<R: Read>(
    within: &Directory,
    name: &OsStr,
    access: &Access,
    entry: &mut tar::Entry<'_, R>,
) -> Result<(), Stopped> {
    let file = within.create(name, 0o600)?;
    let mut chunk = vec![0; 64 * 1024];
    loop {
        match entry.read(&mut chunk).map_err(Stopped::Stream)? {
            0 => break,
            got => crate::fs::dir::write_all(&file, &chunk[..got])?,
        }
    }
    Ok(access.give_to(&file)?)
}

/// Owner and mode of an entry.
struct Access {
    owner: u32,
    group: u32,
    mode: u32,
    time: TimeSpec,
}

impl Access {
    /// Without setuid and setgid: whoever needs those sets them again.
    fn of(header: &tar::Header) -> Option<Self> {
        let number = |number: std_io::Result<u64>| u32::try_from(number.ok()?).ok();
        let seconds = i64::try_from(header.mtime().ok()?).ok()?;
        Some(Self {
            owner: number(header.uid())?,
            group: number(header.gid())?,
            mode: header.mode().ok()? & 0o1777,
            time: TimeSpec::new(seconds, 0),
        })
    }

    fn ids(&self) -> (Option<RawUid>, Option<Gid>) {
        (
            Some(RawUid::from_raw(self.owner)),
            Some(Gid::from_raw(self.group)),
        )
    }

    fn give_to(&self, file: &impl AsFd) -> Result<(), Errno> {
        let (owner, group) = self.ids();
        fchown(file.as_fd(), owner, group)?;
        fchmod(file.as_fd(), Mode::from_bits_truncate(self.mode))?;
        again(|| futimens(file.as_fd(), &self.time, &self.time))
    }
}
