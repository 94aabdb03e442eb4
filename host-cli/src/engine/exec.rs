//! One command in the container: stdin half-closed, the streams kept apart,
//! the exit code asked for, and an end after which we stop waiting.

use std::io::Read;
use std::pin::Pin;
use std::time::Duration;

use bollard::Docker;
use bollard::container::LogOutput;
use bollard::exec::{CreateExecOptions, StartExecOptions, StartExecResults};
use futures_util::{Stream, StreamExt};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use zeroize::Zeroizing;

use crate::error::{Error, Result, api_text, is_absent};

/// Most bytes of output that are kept of each stream: 100,000 accounts.
const LIMIT: usize = 64 * 1024 * 1024;
/// The exit code may come a moment after the streams end.
const CODE_TRIES: u32 = 100;

/// How a command ended.
#[derive(Debug, Default)]
pub(crate) struct Finished {
    pub code: i64,
    pub stdout: Vec<u8>,
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
    let mut finished = Finished::default();
    let sink = |chunk: LogOutput| finished.keep(&chunk);
    let work = copy_stream(docker, container, argv, stdin, sink, limit);
    let code = tokio::time::timeout(limit, work)
        .await
        .map_err(|_| late(limit))??;
    Ok(Finished { code, ..finished })
}

/// The same with streams of any length: `source` is read piece by piece, and
/// each piece of output goes to `sink`. Returns the exit code.
///
/// Errors: also when nothing moves for as long as `patience`.
pub(crate) async fn copy_stream(
    docker: &Docker,
    container: &str,
    argv: &[String],
    source: Option<impl Read>,
    sink: impl FnMut(LogOutput) -> Result<()>,
    patience: Duration,
) -> Result<i64> {
    let options = CreateExecOptions {
        attach_stdin: Some(source.is_some()),
        tty: Some(false),
        cmd: Some(argv.to_vec()),
        ..CreateExecOptions::default()
    };
    let (exec, output, input) = attach(docker, container, options).await?;
    exchange(output, input, source, sink, patience).await?;
    exit_code(docker, &exec).await
}

fn late(limit: Duration) -> Error {
    Error::TimedOut {
        seconds: limit.as_secs(),
        look: "occ user list".into(),
    }
}

/// The output of a command that runs.
pub(crate) type Output =
    Pin<Box<dyn Stream<Item = std::result::Result<LogOutput, bollard::errors::Error>> + Send>>;
/// The input of a command that runs.
pub(crate) type Input = Pin<Box<dyn AsyncWrite + Send>>;

/// Starts a command as root, with its output attached; returns its id and its ends.
pub(crate) async fn attach(
    docker: &Docker,
    container: &str,
    options: CreateExecOptions<String>,
) -> Result<(String, Output, Input)> {
    let start = StartExecOptions {
        detach: false,
        tty: options.tty == Some(true),
        output_capacity: Some(64 * 1024),
    };
    let options = CreateExecOptions {
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        user: Some("0".into()),
        ..options
    };
    let not_running = |error| not_running(container, error);
    let exec = docker.create_exec(container, options).await;
    let id = exec.map_err(not_running)?.id;
    let started = docker.start_exec(&id, Some(start)).await;
    match started.map_err(not_running)? {
        StartExecResults::Attached { output, input } => Ok((id, output, input)),
        StartExecResults::Detached => Err(Error::failed(
            "the container engine did not attach to the command",
            "",
        )),
    }
}

/// Writes and reads at once. The command's end is the reader's end: who never
/// reads its stdin must not keep us writing, so the writer is dropped then.
async fn exchange(
    mut output: Output,
    input: Input,
    source: Option<impl Read>,
    mut sink: impl FnMut(LogOutput) -> Result<()>,
    patience: Duration,
) -> Result<()> {
    let mut writer = Writer::new(input, source);
    loop {
        tokio::select! {
            chunk = output.next() => match chunk {
                Some(chunk) => sink(chunk.map_err(Error::engine("read the command's output"))?)?,
                None => return Ok(()),
            },
            wrote = writer.step(), if !writer.is_done => wrote?,
            () = tokio::time::sleep(patience) => return Err(late(patience)),
        }
    }
}

/// Input still to be sent: one piece of it is held, and wiped.
struct Writer<S> {
    input: Input,
    source: Option<S>,
    piece: Zeroizing<Vec<u8>>,
    sent: usize,
    filled: usize,
    is_done: bool,
}

impl<S: Read> Writer<S> {
    fn new(input: Input, source: Option<S>) -> Self {
        Self {
            input,
            source,
            piece: Zeroizing::new(vec![0; 64 * 1024]),
            sent: 0,
            filled: 0,
            is_done: false,
        }
    }

    /// Sends some of it; may be dropped at any await, and nothing is lost. An
    /// end that is no end, because the source failed, is never sent.
    async fn step(&mut self) -> Result<()> {
        if self.sent == self.filled {
            self.sent = 0;
            self.filled = match &mut self.source {
                Some(source) => read(source, &mut self.piece)?,
                None => 0,
            };
        }
        if self.filled == 0 {
            let _ = self.input.flush().await;
            let _ = self.input.shutdown().await;
            self.is_done = true;
            return Ok(());
        }
        match self.input.write(&self.piece[self.sent..self.filled]).await {
            Ok(count) => self.sent += count,
            // A broken pipe is the command's business: its answer says more.
            Err(_) => self.is_done = true,
        }
        Ok(())
    }
}

fn read(source: &mut impl Read, into: &mut [u8]) -> Result<usize> {
    loop {
        match source.read(into) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => (),
            other => return other.map_err(Error::file("read", "the input")),
        }
    }
}

impl Finished {
    pub(crate) fn keep(&mut self, chunk: &LogOutput) -> Result<()> {
        let stream = match chunk {
            LogOutput::StdErr { .. } => &mut self.stderr,
            _ => &mut self.stdout,
        };
        stream.extend_from_slice(chunk.as_ref());
        if stream.len() > LIMIT {
            return Err(Error::BadReply("more than 64 MiB of output".into()));
        }
        Ok(())
    }
}

/// The exit code of a command whose output has ended.
pub(crate) async fn exit_code(docker: &Docker, exec: &str) -> Result<i64> {
    for _ in 0..CODE_TRIES {
        let state = docker.inspect_exec(exec).await.map_err(no_end)?;
        match (state.running, state.exit_code) {
            (Some(false) | None, Some(code)) => return Ok(code),
            _ => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
    Err(Error::BadReply(
        "the command closed its output but goes on".into(),
    ))
}

/// Podman forgets its commands in other words than Docker.
fn no_end(error: bollard::errors::Error) -> Error {
    if is_absent(&error) || api_text(&error).contains("no such container") {
        Error::Cut("the container was removed".into())
    } else {
        Error::engine("say how the command ended")(error)
    }
}

/// Between our check and the exec the container may have stopped.
fn not_running(container: &str, error: bollard::errors::Error) -> Error {
    let text = api_text(&error);
    if text.contains("is paused") {
        Error::Paused(container.to_owned())
    } else if text.contains("is restarting") {
        Error::Restarting(container.to_owned())
    } else if is_absent(&error)
        || text.contains("is not running")
        || text.contains("container state improper")
    {
        Error::NotRunning
    } else {
        Error::engine("run a command in the container")(error)
    }
}
