//! The monitor's state, and what each event does to it. One event after the
//! other, so that no two decisions cross. `Logins`, `Opencodes` and `Sessions`
//! decide within their own bounds and return actions; only [`Monitor`] performs
//! them, in a `requests.rs` beside each.

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
use super::first_account::FirstAccount;
use super::login::Logins;
use super::opencode::Opencodes;
use super::opencode::stop::Stop;
use super::passkeys::Passkeys;
use super::second_step::Enrolments;
use super::sessions::{SessionLimits, Sessions};
use super::terminal::Terminals;
use super::terminal::spared::SparedSessions;
use super::web_process::{FromWeb, Restarts, WebId, WebProcess};
use crate::clock;
use crate::limits::Limits;
use crate::log;
use crate::settings::Settings;
use crate::wire::{self, Message, Reply, TokenHash};

/// The web half may end what it does, and people's programs too.
const STOP_PATIENCE: Duration = Duration::from_secs(4);

/// The whole state of the root half.
pub(crate) struct Monitor {
    settings: Settings,
    account: Account,
    listener: TcpListener,
    pub(crate) limits: Limits,
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
    pub(crate) enrolments: Enrolments,
    /// People may turn the second step on.
    pub(crate) is_second_offered: bool,
    web: Option<WebProcess>,
    pub(crate) web_id: WebId,
    web_since: Instant,
    restarts: Restarts,
    started: Instant,
    pub(crate) events: mpsc::Sender<Event>,
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
            enrolments: Enrolments::default(),
            is_second_offered: settings.second_step,
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
                if let Some(signature) = event.take_signature()
                    && !self.passkeys.used(&signature, &self.accounts)
                {
                    event.refuse();
                }
                if let Some(credential) = event.copied() {
                    self.passkeys.shut(credential);
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
        self.enrolments.expire(now);
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

    pub(crate) fn at(&self, when: Instant, event: Event) {
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

    pub(crate) fn tell(&self, message: &Message) {
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
            log::debug(|| format!("session {} ends", token_hash.name()));
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

    pub(crate) fn save(&mut self) {
        if let Err(error) = files::save_sessions(&self.sessions) {
            log::line(&format!(
                "cannot write '{}': {error}; a restart logs people out",
                files::SESSIONS
            ));
        }
        self.write_status();
    }

    pub(crate) fn write_status(&self) {
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
