//! The monitor's state, and what each event does to it. Everything is done here,
//! one event after the other, so that no two decisions cross.

use std::collections::HashMap;
use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::sys::signal::Signal;
use nix::unistd::User as Account;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until};

use crate::log::say;
use crate::monitor::accounts::People;
use crate::monitor::files::{self, State};
use crate::monitor::login::device_cookie::DeviceKey;
use crate::monitor::login::{Heard, Logins};
use crate::monitor::opencode::Running;
use crate::monitor::opencode::process::{Happened, Reached, Stop, Turns};
use crate::monitor::opencode::table::{Generation, Instances};
use crate::monitor::sessions::Tokens;
use crate::monitor::web_process::{FromWeb, Restarts, WebHalf};
use crate::settings::Settings;
use crate::wire::{self, Message, Reply, Time, TokenHash};

/// The web half may end what it does, and people's programs too.
const STOP_PATIENCE: Duration = Duration::from_secs(4);
const SECONDS_PER_DAY: u64 = 24 * 60 * 60;

/// What can happen.
pub(crate) enum Event {
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
pub(crate) struct Web(u64);

/// Everything that the monitor knows.
pub(crate) struct Core {
    pub(crate) settings: Settings,
    pub(crate) account: Account,
    pub(crate) listener: TcpListener,
    pub(crate) state: State,
    pub(crate) tokens: Tokens,
    /// Sessions were touched since they were saved.
    pub(crate) is_touched: bool,
    pub(crate) device_key: DeviceKey,
    pub(crate) people: People,
    pub(crate) logins: Logins,
    pub(crate) instances: Instances<Reached>,
    pub(crate) running: HashMap<String, Running>,
    pub(crate) turns: Turns,
    pub(crate) web: Option<WebHalf>,
    pub(crate) web_number: u64,
    pub(crate) web_since: Instant,
    pub(crate) restarts: Restarts,
    pub(crate) started: Instant,
    pub(crate) events: mpsc::Sender<Event>,
    pub(crate) is_stopping: bool,
}

impl Core {
    pub(crate) fn new(
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
            turns: Turns::of_this_machine(),
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
    pub(crate) async fn run(mut self, mut incoming: mpsc::Receiver<Event>) {
        self.refresh_people();
        self.start_web();
        self.write_status();
        say(&format!("the login page is on {}", self.address()));
        while let Some(event) = incoming.recv().await {
            self.take(event);
            if self.is_stopping && self.web.is_none() && self.running.is_empty() {
                break;
            }
        }
        self.save();
        files::remove_status();
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
    pub(crate) fn now(&self) -> Duration {
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

    /// Where the login page is; with port 0, the one that was found.
    pub(crate) fn address(&self) -> SocketAddr {
        self.listener.local_addr().unwrap_or(self.settings.listen)
    }

    // The web half.

    pub(crate) fn web_now(&self) -> Web {
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
        if self.is_stopping {
            self.stop_people(Stop::Gently);
        } else {
            self.restart_web();
        }
    }

    fn restart_web(&mut self) {
        let rest = self.restarts.rest_after(self.web_since.elapsed());
        self.later(rest, Event::StartWeb());
    }

    /// Sends an event to ourselves.
    pub(crate) fn later(&self, after: Duration, event: Event) {
        let events = self.events.clone();
        tokio::task::spawn_local(async move {
            sleep(after).await;
            let _ = events.send(event).await;
        });
    }

    pub(crate) fn tell(&self, message: &Message) {
        if let Some(web) = &self.web
            && let Err(why) = web.tell(message)
        {
            say(&format!("ending the web half: {why}"));
            web.signal(Signal::SIGKILL);
        }
    }

    pub(crate) fn reply(&self, id: u64, reply: Reply) {
        self.tell(&Message::Reply { id, reply });
    }

    fn end_streams(&self, ended: &[TokenHash]) {
        for &token_hash in ended {
            self.tell(&Message::Event(wire::Event::Gone { token_hash }));
        }
    }

    /// Sessions are over already: the streams and the disk follow.
    pub(crate) fn ended(&mut self, ended: &[TokenHash]) {
        if !ended.is_empty() {
            self.end_streams(ended);
            self.save();
        }
    }

    pub(crate) fn save(&mut self) {
        if let Err(error) = self.state.save_sessions(&self.tokens) {
            say(&format!(
                "cannot write '/var/lib/occ-gate/sessions.json': {error}; a restart logs people out"
            ));
        }
        self.write_status();
    }

    /// Reads who may log in, and shuts out who may not any more.
    pub(crate) fn refresh_people(&mut self) {
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

    // The end.

    fn stop(&mut self) {
        if self.is_stopping {
            return self.stop_now();
        }
        self.is_stopping = true;
        match &self.web {
            // What it still answers comes from people's opencodes: they are next.
            Some(web) => web.signal(Signal::SIGTERM),
            None => self.stop_people(Stop::Gently),
        }
        self.later(STOP_PATIENCE, Event::StopNow());
    }

    fn stop_now(&mut self) {
        if let Some(web) = &self.web {
            web.signal(Signal::SIGKILL);
        }
        self.stop_people(Stop::AtOnce);
    }

    fn stop_people(&mut self, how: Stop) {
        let users: Vec<String> = self.running.keys().cloned().collect();
        for user in users {
            self.stop_instance(&user, how);
        }
    }

    /// Sends a reply at a time of its own, if the same web half is still there.
    pub(crate) fn reply_at(&self, when: Instant, id: u64, reply: Reply) {
        let (web, events) = (self.web_now(), self.events.clone());
        tokio::task::spawn_local(async move {
            sleep_until(when).await;
            let _ = events.send(Event::Reply(web, id, Box::new(reply))).await;
        });
    }
}

/// Seconds since 1970.
pub(crate) fn clock() -> Time {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.unwrap_or_default().as_secs()
}
