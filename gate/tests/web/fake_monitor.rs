//! A monitor that does as a test says, on the real wire.

use std::collections::HashMap;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use occ_gate::wire::{
    Agent, Call, ChangeReply, Conversation, EnsureReply, Event, Frames, Gone, Handle, Login,
    LoginReply, Message, PamText, Rejection, Reply, Request, Secret, Session, SessionEntry, Text,
    Token, TokenHash, User, ask, encode,
};

use super::browser::PATIENCE;

/// Far in the future.
const LATER: u64 = 4_000_000_000;

/// The hand on the monitor.
#[derive(Clone)]
pub(crate) struct FakeMonitor {
    state: Arc<(Mutex<State>, Condvar)>,
    wire: Arc<UnixStream>,
}

#[derive(Default)]
pub(crate) struct State {
    /// Sessions by digest: token and user.
    sessions: HashMap<TokenHash, (Token, String)>,
    /// What was asked, one line each.
    pub(crate) asked: Vec<String>,
    /// Where a person's opencode listens and its secret; None: it is starting.
    pub(crate) instances: HashMap<String, Option<(u16, String)>>,
    /// The number that a starting one has before it.
    pub(crate) ahead: Option<u32>,
    /// The uid that Ready names; of this process by default.
    pub(crate) uid: Option<u32>,
    /// Whether `code` is asked after a right password.
    pub(crate) asks_for_code: bool,
    /// Whether a new one is needed after a right password.
    pub(crate) needs_new_password: bool,
    pub(crate) slow_down: Option<u32>,
    pub(crate) silent: bool,
    issued: u8,
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
        let mut state = self.state.0.lock().unwrap();
        state.session(user)
    }

    /// Ends a session and says so, as after `occ user disable`.
    pub(crate) fn end(&self, token: &Token) {
        self.state.0.lock().unwrap().sessions.remove(&token.hash());
        self.tell(Event::Gone {
            token_hash: token.hash(),
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
                let reply = {
                    let mut state = self.state.0.lock().unwrap();
                    let reply = state.reply(call.request);
                    if state.silent { None } else { Some(reply) }
                };
                self.state.1.notify_all();
                if let Some(reply) = reply {
                    self.write(&Message::Reply { id: call.id, reply });
                }
            }
        }
    }

    fn write(&self, message: &Message) {
        // One lock for whole frames.
        let _turn = self.state.0.lock().unwrap();
        let _ = (&*self.wire).write_all(&encode(message).unwrap());
    }
}

impl State {
    fn session(&mut self, user: &str) -> Token {
        self.issued += 1;
        let token = Token::new([self.issued; 32]);
        self.sessions
            .insert(token.hash(), (token.clone(), user.to_owned()));
        token
    }

    fn reply(&mut self, request: Request) -> Reply {
        let line = line(&request);
        self.asked.push(line);
        match request {
            Request::Authenticate(ask::Authenticate {
                user,
                password,
                device,
                ..
            }) => Reply::Authenticate(self.authenticate(user.as_str(), &password, device)),
            Request::Answer(ask) => {
                let is_right =
                    ask.conversation == Conversation(77) && ask.text.expose() == b"123456";
                Reply::Answer(if is_right {
                    self.log_in("alice", None)
                } else {
                    LoginReply::Refused
                })
            }
            Request::Ping(_) => Reply::Ping(()),
            Request::RenewPassword(ask) => Reply::RenewPassword(self.renew(&ask)),
            Request::Forget(_) => Reply::Forget(()),
            Request::Works(_) => Reply::Works(Ok(())),
            Request::ChangePassword(ask) => Reply::ChangePassword(
                self.user(&ask.token)
                    .map(|_| changed(ask.old.expose(), ask.new.expose())),
            ),
            Request::GetSession(ask) => {
                Reply::GetSession(self.user(&ask.token).map(|user| session(&user)))
            }
            Request::ListSessions(ask) => {
                Reply::ListSessions(self.user(&ask.token).map(|_| entries()))
            }
            Request::Touch(ask) => Reply::Touch(self.user(&ask.token).map(drop)),
            Request::Revoke(ask) => Reply::Revoke(self.user(&ask.token).map(drop)),
            Request::Idle(ask) => Reply::Idle(self.user(&ask.token).map(drop)),
            Request::End(ask) => Reply::End(self.remove(&ask.token)),
            Request::EndAll(ask) => Reply::EndAll(self.remove(&ask.token)),
            Request::Ensure(ask) => {
                Reply::Ensure(self.user(&ask.token).map(|user| self.ensure(&user)))
            }
        }
    }

    fn ensure(&self, user: &str) -> EnsureReply {
        match self.instances.get(user) {
            Some(Some((port, secret))) => EnsureReply::Ready {
                port: *port,
                uid: self.uid.unwrap_or_else(|| nix::unistd::geteuid().as_raw()),
                secret: Secret::from_text(secret).unwrap(),
            },
            Some(None) => match self.ahead {
                Some(ahead) => EnsureReply::Waiting { ahead },
                None => EnsureReply::Starting,
            },
            None => EnsureReply::Failed {
                reason: occ_gate::wire::Failure::Home,
                retry_seconds: 30,
            },
        }
    }

    fn user(&self, token: &Token) -> Result<String, Gone> {
        let found = self.sessions.get(&token.hash());
        found.map(|(_, user)| user.clone()).ok_or(Gone)
    }

    fn remove(&mut self, token: &Token) -> Result<(), Gone> {
        let found = self.sessions.remove(&token.hash());
        found.map(drop).ok_or(Gone)
    }

    fn authenticate(
        &mut self,
        user: &str,
        password: &Secret,
        device: Option<Secret>,
    ) -> LoginReply {
        if let Some(seconds) = self.slow_down {
            return LoginReply::SlowDown { seconds };
        }
        if !matches!(user, "alice" | "bob") || password.expose() != b"secret" {
            return LoginReply::Refused;
        }
        if self.needs_new_password {
            return new_password_needed("");
        }
        if self.asks_for_code {
            let text = PamText::cut("Verification code: ");
            return LoginReply::Prompt {
                conversation: Conversation(77),
                text,
                echo: false,
            };
        }
        self.log_in(user, device)
    }

    /// Takes anything but `short`, in the conversation of the last that was needed.
    fn renew(&mut self, ask: &ask::RenewPassword) -> LoginReply {
        if ask.conversation != Conversation(88) {
            return LoginReply::Refused;
        }
        if ask.new.expose() == b"short" {
            return new_password_needed("too <short>");
        }
        self.log_in("alice", None)
    }

    fn log_in(&mut self, user: &str, device: Option<Secret>) -> LoginReply {
        let own = device.filter(|device| device.expose() == format!("device-of-{user}").as_bytes());
        let device =
            own.unwrap_or_else(|| Secret::from_text(&format!("device-of-{user}")).unwrap());
        LoginReply::Token(Login {
            token: self.session(user),
            user: User::cut(user),
            expires: LATER,
            device,
        })
    }
}

fn new_password_needed(text: &str) -> LoginReply {
    LoginReply::NewPasswordNeeded {
        conversation: Conversation(88),
        text: PamText::cut(text),
    }
}

fn session(user: &str) -> Session {
    Session {
        user: User::cut(user),
        display_name: Text::cut("Alice A."),
        expires: LATER,
    }
}

fn entries() -> Vec<SessionEntry> {
    let entry = |handle, current| SessionEntry {
        handle: Handle(handle),
        created: 1,
        last_seen: 2,
        agent: Agent::cut("Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"),
        address: "192.0.2.1".parse().unwrap(),
        current,
    };
    vec![entry(1, true), entry(2, false)]
}

/// What was asked, with the parts that tests look at.
fn line(request: &Request) -> String {
    match request {
        Request::Authenticate(ask::Authenticate {
            user,
            password,
            address,
            agent,
            device,
        }) => format!(
            "authenticate user='{user}' password={} address={address} agent='{agent}' device={}",
            password.expose().len(),
            device
                .as_ref()
                .map_or("none".to_owned(), |device| String::from_utf8_lossy(
                    device.expose()
                )
                .into_owned()),
        ),
        Request::Revoke(ask::Revoke { handle, .. }) => format!("revoke {}", handle.0),
        Request::Ping(ask::Ping {}) => "ping".to_owned(),
        Request::RenewPassword(ask::RenewPassword { .. }) => "renew".to_owned(),
        Request::Forget(ask::Forget { call }) => format!("forget {call}"),
        Request::Answer(ask::Answer { .. }) => "answer".to_owned(),
        Request::GetSession(ask::GetSession { .. }) => "session".to_owned(),
        Request::ListSessions(ask::ListSessions { .. }) => "list".to_owned(),
        Request::Touch(ask::Touch { .. }) => "touch".to_owned(),
        Request::End(ask::End { .. }) => "end-one".to_owned(),
        Request::EndAll(ask::EndAll { .. }) => "end-all".to_owned(),
        Request::Ensure(ask::Ensure { .. }) => "ensure".to_owned(),
        Request::Idle(ask::Idle { .. }) => "idle".to_owned(),
        Request::Works(ask::Works { secret }) => {
            format!("works {}", String::from_utf8_lossy(secret.expose()))
        }
        Request::ChangePassword(ask::ChangePassword { .. }) => "change-password".to_owned(),
    }
}

fn changed(old: &[u8], new: &[u8]) -> ChangeReply {
    match (old, new) {
        (b"secret", b"short") => ChangeReply::Rejected {
            why: Rejection::New,
            text: PamText::cut("too <short>"),
        },
        (b"secret", _) => ChangeReply::Changed,
        _ => ChangeReply::Rejected {
            why: Rejection::Old,
            text: PamText::default(),
        },
    }
}
