//! inotify(7) on the directories that hold account files and records: which names changed,
//! and whether a restore of ours changed them.
//!
//! Directories, because files arrive there by rename. Names only: the restore finds out what
//! a change means. A restore leaves [`Mark`]s of the files it wrote; a file that still is as
//! marked holds nothing new. A name without a mark always counts: one restore too many is
//! better than one change lost.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, InotifyEvent, WatchDescriptor};
use nix::sys::statfs::statfs;

use crate::cli::globals::Paths;
use crate::fs::version::{Mark, WatchedDir};
use crate::store::is_record;
use crate::supervise::signals;
use crate::sys;

/// More names than these at one time are not compared one by one.
const MANY: usize = 64;
/// File systems that other machines can change without an event here:
/// NFS, the three of SMB, 9p, FUSE (virtiofs too), Ceph, AFS.
const REMOTE: [u32; 8] = [
    0x6969,
    0x517b,
    0xff53_4d42,
    0xfe53_4d42,
    0x0102_1997,
    0x6573_5546,
    0x00c3_6400,
    0x5346_414f,
];

/// Account files that passwd(1), chpasswd(8), chage(1) and useradd(8) change.
const WATCHED: [&str; 2] = ["shadow", "passwd"];

const ARRIVAL: AddWatchFlags = AddWatchFlags::IN_MOVED_TO.union(AddWatchFlags::IN_CLOSE_WRITE);

pub(crate) struct Watch {
    inotify: Inotify,
    etc: Directory,
    store: Directory,
    /// Account files that are mount points: nothing can be renamed over them,
    /// and a write into one is no event of the directory that it is mounted in.
    mounted: Vec<WatchDescriptor>,
    /// Names under which another file stands since the last [`Watch::settle`].
    moved: BTreeSet<(WatchedDir, OsString)>,
    /// Something changed that no mark can explain.
    unexplained: bool,
}

struct Directory {
    path: PathBuf,
    watched: Result<WatchDescriptor, Errno>,
}

impl Directory {
    fn watch(&mut self, inotify: &Inotify, events: AddWatchFlags) {
        if self.watched.is_err() {
            let only = AddWatchFlags::IN_ONLYDIR | AddWatchFlags::IN_DONT_FOLLOW;
            self.watched = inotify.add_watch(&self.path, events | only);
        }
    }

    fn is(&self, event: &InotifyEvent) -> bool {
        self.watched == Ok(event.wd)
    }
}

impl Watch {
    /// Watches /etc, and nothing else before [`Watch::add`]: the store may be on a disk that
    /// does not answer. From now on a signal tells of every change. The error is one line.
    pub(crate) fn begin(paths: &Paths) -> Result<Self, String> {
        let watch = Self::on(paths.etc(), paths.store.clone()).and_then(|watch| {
            sys::signal_when_readable(&watch.inotify, signals::READABLE)?;
            Ok(watch)
        });
        watch.map_err(|errno| cannot_watch(&paths.etc(), errno))
    }

    fn on(etc: PathBuf, store: PathBuf) -> Result<Self, Errno> {
        let inotify = Inotify::init(InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC)?;
        let not_yet = |path| Directory {
            path,
            watched: Err(Errno::ENOENT),
        };
        let mut watch = Self {
            inotify,
            etc: not_yet(etc),
            store: not_yet(store),
            mounted: Vec::new(),
            moved: BTreeSet::new(),
            unexplained: false,
        };
        watch.etc.watch(&watch.inotify, ARRIVAL);
        for file in WATCHED {
            let path = watch.etc.path.join(file);
            if sys::is_mount_point(&path) {
                let writes = AddWatchFlags::IN_CLOSE_WRITE;
                watch.mounted.extend(watch.inotify.add_watch(&path, writes));
            }
        }
        Ok(watch)
    }

    /// Watches what is there and not watched yet; system calls only.
    pub(crate) fn add(&mut self) {
        let leaving = AddWatchFlags::IN_MOVED_FROM | AddWatchFlags::IN_DELETE;
        self.etc.watch(&self.inotify, ARRIVAL);
        self.store.watch(&self.inotify, ARRIVAL.union(leaving));
    }

    /// Watches what the first restore has made, too. Records that are there by
    /// then may be newer than what it read.
    pub(crate) fn complete(&mut self) {
        let was_missing = self.store.watched.is_err();
        self.add();
        if was_missing && self.store.watched.is_ok() {
            let names = std::fs::read_dir(&self.store.path).into_iter().flatten();
            self.unexplained |= names
                .flatten()
                .any(|entry| is_record(entry.file_name().as_bytes()));
        }
    }

    /// A directory that is not watched or changes unseen: one line.
    pub(crate) fn blind_spot(&self) -> Option<String> {
        for Directory { path, watched } in [&self.etc, &self.store] {
            if let Err(errno) = watched {
                return Some(cannot_watch(path, *errno));
            }
        }
        let path = &self.store.path;
        let is_remote = statfs(path).is_ok_and(|fs| {
            u32::try_from(fs.filesystem_type().0).is_ok_and(|magic| REMOTE.contains(&magic))
        });
        is_remote.then(|| format!("'{}' can be changed from elsewhere unseen", path.display()))
    }

    /// Returns true if a password changed here is seen.
    pub(crate) fn sees_etc(&self) -> bool {
        self.etc.watched.is_ok()
    }

    pub(crate) fn sees_store(&self) -> bool {
        self.store.watched.is_ok()
    }

    pub(crate) fn fd(&self) -> std::os::fd::RawFd {
        use std::os::fd::{AsFd as _, AsRawFd as _};
        self.inotify.as_fd().as_raw_fd()
    }

    /// Reads the events; never blocks.
    pub(crate) fn read(&mut self) {
        while let Ok(events) = self.inotify.read_events() {
            for event in events {
                self.take(event);
            }
        }
    }

    fn take(&mut self, event: InotifyEvent) {
        let is_overflow = event.mask.contains(AddWatchFlags::IN_Q_OVERFLOW);
        if is_overflow || self.mounted.contains(&event.wd) {
            self.unexplained = true;
            return;
        }
        let place = match event {
            _ if self.etc.is(&event) => WatchedDir::Etc,
            _ if self.store.is(&event) => WatchedDir::Store,
            _ => return,
        };
        let Some(name) = event.name.filter(|name| matters(place, name.as_bytes())) else {
            return;
        };
        // A restore renames; a write in place is none of its own.
        if event.mask.contains(AddWatchFlags::IN_MOVED_TO) && self.moved.len() < MANY {
            self.moved.insert((place, name));
        } else {
            self.unexplained = true;
        }
    }

    /// Returns true if anything changed since the last call that `marks` do not explain.
    pub(crate) fn settle(&mut self, marks: &[Mark]) -> bool {
        let moved = std::mem::take(&mut self.moved);
        let news = moved.iter().any(|(place, name)| {
            self.mark(*place, name)
                .is_none_or(|now| !marks.contains(&now))
        });
        std::mem::take(&mut self.unexplained) || news
    }

    fn mark(&self, place: WatchedDir, name: &OsString) -> Option<Mark> {
        let directory = match place {
            WatchedDir::Etc => &self.etc,
            WatchedDir::Store => &self.store,
        };
        let stat = nix::sys::stat::lstat(&directory.path.join(name)).ok()?;
        Some(Mark::new(place, name.to_str()?, &stat))
    }
}

/// inotify(7) has its own meaning for two errors.
fn cannot_watch(path: &Path, errno: Errno) -> String {
    let why = match errno {
        Errno::ENOSPC => "no watch is left, see fs.inotify.max_user_watches".to_owned(),
        Errno::EMFILE => "no instance is left, see fs.inotify.max_user_instances".to_owned(),
        other => other.desc().to_lowercase(),
    };
    format!("cannot watch '{}': {why}", path.display())
}

fn matters(place: WatchedDir, name: &[u8]) -> bool {
    match place {
        WatchedDir::Etc => WATCHED.iter().any(|file| file.as_bytes() == name),
        WatchedDir::Store => is_record(name),
    }
}

#[cfg(test)]
mod tests;
