//! Reads an answer of occ-init: one line of JSON, an error document, or neither.

use accounts::wire::{ErrorBody, ErrorCode, ErrorKind, ErrorReply, SCHEMA};
use serde::de::DeserializeOwned;

use super::PATH;
use super::typed::on_host;
use crate::engine::exec::Finished;
use crate::error::{Error, Result};
use crate::text;
use crate::ui::{out, show};

/// The line of JSON in an answer.
pub(super) fn document(finished: &Finished) -> Option<String> {
    let stdout = String::from_utf8_lossy(&finished.stdout);
    let line = stdout.lines().find(|line| line.starts_with('{'));
    line.map(str::to_owned)
}

/// Success is a document and code 0; everything else is an error.
pub(super) fn read<T: DeserializeOwned>(container: &str, finished: &Finished) -> Result<T> {
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
        Ok(mut reply) => {
            reply.error.hint = on_host(&reply.error.hint, container);
            Err(Error::Remote(reply.error))
        }
        Err(_) => Err(Error::BadReply(format!(
            "exit code {}, and no reason",
            finished.code
        ))),
    }
}

/// Returns true if an older occ-init does not know a command or option of ours. The
/// oldest send no code, and no other usage error of theirs answers to what occ sends.
fn is_unknown(error: &ErrorBody) -> bool {
    error.kind == ErrorKind::Usage && matches!(error.code, None | Some(ErrorCode::UnknownArgument))
}

/// With code 1 the document is an error or the answer.
pub(super) fn read_of_lines<T: DeserializeOwned>(
    container: &str,
    finished: &Finished,
) -> Result<T> {
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
pub(super) fn no_document(container: &str, finished: &Finished) -> Error {
    let said = show::last_line(&finished.stderr).unwrap_or_default();
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

/// A line of the container, which must not look like one of ours.
fn spoken(line: &str) -> String {
    let line = text::line(line);
    if ["occ-init: ", "occ-gate: ", "hint: "]
        .iter()
        .any(|start| line.starts_with(start))
    {
        return line.into_owned();
    }
    format!("occ-init: {line}")
}

pub(super) fn pass_on(container: &str, stderr: &[u8], error: Option<&Error>) {
    let repeated = error.map(|error| match error {
        Error::Remote(body) => (body.message.clone(), body.hint.clone()),
        other => (other.to_string(), other.hint()),
    });
    for line in String::from_utf8_lossy(stderr)
        .lines()
        .filter(|line| !line.trim().is_empty())
    {
        let line = on_host(line, container);
        let said = repeated.as_ref().is_some_and(|(message, hint)| {
            line.ends_with(message.as_str()) || (!hint.is_empty() && line.ends_with(hint.as_str()))
        });
        if !said {
            out::note(&spoken(&line));
        }
    }
}

#[cfg(test)]
mod tests;
