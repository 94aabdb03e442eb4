//! Ties PID 1's loop to the accounts: keeps the status file, takes the end of a late first
//! restore, and passes everything else on to [`AccountSync`], whose table says what each
//! event does.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::AccountSync;
use crate::boot::restore_child::{Outcome, RestoreChild};
use crate::log::{io_text, say};
use crate::status::file::StatusFile;
use crate::supervise::Hooks;
use crate::sys::Received;

/// From COMMAND's start to the status file: the kernel likes to run both on one processor, and
/// COMMAND would wait for it. With the file written at once a start took 0.93 of catatonit's
/// instead of 0.80 (bar in docs/benchmarks.md: at most 0.9). `occ-init status` waits for it.
const DELAY: Duration = Duration::from_millis(2);

pub(crate) struct AccountHooks<'a> {
    /// `None` where the file is another init's.
    status: Option<StatusFile>,
    /// When the status file is to be written; `None` once it was.
    write_at: Option<Instant>,
    /// The outcome of the first restore, until `status` has it: its JSON is made while COMMAND
    /// runs, not before COMMAND starts.
    first_outcome: Option<Outcome>,
    /// The first restore, while it is still at work.
    late: Option<RestoreChild>,
    /// `None` where accounts are another init's, or are not restored.
    sync: Option<AccountSync<'a>>,
}

impl<'a> AccountHooks<'a> {
    /// Takes over after the first restore, with its outcome.
    pub(crate) fn new(
        status: Option<StatusFile>,
        sync: Option<AccountSync<'a>>,
        outcome: Outcome,
    ) -> Self {
        let mut hooks = Self {
            status,
            write_at: Some(Instant::now() + DELAY),
            first_outcome: None,
            late: None,
            sync,
        };
        if let Outcome::Late(child) = outcome {
            hooks.set_restore(RestoreChild::running());
            hooks.late = Some(child);
            if let Some(sync) = &mut hooks.sync {
                sync.boot_restore_runs();
            }
        } else {
            if let Some(sync) = &mut hooks.sync {
                sync.on_boot_restore(&outcome);
            }
            hooks.first_outcome = Some(outcome);
        }
        hooks
    }

    /// A later restore ended: tells what it found wrong that the one before it did not.
    fn on_restore(&mut self, restore: Value) {
        self.show_first_outcome();
        if let Some(status) = &self.status {
            let known = problems(status.restore());
            let new =
                problems(&restore).filter(|problem| !known.clone().any(|old| old == *problem));
            new.for_each(say);
        }
        self.set_restore(restore);
        self.write_status();
    }

    fn show_first_outcome(&mut self) {
        if let Some(outcome) = self.first_outcome.take() {
            self.set_restore(outcome.json());
        }
    }

    fn set_restore(&mut self, restore: Value) {
        if let Some(status) = &mut self.status {
            status.set_restore(restore);
        }
    }

    fn write_status(&mut self) {
        self.write_at = None;
        self.show_first_outcome();
        if let Some(status) = &self.status
            && let Err(error) = status.write()
            // Only root can write there; that it is not root was logged already.
            && nix::unistd::geteuid().is_root()
        {
            let (path, why) = (status.path().display(), io_text(&error));
            say(&format!(
                "cannot write '{path}': {why}; 'occ-init status' will not know of this boot"
            ));
        }
    }

    fn on_late_end(&mut self, outcome: &Outcome) {
        match outcome.failure() {
            Some(why) => say(&format!("restore failed late: {why}; see 'occ-init check'")),
            None => say("restore has ended"),
        }
        self.set_restore(outcome.json());
        self.write_status();
        if let Some(sync) = &mut self.sync {
            sync.on_boot_restore(outcome);
        }
    }

    /// The end of PID 1: captures the last changes, if that can be done at once.
    pub(crate) fn finish(mut self) {
        self.on_command_exit();
        if let (Some(sync), None) = (self.sync, self.late) {
            sync.finish();
        }
    }
}

/// The problems that a restore told.
fn problems(restore: &Value) -> impl Iterator<Item = &str> + Clone {
    let list = restore.get("problems").and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str)
}

impl Hooks for AccountHooks<'_> {
    fn on_signal(&mut self, received: Received) -> bool {
        let sync = self.sync.as_mut();
        sync.is_some_and(|sync| sync.on_signal(received))
    }

    fn on_child_exit(&mut self, pid: i32, status: i32) {
        if let Some(late) = self.late.take_if(|late| late.pid() == pid) {
            self.on_late_end(&late.finish(status));
        } else if let Some(sync) = &mut self.sync
            && let Some(restore) = sync.on_child_exit(pid, status)
        {
            self.on_restore(restore);
        }
    }

    fn on_stop_request(&mut self) {
        if let Some(status) = &mut self.status
            && status.set_ending()
            && self.write_at.is_none()
        {
            // A failure was logged when the file was first written.
            let _ = status.write();
        }
    }

    /// Before the survivors are asked to end: a restore among them may have written a record
    /// and not yet what it applied.
    fn on_command_exit(&mut self) {
        if let (Some(sync), None) = (&mut self.sync, &self.late) {
            sync.on_command_exit();
        }
    }

    fn poll(&mut self) -> Option<Duration> {
        let left = |at: Instant| at.saturating_duration_since(Instant::now());
        let mut wait = self.write_at.map(left);
        if wait == Some(Duration::ZERO) {
            self.write_status();
            wait = None;
        }
        let sync = self.sync.as_mut().and_then(AccountSync::poll);
        wait.into_iter().chain(sync).min()
    }
}
