//! `occ-gate token`, for administrators, run as root: lists and revokes the tokens of
//! people's programs. Reads the monitor's file and leaves requests to it; writes nothing
//! else, and knows no token, only digests.

use std::io::Write as _;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use accounts::account::{date_of, whole_days};
use accounts::wire::{ErrorBody, ErrorCode, ErrorKind, ErrorReply, SCHEMA, TokenView, TokensReply};
use clap::{Args, Subcommand};
use serde::Serialize;

use crate::log::{self, harmless};
use crate::monitor::access::file;
use crate::monitor::files;
use crate::wire::{AccessEntry, Handle, Time};

/// The monitor is told by inotify; where there is none it looks every 5 s.
const PATIENCE: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(20);
const USEC: u64 = 1_000_000;

/// The commands on tokens.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List a person's tokens
    List(List),
    /// Revoke tokens of a person; what uses them is cut off
    Revoke(Revoke),
}

/// Options of `token list`.
#[derive(Debug, Args)]
pub struct List {
    /// Name of the account
    name: String,
    /// Answer with one line of JSON
    #[arg(long)]
    json: bool,
}

/// Options of `token revoke`.
#[derive(Debug, Args)]
pub struct Revoke {
    /// Name of the account
    name: String,
    /// The token's id, from `token list`
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    id: Option<String>,
    /// All of the person's tokens
    #[arg(long)]
    all: bool,
    /// Answer with one line of JSON
    #[arg(long)]
    json: bool,
}

/// Runs a command; the exit code is that of its error.
pub fn main(command: &Command) -> ExitCode {
    let (answer, is_json) = match command {
        Command::List(options) => (list(&options.name), options.json),
        Command::Revoke(options) => (revoke(options), options.json),
    };
    let (written, code) = match (&answer, is_json) {
        (Ok(reply), true) => (json(reply), 0),
        (Ok(reply), false) => (write(&text(reply)), 0),
        (Err(error), is_json) => {
            log::line(&error.message);
            if !error.hint.is_empty() {
                log::line(&format!("hint: {}", error.hint));
            }
            let reply = ErrorReply {
                schema: SCHEMA,
                error: error.clone(),
            };
            (!is_json || json(&reply), error.kind.exit_code())
        }
    };
    if written {
        ExitCode::from(code)
    } else {
        ExitCode::FAILURE
    }
}

fn json(document: &impl Serialize) -> bool {
    // None of these documents has a key that is no text.
    let document = serde_json::to_string(document).unwrap_or_default();
    write(&format!("{document}\n"))
}

fn write(text: &str) -> bool {
    std::io::stdout().write_all(text.as_bytes()).is_ok()
}

fn list(name: &str) -> Result<TokensReply, ErrorBody> {
    Ok(TokensReply::list(name, views(&entries(name)?)))
}

fn revoke(options: &Revoke) -> Result<TokensReply, ErrorBody> {
    let name = &options.name;
    let mut entries = entries(name)?;
    if let Some(id) = &options.id {
        entries.retain(|entry| file::show_id(entry.handle) == *id);
        if entries.is_empty() {
            let message = format!("'{name}' has no token '{id}'");
            let hint = format!("'occ-gate token list {name}' shows them");
            return Err(ErrorBody::new(ErrorKind::NotFound, message, hint));
        }
    }
    let ids: Vec<Handle> = entries.iter().map(|entry| entry.handle).collect();
    for id in &ids {
        let failed = |error| {
            ErrorBody::new(
                ErrorKind::Failed,
                format!("cannot ask for the revocation: {error}"),
                String::new(),
            )
        };
        file::request(*id).map_err(failed)?;
    }
    wait(&ids)?;
    Ok(TokensReply::revoked(name, views(&entries)))
}

/// Waits until the monitor has done it.
fn wait(ids: &[Handle]) -> Result<(), ErrorBody> {
    let start = Instant::now();
    while ids.iter().any(|id| file::is_requested(*id)) {
        if start.elapsed() > PATIENCE {
            let message = "the login does not answer; it revokes what was asked for as soon as it runs and can write to its volume";
            let hint = "look at the container's log";
            return Err(ErrorBody::new(
                ErrorKind::Busy,
                message.to_owned(),
                hint.to_owned(),
            ));
        }
        std::thread::sleep(LOOK_EVERY);
    }
    Ok(())
}

/// A person's tokens, also where the account is gone and they are not over yet.
fn entries(name: &str) -> Result<Vec<AccessEntry>, ErrorBody> {
    if !nix::unistd::geteuid().is_root() {
        let message = "must be root, to read what the login keeps".to_owned();
        return Err(ErrorBody::new(ErrorKind::Refused, message, String::new()));
    }
    let table = file::read().map_err(|error| {
        ErrorBody::new(ErrorKind::Failed, error.to_string(), file::HINT.to_owned())
    })?;
    let entries = table.entries(name);
    if entries.is_empty() && !files::is_account(name) {
        return Err(ErrorBody {
            code: Some(ErrorCode::NoSuchAccount),
            name: Some(name.to_owned()),
            ..ErrorBody::new(
                ErrorKind::NotFound,
                format!("no such account '{name}'"),
                "'occ-init user list' shows all".to_owned(),
            )
        });
    }
    Ok(entries)
}

fn views(entries: &[AccessEntry]) -> Vec<TokenView> {
    let usec = |time: Time| time.saturating_mul(USEC);
    let view = |entry: &AccessEntry| TokenView {
        id: file::show_id(entry.handle),
        name: entry.name.as_str().to_owned(),
        made_usec: usec(entry.made),
        ends_usec: usec(entry.ends),
        last_use_usec: entry.last_use.map(|used| usec(used.at)),
        last_use_address: entry.last_use.map(|used| used.address.to_string()),
    };
    entries.iter().map(view).collect()
}

/// One line each: id, days, name.
fn text(reply: &TokensReply) -> String {
    let day = |usec| date_of(whole_days(usec));
    let line = |token: &TokenView| {
        let used = match (token.last_use_usec, &token.last_use_address) {
            (Some(usec), Some(address)) => format!("last used {} from {address}", day(usec)),
            _ => "never used".to_owned(),
        };
        let (made, ends) = (day(token.made_usec), day(token.ends_usec));
        let verb = if reply.changed.is_some() {
            "revoked  "
        } else {
            ""
        };
        let name = harmless(&token.name);
        format!(
            "{verb}{}  made {made}  ends {ends}  {used}  {name}\n",
            token.id
        )
    };
    reply.tokens.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{AccessName, LastUse};

    #[test]
    fn lists_are_lines_and_obey_nobody() {
        let entry = |number, last_use| AccessEntry {
            handle: Handle(number),
            name: AccessName::try_from(Box::from("laptop")).unwrap(),
            made: 1_790_000_000,
            ends: 1_797_776_000,
            last_use,
        };
        let used = LastUse {
            at: 1_790_100_000,
            address: [192, 0, 2, 1].into(),
        };
        let views = views(&[entry(0xab, Some(used)), entry(1, None)]);
        let reply = TokensReply::list("alice", views.clone());
        assert_eq!(
            text(&reply),
            "000000ab  made 2026-09-21  ends 2026-12-20  last used 2026-09-22 from 192.0.2.1  laptop\n\
             00000001  made 2026-09-21  ends 2026-12-20  never used  laptop\n"
        );
        let mut reply = TokensReply::revoked("alice", views[1..].to_vec());
        reply.tokens[0].name = "\u{1b}[2J".to_owned();
        assert_eq!(
            text(&reply),
            "revoked  00000001  made 2026-09-21  ends 2026-12-20  never used  ?[2J\n"
        );
        assert_eq!(TokensReply::revoked("alice", vec![]).changed, Some(false));
    }
}
