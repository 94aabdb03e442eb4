//! Completion in the shell: `occ` itself is asked at each TAB, so names of
//! accounts are those that are in the container at that moment.

use std::ffi::OsStr;
use std::time::Duration;

use accounts::account::Username;
use clap::{Command, CommandFactory, FromArgMatches};
use clap_complete::engine::{ArgValueCandidates, ArgValueCompleter, CompletionCandidate};
use clap_complete::env::{Bash, CompleteEnv, EnvCompleter, Fish, Zsh};

use crate::cli::{Cli, CompletionShell, Global};
use crate::config::{Key, parse_container};
use crate::engine::{self, identity};
use crate::error::{Error, Result};
use crate::session::Session;
use crate::text;
use crate::ui::show;

/// Set by the shell's part when it asks.
const VARIABLE: &str = "OCC_COMPLETE";
/// Nobody waits longer after TAB; the names as last seen are better than none.
const PATIENCE: Duration = Duration::from_secs(2);

/// Answers the shell and ends, if it is the shell that asks.
pub(crate) fn answer() {
    CompleteEnv::with_factory(|| with_completers(Cli::command()))
        .var(VARIABLE)
        .bin("occ")
        .completer("occ")
        .complete();
}

/// Says of each argument that names an account or a key what completes it; the
/// definition in cli/ knows no engine.
fn with_completers(command: Command) -> Command {
    let is_add = command.get_name() == "add";
    command
        .mut_args(|arg| match arg.get_id().as_str() {
            "name" | "names" if !is_add => arg.add(ArgValueCompleter::new(account_names)),
            "key" => arg.add(ArgValueCandidates::new(keys)),
            "container" => arg.add(ArgValueCompleter::new(containers)),
            "context" => arg.add(ArgValueCompleter::new(contexts)),
            _ => arg,
        })
        .mut_subcommands(with_completers)
}

/// The shell's part, for its start-up file.
pub(crate) fn print(shell: CompletionShell) -> Result<()> {
    let completer: &dyn EnvCompleter = match shell {
        CompletionShell::Bash => &Bash,
        CompletionShell::Zsh => &Zsh,
        CompletionShell::Fish => &Fish,
    };
    let mut script = Vec::new();
    completer
        .write_registration(VARIABLE, "occ", "occ", "occ", &mut script)
        .map_err(|error| {
            let word = completer.name();
            Error::failed(format!("cannot write completions for {word}: {error}"), "")
        })?;
    show::line(String::from_utf8_lossy(&script).trim_end());
    Ok(())
}

/// Accounts whose names begin so; for [`clap_complete`].
fn account_names(begun: &OsStr) -> Vec<CompletionCandidate> {
    let Some(session) = session() else {
        return Vec::new();
    };
    let names = within_patience(async {
        let init = session.occ_init().await.ok()?;
        let reply = init.accounts().await.ok()?;
        let names = reply.accounts.into_iter().map(|account| account.user_name);
        Some(names.collect())
    });
    let names = names.unwrap_or_else(|| session.known_users().to_vec());
    candidates(names, begun, |name| Username::parse(name).is_ok())
}

/// Containers of occ whose names begin so.
fn containers(begun: &OsStr) -> Vec<CompletionCandidate> {
    let names = session().and_then(|session| {
        within_patience(async {
            let docker = session.docker().await.ok()?;
            identity::all_names(&docker).await.ok()
        })
    });
    let is_name = |name: &str| parse_container(name).is_ok();
    candidates(names.unwrap_or_default(), begun, is_name)
}

/// Contexts of docker whose names begin so.
fn contexts(begun: &OsStr) -> Vec<CompletionCandidate> {
    let is_name = |name: &str| text::word(name) == name;
    candidates(engine::context_names(), begun, is_name)
}

/// The shell puts a candidate into the command line as it is. A container may answer
/// anything: what is no name is not offered, so nothing needs a quote.
fn candidates(
    names: Vec<String>,
    begun: &OsStr,
    is_name: impl Fn(&str) -> bool,
) -> Vec<CompletionCandidate> {
    let begun = begun.to_string_lossy();
    let offered = names
        .into_iter()
        .filter(|name| name.starts_with(&*begun) && is_name(name));
    offered.map(CompletionCandidate::new).collect()
}

/// The session of the line that is being typed.
fn session() -> Option<Session> {
    let words = std::env::args().skip_while(|word| word != "--").skip(1);
    Session::new(&typed(words)?).ok()
}

fn keys() -> Vec<CompletionCandidate> {
    let words = Key::words().into_iter();
    words.map(CompletionCandidate::new).collect()
}

/// Reads which container is meant from what has been typed so far.
fn typed(words: impl Iterator<Item = String>) -> Option<Global> {
    let command = Cli::command().ignore_errors(true);
    let matches = command.try_get_matches_from(words).ok()?;
    Global::from_arg_matches(&matches).ok()
}

/// The names that are asked for; `None` if they do not come in time.
fn within_patience(listed: impl Future<Output = Option<Vec<String>>>) -> Option<Vec<String>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .ok()?;
    runtime.block_on(async { tokio::time::timeout(PATIENCE, listed).await.ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_are_offered() {
        let names = [
            "alice",
            "alice;touch X;:",
            "al\u{1b}[2J",
            "$(id)",
            "bob",
            "al ice",
        ];
        let names = names.map(str::to_owned).to_vec();
        let is_name = |name: &str| Username::parse(name).is_ok();
        let offered = |begun: &str| candidates(names.clone(), OsStr::new(begun), is_name);
        let all = offered("");
        let all: Vec<_> = all.iter().map(CompletionCandidate::get_value).collect();
        assert_eq!(all, ["alice", "bob"]);
        assert_eq!(offered("al").len(), 1);
    }

    #[test]
    fn typed_words_name_container_and_engine() {
        let words = |line: &str| typed(line.split(' ').map(str::to_owned)).unwrap();
        assert_eq!(words("occ user show al").container, None);
        let global = words("occ --container box --host unix:///x user show");
        assert_eq!(global.container.as_deref(), Some("box"));
        assert_eq!(global.host.as_deref(), Some("unix:///x"));
    }
}
