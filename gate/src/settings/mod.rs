//! The settings of both halves: options, each with an `OCC_GATE_…` variable as its
//! twin. A value that cannot be used is an error that names the variable; a
//! variable that is set but empty counts as unset.

use std::ffi::OsStr;
use std::net::{IpAddr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use clap::builder::Resettable;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ArgAction, Args, Command, Parser};
use ipnet::IpNet;

use crate::log::{self, Level};
use crate::web::http::host::Authority;

const PREFIX: &str = "OCC_GATE_";
/// A gate's name is at most this long: it is part of every request.
const LONGEST_NAME: usize = 64;
const LONGEST_TIME: Duration = Duration::from_secs(3650 * 24 * 60 * 60);

/// Lists in one value. Aliases, so that clap takes the value whole.
type Hosts = Vec<String>;
type Networks = Vec<IpNet>;

/// The settings of both halves.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[expect(clippy::struct_excessive_bools, reason = "one for each switch")]
pub struct Settings {
    /// Address and port of the login
    #[arg(long, env = "OCC_GATE_LISTEN", value_name = "ADDRESS:PORT", value_parser = address, default_value = "0.0.0.0:3000")]
    pub(crate) listen: SocketAddr,

    /// Host names it answers to besides localhost and *.localhost, such as
    /// code.example.com
    #[arg(long, env = "OCC_GATE_HOSTS", value_name = "NAME,…", value_parser = hosts, default_value = "")]
    pub(crate) hosts: Hosts,

    /// Proxies whose X-Forwarded-* headers are trusted, such as 10.0.0.0/8
    #[arg(long, env = "OCC_GATE_TRUSTED_PROXIES", value_name = "ADDRESS,…", value_parser = networks, default_value = "")]
    pub(crate) trusted_proxies: Networks,

    /// Part of the cookies' names, because cookies ignore ports
    #[arg(long, env = "OCC_GATE_NAME", value_name = "NAME", value_parser = name, default_value = "opencode")]
    pub(crate) name: String,

    /// A session that is not used ends after this time
    #[arg(long, env = "OCC_GATE_SESSION_IDLE", value_name = "TIME", value_parser = time, default_value = "7d")]
    pub(crate) session_idle: Duration,

    /// A session ends after this time at the latest
    #[arg(long, env = "OCC_GATE_SESSION_LIMIT", value_name = "TIME", value_parser = time, default_value = "30d")]
    pub(crate) session_limit: Duration,

    /// An opencode that nobody uses and nothing works in (no agent, no program in a
    /// terminal) stops after this time
    #[arg(long, env = "OCC_GATE_IDLE", value_name = "TIME", value_parser = time, default_value = "30m")]
    pub(crate) idle: Duration,

    /// Processes and threads of one person
    #[arg(long, env = "OCC_GATE_MAX_PROCESSES", value_name = "NUMBER", value_parser = processes, default_value = "4096")]
    pub(crate) max_processes: u64,

    /// With 1, sudo and passwd work in opencode's shells
    #[arg(long, env = "OCC_GATE_ALLOW_SETUID", value_name = "0|1", value_parser = switch, action = ArgAction::Set, default_value = "0")]
    pub(crate) allow_setuid: bool,

    /// With 0, the first account can't be made in the browser
    #[arg(long, env = "OCC_GATE_FIRST_ACCOUNT", value_name = "0|1", value_parser = switch, action = ArgAction::Set, default_value = "1")]
    pub(crate) first_account: bool,

    /// With 0, no token of a program is good and none is made
    #[arg(long, env = "OCC_GATE_TOKENS", value_name = "0|1", value_parser = switch, action = ArgAction::Set, default_value = "1")]
    pub(crate) tokens: bool,

    /// With 0, opencode's page has no button of ours for account, terminal and logout
    #[arg(long, env = "OCC_GATE_BAR", value_name = "0|1", value_parser = switch, action = ArgAction::Set, default_value = "1")]
    pub(crate) bar: bool,

    /// With 0, nobody can turn on the second step of their login; where it is on, it stays
    #[arg(long, env = "OCC_GATE_SECOND_STEP", value_name = "0|1", value_parser = switch, action = ArgAction::Set, default_value = "1")]
    pub(crate) second_step: bool,

    /// With 0, nobody logs in with a passkey and none is added
    #[arg(long, env = "OCC_GATE_PASSKEYS", value_name = "0|1", value_parser = switch, action = ArgAction::Set, default_value = "1")]
    pub(crate) passkeys: bool,

    /// With debug, the log tells the steps of each login, and what was refused
    #[arg(long, env = "OCC_GATE_LOG", value_name = "info|debug", value_parser = level, default_value = "info")]
    pub(crate) log: Level,
}

/// A value that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("'{}': must be {wanted}", .value.escape_debug())]
struct Invalid {
    value: String,
    wanted: &'static str,
}

/// Reads the command line and the environment. A bad setting is logged; anything
/// else that is wrong with the command line ends the process with clap's message.
pub fn read<T: Parser>() -> Result<T, ExitCode> {
    let matches = T::command().mut_args(ignore_empty).try_get_matches();
    matches
        .and_then(|matches| T::from_arg_matches(&matches))
        .map_err(|error| match bad_setting(&error) {
            Some(line) => {
                log::line(&line);
                ExitCode::FAILURE
            }
            None => error.exit(),
        })
}

impl Settings {
    /// Makes this process log as much as they say.
    pub fn set_log_level(&self) {
        self.log.set();
    }

    /// Reads options alone, for tests.
    pub fn from_options(options: &[&str]) -> Result<Self, String> {
        let command = Self::augment_args(Command::new("occ-gate").no_binary_name(true));
        let matches = command
            .mut_args(|arg| arg.env(Resettable::Reset))
            .try_get_matches_from(options);
        matches
            .and_then(|matches| clap::FromArgMatches::from_arg_matches(&matches))
            .map_err(|error| bad_setting(&error).unwrap_or_else(|| error.to_string()))
    }
}

/// Returns whether a variable looks like one of ours and is none: most likely it
/// is mistyped.
pub(crate) fn is_unknown(variable: &str) -> bool {
    let command = Settings::augment_args(Command::new("occ-gate"));
    let mut known = command.get_arguments().filter_map(clap::Arg::get_env);
    variable.starts_with(PREFIX) && !known.any(|name| name == variable)
}

fn ignore_empty(arg: clap::Arg) -> clap::Arg {
    let is_empty = |name: &OsStr| std::env::var_os(name).is_some_and(|value| value.is_empty());
    if arg.get_env().is_some_and(is_empty) {
        arg.env(Resettable::Reset)
    } else {
        arg.hide_env_values(true)
    }
}

/// The line for a value that cannot be used: `invalid OCC_GATE_IDLE '1': must be …`.
fn bad_setting(error: &clap::Error) -> Option<String> {
    let Some(ContextValue::String(option)) = error.get(ContextKind::InvalidArg) else {
        return None;
    };
    let invalid = std::error::Error::source(error)?.downcast_ref::<Invalid>()?;
    let option = option.split(' ').next()?.strip_prefix("--")?;
    let name = option.to_ascii_uppercase().replace('-', "_");
    (error.kind() == ErrorKind::ValueValidation)
        .then(|| format!("invalid {PREFIX}{name} {invalid}"))
}

/// Parses a value by `parse`, which returns `None` for what cannot be used.
fn checked<T>(
    value: &str,
    wanted: &'static str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<T, Invalid> {
    parse(value).ok_or_else(|| Invalid {
        value: value.to_owned(),
        wanted,
    })
}

/// Parses each word of a list; words are divided by commas or spaces.
fn list<T>(
    value: &str,
    wanted: &'static str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Vec<T>, Invalid> {
    let words = value.split([',', ' ']).filter(|word| !word.is_empty());
    words.map(|word| checked(word, wanted, &parse)).collect()
}

fn address(value: &str) -> Result<SocketAddr, Invalid> {
    let wanted = "an address and port such as 0.0.0.0:3000";
    checked(value, wanted, |value| value.parse().ok())
}

fn hosts(value: &str) -> Result<Hosts, Invalid> {
    let wanted = "host names such as code.example.com or code.example.com:8443";
    list(value, wanted, |word| {
        Authority::parse(word).map(|host| host.as_str().to_owned())
    })
}

fn networks(value: &str) -> Result<Networks, Invalid> {
    list(value, "addresses such as 10.0.0.2 or 10.0.0.0/8", |word| {
        let address = word.parse::<IpAddr>().map(IpNet::from);
        address.ok().or_else(|| word.parse().ok())
    })
}

fn name(value: &str) -> Result<String, Invalid> {
    let wanted = "at most 64 bytes: it stands in the names of cookies";
    checked(value, wanted, |value| {
        (value.len() <= LONGEST_NAME).then(|| value.to_owned())
    })
}

fn time(value: &str) -> Result<Duration, Invalid> {
    let wanted = "a time such as 90s, 30m, 12h or 7d, at most 3650d";
    checked(value, wanted, |value| {
        let time = humantime::parse_duration(value).ok()?;
        (Duration::from_secs(1)..=LONGEST_TIME)
            .contains(&time)
            .then_some(time)
    })
}

fn processes(value: &str) -> Result<u64, Invalid> {
    checked(value, "a number from 64 on", |value| {
        value.parse().ok().filter(|number| *number >= 64)
    })
}

fn level(value: &str) -> Result<Level, Invalid> {
    checked(value, "info or debug", |value| match value {
        "info" => Some(Level::Info),
        "debug" => Some(Level::Debug),
        _ => None,
    })
}

fn switch(value: &str) -> Result<bool, Invalid> {
    checked(value, "0 or 1", |value| match value {
        "0" => Some(false),
        "1" => Some(true),
        _ => None,
    })
}

#[cfg(test)]
mod tests;
