//! Keeps account files and records in step while COMMAND runs: starts a restore
//! when they change, and at the end makes sure that the last change was taken
//! in. It sees names of files and ends of processes, never an account.

use std::os::fd::RawFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::background::Background;
use crate::boot::{self, Outcome};
use crate::commands::STORE;
use crate::glance::{self, Glance};
use crate::pace::Pace;
use crate::phase::Change;
use crate::run_options::Globals;
use crate::say::say;
use crate::signals;
use crate::sys::{self, Entry, Received, SignalMask, Waited};
use crate::watch::{self, Watch};
use accounts::wire::ErrorKind;

/// How long the last restore may hold the container's end up.
const LAST: Duration = Duration::from_secs(1);

/// When changes begin to be seen.
pub(crate) enum Sight {
    /// From now on; Err: not, and one line why not.
    Now(Result<Watch, String>),
    /// A while after the start, and what changed until then is looked for.
    Later(Passwd),
}

/// Inode and time of the last change of passwd, if it is there: no account is made
/// here without changing it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Passwd(Option<(u64, i64, i64)>);

impl Passwd {
    /// As it is now in `globals`' tree.
    pub(crate) fn of(globals: &Globals) -> Self {
        let state = nix::sys::stat::lstat(&etc(globals).join("passwd")).ok();
        Self(state.map(|state| (state.st_ino, state.st_ctime, state.st_ctime_nsec)))
    }
}

/// Where no account ever was, there is no hurry; and the kernel takes its time
/// to end a watch, some 10 ms, which a COMMAND that ends at once need not wait
/// for.
struct Later {
    at: Instant,
    /// At the start.
    passwd: Passwd,
}

/// From the start of COMMAND.
const LATER: Duration = Duration::from_secs(1);

impl Sight {
    /// What there is to follow in `globals`' tree from now on; before the first
    /// restore, so that no change falls between the two. Both paths absolute.
    pub(crate) fn of(globals: &Globals, found: Glance) -> Self {
        let mut watch = watch(globals);
        // A store that didn't answer is watched when the restore has ended.
        if let (Ok(watch), Glance::Something) = (&mut watch, found) {
            watch.add();
        }
        Self::Now(watch)
    }
}

fn root(globals: &Globals) -> &Path {
    globals.root.as_deref().unwrap_or(Path::new("/"))
}

fn etc(globals: &Globals) -> PathBuf {
    root(globals).join("etc")
}

fn watch(globals: &Globals) -> Result<Watch, String> {
    let store = globals.store.clone();
    let store = store.unwrap_or_else(|| root(globals).join(STORE));
    Watch::begin(etc(globals), store)
        .and_then(|watch| watch.signal().map(|()| watch))
        .map_err(|errno| watch::cannot_watch(&etc(globals), errno))
}

/// How the restores that follow are started.
pub(crate) struct Restores<'a> {
    /// With absolute paths: we are in `/` by now.
    pub(crate) globals: &'a Globals,
    pub(crate) env: Vec<Entry<'a>>,
    pub(crate) mask: SignalMask,
}

/// Keeps account files and records in step.
pub(crate) struct Follow<'a> {
    restores: Restores<'a>,
    /// None: nothing is seen.
    watch: Option<Watch>,
    /// Nothing is seen yet.
    later: Option<Later>,
    /// Changes may go unseen, so SIGHUP asks for a restore.
    is_blind: bool,
    pace: Pace,
    child: Option<Background>,
    /// A restore failed, and none has worked since.
    failed: bool,
    /// How long we may still keep the container's end waiting, in all.
    budget: Duration,
}

impl<'a> Follow<'a> {
    pub(crate) fn new(sight: Sight, restores: Restores<'a>) -> Self {
        let mut follow = Self {
            restores,
            watch: None,
            later: None,
            is_blind: false,
            pace: Pace::default(),
            child: None,
            failed: false,
            budget: LAST,
        };
        match sight {
            Sight::Now(Ok(watch)) => follow.watch = Some(watch),
            Sight::Now(Err(why)) => follow.is_blind_because(&why),
            Sight::Later(passwd) => {
                let at = Instant::now() + LATER;
                follow.later = Some(Later { at, passwd });
            }
        }
        follow
    }

    /// What must stay open.
    pub(crate) fn fd(&self) -> Option<RawFd> {
        self.watch.as_ref().map(Watch::fd)
    }

    fn is_blind_because(&mut self, why: &str) {
        self.is_blind = true;
        if !self.restores.globals.quiet {
            say(&format!("{why}; SIGHUP makes occ-init look again"));
        }
    }

    /// The first restore goes on.
    pub(crate) fn busy(&mut self) {
        self.pace.start(Instant::now());
    }

    /// The first restore has ended.
    pub(crate) fn booted(&mut self, outcome: &Outcome) {
        self.pace.end();
        self.complete(outcome);
        if self.later.is_none() {
            self.learn(outcome);
        }
    }

    fn complete(&mut self, outcome: &Outcome) {
        let Some(watch) = &mut self.watch else { return };
        if outcome.failure().is_some() {
            // Its disk may not answer: we must not touch the store ourselves.
            self.is_blind |= !watch.sees_store();
            return;
        }
        watch.complete();
        if let Some(why) = watch.blind_spot() {
            self.is_blind_because(&why);
        }
    }

    /// Begins to see, and looks for what changed before.
    fn begin(&mut self) {
        self.later = None;
        let globals = self.restores.globals;
        match watch(globals) {
            Ok(mut watch) => {
                if glance::at(globals, Some(&mut watch), LAST) != Glance::Nothing {
                    self.pace.want();
                }
                let blind_spot = watch.blind_spot();
                self.watch = Some(watch);
                if let Some(why) = blind_spot {
                    self.is_blind_because(&why);
                }
            }
            Err(why) => self.is_blind_because(&why),
        }
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
        if let Some(watch) = &mut self.watch {
            watch.read();
            if watch.settle(marks) {
                self.pace.want();
            }
        }
    }

    pub(crate) fn hears(&mut self, received: Received) -> bool {
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

    pub(crate) fn ended(&mut self, pid: i32, status: i32) {
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

    pub(crate) fn turn(&mut self) -> Option<Duration> {
        let now = Instant::now();
        let later = self
            .later
            .as_ref()
            .map(|later| later.at.saturating_duration_since(now));
        if later == Some(Duration::ZERO) {
            self.begin();
        }
        let mut due = self.pace.due(Instant::now());
        if due == Some(Duration::ZERO) {
            self.start();
            due = None;
        }
        let later = later.filter(|left| !left.is_zero());
        due.into_iter().chain(later).min()
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
    pub(crate) fn catch_up(&mut self) {
        let start = Instant::now();
        let deadline = start + self.budget;
        self.take_in();
        self.take_in_unseen();
        self.await_child(deadline);
        if self.is_behind() && Instant::now() < deadline {
            self.start();
            self.await_child(deadline);
        }
        self.budget = self.budget.saturating_sub(start.elapsed());
    }

    /// Before anything is seen, a new passwd says that somebody was added.
    fn take_in_unseen(&mut self) {
        if let Some(later) = &mut self.later {
            let now = Passwd::of(self.restores.globals);
            if std::mem::replace(&mut later.passwd, now) != now {
                self.pace.want();
            }
        }
    }

    pub(crate) fn finish(mut self) {
        // Without a watch nobody knows whether anything changed.
        if self.later.is_none() && !self.watch.as_ref().is_some_and(Watch::sees_etc) {
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
                _ => {
                    sys::wait_sigchld(left);
                }
            }
        }
    }

    fn give_up(&mut self) {
        self.child = None;
        self.failed = true;
        self.pace.end();
    }
}
