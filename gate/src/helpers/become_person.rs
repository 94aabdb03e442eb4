//! Becoming a person, for opencode and for the shells of terminals: ids, limits, and the
//! check that the account lets them in. Opens no terminal, and knows no PAM.
//!
//! The account is looked at again after the change of ids: whoever shuts
//! somebody out edits passwd(5) and then kills what runs under that uid. A process
//! that became that uid in time is killed, a later one sees the new line.

use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;
use nix::errno::Errno;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::helpers::privilege;
use crate::processes::threads_of;
use crate::sys;

/// Exit statuses, for the monitor to tell a person what is wrong.
pub(crate) const NO_HOME: i32 = 71;
pub(crate) const NO_RESOURCES: i32 = 72;
pub(crate) const SHUT_OUT: i32 = 73;
/// PAM opens no session.
pub(crate) const NO_SESSION: i32 = 74;
/// The login shell did not come to the command.
pub(crate) const NO_LOGIN_SHELL: i32 = 75;
pub(crate) const CANNOT_INVOKE: i32 = 126;
pub(crate) const NOT_FOUND: i32 = 127;
/// The limits of processes between which the search for the least one goes.
const FEWEST: u64 = 64;
const MOST: u64 = 1 << 22;

/// The exit status and why.
pub(crate) type Failed = (i32, io::Error);

/// The person to become. Secrets are in the environment, which only that person can read;
/// argv is readable by everybody.
#[derive(Args)]
pub struct Options {
    #[arg(long)]
    pub(crate) name: String,
    #[arg(long)]
    uid: u32,
    #[arg(long)]
    gid: u32,
    #[arg(long, value_delimiter = ',')]
    groups: Vec<u32>,
    #[arg(long)]
    pub(crate) home: PathBuf,
    /// The login shell.
    #[arg(long)]
    pub(crate) shell: PathBuf,
    #[arg(long)]
    max_processes: u64,
    #[arg(long)]
    allow_setuid: bool,
    #[arg(long)]
    pub(crate) parent: i32,
}

/// Becomes the person, with no file for the next program but the first three. An account
/// that has changed since the monitor read it is an error.
pub(crate) fn become_person(options: &Options, parent: i32) -> Result<(), Failed> {
    change_ids(options, parent).map_err(|error| {
        let is_full = error.raw_os_error() == Some(Errno::EAGAIN as i32);
        (if is_full { NO_RESOURCES } else { 1 }, error)
    })?;
    if !is_still_open(options) {
        return Err((SHUT_OUT, io::Error::other("the account has changed")));
    }
    sys::close_rest_on_exec().map_err(|error| (1, error))
}

/// Becomes the program. Returns only when it fails: the exit status and why.
pub(crate) fn exec(command: &mut Command) -> Failed {
    let error = command.exec();
    match error.kind() {
        io::ErrorKind::NotFound => (NOT_FOUND, error),
        io::ErrorKind::PermissionDenied => (CANNOT_INVOKE, error),
        _ => (NO_RESOURCES, error),
    }
}

/// The name that makes a shell read the files of a login: login(1), sshd(8).
pub(crate) fn login_name(shell: &Path) -> String {
    let name = shell.file_name().unwrap_or_default().to_string_lossy();
    format!("-{name}")
}

fn change_ids(options: &Options, parent: i32) -> io::Result<()> {
    if !options.allow_setuid {
        privilege::set_no_new_privs()?;
    }
    if options.uid == 0 || options.gid == 0 || options.groups.contains(&0) {
        return Err(io::Error::other("root is nobody's account"));
    }
    privilege::become_somebody(options.uid, options.gid, &options.groups)?;
    limit_processes(options.uid, options.max_processes)?;
    privilege::set_parent_death_signal(parent)
}

/// Limits the person's processes. The kernel counts those of a uid on the whole machine,
/// other containers' too, so what runs elsewhere comes on top. It is counted exactly: with
/// anything more, each terminal opened after another one would raise the limit.
fn limit_processes(uid: u32, most: u64) -> io::Result<()> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NPROC)?;
    let elsewhere = match least_limit(hard)? {
        FEWEST => 0,
        least => least.saturating_sub(threads_of(uid)),
    };
    let limit = most.saturating_add(elsewhere).min(hard);
    // A lower one of pam_limits holds.
    Ok(setrlimit(Resource::RLIMIT_NPROC, limit.min(soft), limit)?)
}

/// The least limit with which one more process can be made, from [`FEWEST`] on. Needs the
/// person's uid, and no capability: else the kernel does not count.
fn least_limit(hard: u64) -> io::Result<u64> {
    let fork_with = |limit: u64| {
        setrlimit(Resource::RLIMIT_NPROC, limit.min(hard), hard)?;
        sys::try_to_fork()
    };
    if fork_with(FEWEST).is_ok() {
        return Ok(FEWEST);
    }
    fork_with(MOST)?;
    let (mut too_few, mut enough) = (FEWEST, MOST);
    while enough - too_few > 1 {
        let middle = u64::midpoint(too_few, enough);
        match fork_with(middle) {
            Ok(()) => enough = middle,
            Err(_) => too_few = middle,
        }
    }
    Ok(enough)
}

/// passwd(5) still has this name with this uid and a shell that lets in. Shadow
/// can't be read any more; occ-init changes both.
fn is_still_open(options: &Options) -> bool {
    use accounts::files::table;
    let Ok(passwd) = std::fs::read("/etc/passwd") else {
        return false;
    };
    let line =
        table::lines(&passwd).find(|line| table::name(line) == Some(options.name.as_bytes()));
    let fields = line.map(table::fields).unwrap_or_default();
    let &[_, _, uid, _, _, _, shell] = fields.as_slice() else {
        return false;
    };
    let shell = std::str::from_utf8(shell)
        .ok()
        .and_then(|shell| accounts::account::Shell::parse(shell).ok());
    table::number(uid) == Some(options.uid)
        && shell.is_some_and(|shell| !crate::shell::is_nologin(&shell))
}
