//! Runs an admin command and prints its result: text for people, one line of JSON for
//! programs, and the exit code of the error's kind.

mod check;
mod output;
mod resync;
mod user;

pub(crate) use output::Output;

use crate::boot::bootstrap_env::FirstAccount;
use crate::cli::admin::{Cli, Command, User};
use crate::error::{Error, chain};
use crate::log::{print, say};
use crate::proc;
use crate::restore::summary::Summary;
use crate::restore::{Caller, Paths, ReadOnlySession, Session};
use crate::status::file::tell_restore;
use crate::sys::Environment;
use accounts::wire::{self, ErrorBody, ErrorCode, ErrorKind, ErrorReply};
use clap::Parser;
use clap::error::ContextKind;
use nix::sys::stat::{Mode, umask};
use resync::resync;
use std::ffi::OsString;
use std::io::Write as _;

/// Answers restore, check and user; `args` is the whole argv.
pub(crate) fn main(args: Vec<OsString>, env: &mut Environment) -> u8 {
    let wants_json = args.iter().any(|arg| arg == "--json");
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) if error.use_stderr() => return usage_error(&error, wants_json),
        Err(help) => return print(&help.render().to_string()),
    };
    crate::password::protect_process();
    // What is made has the mode that it is made with, whatever the caller's was.
    umask(Mode::S_IWGRP | Mode::S_IWOTH);
    match dispatch(&cli, env) {
        Ok(Output { text, json, status }) => {
            let said = if cli.global.json { json } else { text };
            if said.is_empty() {
                status
            } else {
                print(&format!("{said}\n")).max(status)
            }
        }
        Err(error) => fail(&error, cli.global.json),
    }
}

fn dispatch(cli: &Cli, env: &mut Environment) -> Result<Output, Error> {
    let paths = cli.global.paths();
    match &cli.command {
        Command::Restore { dry_run: true, .. } => {
            Ok(check::dry_run(&ReadOnlySession::read(&paths)?, &paths))
        }
        Command::Restore { boot: true, .. } => boot(&paths, cli.global.quiet, env),
        Command::Restore { capture: true, .. } => resync(&paths, cli.global.quiet),
        Command::Restore { .. } => restore(&paths, cli.global.quiet),
        Command::Check => Ok(check::check(&ReadOnlySession::read(&paths)?, &paths)),
        Command::User(User::Sweep { uid }) => {
            let status = proc::kill::kill_child(*uid);
            Ok(Output {
                status,
                ..Output::default()
            })
        }
        Command::User(command) => user::run(command, &paths, &cli.global),
    }
}

fn restore(paths: &Paths, quiet: bool) -> Result<Output, Error> {
    let summary = Session::begin_restore(paths, Caller::Command)?.restore(&|| ())?;
    tell_restore(paths, &summary);
    let mut lines = summary.told();
    if !quiet {
        lines.insert(0, summary.line());
    }
    let document = serde_json::json!({ "schema": wire::SCHEMA, "restore": summary });
    Ok(Output::new(lines.join("\n"), &document))
}

/// PID 1 reads standard output: every line is a sign of life, the last one the
/// summary. People read standard error.
fn boot(paths: &Paths, quiet: bool, env: &mut Environment) -> Result<Output, Error> {
    // Before anything else, so that the secrets are gone from our environment.
    let first = FirstAccount::take(env);
    let sign_of_life = || {
        print("\n");
    };
    let mut session = Session::begin_restore(paths, Caller::Boot)?;
    let made = first_account(&mut session, first);
    let mut summary = session.restore(&sign_of_life)?;
    session.print_marks();
    drop(session);
    let mut status = 0;
    if let Err(error) = &made {
        let why = format!("the first account is not made: {}", chain(error));
        summary.problems.insert(0, why);
        status = error.kind().exit_code();
    }
    say_summary(&summary, quiet);
    Ok(Output {
        status,
        ..Output::for_pid1(&summary)
    })
}

fn say_summary(summary: &Summary, quiet: bool) {
    if !quiet {
        say(&summary.line());
    }
    for problem in summary.told() {
        say(&problem);
    }
}

/// Makes it where no account ever was. Anywhere else it is none of the environment's business
/// who logs in with what, and what it says is no error: its secret may be gone by now.
fn first_account(
    session: &mut Session,
    first: Result<Option<FirstAccount>, Error>,
) -> Result<(), Error> {
    match &first {
        Ok(None) => return Ok(()),
        Ok(Some(first)) => first.warning().iter().for_each(|warning| say(warning)),
        Err(_) => {}
    }
    if !session.store().is_new()? {
        return Ok(());
    }
    first?.map_or(Ok(()), |first| user::make_first(session, &first))
}

/// Says an error once, with its causes and what to do next.
fn fail(error: &Error, json: bool) -> u8 {
    let (code, name) = error.code().unzip();
    let body = ErrorBody {
        code,
        name,
        ..ErrorBody::new(error.kind(), chain(error), error.hint())
    };
    say(&body.message);
    if !body.hint.is_empty() {
        write_stderr(&format!("hint: {}\n", body.hint));
    }
    if json {
        print_error(body);
    }
    error.kind().exit_code()
}

fn usage_error(error: &clap::Error, json: bool) -> u8 {
    let text = error.render().to_string();
    write_stderr(&text);
    if json {
        // Without a subcommand clap shows the help instead of an error.
        let first = text.lines().find_map(|line| line.strip_prefix("error: "));
        let message = first.unwrap_or("a command is needed").to_owned();
        let name = unknown_argument(error);
        print_error(ErrorBody {
            code: name.as_ref().map(|_| ErrorCode::UnknownArgument),
            name,
            ..ErrorBody::new(ErrorKind::Usage, message, "occ-init --help".into())
        });
    }
    ErrorKind::Usage.exit_code()
}

/// The command or option that clap does not know.
fn unknown_argument(error: &clap::Error) -> Option<String> {
    let what = match error.kind() {
        clap::error::ErrorKind::UnknownArgument => ContextKind::InvalidArg,
        clap::error::ErrorKind::InvalidSubcommand => ContextKind::InvalidSubcommand,
        _ => return None,
    };
    error.get(what).map(ToString::to_string)
}

fn print_error(error: ErrorBody) {
    let reply = ErrorReply {
        schema: wire::SCHEMA,
        error,
    };
    let json = serde_json::to_string(&reply).unwrap_or_default();
    print(&format!("{json}\n"));
}

fn write_stderr(text: &str) {
    let _ = std::io::stderr().write_all(text.as_bytes());
}
