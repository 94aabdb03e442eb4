//! `occ-gate web`: starts as root with two sockets, becomes the account of the
//! web half for good, and only then lets it run. There is no secret of the
//! monitor's in this process: it was exec'ed, not forked.

use std::io;
use std::net::TcpListener;
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;

use clap::Args;
use nix::fcntl::{OFlag, open};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::stat::Mode;
use nix::unistd::{dup2_stdin, dup2_stdout};

use crate::helpers::privilege;
use crate::log;

/// The ids to become, and the monitor's pid.
#[derive(Args)]
pub struct Options {
    #[arg(long)]
    uid: u32,
    #[arg(long)]
    gid: u32,
    #[arg(long)]
    parent: i32,
}

/// Runs the web half with its end of the wire and the listening socket.
pub fn main(options: &Options, web: impl FnOnce(UnixStream, TcpListener) -> ExitCode) -> ExitCode {
    match drop_all(options).and_then(|()| sockets()) {
        Ok((wire, listener)) => web(wire, listener),
        Err(error) => {
            log::line(&format!("cannot start the web half: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn drop_all(options: &Options) -> io::Result<()> {
    if options.uid == 0 || options.gid == 0 {
        return Err(io::Error::other("it must not be root"));
    }
    raise_open_files()?;
    privilege::set_no_new_privs()?;
    privilege::become_somebody(options.uid, options.gid, &[])?;
    // After the change of ids, which undoes both.
    privilege::protect_secrets()?;
    privilege::set_parent_death_signal(options.parent)
}

/// Raises the limit of open files to its hard limit: a thousand browsers need two
/// each, and the soft limit is often 1024.
fn raise_open_files() -> io::Result<()> {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    Ok(setrlimit(Resource::RLIMIT_NOFILE, most, most)?)
}

/// Takes stdin and stdout over; from then on they are /dev/null.
fn sockets() -> io::Result<(UnixStream, TcpListener)> {
    let wire = io::stdin().as_fd().try_clone_to_owned()?;
    let listener = io::stdout().as_fd().try_clone_to_owned()?;
    let null = open("/dev/null", OFlag::O_RDWR | OFlag::O_CLOEXEC, Mode::empty())?;
    dup2_stdin(&null)?;
    dup2_stdout(&null)?;
    Ok((wire.into(), listener.into()))
}
