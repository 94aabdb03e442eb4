//! Ends the processes and wipes the temporary files that a person's opencode leaves
//! behind, by processes of our own, which may take long or be killed.

use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::stop::Stop;
use crate::log;
use crate::monitor::subprocess;
use crate::monitor::terminal::spared::SparedSessions;
use crate::processes::{is_any_outside, is_own_container};

/// From TERM to KILL; opencode has no handler, its shells' programs may.
const GRACE: Duration = Duration::from_secs(1);
/// For one of these processes.
const PATIENCE: Duration = Duration::from_secs(60);

/// Ends every process of the uid: asks first, unless it has to be at once. Only then
/// terminals end, too.
pub(crate) async fn end_all(
    uid: u32,
    stop: &mut watch::Receiver<Stop>,
    terminals: &SparedSessions,
) {
    if !is_own_container() {
        return;
    }
    let stopped = stop.clone();
    let spared = || match *stopped.borrow() {
        Stop::AtOnce => Vec::new(),
        Stop::No | Stop::Gently => terminals.of(uid),
    };
    if *stop.borrow() != Stop::AtOnce {
        kill_uid(uid, false, &spared()).await;
        let all_gone = async {
            while is_any_outside(uid, &spared()) {
                sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::select! {
            () = all_gone => (),
            () = sleep(GRACE) => (),
            _ = stop.wait_for(|stop| *stop == Stop::AtOnce) => (),
        }
    }
    // Killed first, then looked for: a process that forks all the time is seen in no listing.
    loop {
        let pause = match kill_uid(uid, true, &spared()).await {
            true if !is_any_outside(uid, &spared()) => return,
            true => Duration::from_millis(5),
            false => Duration::from_millis(100),
        };
        sleep(pause).await;
    }
}

/// Returns whether the signal was sent; the helper that sends it may be killed before.
async fn kill_uid(uid: u32, kill: bool, spared: &[i32]) -> bool {
    let mut command = subprocess::command("kill-user");
    command.arg(uid.to_string());
    command.args(spared.iter().map(|session| format!("--spare={session}")));
    if kill {
        command.arg("--kill");
    }
    run_own(command, "end processes").await
}

/// Signals one session of the uid: HUP, or KILL.
pub(crate) async fn signal_session(uid: u32, session: i32, kill: bool) {
    let mut command = subprocess::command("kill-user");
    command.args([uid.to_string(), format!("--session={session}")]);
    if kill {
        command.arg("--kill");
    }
    run_own(command, "end a terminal").await;
}

/// Ends every process of a uid at once, and wipes its temporary directory.
pub(crate) async fn sweep(uid: u32) {
    let (_told, mut stop) = watch::channel(Stop::AtOnce);
    end_all(uid, &mut stop, &SparedSessions::default()).await;
    wipe(Some(uid)).await;
}

/// Wipes a person's temporary directory, or everybody's.
pub(crate) async fn wipe(uid: Option<u32>) {
    let mut command = subprocess::command("wipe-tmpdir");
    command.args(uid.map(|uid| uid.to_string()));
    run_own(command, "wipe temporary files").await;
}

async fn run_own(mut command: Command, what: &str) -> bool {
    let ran = command.stdin(Stdio::null()).status();
    match timeout(PATIENCE, ran).await {
        Ok(Ok(status)) => status.success(),
        Ok(Err(error)) => {
            log::line(&format!("cannot {what}: {error}"));
            false
        }
        Err(_) => {
            let seconds = PATIENCE.as_secs();
            log::line(&format!("cannot {what}: it takes longer than {seconds} s"));
            false
        }
    }
}
