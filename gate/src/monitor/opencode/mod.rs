//! People's opencodes: which run, which may start, which must end. Returns
//! [`Action`]s for the monitor to perform; knows neither wire nor logins.

pub(crate) mod cleanup;
pub(crate) mod process;
mod requests;
mod start_limit;
pub(crate) mod stop;
pub(crate) mod table;

use std::cell::Cell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tokio::sync::watch;

use self::process::{Fault, OpencodeAddress, OpencodeProcess, ProcessEvent};
use self::start_limit::StartLimit;
use self::stop::Stop;
use self::table::{Ensured, Generation, Restarted, Table};
use super::accounts::Person;
use super::files::OpencodeLine;
use super::person_process::Allowed;
use super::terminal::spared::SparedSessions;
use crate::clock;
use crate::log;
use crate::settings::Settings;
use crate::wire::{
    self, EnsureReply, Failure, Line, OpencodeView, RestartReply, Secret, Time, User,
};

pub(crate) struct Opencodes {
    table: Table<OpencodeAddress>,
    running: HashMap<String, Running>,
    /// The last lines of those that failed, until they start again.
    outputs: HashMap<String, Vec<Line>>,
    starts: StartLimit,
    allowed: Allowed,
    idle: Duration,
    spared: SparedSessions,
}

/// A start under way.
struct Running {
    generation: Generation,
    uid: u32,
    since: Time,
    stop: watch::Sender<Stop>,
    /// It was its turn to start.
    has_begun: Rc<Cell<bool>>,
    /// Since when the person has no session.
    unowned_since: Option<Duration>,
    /// The last lines of the login shell, where it did not start this one.
    without_login_shell: Option<Vec<Line>>,
}

/// An action for the monitor.
pub(crate) enum Action {
    /// Run the process; report its events under this number.
    Run(Box<OpencodeProcess>, Generation),
    /// Send an event to the web half.
    Tell(wire::Event),
}

impl Opencodes {
    pub(crate) fn new(settings: &Settings, spared: SparedSessions) -> Self {
        Self {
            table: Table::default(),
            running: HashMap::new(),
            outputs: HashMap::new(),
            starts: StartLimit::of_this_machine(),
            allowed: Allowed::of(settings),
            idle: settings.idle,
            spared,
        }
    }

    /// Returns whether no process is left.
    pub(crate) fn is_empty(&self) -> bool {
        self.running.is_empty()
    }

    /// Returns whether a person's opencode, or what it left, is not at its end.
    pub(crate) fn is_running(&self, user: &str) -> bool {
        self.running.contains_key(user)
    }

    /// Stops those whose person has had no session for the idle time: without a
    /// session the web half cannot report that an opencode is idle. It still
    /// reports that one works ([`Self::works`]).
    pub(crate) fn stop_unowned(&mut self, now: Duration, has_session: impl Fn(&str) -> bool) {
        let mut over = Vec::new();
        for (user, running) in &mut self.running {
            if has_session(user) {
                running.unowned_since = None;
            } else if now.saturating_sub(*running.unowned_since.get_or_insert(now)) >= self.idle {
                over.push(user.clone());
            }
        }
        for user in over {
            self.stop(&user, Stop::Gently);
        }
    }

    /// Keeps an opencode that works running without a session. The web half knows
    /// its secret, so it may speak for it. Returns whether there is such a one.
    pub(crate) fn works(&mut self, secret: &Secret) -> bool {
        let digest = |bytes: &[u8]| Sha256::digest(bytes);
        let is_meant =
            |address: &OpencodeAddress| digest(address.secret.expose()) == digest(secret.expose());
        let mut running = self.table.running();
        let user = running
            .find(|(_, address)| address.is_some_and(is_meant))
            .map(|(user, _)| user);
        let found = user.and_then(|user| self.running.get_mut(user));
        found.map(|running| running.unowned_since = None).is_some()
    }

    /// Starts a person's opencode if need be, and returns how it is.
    pub(crate) fn ensure(&mut self, person: &Person, now: Duration) -> (EnsureReply, Vec<Action>) {
        let reply = match self.table.ensure(person.name.as_str(), now) {
            Ensured::Ready(address) => EnsureReply::Ready {
                port: address.port,
                uid: person.uid,
                secret: address.secret.clone(),
            },
            Ensured::Starting => self.progress(person.name.as_str()),
            Ensured::Failed(reason, rest) => self.failed(person.name.as_str(), reason, rest),
            Ensured::Start(generation) => {
                let start = self.start(person, generation);
                return (self.progress(person.name.as_str()), vec![start]);
            }
        };
        (reply, Vec::new())
    }

    fn failed(&self, user: &str, reason: Failure, rest: Duration) -> EnsureReply {
        EnsureReply::Failed {
            reason,
            retry_seconds: u32::try_from(rest.as_secs() + 1).unwrap_or(u32::MAX),
            output: self.outputs.get(user).cloned().unwrap_or_default(),
        }
    }

    /// Ends a person's opencode and starts it anew.
    pub(crate) fn restart(
        &mut self,
        person: &Person,
        now: Duration,
    ) -> (RestartReply, Vec<Action>) {
        match self.table.restart(person.name.as_str(), now) {
            Restarted::Start(generation) => {
                let start = self.start(person, generation);
                (RestartReply::Restarting, vec![start])
            }
            Restarted::Stop => {
                self.stop(person.name.as_str(), Stop::Gently);
                (RestartReply::Restarting, Vec::new())
            }
            Restarted::TooSoon => (RestartReply::TooSoon, Vec::new()),
        }
    }

    /// A person's opencode as their account page shows it.
    pub(crate) fn view(&self, user: &str) -> OpencodeView {
        let running = self.running.get(user);
        OpencodeView {
            without_login_shell: running.and_then(|running| running.without_login_shell.clone()),
        }
    }

    /// The reply for one that comes up. Those that wait before it have a smaller generation.
    fn progress(&self, user: &str) -> EnsureReply {
        let waits = |running: &&Running| !running.has_begun.get();
        let Some(own) = self.running.get(user).filter(waits) else {
            return EnsureReply::Starting;
        };
        let others = self.running.values().filter(waits);
        let before = others.filter(|other| other.generation < own.generation);
        let before = u32::try_from(before.count()).unwrap_or(u32::MAX);
        // The first ones begin in a moment.
        match before.checked_sub(self.starts.room()) {
            None => EnsureReply::Starting,
            Some(ahead) => EnsureReply::Waiting { ahead },
        }
    }

    fn start(&mut self, person: &Person, generation: Generation) -> Action {
        let (stop, stopped) = watch::channel(Stop::No);
        let running = Running {
            generation,
            uid: person.uid,
            since: clock::now(),
            stop,
            has_begun: Rc::default(),
            unowned_since: None,
            without_login_shell: None,
        };
        self.outputs.remove(person.name.as_str());
        let has_begun = Rc::clone(&running.has_begun);
        self.running
            .insert(person.name.as_str().to_owned(), running);
        let process = OpencodeProcess {
            person: person.clone(),
            allowed: self.allowed,
            starts: self.starts.clone(),
            has_begun,
            spared: self.spared.clone(),
            stop: stopped,
        };
        Action::Run(Box::new(process), generation)
    }

    /// Stops a person's opencode, if there is one.
    pub(crate) fn stop(&mut self, user: &str, how: Stop) {
        self.table.stop(user);
        if self.is_running(user) {
            log::debug(|| format!("stopping opencode of {user}: {how:?}"));
        }
        if let Some(running) = self.running.get(user) {
            how.tell(&running.stop);
        }
    }

    /// Stops those for whose person `is_meant` says so.
    pub(crate) fn stop_all(&mut self, how: Stop, is_meant: impl Fn(&str) -> bool) {
        let users = self.running.keys().filter(|user| is_meant(user));
        for user in users.cloned().collect::<Vec<String>>() {
            self.stop(&user, how);
        }
    }

    /// Takes an event of a process. `person` is its owner, unless they are shut
    /// out or everything stops; then nothing is started again.
    pub(crate) fn happened(
        &mut self,
        user: &str,
        generation: Generation,
        event: ProcessEvent,
        person: Option<&Person>,
        now: Duration,
    ) -> Vec<Action> {
        let name = User::cut(user);
        match event {
            ProcessEvent::WithoutLoginShell(output) => {
                let running = self.running.get_mut(user);
                if let Some(running) = running.filter(|running| running.generation == generation) {
                    running.without_login_shell = Some(output);
                }
                Vec::new()
            }
            ProcessEvent::Ready(address) => {
                let is_wanted = self.table.ready(user, generation, address, now);
                let ready = Action::Tell(wire::Event::InstanceReady { user: name });
                is_wanted.then_some(ready).into_iter().collect()
            }
            ProcessEvent::Ended(why) => {
                let running = self.running.get(user);
                if running.is_some_and(|running| running.generation == generation) {
                    self.running.remove(user);
                }
                let gone = Action::Tell(wire::Event::InstanceGone { user: name });
                let failure = why.as_ref().map(|fault| fault.failure);
                if let Some(Fault { output, .. }) = why {
                    self.outputs.insert(user.to_owned(), output);
                }
                let again = self.table.ended(user, generation, failure, now);
                match (again, person) {
                    (Some(generation), Some(person)) => vec![gone, self.start(person, generation)],
                    (Some(generation), None) => {
                        // Shut out meanwhile: it never starts.
                        self.table.ended(user, generation, None, now);
                        vec![gone]
                    }
                    (None, _) => vec![gone],
                }
            }
        }
    }

    /// The processes as `occ-init status` shows them.
    pub(crate) fn lines<'a>(&'a self) -> Vec<OpencodeLine<'a>> {
        let ready: HashMap<&str, u32> = self
            .table
            .running()
            .filter_map(|(user, address)| Some((user, address?.pid)))
            .collect();
        let line = |(user, running): (&'a String, &Running)| OpencodeLine {
            user,
            uid: running.uid,
            pid: ready.get(user.as_str()).copied(),
            since: running.since,
        };
        let mut lines: Vec<OpencodeLine<'a>> = self.running.iter().map(line).collect();
        lines.sort_by_key(|line| line.uid);
        lines
    }
}
