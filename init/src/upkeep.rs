//! What PID 1 does about accounts while COMMAND runs: it hears how a late boot
//! ended, starts a restore when account files or records change, and at the end
//! makes sure that the last change was taken in. It sees names of files and
//! ends of processes, never an account.

use std::ffi::CStr;
use std::path::Path;
use std::time::{Duration, Instant};

use accounts::wire::ErrorKind;
use nix::errno::Errno;
use nix::unistd::AccessFlags;

use crate::background::Background;
use crate::boot::{self, Outcome};
use crate::command::STORE;
use crate::pace::Pace;
use crate::phase::Change;
use crate::run_options::Globals;
use crate::say::say;
use crate::signals;
use crate::status::Status;
use crate::supervise::Beside;
use crate::sys::{self, Received, SignalMask, Waited};
use crate::watch::{self, Watch};

/// How long the last restore may hold the container's end up.
const LAST: Duration = Duration::from_secs(1);

/// Watches `globals`' tree, if there is anything to follow there; to be called
/// before the first restore, so that no change falls between the two. Both
/// paths absolute. Err: one line why not.
pub(crate) fn watch(globals: &Globals) -> Option<Result<Watch, String>> {
    let root = globals.root.as_deref().unwrap_or(Path::new("/"));
    let etc = root.join("etc");
    if nix::unistd::access(&etc, AccessFlags::W_OK) == Err(Errno::EROFS) {
        return None;
    }
    let store = globals.store.clone().unwrap_or_else(|| root.join(STORE));
    let watch = Watch::begin(etc.clone(), store)
        .and_then(|watch| watch.signal().map(|()| watch))
        .map_err(|errno| watch::cannot_watch(&etc, errno));
    Some(watch)
}

/// The status file, and whom we follow.
pub(crate) struct Upkeep<'a> {
    /// None: the file is another init's.
    status: Option<Status>,
    late: Option<Background>,
    follow: Option<Follow<'a>>,
}

/// How the restores that follow are started.
pub(crate) struct Restores<'a> {
    /// With absolute paths: we are in `/` by now.
    pub(crate) globals: Globals,
    pub(crate) env: Vec<&'a CStr>,
    pub(crate) mask: SignalMask,
}

impl<'a> Upkeep<'a> {
    /// Takes over after the first restore, which ended with `outcome` or didn't.
    pub(crate) fn new(
        status: Option<Status>,
        follow: Option<Follow<'a>>,
        outcome: Outcome,
    ) -> Self {
        let mut upkeep = Self {
            status,
            late: None,
            follow,
        };
        upkeep.write(&outcome);
        match (outcome, &mut upkeep.follow) {
            (Outcome::Late(late), follow) => {
                upkeep.late = Some(late);
                if let Some(follow) = follow {
                    follow.pace.start(Instant::now());
                }
            }
            (outcome, Some(follow)) => follow.booted(&outcome),
            (_, None) => {}
        }
        upkeep
    }

    /// Only root can write there; that it is not root was said already.
    fn write(&self, outcome: &Outcome) {
        if let Some(status) = &self.status
            && let Err(error) = status.write(&outcome.json())
            && nix::unistd::geteuid().is_root()
        {
            let path = status.path().display();
            say(&format!(
                "cannot write '{path}': {}; 'occ-init status' will not know of this boot",
                error.kind()
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
        self.write(outcome);
        if let Some(follow) = &mut self.follow {
            follow.pace.end();
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

    /// Before everybody is told to end, for that would end a restore too: one
    /// that has written a record but not yet what it knows about it.
    fn command_ended(&mut self) {
        self.catch_up();
    }

    fn turn(&mut self) -> Option<Duration> {
        self.follow.as_mut()?.turn()
    }
}

/// Keeps account files and records in step.
pub(crate) struct Follow<'a> {
    restores: Restores<'a>,
    /// None: nothing is seen.
    watch: Option<Watch>,
    /// Changes may go unseen, so SIGHUP asks for a restore.
    is_blind: bool,
    pace: Pace,
    child: Option<Background>,
    /// A restore failed, and none has worked since.
    failed: bool,
    /// Code was run that is not needed to wait for the next event.
    is_warm: bool,
    /// How long we may still keep the container's end waiting, in all.
    budget: Duration,
}

impl<'a> Follow<'a> {
    pub(crate) fn new(watch: Result<Watch, String>, restores: Restores<'a>) -> Self {
        let mut follow = Self {
            restores,
            watch: None,
            is_blind: false,
            pace: Pace::default(),
            child: None,
            failed: false,
            is_warm: false,
            budget: LAST,
        };
        match watch {
            Ok(watch) => follow.watch = Some(watch),
            Err(why) => follow.is_blind_because(&why),
        }
        follow
    }

    /// What must stay open.
    pub(crate) fn fd(&self) -> Option<std::os::fd::RawFd> {
        self.watch.as_ref().map(Watch::fd)
    }

    fn is_blind_because(&mut self, why: &str) {
        self.is_blind = true;
        if !self.restores.globals.quiet {
            say(&format!("{why}; SIGHUP makes occ-init look again"));
        }
    }

    /// The first restore has ended.
    fn booted(&mut self, outcome: &Outcome) {
        if let Some(watch) = &mut self.watch {
            watch.complete();
            if let Some(why) = watch.blind_spot() {
                self.is_blind_because(&why);
            }
        }
        self.learn(outcome);
    }

    /// After a restore: is there anything that it has not seen?
    fn learn(&mut self, outcome: &Outcome) {
        let marks = match outcome {
            Outcome::Done(_, marks) | Outcome::Partly(_, marks) => marks.as_slice(),
            _ => &[],
        };
        self.failed = outcome.failure().is_some();
        self.look(marks);
    }

    fn look(&mut self, marks: &[watch::Mark]) {
        self.is_warm = true;
        if let Some(watch) = &mut self.watch {
            watch.read();
            if watch.settle(marks) {
                self.pace.want();
            }
        }
    }

    fn hears(&mut self, received: Received) -> bool {
        match received.signal {
            signals::READABLE | signals::IO if received.by_kernel && self.watch.is_some() => {
                self.take_in();
                return true;
            }
            signals::HUP if self.is_blind => self.pace.want(),
            signals::TERM | signals::INT => self.pace.hurry(),
            _ => {}
        }
        false
    }

    /// What changes during a restore is judged at its end, by its marks.
    fn take_in(&mut self) {
        if self.pace.is_running() {
            if let Some(watch) = &mut self.watch {
                watch.read();
            }
        } else {
            self.look(&[]);
        }
    }

    fn ended(&mut self, pid: i32, status: i32) {
        let Some(child) = self.child.take_if(|child| child.pid() == pid) else {
            return;
        };
        self.pace.end();
        let outcome = child.finish(status);
        match &outcome {
            // Somebody held a lock all the time: later.
            Outcome::Exited(status) if *status == ErrorKind::Busy.exit_code() => self.pace.want(),
            Outcome::Failed(why) => say(&format!("restore failed: {why}")),
            _ => {}
        }
        self.learn(&outcome);
    }

    fn turn(&mut self) -> Option<Duration> {
        let mut due = self.pace.due(Instant::now());
        if due == Some(Duration::ZERO) {
            self.start();
            due = None;
        }
        // What a look or a restore has touched would count as ours for ever.
        if std::mem::take(&mut self.is_warm) {
            sys::release_code();
        }
        due
    }

    fn start(&mut self) {
        // What is known by now is what it will see.
        if let Some(watch) = &mut self.watch {
            watch.read();
            watch.settle(&[]);
        }
        if self.restores.globals.verbose {
            say("account files or records changed: restoring");
        }
        self.is_warm = true;
        self.pace.start(Instant::now());
        let Restores { globals, env, mask } = &self.restores;
        match boot::capture(globals, env, *mask) {
            Ok(child) => self.child = Some(child),
            Err(why) => {
                say(&format!("restore failed: {why}"));
                self.failed = true;
                self.pace.end();
            }
        }
    }

    /// Waits for the restore that runs, and for one more if there is need.
    fn catch_up(&mut self) {
        let start = Instant::now();
        let deadline = start + self.budget;
        self.take_in();
        self.await_child(deadline);
        if self.is_behind() && Instant::now() < deadline {
            self.start();
            self.await_child(deadline);
        }
        self.budget = self.budget.saturating_sub(start.elapsed());
    }

    fn finish(mut self) {
        // Without a watch nobody knows whether anything changed.
        if !self.watch.as_ref().is_some_and(Watch::sees_etc) {
            self.pace.want();
            self.catch_up();
        }
        if self.is_behind() {
            say("the last changes of passwords were perhaps not taken in");
        }
    }

    fn is_behind(&self) -> bool {
        self.failed || self.pace.is_wanted()
    }

    /// Signals are blocked and stay pending, so its SIGCHLD can't be missed.
    fn await_child(&mut self, deadline: Instant) {
        while let Some(pid) = self.child.as_ref().map(Background::pid) {
            let left = deadline.saturating_duration_since(Instant::now());
            match sys::wait_child(pid) {
                Waited::Child(_, status) if Change::of(status).exit_status().is_some() => {
                    self.ended(pid, status);
                }
                Waited::NoChildren => self.give_up(),
                _ if left.is_zero() => {
                    let _ = sys::kill(pid, signals::KILL);
                    self.give_up();
                }
                _ => sys::wait_sigchld(left),
            }
        }
    }

    fn give_up(&mut self) {
        self.child = None;
        self.failed = true;
        self.pace.end();
    }
}
