//! The monitor's state, and what each event does to it. Everything is done here,
//! one event after the other, so that no two decisions cross.

use std::collections::HashMap;
use std::net::TcpListener;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::sys::signal::Signal;
use nix::unistd::User as Account;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until};

use super::device::DeviceKey;
use super::files::{self, InstanceLine, State};
use super::instance::{Happened, Reached, Start, Stop};
use super::instances::{Ensured, Generation, Instances};
use super::logins::{Heard, Logins};
use super::people::People;
use super::settings::Settings;
use super::tokens::{Session, Tokens};
use super::web_half::{FromWeb, Restarts, WebHalf};
use crate::say::say;
use crate::wire::{
    self, Call, Message, Reply, Request, Secret, SessionEntry, Text, Time, Token, TokenHash, User,
};

/// The web half may end what it does, and people's programs too.
const STOP_PATIENCE: Duration = Duration::from_secs(4);
const SECONDS_PER_DAY: u64 = 24 * 60 * 60;

/// What can happen.
pub(super) enum Event {
    Web(Web, FromWeb),
    /// It is time to start a web half.
    StartWeb(),
    Heard(Box<Heard>),
    /// A reply whose time has come.
    Reply(Web, u64, Box<Reply>),
    /// A source that waited after a failure may go on.
    Released(),
    Instance(String, Generation, Happened),
    /// Accounts may have changed.
    Accounts(),
    Tick(),
    Stop(),
    /// Whatever has not ended by now is killed.
    StopNow(),
}

/// Tells one web half from the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Web(u64);

/// Everything that the monitor knows.
pub(super) struct Core {
    pub(super) settings: Settings,
    account: Account,
    listener: TcpListener,
    state: State,
    pub(super) tokens: Tokens,
    /// Sessions were touched since they were saved.
    is_touched: bool,
    pub(super) device_key: DeviceKey,
    pub(super) people: People,
    pub(super) logins: Logins,
    instances: Instances<Reached>,
    running: HashMap<String, Running>,
    web: Option<WebHalf>,
    web_number: u64,
    web_since: Instant,
    restarts: Restarts,
    started: Instant,
    pub(super) events: mpsc::Sender<Event>,
    is_stopping: bool,
}

/// A start under way.
struct Running {
    generation: Generation,
    uid: u32,
    since: Time,
    stop: watch::Sender<Stop>,
    /// Since when the person has no session.
    unowned_since: Option<Duration>,
}

impl Core {
    pub(super) fn new(
        settings: Settings,
        account: Account,
        listener: TcpListener,
        state: State,
        tokens: Tokens,
        device_key: DeviceKey,
        events: mpsc::Sender<Event>,
    ) -> Self {
        Self {
            settings,
            account,
            listener,
            state,
            tokens,
            is_touched: false,
            device_key,
            people: People::default(),
            logins: Logins::default(),
            instances: Instances::default(),
            running: HashMap::new(),
            web: None,
            web_number: 0,
            web_since: Instant::now(),
            restarts: Restarts::default(),
            started: Instant::now(),
            events,
            is_stopping: false,
        }
    }

    /// Until told to stop and everything has ended.
    pub(super) async fn run(mut self, mut incoming: mpsc::Receiver<Event>) {
        self.refresh_people();
        self.start_web();
        self.write_status();
        if let Ok(address) = self.listener.local_addr() {
            say(&format!("the login page is on {address}"));
        }
        while let Some(event) = incoming.recv().await {
            self.take(event);
            if self.is_stopping && self.web.is_none() && self.running.is_empty() {
                break;
            }
        }
        self.save();
        say("stopped");
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Web(web, FromWeb::Call(call)) if web == self.web_now() => self.answer(call),
            Event::Web(web, FromWeb::Ended) if web == self.web_now() => self.web_ended(),
            Event::StartWeb() => self.start_web(),
            Event::Heard(heard) => self.heard(*heard),
            Event::Reply(web, id, reply) if web == self.web_now() => self.reply(id, *reply),
            // Of a web half that is gone.
            Event::Web(..) | Event::Reply(..) => (),
            Event::Released() => self.start_attempts(),
            Event::Instance(user, generation, happened) => {
                self.instance_happened(&user, generation, happened);
            }
            Event::Accounts() => self.refresh_people(),
            Event::Tick() => self.tick(),
            Event::Stop() => self.stop(),
            Event::StopNow() => self.stop_now(),
        }
    }

    // Time.

    /// Since the start; no change of the clock moves it.
    pub(super) fn now(&self) -> Duration {
        self.started.elapsed()
    }

    fn tick(&mut self) {
        let ended = self.tokens.expire(clock());
        self.end_streams(&ended);
        // An account's last day may have come.
        self.refresh_people();
        self.drop_old_conversations();
        self.stop_unowned();
        if !ended.is_empty() || std::mem::take(&mut self.is_touched) {
            self.save();
        }
    }

    /// Nobody is left to say that an opencode is idle when its person has no
    /// session any more.
    fn stop_unowned(&mut self) {
        let now = self.now();
        let mut over = Vec::new();
        for (user, running) in &mut self.running {
            if self.tokens.of(user).next().is_some() {
                running.unowned_since = None;
            } else if now.saturating_sub(*running.unowned_since.get_or_insert(now))
                >= self.settings.instance_idle
            {
                over.push(user.clone());
            }
        }
        for user in over {
            self.stop_instance(&user, Stop::Gently);
        }
    }

    // The web half.

    pub(super) fn web_now(&self) -> Web {
        Web(self.web_number)
    }

    fn start_web(&mut self) {
        if self.is_stopping || self.web.is_some() {
            return;
        }
        self.web_number += 1;
        self.web_since = Instant::now();
        let (web, events) = (self.web_now(), self.events.clone());
        let tell = async move |from: FromWeb| {
            let _ = events.send(Event::Web(web, from)).await;
        };
        match WebHalf::start(&self.account, &self.listener, tell) {
            Ok(web) => self.web = Some(web),
            Err(error) => {
                say(&format!("cannot start the web half: {error}"));
                self.restart_web();
            }
        }
    }

    fn web_ended(&mut self) {
        self.web = None;
        self.logins.forget_web();
        if !self.is_stopping {
            self.restart_web();
        }
    }

    fn restart_web(&mut self) {
        let rest = self.restarts.rest_after(self.web_since.elapsed());
        self.later(rest, Event::StartWeb());
    }

    /// Sends an event to ourselves.
    pub(super) fn later(&self, after: Duration, event: Event) {
        let events = self.events.clone();
        tokio::task::spawn_local(async move {
            sleep(after).await;
            let _ = events.send(event).await;
        });
    }

    fn tell(&self, message: &Message) {
        if let Some(web) = &self.web
            && let Err(why) = web.tell(message)
        {
            say(&format!("ending the web half: {why}"));
            web.signal(Signal::SIGKILL);
        }
    }

    pub(super) fn reply(&self, id: u64, reply: Reply) {
        self.tell(&Message::Reply { id, reply });
    }

    fn end_streams(&self, ended: &[TokenHash]) {
        for &token_hash in ended {
            self.tell(&Message::Event(wire::Event::Gone { token_hash }));
        }
    }

    // Calls.

    fn answer(&mut self, Call { id, request }: Call) {
        let reply = match request {
            Request::Authenticate {
                user,
                password,
                address,
                agent,
                device,
            } => return self.authenticate(id, user, password, address, agent, device.as_ref()),
            Request::Answer { conversation, text } => return self.resume(id, conversation, text),
            Request::ChangePassword { token, old, new } => {
                return self.change_password(id, &token, old, new);
            }
            Request::Ping {} => Reply::Done,
            Request::Session { token } => self.for_session(&token, Self::session),
            Request::Touch { token } => {
                let now = clock();
                self.is_touched = true;
                self.for_session(&token, |core, token, _| {
                    core.tokens.touch(token, now);
                    Reply::Done
                })
            }
            Request::Sessions { token } => self.for_session(&token, Self::sessions),
            Request::Revoke { token, handle } => self.for_session(&token, |core, _, session| {
                let ended = core.tokens.by_handle(&session.user, handle);
                core.end(ended.as_slice())
            }),
            Request::End { token } => {
                self.for_session(&token, |core, token, _| core.end(&[token.hash()]))
            }
            Request::EndAll { token } => self.for_session(&token, |core, _, session| {
                let ended = core.tokens.end_all(&session.user);
                core.ended(&ended);
                Reply::Done
            }),
            Request::Ensure { token } => {
                self.for_session(&token, |core, _, session| core.ensure(&session.user))
            }
            Request::Idle { token } => self.for_session(&token, |core, _, session| {
                core.stop_instance(&session.user, Stop::Gently);
                Reply::Done
            }),
        };
        self.reply(id, reply);
    }

    /// Only who is logged in gets further; everything else is theirs alone.
    fn for_session(
        &mut self,
        token: &Token,
        answer: impl FnOnce(&mut Self, &Token, &Session) -> Reply,
    ) -> Reply {
        match self.tokens.find(token, clock()).cloned() {
            Some(session) => answer(self, token, &session),
            None => Reply::Gone,
        }
    }

    fn session(&mut self, _: &Token, session: &Session) -> Reply {
        let display_name = self
            .people
            .get(&session.user)
            .map_or("", |person| &person.display_name);
        Reply::Session(wire::Session {
            user: User::cut(&session.user),
            display_name: Text::cut(display_name),
            created: session.created,
            expires: self.tokens.expires(session),
            idle_expires: self.tokens.idle_expires(session),
            last_seen: session.last_seen,
        })
    }

    fn sessions(&mut self, token: &Token, session: &Session) -> Reply {
        let current = token.hash();
        let mut all: Vec<SessionEntry> = self
            .tokens
            .of(&session.user)
            .map(|(token, session)| SessionEntry {
                handle: session.handle,
                created: session.created,
                last_seen: session.last_seen,
                agent: session.agent.clone(),
                address: session.address,
                current: token == current,
            })
            .collect();
        all.sort_by_key(|entry| std::cmp::Reverse(entry.last_seen));
        Reply::Sessions(all)
    }

    /// Ends sessions, on disk too, and their streams.
    fn end(&mut self, ended: &[TokenHash]) -> Reply {
        for token in ended {
            self.tokens.end(*token);
        }
        self.ended(ended);
        Reply::Done
    }

    /// Sessions are over already: the streams and the disk follow.
    pub(super) fn ended(&mut self, ended: &[TokenHash]) {
        if !ended.is_empty() {
            self.end_streams(ended);
            self.save();
        }
    }

    pub(super) fn save(&mut self) {
        if let Err(error) = self.state.save_sessions(&self.tokens) {
            say(&format!(
                "cannot write '/var/lib/occ-gate/sessions.json': {error}; a restart logs people out"
            ));
        }
        self.write_status();
    }

    // People.

    /// Reads who may log in, and shuts out who may not any more.
    pub(super) fn refresh_people(&mut self) {
        let today = u32::try_from(clock() / SECONDS_PER_DAY).unwrap_or(u32::MAX);
        let people = match files::read_accounts() {
            Ok(accounts) => People::read(&accounts, today),
            Err(error) => {
                say(&error.to_string());
                return;
            }
        };
        let before = std::mem::replace(&mut self.people, people);
        let (people, logins) = (&self.people, &self.logins);
        // A change that the person is making is judged when PAM is done.
        let is_as_before = |user: &str| {
            let (old, new) = (before.get(user), people.get(user));
            old.map(|person| person.stamp) == new.map(|person| person.stamp)
                || logins.is_changing(user)
                    && old
                        .zip(new)
                        .is_some_and(|(old, new)| old.uid == new.uid && old.shell == new.shell)
        };
        let shut_out: Vec<String> = self
            .running
            .keys()
            .filter(|user| !is_as_before(user))
            .cloned()
            .collect();
        let ended = self.tokens.keep_only(|user, stamp| {
            people.stamp(user) == Some(stamp) || logins.is_changing(user) && is_as_before(user)
        });
        for user in shut_out {
            self.stop_instance(&user, Stop::AtOnce);
        }
        self.ended(&ended);
    }

    // Instances.

    fn ensure(&mut self, user: &str) -> Reply {
        let now = self.now();
        let Some(person) = self.people.get(user).cloned().filter(|_| !self.is_stopping) else {
            return Reply::Gone;
        };
        let uid = person.uid;
        match self.instances.ensure(user, now) {
            Ensured::Ready(reached) => match Secret::from_text(&reached.secret) {
                Some(secret) => Reply::Ready {
                    port: reached.port,
                    uid,
                    secret,
                },
                None => Reply::Starting,
            },
            Ensured::Starting => Reply::Starting,
            Ensured::Failed(reason, rest) => Reply::Failed {
                reason,
                retry_seconds: u32::try_from(rest.as_secs() + 1).unwrap_or(u32::MAX),
            },
            Ensured::Start(generation) => {
                self.start_instance(person, generation);
                Reply::Starting
            }
        }
    }

    fn start_instance(&mut self, person: super::people::Person, generation: Generation) {
        let user = person.name.as_str().to_owned();
        let (stop, stopped) = watch::channel(Stop::No);
        let running = Running {
            generation,
            uid: person.uid,
            since: clock(),
            stop,
            unowned_since: None,
        };
        self.running.insert(user.clone(), running);
        let start = Start {
            person,
            allow_setuid: self.settings.allow_setuid,
            max_processes: self.settings.max_processes,
            stop: stopped,
        };
        let events = self.events.clone();
        tokio::task::spawn_local(start.run(async move |happened| {
            let event = Event::Instance(user.clone(), generation, happened);
            let _ = events.send(event).await;
        }));
        self.write_status();
    }

    fn stop_instance(&mut self, user: &str, how: Stop) {
        self.instances.stop(user);
        if let Some(running) = self.running.get(user) {
            running.stop.send_if_modified(|now| {
                let is_harder = *now == Stop::No || how == Stop::AtOnce;
                *now = if is_harder { how } else { *now };
                is_harder
            });
        }
    }

    fn instance_happened(&mut self, user: &str, generation: Generation, happened: Happened) {
        let now = self.now();
        let name = User::cut(user);
        match happened {
            Happened::Ready(reached) => {
                if self.instances.ready(user, generation, reached, now) {
                    self.tell(&Message::Event(wire::Event::InstanceReady { user: name }));
                }
            }
            Happened::Ended(why) => {
                if self
                    .running
                    .get(user)
                    .is_some_and(|running| running.generation == generation)
                {
                    self.running.remove(user);
                }
                self.tell(&Message::Event(wire::Event::InstanceGone { user: name }));
                let again = self.instances.ended(user, generation, why, now);
                match (again, self.people.get(user).cloned()) {
                    (Some(generation), Some(person)) if !self.is_stopping => {
                        self.start_instance(person, generation);
                    }
                    (Some(generation), _) => {
                        // Shut out meanwhile: it never starts.
                        self.instances.ended(user, generation, None, now);
                    }
                    (None, _) => (),
                }
            }
        }
        self.write_status();
    }

    fn write_status(&self) {
        let ready: HashMap<&str, u32> = self
            .instances
            .running()
            .filter_map(|(user, reached)| Some((user, reached?.pid)))
            .collect();
        let mut lines: Vec<InstanceLine<'_>> = self
            .running
            .iter()
            .map(|(user, running)| InstanceLine {
                user,
                uid: running.uid,
                pid: ready.get(user.as_str()).copied(),
                since: running.since,
            })
            .collect();
        lines.sort_by_key(|line| line.uid);
        if let Err(error) = files::write_status(self.settings.listen, self.tokens.count(), &lines) {
            say(&format!("cannot write '/run/occ/gate.json': {error}"));
        }
    }

    // The end.

    fn stop(&mut self) {
        if self.is_stopping {
            return self.stop_now();
        }
        self.is_stopping = true;
        if let Some(web) = &self.web {
            web.signal(Signal::SIGTERM);
        }
        let users: Vec<String> = self.running.keys().cloned().collect();
        for user in users {
            self.stop_instance(&user, Stop::Gently);
        }
        self.later(STOP_PATIENCE, Event::StopNow());
    }

    fn stop_now(&mut self) {
        if let Some(web) = &self.web {
            web.signal(Signal::SIGKILL);
        }
        let users: Vec<String> = self.running.keys().cloned().collect();
        for user in users {
            self.stop_instance(&user, Stop::AtOnce);
        }
    }

    /// Sends a reply at a time of its own, if the same web half is still there.
    pub(super) fn reply_at(&self, when: Instant, id: u64, reply: Reply) {
        let (web, events) = (self.web_now(), self.events.clone());
        tokio::task::spawn_local(async move {
            sleep_until(when).await;
            let _ = events.send(Event::Reply(web, id, Box::new(reply))).await;
        });
    }
}

/// Seconds since 1970.
pub(super) fn clock() -> Time {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.unwrap_or_default().as_secs()
}
