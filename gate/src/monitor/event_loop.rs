//! The monitor's state, and what each event does to it. One event after the
//! other, so that no two decisions cross. `Logins`, `Opencodes` and `Sessions`
//! decide within their own bounds and return actions; only [`Monitor`] performs
//! them.

use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::time::Duration;

use nix::sys::signal::Signal;
use nix::unistd::User as Account;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::access::AccessTokens;
use super::accounts::Accounts;
use super::event::Event;
use super::files;
use super::first_account::{Change, FirstAccount, Making, Order};
use super::login::{self, Logins};
use super::opencode::stop::Stop;
use super::opencode::{self, Opencodes};
use super::passkeys::Passkeys;
use super::sessions::{SessionLimits, Sessions};
use super::terminal::spared::SparedSessions;
use super::terminal::{self, Terminals};
use super::web_process::{FromWeb, Restarts, WebId, WebProcess};
use crate::clock;
use crate::limits::Limits;
use crate::log;
use crate::settings::Settings;
use crate::wire::{self, Message, Reply, TokenHash};

/// The web half may end what it does, and people's programs too.
const STOP_PATIENCE: Duration = Duration::from_secs(4);
const SECONDS_PER_DAY: u64 = 24 * 60 * 60;

/// The whole state of the root half.
pub(crate) struct Monitor {
    settings: Settings,
    account: Account,
    listener: TcpListener,
    limits: Limits,
    pub(crate) sessions: Sessions,
    /// Sessions were touched since they were saved.
    pub(crate) is_touched: bool,
    pub(crate) access: AccessTokens,
    pub(crate) accounts: Accounts,
    pub(crate) passkeys: Passkeys,
    pub(crate) logins: Logins,
    pub(crate) opencodes: Opencodes,
    pub(crate) first_account: FirstAccount,
    pub(crate) terminals: Terminals,
    web: Option<WebProcess>,
    pub(crate) web_id: WebId,
    web_since: Instant,
    restarts: Restarts,
    started: Instant,
    events: mpsc::Sender<Event>,
    pub(crate) is_stopping: bool,
}

impl Monitor {
    pub(crate) fn new(
        settings: Settings,
        account: Account,
        listener: TcpListener,
        events: mpsc::Sender<Event>,
    ) -> std::io::Result<Self> {
        let limits = Limits::of(&settings);
        let session_limits = SessionLimits {
            idle: settings.session_idle,
            absolute: settings.session_limit,
        };
        let spared = SparedSessions::default();
        Ok(Self {
            sessions: files::sessions(session_limits)?,
            access: AccessTokens::load(!settings.tokens),
            passkeys: Passkeys::load(
                !settings.passkeys,
                account.uid.as_raw(),
                account.gid.as_raw(),
            ),
            logins: Logins::new(files::device_key()?, &limits),
            first_account: FirstAccount::new(settings.first_account),
            opencodes: Opencodes::new(&settings, spared.clone()),
            terminals: Terminals::new(&settings, spared),
            settings,
            account,
            listener,
            limits,
            is_touched: false,
            accounts: Accounts::default(),
            web: None,
            web_id: WebId::default(),
            web_since: Instant::now(),
            restarts: Restarts::default(),
            started: Instant::now(),
            events,
            is_stopping: false,
        })
    }

    /// Runs until told to stop and everything has ended.
    pub(crate) async fn run(mut self, mut incoming: mpsc::Receiver<Event>) {
        self.read_accounts();
        self.revoke_as_requested();
        self.start_web();
        self.write_status();
        log::line(&format!("the login page is on {}", self.address()));
        while let Some(event) = incoming.recv().await {
            self.handle(event);
            let nothing_runs = self.opencodes.is_empty() && self.terminals.is_empty();
            if self.is_stopping && self.web.is_none() && nothing_runs {
                break;
            }
        }
        self.save();
        self.access.finish();
        files::remove_status();
        files::remove_first_code();
        log::line("stopped");
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Web(web, FromWeb::Call(call)) if web == self.web_id => self.answer(call),
            Event::Web(web, FromWeb::Ended(ended)) if web == self.web_id => self.web_ended(ended),
            Event::Reply(web, id, reply) if web == self.web_id => self.reply(id, *reply),
            // Of a web half that is gone.
            Event::Web(..) | Event::Reply(..) => (),
            Event::StartWeb => {
                self.start_web();
                self.write_status();
            }
            Event::Pam(mut event) => {
                // The account must still be as it was when PAM was asked, and so must a passkey.
                self.read_accounts();
                if let Some((signed, user)) = event.accepted_passkey()
                    && !self.passkeys.used(&signed, &user, &self.accounts)
                {
                    event.refuse();
                }
                let actions = self.log_in(|logins, context| logins.pam_answered(context, *event));
                self.perform_login(actions);
                // A change of a password may be done.
                let changing: Vec<String> = self.logins.changing().map(str::to_owned).collect();
                self.access_follows(&changing);
            }
            Event::Opencode(user, generation, event) => {
                let (opencodes, now) = (&mut self.opencodes, self.started.elapsed());
                let person = self.accounts.get(&user).filter(|_| !self.is_stopping);
                let actions = opencodes.happened(&user, generation, event, person, now);
                self.perform_opencode(actions);
                self.sweep();
                self.write_status();
            }
            Event::FirstAccount(making, made) => self.first_made(making, made),
            Event::Terminal(id) => {
                self.terminals.ended(id);
                self.sweep();
            }
            Event::Swept(uid) => self.terminals.swept(uid),
            Event::Accounts => self.read_accounts(),
            Event::Requests => self.revoke_as_requested(),
            Event::Tick => self.tick(),
            Event::Stop => self.stop(),
            Event::StopNow => self.stop_now(),
        }
    }

    /// The time since the start; no change of the clock moves it.
    pub(crate) fn now(&self) -> Duration {
        self.started.elapsed()
    }

    fn tick(&mut self) {
        let ended = self.sessions.expire(clock::now());
        self.end_streams(&ended);
        // An account's last day may have come.
        self.read_accounts();
        self.tick_access();
        self.logins.drop_old_conversations();
        let (now, time) = (self.now(), clock::now());
        let (sessions, access) = (&self.sessions, &self.access.table);
        let has_session =
            |user: &str| sessions.of(user).next().is_some() || access.is_open(user, time);
        self.opencodes.stop_unowned(now, has_session);
        if !ended.is_empty() || std::mem::take(&mut self.is_touched) {
            self.save();
        }
    }

    /// The hosts that an administrator named.
    pub(crate) fn listed_hosts(&self) -> &[String] {
        &self.settings.hosts
    }

    /// The address of the login page; with port 0, the one that was found.
    fn address(&self) -> SocketAddr {
        self.listener.local_addr().unwrap_or(self.settings.listen)
    }

    // Logins.

    /// Calls `decide` with what a login depends on.
    pub(crate) fn log_in(
        &mut self,
        decide: impl FnOnce(&mut Logins, &mut login::Context<'_>) -> Vec<login::Action>,
    ) -> Vec<login::Action> {
        let mut context = login::Context {
            accounts: &self.accounts,
            sessions: &mut self.sessions,
            web: self.web_id,
            now: self.started.elapsed(),
        };
        decide(&mut self.logins, &mut context)
    }

    pub(crate) fn perform_login(&mut self, actions: Vec<login::Action>) {
        for action in actions {
            match action {
                login::Action::Ask(attempt, next) => {
                    let (events, patience) = (self.events.clone(), self.limits.pam_time);
                    tokio::task::spawn_local(async move {
                        let event = login::ask(attempt, next, patience).await;
                        let _ = events.send(Event::Pam(Box::new(event))).await;
                    });
                }
                login::Action::Reply(id, reply) => self.reply(id, reply),
                login::Action::ReplyAt(when, id, reply) => {
                    self.at(when, Event::Reply(self.web_id, id, Box::new(reply)));
                }
                login::Action::SessionsChanged(ended) => {
                    self.end_streams(&ended);
                    self.save();
                }
                login::Action::KeepAccess(user, account) => {
                    self.access.table.keep(&user, account);
                    self.access.save();
                }
                login::Action::StopOpencode(user) => self.opencodes.stop(&user, Stop::AtOnce),
            }
        }
    }

    // Opencodes.

    pub(crate) fn perform_opencode(&mut self, actions: Vec<opencode::Action>) {
        for action in actions {
            match action {
                opencode::Action::Run(process, generation) => {
                    let events = self.events.clone();
                    let user = process.person.name.as_str().to_owned();
                    tokio::task::spawn_local(process.run(async move |event| {
                        let event = Event::Opencode(user.clone(), generation, event);
                        let _ = events.send(event).await;
                    }));
                    self.write_status();
                }
                opencode::Action::Tell(event) => self.tell(&Message::Event(event)),
            }
        }
    }

    // Terminals.

    pub(crate) fn run_terminal(&mut self, terminal::Action(process, id): terminal::Action) {
        let events = self.events.clone();
        tokio::task::spawn_local(async move {
            process.run().await;
            let _ = events.send(Event::Terminal(id)).await;
        });
    }

    /// Ends what is left of the terminals of those who have no session any more. An
    /// opencode of theirs that still works ends later, and all under their uid with it.
    fn sweep(&mut self) {
        let (sessions, opencodes) = (&self.sessions, &self.opencodes);
        let is_here = |user: &str| sessions.of(user).next().is_some() || opencodes.is_running(user);
        for uid in self.terminals.take_unswept(is_here) {
            let events = self.events.clone();
            tokio::task::spawn_local(async move {
                opencode::cleanup::sweep(uid).await;
                let _ = events.send(Event::Swept(uid)).await;
            });
        }
    }

    // The web half.

    fn start_web(&mut self) {
        if self.is_stopping || self.web.is_some() {
            return;
        }
        self.web_id = self.web_id.next();
        self.web_since = Instant::now();
        let (web, events) = (self.web_id, self.events.clone());
        let tell = async move |from: FromWeb| {
            let _ = events.send(Event::Web(web, from)).await;
        };
        match WebProcess::start(&self.account, &self.listener, tell) {
            Ok(web) => self.web = Some(web),
            Err(error) => {
                log::line(&format!("cannot start the web half: {error}"));
                self.restart_web();
            }
        }
    }

    fn web_ended(&mut self, ended: Result<(), String>) {
        self.web = None;
        self.logins.forget_web();
        self.terminals.close_all();
        let why = match ended {
            // It was asked to.
            Ok(()) if self.is_stopping => None,
            Ok(()) => Some("it hung up".to_owned()),
            Err(why) => Some(why),
        };
        if let Some(why) = why {
            log::line(&format!("the web half ended: {why}"));
        }
        if self.is_stopping {
            self.stop_programs(Stop::Gently);
        } else {
            self.restart_web();
            self.write_status();
        }
    }

    fn restart_web(&mut self) {
        let rest = self.restarts.rest_after(self.web_since.elapsed());
        self.later(rest, Event::StartWeb);
    }

    /// Sends an event to ourselves.
    fn later(&self, after: Duration, event: Event) {
        self.at(Instant::now() + after, event);
    }

    fn at(&self, when: Instant, event: Event) {
        let events = self.events.clone();
        tokio::task::spawn_local(async move {
            sleep_until(when).await;
            let _ = events.send(event).await;
        });
    }

    /// Replies when that is done, unless the web half that asked is gone by then.
    pub(crate) fn reply_when_done(&self, id: u64, work: impl Future<Output = Reply> + 'static) {
        let (events, web) = (self.events.clone(), self.web_id);
        tokio::task::spawn_local(async move {
            let reply = Box::new(work.await);
            let _ = events.send(Event::Reply(web, id, reply)).await;
        });
    }

    pub(crate) fn reply(&self, id: u64, reply: Reply) {
        self.tell(&Message::Reply { id, reply });
    }

    /// Replies with an open file.
    pub(crate) fn reply_with(&self, id: u64, reply: Reply, fd: OwnedFd) {
        self.tell_with(&Message::Reply { id, reply }, Some(fd));
    }

    fn tell(&self, message: &Message) {
        self.tell_with(message, None);
    }

    fn tell_with(&self, message: &Message, fd: Option<OwnedFd>) {
        if let Some(web) = &self.web
            && let Err(why) = web.tell(message, fd)
        {
            log::line(&format!("ending the web half: {why}"));
            web.signal(Signal::SIGKILL);
        }
    }

    pub(crate) fn end_streams(&mut self, ended: &[TokenHash]) {
        for &token_hash in ended {
            self.tell(&Message::Event(wire::Event::Gone { token_hash }));
            self.terminals.session_ended(token_hash);
        }
        if !ended.is_empty() {
            self.sweep();
        }
    }

    /// Makes streams and the disk follow sessions that are over already.
    pub(crate) fn ended(&mut self, ended: &[TokenHash]) {
        if !ended.is_empty() {
            self.end_streams(ended);
            self.save();
        }
    }

    fn save(&mut self) {
        if let Err(error) = files::save_sessions(&self.sessions) {
            log::line(&format!(
                "cannot write '{}': {error}; a restart logs people out",
                files::SESSIONS
            ));
        }
        self.write_status();
    }

    fn write_status(&self) {
        let lines = self.opencodes.lines();
        let web_since = clock::now().saturating_sub(self.web_since.elapsed().as_secs());
        let web = files::WebLine {
            since: self.web.as_ref().map(|_| web_since),
            restarts: self.restarts.count(),
        };
        let sessions = self.sessions.count();
        if let Err(error) = files::write_status(self.address(), &web, sessions, &lines) {
            log::line(&format!("cannot write '{}': {error}", files::STATUS));
        }
    }

    // Accounts.

    /// Reads who may log in, and shuts out who may not any more.
    pub(crate) fn read_accounts(&mut self) {
        let today = u32::try_from(clock::now() / SECONDS_PER_DAY).unwrap_or(u32::MAX);
        let accounts = match files::read_accounts() {
            Ok(files) => Accounts::read(&files, today),
            Err(error) => {
                log::line(&error.to_string());
                return;
            }
        };
        let before = std::mem::replace(&mut self.accounts, accounts);
        self.show_first_code();
        let (accounts, logins) = (&self.accounts, &self.logins);
        // A change that the person is making is judged when PAM is done.
        let is_as_before = |user: &str| {
            let (old, new) = (before.get(user), accounts.get(user));
            old.map(|person| person.fingerprint) == new.map(|person| person.fingerprint)
                || logins.is_changing(user)
                    && old.map(|person| (person.uid, &person.shell))
                        == new.map(|person| (person.uid, &person.shell))
        };
        let ended = self.sessions.keep_only(|user, fingerprint| {
            accounts.fingerprint(user) == Some(fingerprint)
                || logins.is_changing(user) && is_as_before(user)
        });
        self.opencodes
            .stop_all(Stop::AtOnce, |user| !is_as_before(user));
        let changing = logins.changing().filter(|user| is_as_before(user));
        let changing: Vec<String> = changing.map(str::to_owned).collect();
        self.ended(&ended);
        self.access_follows(&changing);
    }

    // The first account.

    /// Writes the code where administrators look, or takes it away.
    fn show_first_code(&mut self) {
        match self.first_account.set_open(self.accounts.are_none()) {
            Change::Opened(code) => {
                log::line(&format!(
                    "no account yet: make the first one in the browser with the code {code}, \
                     or with 'occ user add'"
                ));
                if let Err(error) = files::write_first_code(&code) {
                    log::line(&format!("cannot write '{}': {error}", files::FIRST_CODE));
                }
            }
            Change::Closed => files::remove_first_code(),
            Change::Same => (),
        }
    }

    pub(crate) fn perform_first(&self, order: Order) {
        let events = self.events.clone();
        tokio::task::spawn_local(async move {
            let (making, made) = order.run().await;
            let _ = events.send(Event::FirstAccount(making, made)).await;
        });
    }

    fn first_made(&mut self, making: Making, made: Result<(), String>) {
        self.read_accounts();
        let reply = self.first_account.made(made);
        if making.web == self.web_id {
            self.reply(making.id, Reply::MakeFirst(reply));
        }
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
            None => self.stop_programs(Stop::Gently),
        }
        self.later(STOP_PATIENCE, Event::StopNow);
    }

    fn stop_now(&mut self) {
        if let Some(web) = &self.web {
            web.signal(Signal::SIGKILL);
        }
        self.stop_programs(Stop::AtOnce);
    }

    /// Stops what people run.
    fn stop_programs(&mut self, how: Stop) {
        self.opencodes.stop_all(how, |_| true);
        self.terminals.end_all();
    }
}
