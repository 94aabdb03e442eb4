//! `occ stop`, `occ restart`, `occ logs`.

use std::io::{IsTerminal, Write};

use bollard::container::LogOutput;
use bollard::query_parameters::{LogsOptionsBuilder, RestartContainerOptionsBuilder};
use futures_util::StreamExt;

use crate::cli::{Logs, Stop};
use crate::commands::ready;
use crate::engine::container;
use crate::engine::identity;
use crate::error::{Error, Result};
use crate::session::Session;
use crate::swap::{checks, health, managed};
use crate::text;
use crate::ui::progress::Progress;
use crate::ui::{interrupt, out};

/// Stops the container; nothing to stop is fine.
pub(crate) async fn stop(session: &Session, options: Stop) -> Result<()> {
    let docker = session.docker().await?;
    let name = &session.container;
    let (changed, message) = match identity::find(&docker, name).await? {
        None => (false, format!("There is no container '{name}'.")),
        Some(found) if matches!(found.state.as_str(), "exited" | "created" | "dead") => (
            false,
            format!("Container '{}' is stopped already.", found.name),
        ),
        Some(found) => {
            if let Some(inspected) = identity::inspect_ours(&docker, &found).await? {
                managed::refuse_task(&inspected, |service| {
                    format!("`docker service scale {service}=0` stops it")
                })?;
            }
            let _notice =
                interrupt::notice("the container may still be stopping; look with `occ status`");
            let progress = Progress::new(session.screen);
            progress.step(&format!("Stopping container '{}'", found.name));
            container::stop_within(&docker, &found.id, options.time).await?;
            (true, format!("Container '{}' stopped.", found.name))
        }
    };
    session.screen.done(name, changed, None, &message);
    Ok(())
}

/// Stops and starts the container, then waits as `start` does.
pub(crate) async fn restart(session: &Session, seconds: u64) -> Result<()> {
    let docker = session.docker().await?;
    let found = identity::find(&docker, &session.container)
        .await?
        .ok_or(Error::NotRunning)?;
    checks::refuse_shared(
        &docker,
        &session.container,
        Some(&found),
        found.state == "running",
    )
    .await?;
    if found.state == "paused" {
        return Err(Error::Paused(found.name));
    }
    if let Some(inspected) = identity::inspect_ours(&docker, &found).await? {
        managed::refuse_task(&inspected, |service| {
            format!("`docker service update --force {service}` restarts it")
        })?;
    }
    let _notice = interrupt::notice("look with `occ status`");
    let progress = Progress::new(session.screen);
    progress.step(&format!("Restarting container '{}'", found.name));
    let options = RestartContainerOptionsBuilder::default()
        .t(container::STOP_SECONDS)
        .build();
    docker
        .restart_container(&found.id, Some(options))
        .await
        .map_err(Error::engine(format!(
            "restart the container '{}'",
            found.name
        )))?;
    progress.step("Waiting until it is healthy");
    health::wait(&docker, &found.id, seconds).await?;
    drop(progress);
    ready::say(session, &docker, &found).await.map(drop)
}

/// Copies the log: stdout to stdout, stderr to stderr.
pub(crate) async fn logs(session: &Session, logs: &Logs) -> Result<()> {
    let docker = session.docker().await?;
    let found = identity::find(&docker, &session.container)
        .await?
        .ok_or(Error::NotRunning)?;
    let tail = logs
        .lines
        .map_or_else(|| "all".to_owned(), |lines| lines.to_string());
    let options = LogsOptionsBuilder::default()
        .stdout(true)
        .stderr(true)
        .follow(logs.follow)
        .timestamps(logs.timestamps)
        .tail(&tail);
    let options = match logs.since {
        Some(since) => options.since(i32::try_from(since.as_second()).unwrap_or(i32::MAX)),
        None => options,
    };
    let options = options.build();
    let mut chunks = docker.logs(&found.id, Some(options));
    let mut to_stdout = Copy::new(std::io::stdout());
    let mut to_stderr = Copy::new(std::io::stderr());
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(Error::engine("read the log"))?;
        let written = match &chunk {
            LogOutput::StdErr { message } => to_stderr.write(message),
            other => to_stdout.write(LogOutput::as_ref(other)),
        };
        // `occ logs --follow | head` ends here.
        if let Err(error) = written {
            out::lose(error);
            break;
        }
    }
    Ok(())
}

/// One stream of a log on its way: as it is into a file or pipe, harmless to a terminal.
struct Copy<W> {
    to: W,
    harmless: Option<text::Stream>,
}

impl<W: Write + IsTerminal> Copy<W> {
    fn new(to: W) -> Self {
        let harmless = to.is_terminal().then(text::Stream::default);
        Self { to, harmless }
    }

    fn write(&mut self, piece: &[u8]) -> std::io::Result<()> {
        match &mut self.harmless {
            Some(stream) => self.to.write_all(stream.next(piece).as_bytes())?,
            None => self.to.write_all(piece)?,
        }
        self.to.flush()
    }
}
