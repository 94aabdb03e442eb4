//! `occ-init user passkey`: the one road to a record.

use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tokio::time::timeout;

use crate::log;

/// occ-init waits 15 s for a lock that somebody else has.
const PATIENCE: Duration = Duration::from_secs(60);

/// The outcome of a change of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Changed {
    Done,
    /// It is there already.
    Twice,
    /// There is no such passkey.
    Absent,
    /// The person has too many.
    Full,
    /// The log says why.
    Failed,
}

/// Adds an entry to a person's record.
pub(super) async fn add(user: &str, entry: &Value) -> Changed {
    let request = json!({"schema": 1, "passkey": entry}).to_string();
    run(&["add", user, "--request-stdin"], &request).await
}

/// Removes one from it.
pub(super) async fn remove(user: &str, id: &str) -> Changed {
    run(&["remove", user, id], "").await
}

async fn run(words: &[&str], input: &str) -> Changed {
    let answer = match timeout(PATIENCE, output(words, input)).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => return failed(&error.to_string()),
        Err(_) => return failed("occ-init gave no answer"),
    };
    let answer = serde_json::from_slice::<Value>(&answer).unwrap_or_default();
    let text = |pointer| answer.pointer(pointer).and_then(Value::as_str);
    match text("/error/kind") {
        None if answer.get("passkeys").is_some() => Changed::Done,
        Some("conflict") => Changed::Twice,
        Some("not_found") => Changed::Absent,
        Some("refused") => Changed::Full,
        _ => failed(text("/error/message").unwrap_or("occ-init failed")),
    }
}

async fn output(words: &[&str], input: &str) -> std::io::Result<Vec<u8>> {
    let mut child = Command::new("occ-init")
        .args(["--json", "user", "passkey"])
        .args(words)
        .current_dir("/")
        .kill_on_drop(true)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input.as_bytes()).await?;
    }
    Ok(child.wait_with_output().await?.stdout)
}

fn failed(why: &str) -> Changed {
    log::line(&format!("passkey: the record is as it was: {why}"));
    Changed::Failed
}
