//! The locks of /etc: `.pwd.lock` (what lckpwdf(3) takes), then shadow's `X.lock`
//! links for tools that know only those. The store's lock is taken before both.

use crate::error::{Error, io};
use crate::fs::dir::{Directory, read_all, stat, write_all};
use crate::fs::ofd_lock::{Deadline, Owner, holder, lock_until, open_lock};
use crate::fs::replace::TEMPORARY;
use crate::fs::retry::linkat;
use crate::layout::LOCKED_FILES;
use crate::log::say;
use crate::proc::{self, Holder};
use crate::sys::own_pid;
use nix::errno::Errno;
use nix::fcntl::AtFlags;
use std::os::fd::OwnedFd;
use std::time::Duration;

/// The file that is linked: a name of our own, so that one left by a killed run is found.
const OWN: &str = ".occ-lock";
/// The time after which the holder of .pwd.lock is identified.
const SUSPICIOUS: Duration = Duration::from_secs(1);

/// Both locks of /etc, until dropped; functions that write account files take it.
#[derive(Debug)]
pub(crate) struct EtcLock {
    etc: Directory,
    linked: Vec<String>,
    file: Option<OwnedFd>,
}

impl EtcLock {
    /// `is_managed` tells whose processes may be killed: a person can stop
    /// setuid passwd(1) while it holds the lock, and then nobody could ever be
    /// shut out again.
    pub(crate) fn acquire(
        etc: &Directory,
        deadline: Deadline,
        is_managed: impl Fn(u32) -> bool,
    ) -> Result<Self, Error> {
        let path = etc.join(".pwd.lock");
        let file = match open_lock(etc, ".pwd.lock") {
            Ok(file) => file,
            // Nobody writes there: read-only, or immutable. The record of a person
            // who is to be shut out is still written; the attempt to write /etc
            // says the rest.
            Err(Errno::EROFS | Errno::EPERM) => return Self::missing(etc),
            Err(errno) => return Err(io("open", path)(errno)),
        };
        let while_held = || {
            if deadline.started.elapsed() >= SUSPICIOUS {
                kill_managed_holder(&file, &is_managed);
            }
        };
        let lock_as = |owner| lock_until(&file, owner, deadline, while_held);
        let locked = match lock_as(Owner::OpenFile) {
            Err(Errno::EINVAL) => lock_as(Owner::Process),
            other => other,
        };
        match locked {
            Ok(()) => (),
            Err(Errno::EAGAIN) => {
                let holder = holder(&file).map(Holder::from);
                return Err(Error::Busy { path, holder });
            }
            Err(errno) => return Err(io("lock", path)(errno)),
        }
        let mut lock = Self::missing(etc)?;
        lock.file = Some(file);
        clean_own(etc)?;
        match write_pid(etc, OWN) {
            Ok(()) => (),
            // A full disk must not keep a record from being written either, nor
            // must a directory that is immutable.
            Err(Errno::ENOSPC | Errno::EDQUOT | Errno::EPERM) => {
                etc.remove(OWN)?;
                return Ok(lock);
            }
            Err(errno) => return Err(io("write", etc.join(OWN))(errno)),
        }
        let linked = LOCKED_FILES
            .iter()
            .try_for_each(|name| lock.link(etc, name, deadline));
        etc.remove(OWN)?;
        linked.map(|()| lock)
    }

    /// No lock: for a boot that could not get it in time, and for a read-only /etc.
    pub(crate) fn missing(etc: &Directory) -> Result<Self, Error> {
        Ok(Self {
            etc: etc.open(".").map_err(io("open", &etc.path))?,
            linked: Vec::new(),
            file: None,
        })
    }

    /// Returns false for a boot that went on without.
    pub(crate) const fn is_held(&self) -> bool {
        self.file.is_some()
    }

    /// Takes `X.lock` as shadow does: a file with our pid under a name of its
    /// own, then link(2), which fails if somebody was first.
    fn link(&mut self, etc: &Directory, name: &str, deadline: Deadline) -> Result<(), Error> {
        let lock = format!("{name}.lock");
        loop {
            match linkat(etc, OWN, etc, lock.as_str(), AtFlags::empty()) {
                Ok(()) => {
                    self.linked.push(lock);
                    return Ok(());
                }
                Err(Errno::EEXIST) if is_stale(etc, &lock) => etc.remove(&lock)?,
                Err(Errno::EEXIST) if deadline.wait() => (),
                Err(Errno::EEXIST) => {
                    let pid = pid_in(etc, &lock).ok().flatten();
                    return Err(Error::Busy {
                        path: etc.join(&lock),
                        holder: pid.and_then(proc::Process::read).map(Holder::from),
                    });
                }
                Err(errno) => return Err(io("lock", etc.join(&lock))(errno)),
            }
        }
    }
}

impl Drop for EtcLock {
    fn drop(&mut self) {
        for lock in self.linked.iter().rev() {
            let _ = self.etc.remove(lock);
        }
    }
}

/// Deletes what killed programs left: only for PID 1 at boot, when nobody else
/// can be at work. A `useradd` killed at boot leaves its pid in a lock, and the
/// next boot's `useradd` has that very pid and waits for itself for ever.
pub(crate) fn clean_stale(etc: &Directory) -> Result<(), Error> {
    for name in LOCKED_FILES {
        etc.remove(&format!("{name}.lock"))?;
        etc.remove(&format!("{name}+"))?;
    }
    clean_own(etc)
}

/// Deletes what a killed run of ours left: whoever holds .pwd.lock is the only
/// one that has any.
fn clean_own(etc: &Directory) -> Result<(), Error> {
    for name in LOCKED_FILES {
        etc.remove(&format!("{TEMPORARY}{name}"))?;
        etc.remove(&format!("{TEMPORARY}{name}-"))?;
    }
    etc.remove(OWN)
}

/// Kills the holder of the lock if it runs for a managed account.
fn kill_managed_holder(file: &OwnedFd, is_managed: &impl Fn(u32) -> bool) {
    if let Some(holder) = holder(file).filter(|holder| is_managed(holder.real_uid)) {
        say(&format!(
            "killed process {} of uid {}: it held /etc/.pwd.lock",
            holder.pid, holder.real_uid
        ));
        proc::kill::kill_process(holder.pid);
    }
}

fn write_pid(etc: &Directory, name: &str) -> Result<(), Errno> {
    let file = etc.create(name, 0o600)?;
    // With the final NUL, as shadow writes and counts it.
    write_all(&file, format!("{}\0", own_pid()).as_bytes())
}

/// The pid in an `X.lock`, or `None` if it holds none.
fn pid_in(etc: &Directory, lock: &str) -> Result<Option<i32>, Errno> {
    let content = etc.open_file(lock).and_then(|file| read_all(&file, 32))?;
    let digits = content.split(|byte| !byte.is_ascii_digit()).next();
    Ok(digits.and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok()))
}

/// Returns true if no process can still hold this `X.lock`: its pid is dead, or ours, or was
/// given to a process that started after the lock was made. We hold .pwd.lock, so shadow's
/// own tools are not running.
fn is_stale(etc: &Directory, lock: &str) -> bool {
    let Ok(pid) = pid_in(etc, lock) else {
        return false;
    };
    let Some(pid) = pid.filter(|&pid| pid != own_pid()) else {
        return true;
    };
    let made = stat(etc, lock).ok().flatten().map(|stat| stat.st_mtime);
    match proc::Stat::read(pid).filter(|holder| !holder.has_ended()) {
        None => true,
        Some(holder) => made
            .zip(holder.started())
            .is_some_and(|(made, started)| started > made + 1),
    }
}
