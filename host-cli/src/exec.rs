//! One command in the container: stdin half-closed, the streams kept apart,
//! the exit code asked for, and an end after which we stop waiting.

use std::pin::Pin;
use std::time::Duration;

use bollard::Docker;
use bollard::container::LogOutput;
use bollard::exec::{CreateExecOptions, StartExecOptions, StartExecResults};
use futures_util::{Stream, StreamExt};
use tokio::io::{AsyncWrite, AsyncWriteExt};

use crate::error::{Error, Result, is_absent};

/// Most bytes of output that are kept of each stream: 100,000 accounts.
const LIMIT: usize = 64 * 1024 * 1024;
/// The exit code may come a moment after the streams end.
const CODE_TRIES: u32 = 100;

/// How a command ended.
#[derive(Debug, Default)]
pub(crate) struct Finished {
    /// Its exit code.
    pub code: i64,
    /// What it wrote to stdout.
    pub stdout: Vec<u8>,
    /// What it wrote to stderr.
    pub stderr: Vec<u8>,
}

/// Runs `argv` as root in the container, without a terminal.
///
/// Errors: the container is not running or paused, the engine fails, or
/// nothing ends within `limit` (the command itself goes on then).
pub(crate) async fn run(
    docker: &Docker,
    container: &str,
    argv: &[String],
    stdin: Option<&[u8]>,
    limit: Duration,
) -> Result<Finished> {
    let work = run_to_end(docker, container, argv, stdin);
    tokio::time::timeout(limit, work)
        .await
        .map_err(|_| Error::TimedOut {
            seconds: limit.as_secs(),
            look: "occ user list".into(),
        })?
}

async fn run_to_end(
    docker: &Docker,
    container: &str,
    argv: &[String],
    stdin: Option<&[u8]>,
) -> Result<Finished> {
    let options = CreateExecOptions::<String> {
        attach_stdin: Some(stdin.is_some()),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        tty: Some(false),
        user: Some("0".into()),
        cmd: Some(argv.to_vec()),
        ..CreateExecOptions::default()
    };
    let exec = docker
        .create_exec(container, options)
        .await
        .map_err(|error| not_running(container, error))?;
    let start = StartExecOptions {
        detach: false,
        tty: false,
        output_capacity: Some(64 * 1024),
    };
    let started = docker
        .start_exec(&exec.id, Some(start))
        .await
        .map_err(|error| not_running(container, error))?;
    let StartExecResults::Attached { output, input } = started else {
        return Err(Error::failed(
            "the container engine did not attach to the command",
            "",
        ));
    };
    let mut finished = exchange(output, input, stdin).await?;
    finished.code = exit_code(docker, &exec.id).await?;
    Ok(finished)
}

/// Writes and reads at once. The command's end is the reader's end: who never
/// reads its stdin must not keep us writing, so the writer is dropped then.
async fn exchange(
    mut output: Pin<
        Box<dyn Stream<Item = std::result::Result<LogOutput, bollard::errors::Error>> + Send>,
    >,
    mut input: Pin<Box<dyn AsyncWrite + Send>>,
    stdin: Option<&[u8]>,
) -> Result<Finished> {
    let mut finished = Finished::default();
    let write = async {
        // A broken pipe is the command's business: its answer says more.
        let _ = input.write_all(stdin.unwrap_or_default()).await;
        let _ = input.flush().await;
        let _ = input.shutdown().await;
        std::future::pending::<()>().await;
    };
    let read = async {
        while let Some(chunk) = output.next().await {
            keep(
                &mut finished,
                &chunk.map_err(Error::engine("read the command's output"))?,
            )?;
        }
        Ok(())
    };
    tokio::select! {
        result = read => result?,
        () = write => {}
    }
    Ok(finished)
}

fn keep(finished: &mut Finished, chunk: &LogOutput) -> Result<()> {
    let stream = match chunk {
        LogOutput::StdErr { .. } => &mut finished.stderr,
        _ => &mut finished.stdout,
    };
    stream.extend_from_slice(chunk.as_ref());
    if stream.len() > LIMIT {
        return Err(Error::BadReply("more than 64 MiB of output".into()));
    }
    Ok(())
}

/// The exit code of a command whose output has ended.
pub(crate) async fn exit_code(docker: &Docker, exec: &str) -> Result<i64> {
    for _ in 0..CODE_TRIES {
        let state = docker
            .inspect_exec(exec)
            .await
            .map_err(Error::engine("say how the command ended"))?;
        match (state.running, state.exit_code) {
            (Some(false) | None, Some(code)) => return Ok(code),
            _ => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
    Err(Error::BadReply(
        "the command closed its output but goes on".into(),
    ))
}

/// Between our check and the exec the container may have stopped.
pub(crate) fn not_running(container: &str, error: bollard::errors::Error) -> Error {
    let text = crate::error::api_text(&error);
    if text.contains("is paused") {
        Error::Paused(container.to_owned())
    } else if is_absent(&error)
        || text.contains("is not running")
        || text.contains("container state improper")
    {
        Error::NotRunning
    } else {
        Error::engine("run a command in the container")(error)
    }
}
