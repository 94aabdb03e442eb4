//! Calls occ-init in the container and reads its one line of JSON.

use std::io::Read;
use std::time::Duration;

use accounts::wire::{ErrorBody, ErrorCode, ErrorKind, ErrorReply, SCHEMA};
use bollard::Docker;
use bollard::container::LogOutput;
use serde::de::DeserializeOwned;

use crate::engine::container::{self, Listed};
use crate::engine::exec::{self, Finished};
use crate::error::{Error, Result};
use crate::ui::show;

/// Where occ-init is in every image of ours.
pub(crate) const PATH: &str = "/usr/local/bin/occ-init";
/// It waits 15 s for locks and hashes for about one; a slow disk gets the rest.
const LIMIT: Duration = Duration::from_secs(90);
/// A hash takes 0.2 s on a small machine, and more on a busy one.
const LINE_LIMIT: Duration = Duration::from_secs(1);

/// Looks at whether the container has ended, ten a second.
const END_TRIES: u32 = 20;

/// How long a stream may rest: occ-init puts 100,000 accounts in place.
const PATIENCE: Duration = Duration::from_secs(180);

/// Runs `occ-init ARGS` and reads its answer. What it says on stderr is passed
/// on, unless it is the text of the very error that is returned.
pub(crate) async fn call<T: DeserializeOwned>(
    docker: &Docker,
    container: &Listed,
    args: Vec<String>,
    request: Option<&[u8]>,
) -> Result<T> {
    let finished = run(docker, container, args, request, LIMIT).await?;
    let answer = read(&container.name, &finished);
    pass_on(&finished.stderr, answer.as_ref().err());
    answer
}

/// The same for a command that answers for many: code 1 says that some of them
/// failed, and each of the `lines` of input may take a hash.
pub(crate) async fn call_on_lines<T: DeserializeOwned>(
    docker: &Docker,
    container: &Listed,
    args: Vec<String>,
    input: &[u8],
    lines: u32,
) -> Result<T> {
    let limit = LIMIT + LINE_LIMIT * lines;
    let finished = run(docker, container, args, Some(input), limit).await?;
    let answer = read_of_lines(&container.name, &finished);
    pass_on(&finished.stderr, answer.as_ref().err());
    answer
}

/// The version of the occ-init in the container.
pub(crate) async fn version(docker: &Docker, container: &Listed) -> Result<String> {
    let finished = run(docker, container, vec!["--version".into()], None, LIMIT).await?;
    let said = String::from_utf8_lossy(&finished.stdout);
    match said.trim().strip_prefix("occ-init ") {
        Some(version) if finished.code == 0 => Ok(printable(version)),
        _ => Err(no_document(&container.name, &finished)),
    }
}

/// Runs `occ-init ARGS`, whose answer is a stream: each piece of it goes to
/// `sink`. Only an error is a document.
pub(crate) async fn fetch(
    docker: &Docker,
    container: &Listed,
    args: Vec<String>,
    mut sink: impl FnMut(&[u8]) -> Result<()>,
) -> Result<()> {
    let mut finished = Finished::default();
    let mut is_document = None;
    let keep = |chunk: LogOutput| {
        if let LogOutput::StdErr { message } = chunk {
            return finished.keep_stderr(&message);
        }
        let bytes = chunk.as_ref();
        let starts = bytes.first().map(|&first| first == b'{');
        is_document = is_document.or(starts);
        if is_document == Some(true) {
            finished.keep_stdout(bytes)
        } else {
            sink(bytes)
        }
    };
    let code = exec::pour(
        docker,
        &container.id,
        &argv(args),
        None::<std::io::Empty>,
        keep,
        PATIENCE,
    )
    .await
    .map_err(|error| named(error, &container.name))?;
    finished.code = code;
    refuse_cut(docker, container, &finished).await?;
    let answer = match code {
        0 => Ok(()),
        _ => read::<serde_json::Value>(&container.name, &finished).map(drop),
    };
    pass_on(&finished.stderr, answer.as_ref().err());
    answer
}

/// Runs `occ-init ARGS` with a stream for input; code 1 says that the answer
/// names somebody who is not restored.
pub(crate) async fn send<T: DeserializeOwned>(
    docker: &Docker,
    container: &Listed,
    args: Vec<String>,
    source: impl Read,
) -> Result<(T, i64)> {
    let mut finished = Finished::default();
    let keep = |chunk: LogOutput| match chunk {
        LogOutput::StdErr { message } => finished.keep_stderr(&message),
        other => finished.keep_stdout(other.as_ref()),
    };
    let id = &container.id;
    let code = exec::pour(docker, id, &argv(args), Some(source), keep, PATIENCE).await;
    let code = code.map_err(|error| named(error, &container.name))?;
    finished.code = code;
    refuse_cut(docker, container, &finished).await?;
    let answer = read_of_lines(&container.name, &finished);
    pass_on(&finished.stderr, answer.as_ref().err());
    Ok((answer?, code))
}

fn argv(args: Vec<String>) -> Vec<String> {
    std::iter::once(PATH.to_owned()).chain(args).collect()
}

async fn run(
    docker: &Docker,
    container: &Listed,
    args: Vec<String>,
    input: Option<&[u8]>,
    limit: Duration,
) -> Result<Finished> {
    let words = argv(args);
    let finished = exec::run(docker, &container.id, &words, input, limit).await;
    let finished = finished.map_err(|error| named(error, &container.name))?;
    refuse_cut(docker, container, &finished).await?;
    Ok(finished)
}

/// The engine was asked by id; people know the name.
fn named(error: Error, name: &str) -> Error {
    match error {
        Error::Paused(_) => Error::Paused(name.to_owned()),
        Error::Restarting(_) => Error::Restarting(name.to_owned()),
        other => other,
    }
}

/// Everything in a container that ends is killed, occ-init in the middle too; the
/// engine says a moment later that it has ended.
async fn refuse_cut(docker: &Docker, container: &Listed, finished: &Finished) -> Result<()> {
    if finished.code <= 128 || document(finished).is_some() {
        return Ok(());
    }
    let name = &container.name;
    for _ in 0..END_TRIES {
        let found = container::inspect(docker, &container.id).await?;
        match found.as_ref().map(container::state_word).as_deref() {
            Some("running" | "paused") => tokio::time::sleep(Duration::from_millis(100)).await,
            Some(_) => return Err(Error::Cut(format!("container '{name}' ended"))),
            None => return Err(Error::Cut(format!("container '{name}' was removed"))),
        }
    }
    Ok(())
}

/// The line of JSON in an answer.
fn document(finished: &Finished) -> Option<String> {
    let stdout = String::from_utf8_lossy(&finished.stdout);
    let line = stdout.lines().find(|line| line.starts_with('{'));
    line.map(str::to_owned)
}

/// Success is a document and code 0; everything else is an error.
fn read<T: DeserializeOwned>(container: &str, finished: &Finished) -> Result<T> {
    let Some(line) = document(finished) else {
        return Err(no_document(container, finished));
    };
    check_schema(&line)?;
    if finished.code == 0 {
        return serde_json::from_str(&line).map_err(|error| Error::BadReply(error.to_string()));
    }
    match serde_json::from_str::<ErrorReply>(&line) {
        Ok(reply) if is_unknown(&reply.error) => Err(Error::NoInit {
            container: container.to_owned(),
            detail: format!("it does not know this command: {}", reply.error.message),
        }),
        Ok(reply) => Err(Error::Remote(reply.error)),
        Err(_) => Err(Error::BadReply(format!(
            "exit code {}, and no reason",
            finished.code
        ))),
    }
}

/// Whether an older occ-init does not know a command or option of ours. The oldest
/// tell no code, and no other usage error of theirs answers to what occ sends.
fn is_unknown(error: &ErrorBody) -> bool {
    error.kind == ErrorKind::Usage && matches!(error.code, None | Some(ErrorCode::UnknownArgument))
}

/// With code 1 the document is an error or the answer.
fn read_of_lines<T: DeserializeOwned>(container: &str, finished: &Finished) -> Result<T> {
    match read(container, finished) {
        Err(Error::BadReply(_)) if finished.code == 1 => read(
            container,
            &Finished {
                code: 0,
                stdout: finished.stdout.clone(),
                stderr: Vec::new(),
            },
        ),
        answer => answer,
    }
}

fn check_schema(line: &str) -> Result<()> {
    #[derive(serde::Deserialize)]
    struct Head {
        schema: u32,
    }
    let head: Head =
        serde_json::from_str(line).map_err(|error| Error::BadReply(error.to_string()))?;
    if head.schema > SCHEMA {
        Err(Error::NewerReply(head.schema))
    } else {
        Ok(())
    }
}

/// Engines say 126 or 127 for a program that is not there, on either stream.
fn no_document(container: &str, finished: &Finished) -> Error {
    let said = last_words(finished);
    match finished.code {
        126 | 127 => Error::NoInit {
            container: container.to_owned(),
            detail: format!("'{PATH}' cannot be run"),
        },
        2 => Error::NoInit {
            container: container.to_owned(),
            detail: format!("it does not know this command: {said}"),
        },
        code @ 129.. => Error::failed(
            format!("occ-init was killed by signal {}", code - 128),
            "a change may have been applied: look with `occ user list`",
        ),
        code if said.is_empty() => Error::BadReply(format!("exit code {code}, and nothing said")),
        code => Error::BadReply(format!("exit code {code}: {said}")),
    }
}

fn last_words(finished: &Finished) -> String {
    let text = String::from_utf8_lossy(&finished.stderr);
    printable(
        text.lines()
            .rev()
            .find(|line| !line.trim().is_empty())
            .unwrap_or_default(),
    )
}

/// The container must not move our cursor: control characters are shown.
pub(crate) fn printable(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_control() && c != '\t' {
                '\u{fffd}'
            } else {
                c
            }
        })
        .collect()
}

fn pass_on(stderr: &[u8], error: Option<&Error>) {
    let repeated = error.map(|error| (error.to_string(), error.hint()));
    for line in String::from_utf8_lossy(stderr)
        .lines()
        .filter(|line| !line.trim().is_empty())
    {
        let said = repeated.as_ref().is_some_and(|(message, hint)| {
            line.ends_with(message.as_str()) || (!hint.is_empty() && line.ends_with(hint.as_str()))
        });
        if !said {
            show::note(&printable(line));
        }
    }
}

#[cfg(test)]
mod tests {
    use accounts::wire::{ImportReply, ListReply};

    use super::*;

    fn finished(code: i64, stdout: &str, stderr: &str) -> Finished {
        Finished {
            code,
            stdout: stdout.into(),
            stderr: stderr.into(),
        }
    }

    fn error(code: i64, stdout: &str, stderr: &str) -> Error {
        read::<ListReply>("opencode", &finished(code, stdout, stderr)).unwrap_err()
    }

    #[test]
    fn a_document_with_code_0_is_the_answer() {
        let reply: ListReply = read(
            "opencode",
            &finished(0, "{\"schema\":1,\"accounts\":[],\"new\":{}}\n", "noise\n"),
        )
        .unwrap();
        assert!(reply.accounts.is_empty());
    }

    #[test]
    fn an_image_without_occ_init_is_recognised_on_both_engines() {
        for said in ["OCI runtime exec failed: exec failed: no such file\r\n", ""] {
            for code in [126, 127] {
                let error = error(code, said, "");
                assert_eq!(
                    error.to_string(),
                    "container 'opencode' has no usable occ-init: '/usr/local/bin/occ-init' cannot be run"
                );
                assert_eq!(error.kind().exit_code(), 1);
            }
        }
    }

    #[test]
    fn an_error_document_keeps_kind_and_hint() {
        let line = r#"{"schema":1,"error":{"kind":"conflict","message":"user 'a' was removed","hint":"use --restore"}}"#;
        let error = error(4, line, "");
        assert_eq!(error.kind().exit_code(), 4);
        assert_eq!(
            error.text(),
            "occ: user 'a' was removed\nhint: use --restore\n"
        );
    }

    #[test]
    fn an_older_occ_init_is_named() {
        let line = r#"{"schema":1,"error":{"kind":"usage","message":"unrecognized subcommand 'save'","hint":"occ-init --help"}}"#;
        assert_eq!(
            error(2, line, "").text(),
            "occ: container 'opencode' has no usable occ-init: it does not know this command: \
             unrecognized subcommand 'save'\n\
             hint: the image is too old or not occ's: `occ update container`\n"
        );
    }

    #[test]
    fn failed_lines_are_an_answer_and_errors_stay_errors() {
        let of = |code, line| {
            read_of_lines::<ImportReply>("opencode", &finished(code, line, "")).map(|_| ())
        };
        let reply = r#"{"schema":1,"changed":true,"results":[]}"#;
        assert!(of(0, reply).is_ok() && of(1, reply).is_ok());
        assert!(matches!(of(3, reply), Err(Error::BadReply(_))));
        let error = r#"{"schema":1,"error":{"kind":"failed","message":"m"}}"#;
        assert!(matches!(of(1, error), Err(Error::Remote(_))));
        assert!(matches!(of(1, "{\"schema\":1}"), Err(Error::BadReply(_))));
    }

    #[test]
    fn half_answers_are_failures() {
        assert!(matches!(
            error(0, "{\"schema\":1,\"acc", ""),
            Error::BadReply(_)
        ));
        assert!(matches!(
            error(0, "{\"schema\":2,\"accounts\":[]}", ""),
            Error::NewerReply(2)
        ));
        assert!(matches!(error(0, "", ""), Error::BadReply(_)));
        assert!(
            matches!(error(137, "", ""), Error::Failed { message, .. } if message == "occ-init was killed by signal 9")
        );
        assert!(matches!(error(1, "{\"schema\":1}", ""), Error::BadReply(_)));
    }
}
