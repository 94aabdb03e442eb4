//! `occ`: runs opencode's container and calls occ-init in it.
//!
//! Parse, run, say an error once, exit with its code. Everything that occ
//! knows about accounts it asks occ-init; it never edits a file in there.
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
mod ui;

use std::process::ExitCode;

use clap::error::ErrorKind as ClapKind;
use clap::{CommandFactory, Parser};

use crate::cli::{Cli, Command, Reset, Update};
use crate::error::{Error, Result};
use crate::session::Session;

fn main() -> ExitCode {
    ui::secret::keep_out_of_core_dumps();
    commands::completions::answer();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let screen = session::screen(&cli.global);
    match run(cli) {
        Ok(code) => code,
        Err(error) => {
            screen.error(&error.text(), &error.reply());
            ExitCode::from(error.kind().exit_code())
        }
    }
}

/// Help and version are answers; the rest is exit 2, as a document too where
/// one was asked for.
fn usage(error: &clap::Error) -> ExitCode {
    let _ = error.print();
    if let Some(verb) = misplaced(error) {
        ui::show::note(&format!(
            "hint: accounts are below `user`: `occ user {verb}`"
        ));
    }
    match error.kind() {
        ClapKind::DisplayHelp | ClapKind::DisplayVersion => ExitCode::SUCCESS,
        _ => {
            if wants_json(std::env::args()) {
                let text = error.to_string();
                let message = text
                    .lines()
                    .next()
                    .unwrap_or_default()
                    .trim_start_matches("error: ")
                    .to_owned();
                let usage = Error::Usage {
                    message,
                    hint: "`occ --help` shows what there is".into(),
                };
                ui::show::json(&usage.reply());
            }
            ExitCode::from(2)
        }
    }
}

/// A command that is there, but below `user`.
fn misplaced(error: &clap::Error) -> Option<String> {
    use clap::error::{ContextKind, ContextValue};
    let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidSubcommand) else {
        return None;
    };
    let cli = Cli::command();
    // Only at the top: below `user` clap itself knows best.
    let usage = error.to_string();
    let user = cli.find_subcommand("user")?;
    let is_verb = user.find_subcommand(word).is_some();
    (is_verb && usage.contains("Usage: occ [OPTIONS]")).then(|| word.clone())
}

fn wants_json(args: impl Iterator<Item = String>) -> bool {
    let args: Vec<String> = args.collect();
    let pairs = args
        .windows(2)
        .any(|pair| matches!(pair[0].as_str(), "-o" | "--output") && pair[1] == "json");
    pairs
        || args.iter().any(|arg| {
            matches!(
                arg.as_str(),
                "--json" | "-ojson" | "-o=json" | "--output=json"
            )
        })
}

fn run(cli: Cli) -> Result<ExitCode> {
    if let Some(done) = without_engine(&cli) {
        return done.map(|()| ExitCode::SUCCESS);
    }
    ui::interrupt::install()
        .map_err(|error| Error::failed(format!("cannot wait for signals: {error}"), ""))?;
    let session = Session::new(&cli.global)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::failed(format!("cannot start: {error}"), ""))?;
    runtime.block_on(dispatch(&session, cli.command))
}

/// Commands that need no engine, and no runtime.
fn without_engine(cli: &Cli) -> Option<Result<()>> {
    match &cli.command {
        Command::Config(command) => {
            Some(commands::config::run(session::screen(&cli.global), command))
        }
        Command::Completions { shell } => Some(commands::completions::print(*shell)),
        Command::Man { directory } => {
            Some(commands::man::run(session::screen(&cli.global), directory))
        }
        _ => None,
    }
}

async fn dispatch(session: &Session, command: Command) -> Result<ExitCode> {
    match command {
        Command::User(command) => return commands::user::run(session, command).await,
        Command::Start(command) => commands::start::run(session, &command).await?,
        Command::Stop => commands::stop_restart_logs::stop(session).await?,
        Command::Restart(command) => {
            commands::stop_restart_logs::restart(session, command.wait_timeout).await?
        }
        Command::Status => {
            let running = commands::status::run(session).await?;
            let kind = accounts::wire::ErrorKind::NotRunning;
            return Ok(if running {
                ExitCode::SUCCESS
            } else {
                ExitCode::from(kind.exit_code())
            });
        }
        Command::Logs(command) => commands::stop_restart_logs::logs(session, &command).await?,
        Command::Update(Update::Container(command)) => {
            Box::pin(commands::update::run(session, &command)).await?;
        }
        Command::Shell(command) => {
            return commands::shell::run(session, command.name.as_deref()).await;
        }
        Command::Doctor => return Box::pin(commands::doctor::run(session)).await,
        Command::Reset(Reset::Container(options)) => commands::reset::run(session, options).await?,
        Command::Backup(command) => return commands::backup::run(session, &command).await,
        Command::Config(_) | Command::Completions { .. } | Command::Man { .. } => {}
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_usage_error_is_a_document_where_one_was_asked_for() {
        let args = |line: &str| wants_json(line.split(' ').map(str::to_owned));
        assert!(args("occ user ad --json"));
        assert!(args("occ -o json user ad"));
        assert!(args("occ user ad --output=json"));
        assert!(!args("occ user ad -o table"));
    }
}
