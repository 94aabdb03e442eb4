//! `occ`: runs opencode's container and calls occ-init in it.
//!
//! Parses, runs one command, prints an error once and exits with its code. Everything
//! about accounts is asked of occ-init; occ never edits a file in the container.
//!
//! Rooms, each importing only those below it:
//! commands/ one file a command · session.rs settings and engine of one run · cli/ the
//! command line, types only · swap/ a container for another · image/ build and pull ·
//! occ_init/ asks the container's occ-init · engine/ the connection, containers, exec ·
//! config/ the configuration file · ui/ answers, questions, signals · error/ errors and their hints ·
//! text/ what others wrote, made safe to show
#![forbid(unsafe_code)]

mod cli;
mod commands;
mod config;
mod engine;
mod error;
mod image;
mod occ_init;
mod session;
mod swap;
mod text;
mod ui;

use std::io::Write;
use std::process::ExitCode;

use accounts::wire::{ErrorCode, ErrorKind, ErrorReply};
use clap::error::{ContextKind, ErrorKind as ClapKind};
use clap::{ArgMatches, CommandFactory, Parser};

use crate::cli::{Cli, Command, Global, Reset, Update};
use crate::commands::{
    backup, completions, doctor, man, reset, shell, start, status, stop_restart_logs, update, user,
};
use crate::error::{Error, Result};
use crate::session::Session;
use crate::ui::{interrupt, out, secret, show};

fn main() -> ExitCode {
    secret::keep_out_of_core_dumps();
    completions::answer();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let screen = session::screen(&cli.global);
    out::address(cli.global.options());
    let code = run(cli).unwrap_or_else(|error| {
        screen.error(&error.lines(), &error.reply());
        ExitCode::from(error.kind().exit_code())
    });
    written(code)
}

/// The exit code, which is never success where an answer is missing.
fn written(code: ExitCode) -> ExitCode {
    if out::is_complete() || code != ExitCode::SUCCESS {
        return code;
    }
    ExitCode::from(ErrorKind::Failed.exit_code())
}

/// Prints help and version, which are answers; the rest is exit 2, as a document too
/// where one was asked for.
fn usage(error: &clap::Error) -> ExitCode {
    let is_answer = matches!(
        error.kind(),
        ClapKind::DisplayHelp | ClapKind::DisplayVersion
    );
    let printed = error.print();
    if is_answer {
        let _ = printed
            .and_then(|()| std::io::stdout().flush())
            .map_err(out::lose);
        return written(ExitCode::SUCCESS);
    }
    let unknown = match error.kind() {
        ClapKind::InvalidSubcommand => error.get(ContextKind::InvalidSubcommand),
        ClapKind::UnknownArgument => error.get(ContextKind::InvalidArg),
        _ => None,
    };
    let unknown = unknown.map(ToString::to_string);
    if let Some(verb) = unknown.as_ref().filter(|word| is_misplaced(word)) {
        let line = below_user(std::env::args().skip(1), verb);
        out::note(&format!("hint: accounts are below `user`: `occ {line}`"));
    }
    if wants_json(std::env::args()) {
        show::json(&usage_reply(&error.to_string(), unknown));
    }
    ExitCode::from(2)
}

fn usage_reply(text: &str, unknown: Option<String>) -> ErrorReply {
    // Arguments that are missing stand on lines of their own.
    let message = text.lines().take_while(|line| !line.is_empty());
    let message = message.map(str::trim).collect::<Vec<_>>().join(" ");
    let message = message.trim_start_matches("error: ").to_owned();
    let mut reply = Error::Usage {
        message,
        hint: "`occ --help` shows what there is".into(),
    }
    .reply();
    reply.error.code = unknown.as_ref().map(|_| ErrorCode::UnknownArgument);
    reply.error.name = unknown;
    reply
}

/// Returns true for a command that is there, but below `user`, where no command was
/// typed yet.
fn is_misplaced(word: &str) -> bool {
    let mut cli = Cli::command().ignore_errors(true);
    let is_first = |matches: ArgMatches| matches.subcommand_name().is_none();
    cli.try_get_matches_from_mut(std::env::args())
        .is_ok_and(is_first)
        && cli
            .find_subcommand("user")
            .is_some_and(|user| user.find_subcommand(word).is_some())
}

/// The command line up to `verb`, with `user` before it. The rest may hold a secret that
/// somebody wrote where none belongs; a verb that needs a name has its help.
fn below_user(args: impl Iterator<Item = String>, verb: &str) -> String {
    let before = args.take_while(|word| word != verb);
    let stands_alone = ["add", "export", "import", "list"].contains(&verb);
    let help = (!stands_alone).then(|| "--help".to_owned());
    let words = before
        .chain(["user".to_owned(), verb.to_owned()])
        .chain(help);
    let words = words.map(|word| text::word(&word).into_owned());
    words.collect::<Vec<_>>().join(" ")
}

fn wants_json(args: impl Iterator<Item = String>) -> bool {
    let args: Vec<String> = args.collect();
    let is_flag = |arg: &String| {
        let words = ["--json", "-ojson", "-o=json", "--output=json"];
        words.contains(&arg.as_str())
    };
    let is_pair = |pair: &[String]| {
        let [option, format] = pair else { return false };
        matches!(option.as_str(), "-o" | "--output") && format == "json"
    };
    args.iter().any(is_flag) || args.windows(2).any(is_pair)
}

fn run(cli: Cli) -> Result<ExitCode> {
    let screen = session::screen(&cli.global);
    match cli.command {
        Command::Config(command) => {
            commands::config::run(screen, cli.global.container.as_deref(), &command)?;
        }
        Command::Completions { shell } => completions::print(shell)?,
        Command::Man { directory } => man::run(screen, &directory)?,
        command => return with_engine(&cli.global, command),
    }
    Ok(ExitCode::SUCCESS)
}

fn with_engine(global: &Global, command: Command) -> Result<ExitCode> {
    interrupt::install()
        .map_err(|error| Error::failed(format!("cannot wait for signals: {error}"), ""))?;
    let mut session = match command {
        Command::Doctor => Session::for_doctor(global)?,
        _ => Session::new(global)?,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::failed(format!("cannot start: {error}"), ""))?;
    runtime.block_on(async {
        session.resolve_id().await?;
        dispatch(&session, command).await
    })
}

async fn dispatch(session: &Session, command: Command) -> Result<ExitCode> {
    match command {
        Command::User(command) => return user::run(session, command).await,
        Command::Start(command) => start::run(session, &command).await?,
        Command::Stop(options) => stop_restart_logs::stop(session, options).await?,
        Command::Restart(command) => {
            stop_restart_logs::restart(session, command.wait_timeout).await?;
        }
        Command::Status => {
            if !status::run(session).await? {
                return Ok(ExitCode::from(ErrorKind::NotRunning.exit_code()));
            }
        }
        Command::Logs(command) => stop_restart_logs::logs(session, &command).await?,
        Command::Update(Update::Container(command)) => {
            Box::pin(update::run(session, &command)).await?;
        }
        Command::Shell(command) => {
            return shell::run(session, command.name.as_deref()).await;
        }
        Command::Doctor => return Box::pin(doctor::run(session)).await,
        Command::Reset(Reset::Container(options)) => reset::run(session, options).await?,
        Command::Backup(command) => return backup::run(session, &command).await,
        // Done already, without an engine.
        Command::Config(_) | Command::Completions { .. } | Command::Man { .. } => {}
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_argument_is_named_in_the_document() {
        let error = Cli::try_parse_from(["occ", "user", "show"]).unwrap_err();
        let reply = usage_reply(&error.to_string(), None);
        assert!(reply.error.message.ends_with("<NAME>"), "{reply:?}");
    }

    #[test]
    fn a_misplaced_command_is_shown_where_it_belongs() {
        let args = ["--host", "unix:///a b", "add", "alice", "--password", "x"];
        assert_eq!(
            below_user(args.map(str::to_owned).into_iter(), "add"),
            "--host 'unix:///a b' user add"
        );
        let args = ["passwd", "alice"].map(str::to_owned).into_iter();
        assert_eq!(below_user(args, "passwd"), "user passwd --help");
    }

    #[test]
    fn a_usage_error_is_a_document_where_one_was_asked_for() {
        let args = |line: &str| wants_json(line.split(' ').map(str::to_owned));
        assert!(args("occ user ad --json"));
        assert!(args("occ -o json user ad"));
        assert!(args("occ user ad --output=json"));
        assert!(!args("occ user ad -o table"));
    }
}
