//! Giving up root, for good: each step is checked, and none is left out because
//! an earlier one "must have done it". Whoever calls these has one thread.

use std::collections::BTreeSet;
use std::io;

use nix::sys::prctl;
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::Signal;
use nix::sys::stat::{Mode, umask};
use nix::unistd::{
    Gid, Uid, getgroups, getppid, getresgid, getresuid, setgroups, setresgid, setresuid,
};
use rustix::thread::{
    CapabilitySet, CapabilitySets, clear_ambient_capability_set,
    remove_capability_from_bounding_set, set_capabilities,
};

/// For every process that holds secrets: no core dump, no ptrace, no
/// /proc/PID/mem or environ for others of its uid.
pub(crate) fn protect_secrets() -> io::Result<()> {
    setrlimit(Resource::RLIMIT_CORE, 0, 0)?;
    prctl::set_dumpable(false)?;
    umask(Mode::from_bits_truncate(0o077));
    Ok(())
}

/// Becomes somebody else, with no capability left and no way back.
pub(crate) fn become_somebody(uid: u32, gid: u32, groups: &[u32]) -> io::Result<()> {
    let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
    let new_groups: Vec<Gid> = groups.iter().copied().map(Gid::from_raw).collect();
    setgroups(&new_groups)?;
    setresgid(gid, gid, gid)?;
    setresuid(uid, uid, uid)?;
    drop_capabilities()?;
    if has_become(uid, gid, groups)? {
        Ok(())
    } else {
        Err(io::Error::other("the kernel did not change the ids"))
    }
}

/// Drops every capability: effective, permitted, inheritable and ambient ones.
fn drop_capabilities() -> io::Result<()> {
    let none = CapabilitySet::empty();
    let sets = CapabilitySets {
        effective: none,
        permitted: none,
        inheritable: none,
    };
    set_capabilities(None, sets)?;
    Ok(clear_ambient_capability_set()?)
}

/// Empties the bounding set, as far as this process may: without CAP_SETPCAP the
/// kernel says no, and no_new_privs has to do.
fn drop_bounding_set() {
    for number in 0..u64::BITS {
        let capability = CapabilitySet::from_bits_retain(1 << number);
        if remove_capability_from_bounding_set(capability).is_err() {
            return;
        }
    }
}

fn has_become(uid: Uid, gid: Gid, groups: &[u32]) -> io::Result<bool> {
    let (uids, gids) = (getresuid()?, getresgid()?);
    let uid_is_set = [uids.real, uids.effective, uids.saved] == [uid; 3];
    let gid_is_set = [gids.real, gids.effective, gids.saved] == [gid; 3];
    let have: BTreeSet<u32> = getgroups()?.iter().map(|gid| gid.as_raw()).collect();
    let want: BTreeSet<u32> = groups.iter().copied().collect();
    // Without root's powers there must be no way back to them.
    let root = Uid::from_raw(0);
    let way_back = !uid.is_root() && setresuid(root, root, root).is_ok();
    Ok(uid_is_set && gid_is_set && have == want && !way_back)
}

/// Nothing that is exec'ed from here on gains anything: no setuid program, no
/// file capability.
pub(crate) fn set_no_new_privs() -> io::Result<()> {
    drop_bounding_set();
    Ok(prctl::set_no_new_privs()?)
}

/// Dies with the process that started it. A change of ids undoes this, so it
/// comes after; the parent may be gone by then.
pub(crate) fn set_parent_death_signal(parent: i32) -> io::Result<()> {
    prctl::set_pdeathsig(Signal::SIGKILL)?;
    if getppid().as_raw() == parent {
        Ok(())
    } else {
        Err(io::Error::other("whoever started this is gone"))
    }
}
