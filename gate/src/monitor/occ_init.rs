//! `occ-init`, which alone writes accounts and their records: runs one command and reads its
//! answer. Decides nothing.

use std::io;
use std::process::{Output, Stdio};
use std::time::Duration;

use accounts::wire::{ErrorBody, ErrorKind, ErrorReply};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tokio::time::timeout;

/// occ-init waits 15 s for a lock that somebody else has.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs a command with `input` on its stdin.
pub(super) async fn run(words: &[&str], input: &[u8]) -> Result<(), ErrorBody> {
    match timeout(PATIENCE, output(words, input)).await {
        Ok(Ok(output)) if output.status.success() => Ok(()),
        Ok(Ok(output)) => Err(error_of(&output.stdout)),
        Ok(Err(error)) => Err(failed(format!("cannot run occ-init: {error}"))),
        Err(_) => {
            let seconds = PATIENCE.as_secs();
            Err(failed(format!("occ-init gave no answer in {seconds} s")))
        }
    }
}

async fn output(words: &[&str], input: &[u8]) -> io::Result<Output> {
    let mut child = Command::new("occ-init")
        .args(words)
        .arg("--json")
        .current_dir("/")
        .kill_on_drop(true)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input).await?;
    }
    child.wait_with_output().await
}

fn error_of(answer: &[u8]) -> ErrorBody {
    match serde_json::from_slice::<ErrorReply>(answer) {
        Ok(reply) => reply.error,
        Err(_) => failed("occ-init failed".to_owned()),
    }
}

fn failed(message: String) -> ErrorBody {
    ErrorBody::new(ErrorKind::Failed, message, String::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answer_tells_why() {
        let answer = br#"{"schema":1,"error":{"kind":"conflict","message":"user 'a' exists"}}"#;
        let error = error_of(answer);
        assert_eq!(
            (error.kind, error.message.as_str()),
            (ErrorKind::Conflict, "user 'a' exists")
        );
        assert_eq!(error_of(b"no json").message, "occ-init failed");
    }
}
