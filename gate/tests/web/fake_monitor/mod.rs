//! A monitor that does as a test says, on the real wire.

mod access;
mod lines;
mod logins;
mod opencodes;
mod passkeys;
mod second_step;
mod sessions;
mod terminals;

use std::io::{IoSlice, Read as _, Write as _};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use occ_gate::wire::{
    AccessToken, Call, Event, Frames, Gone, Handle, Message, Reply, Request, TerminalReply, Token,
    encode,
};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};

use self::access::Access;
use self::logins::Logins;
use self::opencodes::Opencodes;
use self::passkeys::Passkeys;
use self::second_step::SecondStep;
use self::sessions::Sessions;
use self::terminals::Terminals;
use super::browser::PATIENCE;

/// The hand on the monitor.
#[derive(Clone)]
pub(crate) struct FakeMonitor {
    state: Arc<(Mutex<State>, Condvar)>,
    wire: Arc<UnixStream>,
}

#[derive(Default)]
pub(crate) struct State {
    /// What was asked, one line each.
    pub(crate) asked: Vec<String>,
    /// Whether nothing is answered.
    pub(crate) silent: bool,
    pub(crate) sessions: Sessions,
    pub(crate) logins: Logins,
    pub(crate) access: Access,
    pub(crate) opencodes: Opencodes,
    pub(crate) terminals: Terminals,
    pub(crate) second: SecondStep,
    pub(crate) passkeys: Passkeys,
}

impl FakeMonitor {
    pub(crate) fn on(wire: UnixStream) -> Self {
        let monitor = Self {
            state: Arc::default(),
            wire: Arc::new(wire),
        };
        let serving = monitor.clone();
        thread::spawn(move || serving.serve());
        monitor
    }

    /// Changes what it does from now on.
    pub(crate) fn set(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.0.lock().unwrap());
    }

    /// Waits until something was asked that starts so.
    pub(crate) fn was_asked(&self, start: &str) -> String {
        let (state, changed) = &*self.state;
        let mut guard = state.lock().unwrap();
        loop {
            if let Some(found) = guard.asked.iter().find(|line| line.starts_with(start)) {
                return found.clone();
            }
            let (next, timeout) = changed.wait_timeout(guard, PATIENCE).unwrap();
            guard = next;
            assert!(
                !timeout.timed_out(),
                "never asked '{start}': {:?}",
                guard.asked
            );
        }
    }

    /// How often something was asked that starts so.
    pub(crate) fn times_asked(&self, start: &str) -> usize {
        self.state
            .0
            .lock()
            .unwrap()
            .asked
            .iter()
            .filter(|line| line.starts_with(start))
            .count()
    }

    /// A session without a login.
    pub(crate) fn session(&self, user: &str) -> Token {
        self.state.0.lock().unwrap().sessions.begin(user)
    }

    /// Ends a session and says so, as after `occ user disable`.
    pub(crate) fn end(&self, token: &Token) {
        let _ = self.state.0.lock().unwrap().sessions.end(token);
        self.tell(Event::Gone {
            token_hash: token.hash(),
        });
    }

    /// An access token that somebody made.
    pub(crate) fn access(&self, user: &str) -> AccessToken {
        self.state.0.lock().unwrap().access.issue(user)
    }

    /// Revokes one and says so.
    pub(crate) fn revoke(&self, access: &AccessToken) {
        let session = self.state.0.lock().unwrap().access.revoke(access);
        self.tell(Event::Gone {
            token_hash: session.hash(),
        });
    }

    pub(crate) fn tell(&self, event: Event) {
        self.write(&Message::Event(event));
    }

    /// The wire ends, as when the gate stops.
    pub(crate) fn hang_up(&self) {
        self.wire.shutdown(std::net::Shutdown::Both).unwrap();
    }

    /// Bytes that are no frame.
    pub(crate) fn babble(&self) {
        (&*self.wire).write_all(&[0xff; 64]).unwrap();
    }

    fn serve(&self) {
        let mut frames = Frames::default();
        while let Ok(count @ 1..) = (&*self.wire).read(frames.room()) {
            frames.filled(count);
            while let Some(call) = frames.take::<Call>().unwrap() {
                let (reply, fd) = {
                    let mut state = self.state.0.lock().unwrap();
                    let reply = state.reply(call.request);
                    let is_opened =
                        matches!(reply, Reply::Terminal(Ok(TerminalReply::Opened { .. })));
                    let fd = is_opened.then(|| state.terminals.open());
                    ((!state.silent).then_some(reply), fd)
                };
                self.state.1.notify_all();
                if let Some(reply) = reply {
                    self.write_with(&Message::Reply { id: call.id, reply }, fd);
                }
            }
        }
    }

    fn write(&self, message: &Message) {
        self.write_with(message, None);
    }

    fn write_with(&self, message: &Message, fd: Option<OwnedFd>) {
        // One lock for whole frames.
        let _turn = self.state.0.lock().unwrap();
        let frame = encode(message).unwrap();
        let Some(fd) = fd else {
            let _ = (&*self.wire).write_all(&frame);
            return;
        };
        let fds = [fd.as_fd()];
        let mut room = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut room);
        control.push(SendAncillaryMessage::ScmRights(&fds));
        let bytes = [IoSlice::new(&frame)];
        let sent = sendmsg(&*self.wire, &bytes, &mut control, SendFlags::NOSIGNAL);
        assert_eq!(sent, Ok(frame.len()));
    }
}

impl State {
    fn reply(&mut self, request: Request) -> Reply {
        self.asked.push(lines::line(&request));
        match request {
            Request::Ping(_) => Reply::Ping(()),
            Request::Forget(_) => Reply::Forget(()),
            Request::Works(_) => Reply::Works(Ok(())),
            Request::IsFirst(_) => Reply::IsFirst(self.logins.first_code.is_some()),
            Request::MakeFirst(ask) => Reply::MakeFirst(self.logins.make_first(&ask)),
            Request::Authenticate(ask) => {
                Reply::Authenticate(self.logins.authenticate(&mut self.sessions, ask))
            }
            Request::Answer(ask) => Reply::Answer(logins::answer(&mut self.sessions, &ask)),
            Request::RenewPassword(ask) => {
                Reply::RenewPassword(logins::renew(&mut self.sessions, &ask))
            }
            Request::ChangePassword(ask) => {
                Reply::ChangePassword(self.with(&ask.token, |_| logins::change(&ask)))
            }
            Request::GetSession(ask) => Reply::GetSession(
                self.sessions
                    .user(&ask.token)
                    .map(|user| sessions::session(&user)),
            ),
            Request::ListSessions(ask) => {
                Reply::ListSessions(self.with(&ask.token, |_| sessions::entries()))
            }
            Request::Touch(ask) => Reply::Touch(self.with(&ask.token, |_| ())),
            Request::Revoke(ask) => Reply::Revoke(self.with(&ask.token, |_| ())),
            Request::End(ask) => Reply::End(self.sessions.end(&ask.token)),
            Request::EndAll(ask) => Reply::EndAll(self.sessions.end(&ask.token)),
            Request::UseAccess(ask) => Reply::UseAccess(self.access.open(&ask.access)),
            Request::ListAccess(ask) => {
                Reply::ListAccess(self.with(&ask.token, |_| vec![access::entry()]))
            }
            Request::MakeAccess(ask) => {
                Reply::MakeAccess(self.with(&ask.token, |state| state.access.make()))
            }
            Request::RevokeAccess(ask) => {
                Reply::RevokeAccess(self.with(&ask.token, |_| ask.handle != Handle(66)))
            }
            Request::Restart(ask) => {
                Reply::Restart(self.with(&ask.token, |state| state.opencodes.restart()))
            }
            Request::GetOpencode(ask) => {
                Reply::GetOpencode(self.with(&ask.token, |state| state.opencodes.view()))
            }
            Request::Idle(ask) => Reply::Idle(self.person(&ask.token).map(drop)),
            Request::Ensure(ask) => {
                let user = self.person(&ask.token);
                Reply::Ensure(user.map(|user| self.opencodes.ensure(&user)))
            }
            Request::Terminal(ask) => {
                Reply::Terminal(self.with(&ask.token, |state| state.terminals.reply()))
            }
            Request::CloseTerminal(ask) => Reply::CloseTerminal(self.with(&ask.token, |_| ())),
            request => self.reply_about_second_step(request),
        }
    }

    fn reply_about_second_step(&mut self, request: Request) -> Reply {
        match request {
            Request::GetSecond(ask) => {
                Reply::GetSecond(self.with(&ask.token, |state| state.second.view))
            }
            Request::BeginSecond(ask) => {
                let user = self.sessions.user(&ask.token);
                Reply::BeginSecond(user.map(|_| self.second.begin(&ask)))
            }
            Request::ConfirmSecond(ask) => {
                let user = self.sessions.user(&ask.token);
                Reply::ConfirmSecond(user.map(|_| self.second.confirm(&ask)))
            }
            Request::EndSecond(ask) => {
                let user = self.sessions.user(&ask.token);
                Reply::EndSecond(user.map(|_| self.second.end(&ask)))
            }
            request => self.reply_about_passkeys(request),
        }
    }

    fn reply_about_passkeys(&mut self, request: Request) -> Reply {
        match request {
            Request::BeginPasskeyLogin(ask) => {
                Reply::BeginPasskeyLogin(passkeys::begin_passkey_login(&ask.origin))
            }
            Request::PasskeyLogin(ask) => {
                Reply::PasskeyLogin(self.passkeys.log_in(&mut self.sessions, ask))
            }
            Request::BeginPasskey(ask) => {
                let user = self.sessions.user(&ask.token);
                Reply::BeginPasskey(
                    user.map(|user| passkeys::begin_adding(&ask, &user, &self.second)),
                )
            }
            Request::AddPasskey(ask) => {
                let user = self.sessions.user(&ask.token);
                Reply::AddPasskey(user.map(|_| self.passkeys.add(&ask)))
            }
            Request::ListPasskeys(ask) => {
                Reply::ListPasskeys(self.with(&ask.token, |_| vec![passkeys::entry()]))
            }
            Request::RemovePasskey(ask) => {
                Reply::RemovePasskey(self.with(&ask.token, |_| ask.handle != Handle(66)))
            }
            other => panic!("no reply to {}", lines::line(&other)),
        }
    }

    /// The reply for a session that is there.
    fn with<T>(&self, token: &Token, reply: impl FnOnce(&Self) -> T) -> Result<T, Gone> {
        self.sessions.user(token).map(|_| reply(self))
    }

    /// The user of a session, or the owner of the access token that opens it.
    fn person(&self, token: &Token) -> Result<String, Gone> {
        let programs = self.access.user(token);
        self.sessions.user(token).or(programs.ok_or(Gone))
    }
}
