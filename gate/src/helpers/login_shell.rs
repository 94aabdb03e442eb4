//! `occ-gate start-opencode`: the command of a person's login shell. Runs as the person,
//! after the files of their shell, and becomes opencode with the environment, umask and
//! limits that those left.
//!
//! The secret comes here past the login shell, so that no file of the shell can lose or
//! replace it, and nothing that such a file starts inherits it.

use std::collections::BTreeMap;
use std::env;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use clap::Args;
use nix::sys::socket::{MsgFlags, recv, send};
use nix::unistd::{AccessFlags, access};
use serde::{Deserialize, Serialize};

use crate::helpers::{become_person, session_child};
use crate::log;
use crate::sys;

/// Variables that the person's files cannot set: those of opencode's server.
const FIXED: [&str; 2] = ["OPENCODE_SERVER_PASSWORD", "OPENCODE_DISABLE_AUTOUPDATE"];
const REMOVED: &str = "OPENCODE_SERVER_USERNAME";
/// Variables that the monitor gives every person: PAM does not set them, and they come back
/// when the person's files unset them.
pub(crate) const DEFAULTS: [&str; 6] = [
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "TMPDIR",
    "XDG_RUNTIME_DIR",
];
/// More than any of these variables can be long.
const LONGEST: usize = 192 * 1024;

/// What the login shell inherits.
#[derive(Args)]
pub struct Options {
    /// The socket of the handover.
    wire: i32,
}

/// The program to become, and the variables that it gets past the login shell.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Handover {
    command: Vec<String>,
    fixed: BTreeMap<String, String>,
    defaults: BTreeMap<String, String>,
    /// The search path before the files of the login shell.
    path: String,
}

impl Handover {
    /// Takes the fixed variables out of an environment, and copies the others.
    pub(crate) fn take_from(
        variables: &mut BTreeMap<OsString, OsString>,
        command: &[String],
    ) -> Self {
        let text = |value: &OsString| value.to_string_lossy().into_owned();
        let pair = |name: &str, value: OsString| Some((name.to_owned(), text(&value)));
        let mut take = |name: &&str| pair(name, variables.remove(OsStr::new(name))?);
        let fixed = FIXED.iter().filter_map(&mut take).collect();
        let copy = |name: &&str| pair(name, variables.get(OsStr::new(name))?.clone());
        Self {
            command: command.to_vec(),
            fixed,
            defaults: DEFAULTS.iter().filter_map(copy).collect(),
            path: variables
                .get(OsStr::new("PATH"))
                .map(text)
                .unwrap_or_default(),
        }
    }

    /// Leaves it for the process at the other end.
    pub(crate) fn send(&self, wire: &OwnedFd) -> io::Result<()> {
        let bytes = serde_json::to_vec(self)?;
        send(wire.as_raw_fd(), &bytes, MsgFlags::MSG_NOSIGNAL)?;
        Ok(())
    }

    fn receive(wire: i32) -> io::Result<Self> {
        let mut bytes = vec![0; LONGEST];
        let count = recv(wire, &mut bytes, MsgFlags::empty())?;
        Ok(serde_json::from_slice(&bytes[..count])?)
    }
}

/// Returns only when it fails.
pub fn main(options: &Options) -> ExitCode {
    let (status, error) = run(options.wire);
    log::line(&format!("cannot start opencode: {error}"));
    ExitCode::from(u8::try_from(status).unwrap_or(1))
}

fn run(wire: i32) -> (i32, io::Error) {
    let handover = match Handover::receive(wire) {
        Ok(handover) => handover,
        Err(error) => return (1, error),
    };
    let [name, arguments @ ..] = handover.command.as_slice() else {
        return (1, io::ErrorKind::InvalidInput.into());
    };
    session_child::tell(wire, 0);
    if let Err(error) = sys::close_rest_on_exec() {
        return (1, error);
    }
    let unset =
        |(name, _): &(&String, &String)| env::var_os(name).is_none_or(|value| value.is_empty());
    let mut command = Command::new(find(name, &handover.path).unwrap_or(name.into()));
    command
        .args(arguments)
        .env_remove(REMOVED)
        .env(
            "PATH",
            joined(&env::var("PATH").unwrap_or_default(), &handover.path),
        )
        .envs(handover.defaults.iter().filter(unset))
        .envs(&handover.fixed);
    become_person::exec(&mut command)
}

/// The program by the search path that the login shell began with: its files decide what
/// opencode finds, not which opencode it is.
fn find(name: &str, path: &str) -> Option<PathBuf> {
    env::split_paths(path)
        .map(|directory| directory.join(name))
        .find(|program| program.is_file() && access(program, AccessFlags::X_OK).is_ok())
}

/// A search path with the directories of another one that it lacks at its end: /etc/profile
/// sets a path of its own, and programs that the image has elsewhere would be lost.
fn joined(path: &str, other: &str) -> String {
    let mut all: Vec<&str> = path.split(':').filter(|part| !part.is_empty()).collect();
    for part in other.split(':').filter(|part| !part.is_empty()) {
        if !all.contains(&part) {
            all.push(part);
        }
    }
    all.join(":")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_goes_past_the_login_shell() {
        let all = [
            ("HOME", "/home/alice"),
            ("PATH", "/bin"),
            ("OPENCODE_SERVER_PASSWORD", "s3cret"),
            ("KEY", "x"),
        ];
        let mut variables = all.map(|(name, value)| (name.into(), value.into())).into();
        let handover = Handover::take_from(&mut variables, &["opencode".to_owned()]);
        let names: Vec<_> = variables
            .keys()
            .map(|name| name.to_str().unwrap())
            .collect();
        assert_eq!(names, ["HOME", "KEY", "PATH"]);
        assert_eq!(handover.fixed["OPENCODE_SERVER_PASSWORD"], "s3cret");
        assert_eq!(handover.defaults["HOME"], "/home/alice");
        assert_eq!(handover.path, "/bin");
        let bytes = serde_json::to_vec(&handover).unwrap();
        assert_eq!(
            serde_json::from_slice::<Handover>(&bytes).unwrap(),
            handover
        );
    }

    #[test]
    fn a_search_path_keeps_the_images_directories() {
        assert_eq!(
            joined("/home/a/bin:/bin", "/opt/x:/bin:"),
            "/home/a/bin:/bin:/opt/x"
        );
        assert_eq!(joined("", "/usr/bin:/bin"), "/usr/bin:/bin");
        assert_eq!(joined("/bin", ""), "/bin");
    }
}
