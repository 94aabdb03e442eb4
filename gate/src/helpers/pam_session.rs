//! `occ-gate pam-session`: opens a PAM session as root, starts a person's opencode in it
//! through their login shell, and closes it when that has ended.
//!
//! ```text
//! monitor ── pam-session (root) ── login shell, which becomes opencode (the person)
//! ```
//!
//! Nothing of the person's runs as root: their variables and those of PAM are set by the
//! child once it has their uid. A TERM from the monitor ends the child.

use std::collections::BTreeMap;
use std::ffi::{CStr, CString, OsStr, OsString};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};
use std::{env, io};

use clap::Args;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl, open};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
use nix::sys::stat::Mode;
use nix::unistd::setsid;

use crate::helpers::become_person::{self, Failed};
use crate::helpers::login_shell::{self, Handover};
use crate::helpers::own_limits::OwnLimits;
use crate::helpers::privilege;
use crate::helpers::session_child::{self, ChildEnd, SessionChild};
use crate::log;
use crate::sys::{PamSession, fork_into};

/// /etc/pam.d/occ
const SERVICE: &CStr = c"occ";
type Variables = BTreeMap<OsString, OsString>;

/// Numbers above those that shells and their files use.
const FIRST_FD: i32 = 60;
/// Further variables of the gate's, which PAM does not set either.
const OWN_PREFIXES: [&str; 2] = ["OCC_", "OPENCODE_SERVER_"];

/// The person, and how their opencode is started.
#[derive(Args)]
#[group(id = "session")]
pub struct Options {
    #[command(flatten)]
    person: become_person::Options,
    /// Start the program itself, not through the login shell.
    #[arg(long)]
    without_login_shell: bool,
    #[arg(last = true, required = true)]
    command: Vec<String>,
}

/// Ends with the status of what it started, or with one of `become_person`.
pub fn main(options: &Options) -> ExitCode {
    let status = run(options).unwrap_or_else(|(status, error)| {
        let name = &options.person.name;
        log::line(&format!("cannot start opencode for {name}: {error}"));
        status
    });
    ExitCode::from(u8::try_from(status).unwrap_or(1))
}

fn run(options: &Options) -> Result<i32, Failed> {
    let person = &options.person;
    let failed = |error: io::Error| (1, error);
    privilege::set_parent_death_signal(person.parent).map_err(failed)?;
    let limits = OwnLimits::before_pam().map_err(failed)?;
    let user = CString::new(person.name.as_str()).map_err(|error| failed(error.into()))?;
    let session = PamSession::open(SERVICE, &user).map_err(|text| {
        let text = format!("PAM opens no session: {text}");
        (become_person::NO_SESSION, io::Error::other(text))
    })?;
    let ended = run_child(options, &limits, session.environment());
    if let Err(text) = session.close() {
        log::line(&format!("cannot close the PAM session: {text}"));
    }
    ended
}

/// Starts opencode and waits for its end.
fn run_child(options: &Options, limits: &OwnLimits, pam: Vec<OsString>) -> Result<i32, Failed> {
    let person = &options.person;
    let failed = |error: io::Error| (1, error);
    let signals = signals().map_err(failed)?;
    let (ours, theirs) = channel().map_err(failed)?;
    let mut variables = merge(env::vars_os(), pam);
    if !options.without_login_shell {
        let handover = Handover::take_from(&mut variables, &options.command);
        handover.send(&ours).map_err(failed)?;
    }
    let parent = std::process::id().cast_signed();
    let child = fork_into(|| start(options, parent, limits, &variables, &theirs));
    let child = child.map_err(|error| (become_person::NO_RESOURCES, error))?;
    drop((theirs, variables));
    let child = SessionChild::new(child, ours, signals, !options.without_login_shell);
    Ok(match child.wait() {
        ChildEnd::Status(status) => status,
        ChildEnd::InLoginShell(why) => {
            let (shell, name) = (person.shell.display(), &person.name);
            log::line(&format!("{shell}, the login shell of {name}, {why}"));
            become_person::NO_LOGIN_SHELL
        }
    })
}

/// Blocks the signals that are waited for. An exec of the standard library's unblocks them.
fn signals() -> io::Result<SignalFd> {
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGCHLD);
    signals.add(Signal::SIGTERM);
    signals.thread_block()?;
    let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
    Ok(SignalFd::with_flags(&signals, flags)?)
}

fn channel() -> io::Result<(OwnedFd, OwnedFd)> {
    let pair = socketpair(
        AddressFamily::Unix,
        SockType::SeqPacket,
        None,
        SockFlag::SOCK_CLOEXEC,
    );
    Ok(pair?)
}

/// The environment of this process, and PAM's above it.
fn merge(own: impl Iterator<Item = (OsString, OsString)>, pam: Vec<OsString>) -> Variables {
    let mut all: Variables = own.collect();
    for entry in pam {
        let bytes = entry.as_bytes();
        let Some(at) = bytes.iter().position(|byte| *byte == b'=') else {
            continue;
        };
        let name = OsStr::from_bytes(&bytes[..at]);
        let text = name.to_string_lossy();
        let is_own = login_shell::DEFAULTS.contains(&text.as_ref())
            || OWN_PREFIXES.iter().any(|prefix| text.starts_with(prefix));
        if !is_own {
            let value = OsStr::from_bytes(&bytes[at + 1..]);
            all.insert(name.to_owned(), value.to_owned());
        }
    }
    all
}

/// In the child: becomes the person, then their login shell or the program itself.
/// Returns only when it fails: the exit status.
fn start(
    options: &Options,
    parent: i32,
    limits: &OwnLimits,
    variables: &Variables,
    wire: &OwnedFd,
) -> i32 {
    let (status, error) = match prepare(options, parent, limits, wire) {
        Err(failed) => failed,
        Ok(mut command) => {
            let failed = become_person::exec(command.env_clear().envs(variables));
            if !options.without_login_shell {
                // The end of a login shell that did not come to its command.
                log::line(&format!(
                    "cannot run '{}': {}",
                    options.person.shell.display(),
                    failed.1
                ));
                return failed.0;
            }
            failed
        }
    };
    let name = &options.person.name;
    log::line(&format!("cannot start opencode for {name}: {error}"));
    session_child::tell(wire.as_raw_fd(), status);
    status
}

fn prepare(
    options: &Options,
    parent: i32,
    limits: &OwnLimits,
    wire: &OwnedFd,
) -> Result<Command, Failed> {
    let failed = |errno: Errno| (1, io::Error::from(errno));
    // The group of the login shell and of what it starts can be ended with it.
    setsid().map_err(failed)?;
    limits.after_pam().map_err(|error| (1, error))?;
    let own_program = open(
        "/proc/self/exe",
        OFlag::O_PATH | OFlag::O_CLOEXEC,
        Mode::empty(),
    );
    let own_program = own_program.map_err(failed)?;
    become_person::become_person(&options.person, parent)?;
    env::set_current_dir(&options.person.home).map_err(|error| (become_person::NO_HOME, error))?;
    if options.without_login_shell {
        let mut command = Command::new(&options.command[0]);
        command.args(&options.command[1..]);
        return Ok(command);
    }
    // Copies that the login shell inherits.
    let inherited = |fd: &OwnedFd| fcntl(fd, FcntlArg::F_DUPFD(FIRST_FD)).map_err(failed);
    let (program, wire) = (inherited(&own_program)?, inherited(wire)?);
    let shell = &options.person.shell;
    let mut command = Command::new(shell);
    // The command is written alike for all shells, and holds nothing that others may not
    // read.
    command.arg0(become_person::login_name(shell)).arg("-c");
    command.arg(format!(
        "exec /proc/self/fd/{program} start-opencode {wire}"
    ));
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pam_sets_variables_but_none_of_the_gates() {
        let own = [("HOME", "/home/alice"), ("LANG", "C"), ("PATH", "/bin")];
        let own = own.map(|(name, value)| (name.into(), value.into()));
        let pam = [
            "LANG=de_DE.UTF-8",
            "EDITOR=a=b",
            "HOME=/root",
            "OPENCODE_SERVER_PASSWORD=x",
            "OPENCODE_SERVER_USERNAME=x",
            "no variable",
        ];
        let all = merge(own.into_iter(), pam.map(OsString::from).to_vec());
        let all: Vec<_> = all
            .iter()
            .map(|(name, value)| (name.to_str().unwrap(), value.to_str().unwrap()))
            .collect();
        let expected = [
            ("EDITOR", "a=b"),
            ("HOME", "/home/alice"),
            ("LANG", "de_DE.UTF-8"),
            ("PATH", "/bin"),
        ];
        assert_eq!(all, expected);
    }
}
