//! `occ shell`: a login shell in the container, at this terminal.
//!
//! occ-init cleans the environment in there before it becomes the person; the
//! terminal here is raw meanwhile, and is put back however it ends.

use std::io::{IsTerminal, Read, Write};
use std::process::ExitCode;

use accounts::wire::{AccountReply, AccountView, Status};
use bollard::Docker;
use bollard::exec::CreateExecOptions;
use bollard::query_parameters::ResizeExecOptionsBuilder;
use futures_util::StreamExt;
use tokio::io::AsyncWriteExt;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::{Receiver, channel};

use crate::commands::user::with_nearest;
use crate::engine::exec::{self, Input, Output};
use crate::error::{Error, Result};
use crate::occ_init::{self, OccInit};
use crate::session::Session;
use crate::text;
use crate::ui::{interrupt, terminal};

/// Keys that nobody types, so that none is held back: docker's own are Ctrl-P
/// Ctrl-Q, and Ctrl-P is the line before.
const DETACH: &str = "ctrl-^,ctrl-^,ctrl-^";
/// bash where the image has it.
const ROOTS_SHELL: &str = "command -v bash >/dev/null && exec bash -l; exec sh -l";

/// Opens the shell; its status is ours.
pub(crate) async fn run(session: &Session, name: Option<&str>) -> Result<ExitCode> {
    let name = name.filter(|name| *name != "root");
    if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        return Err(Error::Usage {
            message: "a shell needs a terminal".into(),
            hint: format!(
                "for a script: `docker exec --user {} {} id`",
                name.unwrap_or("root"),
                text::word(&session.container)
            ),
        });
    }
    if let Some(name) = name {
        crate::commands::user::check_names(&[name.to_owned()])?;
    }
    let init = session.occ_init().await?;
    let (command, home) = match name {
        Some(name) => of_account(&enabled(&init, name, session.known_users()).await?),
        None => (of_root(), "/root".to_owned()),
    };
    let code = at_terminal(&init, command, home).await?;
    Ok(ExitCode::from(u8::try_from(code).unwrap_or(1)))
}

/// The account, which has to be let in.
async fn enabled(init: &OccInit, name: &str, known: &[String]) -> Result<AccountView> {
    let reply: Result<AccountReply> = init.call(occ_init::user("show", [name])).await;
    let reply = reply.map_err(|error| with_nearest(error, known))?;
    match reply.account.status {
        Status::Enabled => Ok(reply.account),
        Status::Disabled => Err(Error::Refused {
            message: format!("user '{name}' is disabled"),
            hint: format!("`occ user enable {name}` lets them in again"),
        }),
        Status::Expired => Err(Error::Refused {
            message: format!("the account of user '{name}' has expired"),
            hint: format!("`occ user set {name} --expires never` lets them in again"),
        }),
    }
}

fn through_init(user: &str, words: &[&str]) -> Vec<String> {
    let init = [occ_init::PATH, "run", "--no-restore", "--user", user, "--"];
    let words = init.iter().chain(words);
    words.map(|&word| word.to_owned()).collect()
}

fn of_account(account: &AccountView) -> (Vec<String>, String) {
    let command = through_init(&account.user_name, &[&account.shell, "-l"]);
    (command, account.home_directory.clone())
}

fn of_root() -> Vec<String> {
    through_init("root", &["/bin/sh", "-c", ROOTS_SHELL])
}

async fn at_terminal(init: &OccInit, command: Vec<String>, home: String) -> Result<i64> {
    let docker = &init.docker;
    let term = std::env::var("TERM").unwrap_or_else(|_| "xterm".to_owned());
    let options = CreateExecOptions {
        attach_stdin: Some(true),
        tty: Some(true),
        working_dir: Some(home),
        env: Some(vec![format!("TERM={term}")]),
        detach_keys: Some(DETACH.into()),
        cmd: Some(command),
        ..CreateExecOptions::default()
    };
    let attached = exec::attach(docker, &init.container.id, options).await;
    let (id, output, input) = attached.map_err(|error| init.named(error))?;
    {
        let _notice = interrupt::notice("the shell has ended");
        let _raw = terminal::raw()
            .map_err(|error| Error::failed(format!("cannot use the terminal: {error}"), ""))?;
        talk(docker, &id, output, input).await?;
    }
    exec::exit_code(docker, &id).await
}

/// Carries keys and output until the shell ends.
async fn talk(docker: &Docker, id: &str, mut output: Output, mut input: Input) -> Result<()> {
    let mut keys = keys();
    let mut sizes = signal(SignalKind::window_change())
        .map_err(|error| Error::failed(format!("cannot wait for signals: {error}"), ""))?;
    resize(docker, id).await;
    loop {
        tokio::select! {
            chunk = output.next() => match chunk {
                Some(Ok(chunk)) => {
                    let mut stdout = std::io::stdout();
                    if stdout.write_all(chunk.as_ref()).and_then(|()| stdout.flush()).is_err() {
                        return Ok(());
                    }
                }
                Some(Err(error)) => return Err(Error::engine("read from the shell")(error)),
                None => return Ok(()),
            },
            Some(typed) = keys.recv() => {
                // It has ended; its output tells.
                let _ = input.write_all(&typed).await;
                let _ = input.flush().await;
            }
            Some(()) = sizes.recv() => resize(docker, id).await,
        }
    }
}

/// Keys as they are typed. The thread ends with the program: nothing can wake a read.
fn keys() -> Receiver<Vec<u8>> {
    let (typed, keys) = channel(16);
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(length @ 1..) = std::io::stdin().read(&mut buffer) {
            if typed.blocking_send(buffer[..length].to_vec()).is_err() {
                break;
            }
        }
    });
    keys
}

/// A shell that has ended already has no size.
async fn resize(docker: &Docker, id: &str) {
    let Some((width, height)) = terminal::size() else {
        return;
    };
    let options = ResizeExecOptionsBuilder::default()
        .w(i32::from(width))
        .h(i32::from(height))
        .build();
    let _ = docker.resize_exec(id, options).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shell_of_an_account_runs_through_occ_init() {
        assert_eq!(
            through_init("alice", &["/bin/bash", "-l"]).join(" "),
            "/usr/local/bin/occ-init run --no-restore --user alice -- /bin/bash -l"
        );
    }
}
