//! Ends the processes and wipes the temporary files that a person's opencode leaves
//! behind, by processes of our own, which may take long or be killed.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::stop::Stop;
use crate::log;
use crate::monitor::subprocess;

/// From TERM to KILL; opencode has no handler, its shells' programs may.
const GRACE: Duration = Duration::from_secs(1);
/// For one of these processes.
const PATIENCE: Duration = Duration::from_secs(60);

/// Ends every process of the uid: asks first, unless it has to be at once.
pub(crate) async fn end_all(uid: u32, stop: &mut watch::Receiver<Stop>) {
    if !may_kill() {
        return;
    }
    if *stop.borrow() != Stop::AtOnce {
        kill_uid(uid, false).await;
        let all_gone = async {
            while is_running(uid) {
                sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::select! {
            () = all_gone => (),
            () = sleep(GRACE) => (),
            _ = stop.wait_for(|stop| *stop == Stop::AtOnce) => (),
        }
    }
    while is_running(uid) {
        kill_uid(uid, true).await;
        sleep(Duration::from_millis(5)).await;
    }
}

async fn kill_uid(uid: u32, kill: bool) {
    let mut command = subprocess::command("kill-user");
    command.arg(uid.to_string());
    if kill {
        command.arg("--kill");
    }
    run_own(command, "end processes").await;
}

/// Wipes a person's temporary directory, or everybody's.
pub(crate) async fn wipe(uid: Option<u32>) {
    let mut command = subprocess::command("wipe-tmpdir");
    command.args(uid.map(|uid| uid.to_string()));
    run_own(command, "wipe temporary files").await;
}

async fn run_own(mut command: Command, what: &str) {
    let ran = command.stdin(Stdio::null()).status();
    match timeout(PATIENCE, ran).await {
        Ok(Ok(_)) => (),
        Ok(Err(error)) => log::line(&format!("cannot {what}: {error}")),
        Err(_) => log::line(&format!(
            "cannot {what}: it takes longer than {} s",
            PATIENCE.as_secs()
        )),
    }
}

/// Returns whether the uids here are the container's own: with another PID 1 than
/// occ-init (or ourselves) they may be those of a whole machine's people.
fn may_kill() -> bool {
    let comm = std::fs::read_to_string("/proc/1/comm").unwrap_or_default();
    matches!(comm.trim_end(), "occ-init" | "occ-gate")
}

/// Returns whether a process with that uid as any of its four runs; zombies do not
/// count.
fn is_running(uid: u32) -> bool {
    // What is no process has no status.
    let mut all = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    all.any(|entry| has_uid(&entry.path(), uid))
}

fn has_uid(process: &Path, uid: u32) -> bool {
    let Ok(status) = std::fs::read_to_string(process.join("status")) else {
        return false;
    };
    let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name));
    let is_gone = field("State:").is_none_or(|state| state.trim_start().starts_with(['Z', 'X']));
    let mut ids = field("Uid:").unwrap_or_default().split_ascii_whitespace();
    !is_gone && ids.any(|id| id.parse() == Ok(uid))
}
