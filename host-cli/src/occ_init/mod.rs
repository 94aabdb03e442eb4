//! Calls occ-init in the container, and occ-gate for what only the login knows (gate.rs);
//! reply/ reads their one line of JSON.

mod gate;
mod reply;
mod typed;

use std::io::Read;
use std::time::Duration;

use accounts::wire::ListReply;
use bollard::Docker;
use bollard::container::LogOutput;
use bollard::models::ContainerInspectResponse;
use jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;

use crate::engine::container::{self, Listed};
use crate::engine::exec::{self, Finished};
use crate::error::{Error, Result};
use crate::text;
use reply::{document, no_document, pass_on, read, read_of_lines};

/// occ-init's path in every image of ours.
pub(crate) const PATH: &str = "/usr/local/bin/occ-init";
/// It waits 15 s for locks and hashes for about one; a slow disk gets the rest.
const LIMIT: Duration = Duration::from_secs(90);
/// A hash takes 0.2 s on a small machine, and more on a busy one.
const LINE_LIMIT: Duration = Duration::from_secs(1);

/// Looks at whether the container has ended, ten a second.
const END_TRIES: u32 = 20;

/// One that was restarted no longer ago than this is in trouble.
const RECENT: SignedDuration = SignedDuration::from_secs(60);

/// How long a stream may rest: occ-init puts 100,000 accounts in place.
const PATIENCE: Duration = Duration::from_secs(180);

/// The occ-init of one container.
pub(crate) struct OccInit {
    pub docker: Docker,
    pub container: Listed,
}

/// The answer of `occ-init check`.
#[derive(Debug, Default, serde::Deserialize)]
pub(crate) struct CheckReply {
    /// Everything that is wrong with the store or with /etc.
    pub findings: Vec<Finding>,
}

/// One thing that is wrong.
#[derive(Debug, serde::Deserialize)]
pub(crate) struct Finding {
    /// Which sort: `image`, `drift`, `record`, `hash`, `conflict`, …
    pub kind: String,
    /// The account or file.
    pub name: String,
    /// One sentence.
    pub message: String,
    /// The next step in the container.
    #[serde(default)]
    pub hint: String,
}

/// `["user", VERB, "--json", MORE…]`.
pub(crate) fn user<'a>(verb: &'a str, more: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let words = ["user", verb, "--json"].into_iter().chain(more);
    words.map(str::to_owned).collect()
}

/// The flags that are on.
pub(crate) fn switched_on<'a>(
    switches: impl IntoIterator<Item = (&'a str, bool)>,
) -> impl Iterator<Item = &'a str> {
    let on = switches.into_iter().filter(|(_, on)| *on);
    on.map(|(flag, _)| flag)
}

impl OccInit {
    /// The occ-init of a container that was inspected.
    pub(crate) fn of(docker: &Docker, found: &ContainerInspectResponse) -> Self {
        Self {
            docker: docker.clone(),
            container: Listed::of(found),
        }
    }

    /// Runs `occ-init ARGS` and reads its answer. Its stderr is passed on, unless it
    /// repeats the error that is returned.
    pub(crate) async fn call<T: DeserializeOwned>(&self, args: Vec<String>) -> Result<T> {
        self.call_with(args, None).await
    }

    /// The same with a request for `--request-stdin`.
    pub(crate) async fn call_with<T: DeserializeOwned>(
        &self,
        args: Vec<String>,
        request: Option<&[u8]>,
    ) -> Result<T> {
        let finished = self.run(args, request, LIMIT).await?;
        self.answer(&finished, read).await
    }

    /// The same for a command that answers for many: code 1 says that some of them
    /// failed, and each of the `lines` of input may take a hash.
    pub(crate) async fn call_on_lines<T: DeserializeOwned>(
        &self,
        args: Vec<String>,
        input: &[u8],
        lines: u32,
    ) -> Result<T> {
        let limit = LIMIT + LINE_LIMIT * lines;
        let finished = self.run(args, Some(input), limit).await?;
        self.answer(&finished, read_of_lines).await
    }

    /// A text of occ-init's, with its commands as they are typed on the host.
    pub(crate) fn typed(&self, said: &str) -> String {
        typed::on_host(said, &self.container.name)
    }

    pub(crate) async fn accounts(&self) -> Result<ListReply> {
        self.call(user("list", [])).await
    }

    pub(crate) async fn version(&self) -> Result<String> {
        let finished = self.run(vec!["--version".into()], None, LIMIT).await?;
        self.refuse_cut(&finished).await?;
        let text = String::from_utf8_lossy(&finished.stdout);
        match text.trim().strip_prefix("occ-init ") {
            Some(version) if finished.code == 0 => Ok(text::line(version).into_owned()),
            _ => Err(no_document(&self.container.name, &finished)),
        }
    }

    /// Runs `occ-init ARGS`, whose answer is a stream: each piece of it goes to
    /// `sink`. Only an error is a document.
    pub(crate) async fn fetch(
        &self,
        args: Vec<String>,
        mut sink: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        let mut finished = Finished::default();
        let mut is_document = None;
        let keep = |chunk: LogOutput| {
            if matches!(chunk, LogOutput::StdErr { .. }) {
                return finished.keep(&chunk);
            }
            let starts = chunk.as_ref().first().map(|&first| first == b'{');
            is_document = is_document.or(starts);
            match is_document {
                Some(true) => finished.keep(&chunk),
                _ => sink(chunk.as_ref()),
            }
        };
        finished.code = self.stream(args, None::<std::io::Empty>, keep).await?;
        let read = |name: &str, finished: &Finished| match finished.code {
            0 => Ok(()),
            _ => read::<serde_json::Value>(name, finished).map(drop),
        };
        self.answer(&finished, read).await
    }

    /// Runs `occ-init ARGS` with a stream for input. Code 1 says that the answer
    /// names an account that is not restored.
    pub(crate) async fn send<T: DeserializeOwned>(
        &self,
        args: Vec<String>,
        source: impl Read,
    ) -> Result<(T, i64)> {
        let mut finished = Finished::default();
        let keep = |chunk: LogOutput| finished.keep(&chunk);
        let code = self.stream(args, Some(source), keep).await?;
        finished.code = code;
        Ok((self.answer(&finished, read_of_lines).await?, code))
    }

    async fn run(
        &self,
        args: Vec<String>,
        input: Option<&[u8]>,
        limit: Duration,
    ) -> Result<Finished> {
        self.exec(&argv(PATH, args), input, limit).await
    }

    async fn exec(
        &self,
        argv: &[String],
        input: Option<&[u8]>,
        limit: Duration,
    ) -> Result<Finished> {
        let finished = exec::run(&self.docker, &self.container.id, argv, input, limit).await;
        match finished {
            Ok(finished) => Ok(finished),
            Err(error) => Err(self.explained(error).await),
        }
    }

    async fn stream(
        &self,
        args: Vec<String>,
        source: Option<impl Read>,
        sink: impl FnMut(LogOutput) -> Result<()>,
    ) -> Result<i64> {
        let (docker, id) = (&self.docker, &self.container.id);
        let args = argv(PATH, args);
        let code = exec::copy_stream(docker, id, &args, source, sink, PATIENCE).await;
        match code {
            Ok(code) => Ok(code),
            Err(error) => Err(self.explained(error).await),
        }
    }

    /// An engine forgets the commands of a container that ends: whether it is there, and
    /// starts again and again, tells another look.
    async fn explained(&self, error: Error) -> Error {
        if !matches!(error, Error::Cut(_)) {
            return self.named(error);
        }
        let Listed { id, name, .. } = &self.container;
        match container::inspect(&self.docker, id).await {
            Ok(Some(found)) if restarts(&found) => Error::Restarting(name.clone()),
            Ok(Some(_)) => Error::Cut(format!("container '{name}' ended")),
            _ => Error::Cut(format!("container '{name}' was removed")),
        }
    }

    /// The engine was asked by id; people know the name.
    pub(crate) fn named(&self, error: Error) -> Error {
        match error {
            Error::Paused(_) => Error::Paused(self.container.name.clone()),
            Error::Restarting(_) => Error::Restarting(self.container.name.clone()),
            other => other,
        }
    }

    async fn answer<T>(
        &self,
        finished: &Finished,
        read: impl Fn(&str, &Finished) -> Result<T>,
    ) -> Result<T> {
        self.refuse_cut(finished).await?;
        let answer = read(&self.container.name, finished);
        pass_on(
            &self.container.name,
            &finished.stderr,
            answer.as_ref().err(),
        );
        answer
    }

    /// Everything in a container that ends is killed, occ-init in the middle too; the
    /// engine says a moment later that it has ended.
    async fn refuse_cut(&self, finished: &Finished) -> Result<()> {
        if document(finished).is_some() {
            return Ok(());
        }
        let Listed { id, name, .. } = &self.container;
        if matches!(finished.code, 126 | 127) {
            // In one that ends under it, a program can't be run either.
            let found = container::inspect(&self.docker, id).await?;
            return if found.is_some_and(|found| restarts(&found)) {
                Err(Error::Restarting(name.clone()))
            } else {
                Ok(())
            };
        }
        if finished.code <= 128 {
            return Ok(());
        }
        for _ in 0..END_TRIES {
            let found = container::inspect(&self.docker, id).await?;
            match found.as_ref().map(container::state_word).as_deref() {
                Some("running" | "paused") => tokio::time::sleep(Duration::from_millis(100)).await,
                Some(_) => return Err(Error::Cut(format!("container '{name}' ended"))),
                None => return Err(Error::Cut(format!("container '{name}' was removed"))),
            }
        }
        Ok(())
    }
}

/// Returns true for one that the engine starts again and again.
fn restarts(found: &ContainerInspectResponse) -> bool {
    let state = found.state.as_ref();
    let started = state.and_then(|state| state.started_at.as_deref()?.parse::<Timestamp>().ok());
    let is_recent = started.is_some_and(|at| Timestamp::now().duration_since(at) < RECENT);
    container::state_word(found) == "restarting" || found.restart_count > Some(0) && is_recent
}

fn argv(program: &str, args: Vec<String>) -> Vec<String> {
    std::iter::once(program.to_owned()).chain(args).collect()
}
