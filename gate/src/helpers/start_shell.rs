//! `occ-gate start-shell`: starts as root, becomes a person, ends as the login shell in
//! their terminal. Stdin is the terminal.

use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};
use std::{env, io};

use nix::errno::Errno;
use nix::sys::resource::{Resource, setrlimit};

use crate::helpers::become_person::{self, Failed, Options};
use crate::helpers::own_limits::OPEN_FILES;
use crate::helpers::privilege;
use crate::log;

/// Returns only when it fails.
pub fn main(options: &Options) -> ExitCode {
    let (status, error) = match prepare(options) {
        Err(failed) => failed,
        Ok(mut command) => become_person::exec(&mut command),
    };
    log::line(&format!(
        "cannot start '{}' for {}: {error}",
        options.shell.display(),
        options.name
    ));
    ExitCode::from(u8::try_from(status).unwrap_or(1))
}

fn prepare(options: &Options) -> Result<Command, Failed> {
    own_terminal()
        .and_then(|()| privilege::protect_secrets())
        .and_then(|()| limit_open_files())
        .map_err(|error| (1, error))?;
    become_person::become_person(options, options.parent)?;
    enter_home(options).map_err(|error| (become_person::NO_HOME, error))?;
    let mut command = Command::new(&options.shell);
    command.arg0(become_person::login_name(&options.shell));
    Ok(command)
}

/// Makes stdin the controlling terminal of a session of its own (tty_ioctl(4)).
fn own_terminal() -> io::Result<()> {
    nix::unistd::setsid()?;
    Ok(rustix::process::ioctl_tiocsctty(io::stdin())?)
}

fn limit_open_files() -> io::Result<()> {
    match setrlimit(Resource::RLIMIT_NOFILE, OPEN_FILES, OPEN_FILES) {
        Ok(()) | Err(Errno::EPERM) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

/// A terminal opens without a home too, as login(1) does it: there it may be mended.
fn enter_home(options: &Options) -> io::Result<()> {
    env::set_current_dir(&options.home).or_else(|error| {
        let home = options.home.display();
        log::line(&format!("cannot enter '{home}': {error}; starting in '/'"));
        env::set_current_dir("/")
    })
}
