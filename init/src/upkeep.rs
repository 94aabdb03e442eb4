//! What PID 1 does about accounts while COMMAND runs: it hears how a late boot
//! ended, keeps the status file, and lets [`Follow`] do its part. It sees ends of
//! processes, never an account.

use std::time::Duration;

use crate::background::Background;
use crate::boot::Outcome;
use crate::follow::Follow;
use crate::say::{say, why};
use crate::status::Status;
use crate::supervise::Beside;
use crate::sys::Received;

/// The status file, and whom we follow.
pub(crate) struct Upkeep<'a> {
    /// None: the file is another init's.
    status: Option<Status>,
    /// What it is to say of the restore, until it has been written.
    unwritten: Option<String>,
    late: Option<Background>,
    follow: Option<Follow<'a>>,
}

impl<'a> Upkeep<'a> {
    /// Takes over after the first restore, which ended with `outcome` or didn't.
    pub(crate) fn new(
        status: Option<Status>,
        follow: Option<Follow<'a>>,
        outcome: Outcome,
    ) -> Self {
        let mut upkeep = Self {
            unwritten: status.is_some().then(|| outcome.json()),
            status,
            late: None,
            follow,
        };
        match (outcome, &mut upkeep.follow) {
            (Outcome::Late(late), follow) => {
                upkeep.late = Some(late);
                if let Some(follow) = follow {
                    follow.busy();
                }
            }
            (outcome, Some(follow)) => follow.booted(&outcome),
            (_, None) => {}
        }
        upkeep
    }

    /// Only root can write there; that it is not root was said already.
    fn write(&mut self) {
        if let (Some(status), Some(restore)) = (&self.status, self.unwritten.take())
            && let Err(error) = status.write(&restore)
            && nix::unistd::geteuid().is_root()
        {
            let path = status.path().display();
            say(&format!(
                "cannot write '{path}': {}; 'occ-init status' will not know of this boot",
                why(&error)
            ));
        }
    }

    /// The end: what changed last is taken in, if that can be done at once.
    pub(crate) fn finish(mut self) {
        self.catch_up();
        if let (Some(follow), None) = (self.follow, self.late) {
            follow.finish();
        }
    }

    fn catch_up(&mut self) {
        if let (Some(follow), None) = (&mut self.follow, &self.late) {
            follow.catch_up();
        }
    }

    fn late_end(&mut self, outcome: &Outcome) {
        match outcome.failure() {
            Some(why) => say(&format!("restore failed late: {why}; see 'occ-init check'")),
            None => say("restore has ended"),
        }
        self.unwritten = Some(outcome.json());
        self.write();
        if let Some(follow) = &mut self.follow {
            follow.booted(outcome);
        }
    }
}

impl Beside for Upkeep<'_> {
    fn hears(&mut self, received: Received) -> bool {
        self.follow
            .as_mut()
            .is_some_and(|follow| follow.hears(received))
    }

    fn ended(&mut self, pid: i32, status: i32) {
        if let Some(late) = self.late.take_if(|late| late.pid() == pid) {
            self.late_end(&late.finish(status));
        } else if let Some(follow) = &mut self.follow {
            follow.ended(pid, status);
        }
    }

    fn told_to_end(&mut self) {
        self.write();
        if let Some(status) = &mut self.status {
            status.end();
        }
    }

    /// Before everybody is told to end, for that would end a restore too: one
    /// that has written a record but not yet what it knows about it.
    fn command_ended(&mut self) {
        self.catch_up();
    }

    fn turn(&mut self) -> Option<Duration> {
        self.write();
        self.follow.as_mut().and_then(Follow::turn)
    }
}
