//! A home that takes no files, told by a process of its owner's uid.

use std::process::Stdio;
use std::time::Duration;

use tokio::time::timeout;

use crate::helpers::home_probe;
use crate::monitor::accounts::Person;
use crate::monitor::subprocess;
use crate::wire::Failure;

/// For one file.
const PATIENCE: Duration = Duration::from_secs(5);

/// Returns what keeps the home from taking files, if that can be told in time.
pub(super) async fn probe(person: &Person) -> Option<Failure> {
    let mut command = subprocess::command("probe-home");
    command
        .arg(format!("--uid={}", person.uid))
        .arg(format!("--gid={}", person.gid))
        .arg(format!("--home={}", person.home.as_str()))
        .stdin(Stdio::null());
    let status = timeout(PATIENCE, command.status()).await.ok()?.ok()?;
    match status.code()? {
        home_probe::FULL => Some(Failure::HomeFull),
        home_probe::READ_ONLY => Some(Failure::HomeReadOnly),
        _ => None,
    }
}
