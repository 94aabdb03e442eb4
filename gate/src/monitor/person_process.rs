//! A process that becomes a person: its ids, limits and variables, alike for opencode and
//! for the shell of a terminal. Starts nothing.

use std::env;
use std::ffi::{CString, OsString};
use std::io;

use nix::unistd::{Gid, getgrouplist};
use tokio::process::Command;

use super::accounts::Person;
use super::subprocess;
use crate::helpers::tmpdir::Tmpdirs;
use crate::settings::Settings;

/// Variables of the container that are not for people: ours, and secrets of the
/// boot. All others pass, for example the key of a provider.
const WITHHELD: [&str; 5] = [
    "OCC_",
    "OPENCODE_BOOTSTRAP_",
    "OPENCODE_SERVER_",
    "LISTEN_",
    "XDG_",
];

/// The bounds of people's processes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Allowed {
    setuid: bool,
    max_processes: u64,
}

impl Allowed {
    pub(crate) fn of(settings: &Settings) -> Self {
        Self {
            setuid: settings.allow_setuid,
            max_processes: settings.max_processes,
        }
    }
}

/// `occ-gate PART`, with the options of `helpers::become_person` and the person's variables.
pub(crate) fn command(
    part: &str,
    person: &Person,
    allowed: Allowed,
    tmpdirs: &Tmpdirs,
) -> io::Result<Command> {
    let mut command = subprocess::command(part);
    command
        .args(options(person, allowed)?)
        .envs(passed(env::vars_os()))
        .env("HOME", person.home.as_str())
        .env("USER", person.name.as_str())
        .env("LOGNAME", person.name.as_str())
        .env("SHELL", person.shell.as_str())
        .env("TMPDIR", &tmpdirs.tmp)
        .env("XDG_RUNTIME_DIR", &tmpdirs.runtime);
    Ok(command)
}

fn options(person: &Person, allowed: Allowed) -> io::Result<Vec<String>> {
    let name = CString::new(person.name.as_str())?;
    let groups = getgrouplist(&name, Gid::from_raw(person.gid))?;
    let groups: Vec<String> = groups.iter().map(ToString::to_string).collect();
    let mut options: Vec<String> = [
        ("--name", person.name.as_str().to_owned()),
        ("--uid", person.uid.to_string()),
        ("--gid", person.gid.to_string()),
        ("--groups", groups.join(",")),
        ("--home", person.home.as_str().to_owned()),
        ("--shell", person.shell.as_str().to_owned()),
        ("--max-processes", allowed.max_processes.to_string()),
        ("--parent", std::process::id().to_string()),
    ]
    .into_iter()
    .map(|(option, value)| format!("{option}={value}"))
    .collect();
    if allowed.setuid {
        options.push("--allow-setuid".to_owned());
    }
    Ok(options)
}

/// The container's variables that are for people.
fn passed(
    all: impl Iterator<Item = (OsString, OsString)>,
) -> impl Iterator<Item = (OsString, OsString)> {
    all.filter(|(name, _)| {
        let name = name.to_string_lossy();
        !WITHHELD.iter().any(|prefix| name.starts_with(prefix))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_for_people_is_withheld() {
        let all = [
            ("PATH", true),
            ("LANG", true),
            ("ANTHROPIC_API_KEY", true),
            ("OCC_GATE_HOSTS", false),
            ("OCC_INIT_GRACE", false),
            ("OPENCODE_BOOTSTRAP_PASSWORD", false),
            ("OPENCODE_SERVER_PASSWORD", false),
            ("OPENCODE_DISABLE_SHARE", true),
            ("XDG_RUNTIME_DIR", false),
        ];
        for (name, is_passed) in all {
            let found = passed([(name.into(), "x".into())].into_iter());
            assert_eq!(found.count() == 1, is_passed, "{name}");
        }
    }
}
