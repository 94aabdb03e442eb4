//! Ends the processes and wipes the temporary files that a person's opencode leaves
//! behind, by processes of our own, which may take long or be killed.

use std::process::Stdio;
use std::time::Duration;

use accounts::account::UidRange;
use accounts::files::{subid, table};
use tokio::process::Command;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::stop::Stop;
use crate::log;
use crate::monitor::subprocess;
use crate::monitor::terminal::spared::SparedSessions;
use crate::processes::{is_any_outside, is_own_container, uids_within};

/// From TERM to KILL; opencode has no handler, its shells' programs may.
const GRACE: Duration = Duration::from_secs(1);
/// For one of these processes.
const PATIENCE: Duration = Duration::from_secs(60);
/// Looks that must find no process of a range: a fork racer hides from one.
const LOOKS: u32 = 20;

/// The uids of a person's processes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PersonUids {
    uid: u32,
    /// Those that they can become in a user namespace: newuidmap(1).
    subordinate: Option<(u32, u32)>,
}

impl PersonUids {
    /// Reads subuid(5). A range that is not the one that occ-init gives may be somebody
    /// else's as well.
    pub(crate) fn of(name: &str, uid: u32) -> Self {
        let read = |path| std::fs::read(path).unwrap_or_default();
        let people = UidRange::from_login_defs(&read("/etc/login.defs"));
        let lines = read("/etc/subuid");
        let mut lines = table::lines(&lines).filter_map(subid::name_and_range);
        let mut is_given =
            |range| lines.any(|(owner, line)| line == range && owner == name.as_bytes());
        let range = subid::range(uid, people).filter(|range| is_given(*range));
        let narrow = |(first, last)| Some((u32::try_from(first).ok()?, u32::try_from(last).ok()?));
        Self {
            uid,
            subordinate: range.and_then(narrow),
        }
    }
}

/// Ends every process of a person: asks first, unless it has to be at once. Only then
/// terminals end, too.
pub(crate) async fn end_all(
    uids: PersonUids,
    stop: &mut watch::Receiver<Stop>,
    terminals: &SparedSessions,
) {
    if !is_own_container() {
        return;
    }
    let uid = uids.uid;
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
    kill_all(uid, &spared).await;
    // Nobody is left who could add to these; those of a terminal are its own.
    if let Some((first, last)) = uids.subordinate.filter(|_| spared().is_empty()) {
        kill_range(first, last).await;
    }
}

/// Kills first, then looks: a process that forks all the time is seen in no listing.
async fn kill_all(uid: u32, spared: &impl Fn() -> Vec<i32>) {
    loop {
        let pause = match kill_uid(uid, true, &spared()).await {
            true if !is_any_outside(uid, &spared()) => return,
            true => Duration::from_millis(5),
            false => Duration::from_millis(100),
        };
        sleep(pause).await;
    }
}

/// Kills everything that runs under a range of uids. Only those that are seen can be
/// killed; it ends when [`LOOKS`] looks in a row saw none.
async fn kill_range(first: u32, last: u32) {
    let mut clean = 0;
    while clean < LOOKS {
        let seen = uids_within(first..=last);
        clean = if seen.is_empty() { clean + 1 } else { 0 };
        for uid in seen {
            kill_all(uid, &Vec::new).await;
        }
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

/// Ends every process of a person at once, and wipes their temporary directory.
pub(crate) async fn sweep(uids: PersonUids) {
    let (_told, mut stop) = watch::channel(Stop::AtOnce);
    end_all(uids, &mut stop, &SparedSessions::default()).await;
    wipe(Some(uids.uid)).await;
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
