//! A monitor that does as a test says, on the real wire.

use std::collections::HashMap;
use std::io::{IoSlice, Read as _, Write as _};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use occ_gate::wire::{
    AccessEntry, AccessHash, AccessName, AccessReply, AccessToken, AddReply, Agent, Call,
    ChallengeReply, ChangeReply, Conversation, EnsureReply, Event, FirstReply, Frames, Gone,
    Handle, LastUse, Line, Login, LoginReply, MakeReply, Message, OpencodeView, Options, PamText,
    PasskeyEntry, PasskeyName, Rejection, Reply, Request, RestartReply, Secret, Session,
    SessionEntry, TERMINALS_LIMIT, TerminalId, TerminalReply, Text, Token, TokenHash, User, ask,
    encode,
};

use super::browser::PATIENCE;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, openpt, unlockpt};

/// Far in the future.
const LATER: u64 = 4_000_000_000;

/// The hand on the monitor.
#[derive(Clone)]
pub(crate) struct FakeMonitor {
    state: Arc<(Mutex<State>, Condvar)>,
    wire: Arc<UnixStream>,
}

#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "one for each behaviour")]
pub(crate) struct State {
    /// Sessions by digest: token and user.
    sessions: HashMap<TokenHash, (Token, String)>,
    /// Access tokens by digest: the user, and the session that it opens.
    access: HashMap<AccessHash, (String, Token)>,
    /// Whether wrong access tokens were too many.
    pub(crate) slow_access: Option<u32>,
    /// Whether there is room for one more.
    pub(crate) access_full: bool,
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
    /// The code for the first account, while there is none.
    pub(crate) first_code: Option<&'static str>,
    pub(crate) silent: bool,
    /// The credential that was added, and would be good for a login.
    pub(crate) credential: Option<String>,
    /// What the next proofs are not taken for.
    pub(crate) refuses_passkeys: Option<AddReply>,
    /// The last lines of an opencode that did not start, or of a login shell.
    pub(crate) output: Vec<String>,
    pub(crate) too_soon: bool,
    /// The other ends of open terminals, where a shell would be.
    pub(crate) shells: Vec<OwnedFd>,
    /// The pid that it says the shell has.
    pub(crate) shell: u32,
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

    /// An access token that somebody made.
    pub(crate) fn access(&self, user: &str) -> AccessToken {
        let mut state = self.state.0.lock().unwrap();
        state.issued += 1;
        let number = state.issued;
        let access = AccessToken::new([number; 32]);
        let session = Token::new([number ^ 0xff; 32]);
        let made = (user.to_owned(), session);
        state.access.insert(access.hash(), made);
        access
    }

    /// Revokes one and says so.
    pub(crate) fn revoke(&self, access: &AccessToken) {
        let (_, session) = {
            let mut state = self.state.0.lock().unwrap();
            state.access.remove(&access.hash()).unwrap()
        };
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
                    let fd = is_opened.then(|| state.open());
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
    fn session(&mut self, user: &str) -> Token {
        self.issued += 1;
        let token = Token::new([self.issued; 32]);
        self.sessions
            .insert(token.hash(), (token.clone(), user.to_owned()));
        token
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each request")]
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
            Request::IsFirst(_) => Reply::IsFirst(self.first_code.is_some()),
            Request::MakeFirst(ask) => Reply::MakeFirst(self.make_first(&ask)),
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
            Request::Idle(ask) => Reply::Idle(self.person(&ask.token).map(drop)),
            Request::UseAccess(ask) => Reply::UseAccess(self.use_access(&ask.access)),
            Request::ListAccess(ask) => {
                Reply::ListAccess(self.user(&ask.token).map(|_| vec![access_entry()]))
            }
            Request::MakeAccess(ask) => {
                let access = AccessToken::new([99; 32]);
                let made = MakeReply::Made { access };
                let reply = if self.access_full {
                    MakeReply::Full
                } else {
                    made
                };
                Reply::MakeAccess(self.user(&ask.token).map(|_| reply))
            }
            Request::RevokeAccess(ask) => {
                Reply::RevokeAccess(self.user(&ask.token).map(|_| ask.handle != Handle(66)))
            }
            Request::End(ask) => Reply::End(self.remove(&ask.token)),
            Request::EndAll(ask) => Reply::EndAll(self.remove(&ask.token)),
            Request::Restart(ask) => Reply::Restart(self.user(&ask.token).map(|_| self.restart())),
            Request::GetOpencode(ask) => {
                Reply::GetOpencode(self.user(&ask.token).map(|_| self.opencode()))
            }
            Request::Terminal(ask) => Reply::Terminal(self.user(&ask.token).map(|_| {
                if self.shells.len() >= TERMINALS_LIMIT {
                    return TerminalReply::TooMany;
                }
                TerminalReply::Opened {
                    id: TerminalId(7),
                    shell: self.shell,
                }
            })),
            Request::CloseTerminal(ask) => Reply::CloseTerminal(self.user(&ask.token).map(drop)),
            Request::BeginLogin(ask) => Reply::BeginLogin(ready(login_options(&host(&ask.origin)))),
            Request::PasskeyLogin(ask) => Reply::PasskeyLogin(self.passkey_login(ask)),
            Request::BeginPasskey(ask) => Reply::BeginPasskey(
                self.user(&ask.token)
                    .map(|user| ready(add_options(&host(&ask.origin), &user))),
            ),
            Request::AddPasskey(ask) => {
                Reply::AddPasskey(self.user(&ask.token).map(|_| self.add_passkey(&ask)))
            }
            Request::ListPasskeys(ask) => {
                Reply::ListPasskeys(self.user(&ask.token).map(|_| vec![passkey_entry()]))
            }
            Request::RemovePasskey(ask) => {
                Reply::RemovePasskey(self.user(&ask.token).map(|_| ask.handle != Handle(66)))
            }
            Request::Ensure(ask) => {
                Reply::Ensure(self.person(&ask.token).map(|user| self.ensure(&user)))
            }
        }
    }

    fn restart(&self) -> RestartReply {
        if self.too_soon {
            RestartReply::TooSoon
        } else {
            RestartReply::Restarting
        }
    }

    fn opencode(&self) -> OpencodeView {
        let lines = || self.output.iter().map(|line| Line::cut(line)).collect();
        OpencodeView {
            without_login_shell: (!self.output.is_empty()).then(lines),
        }
    }

    /// A terminal: one end is kept, the other is for the web half.
    fn open(&mut self) -> OwnedFd {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let master = openpt(flags).unwrap();
        unlockpt(&master).unwrap();
        let nonblocking = rustix::fs::OFlags::RDWR | rustix::fs::OFlags::NONBLOCK;
        rustix::fs::fcntl_setfl(&master, nonblocking).unwrap();
        self.shells.push(ioctl_tiocgptpeer(&master, flags).unwrap());
        master
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
                output: self.output.iter().map(|line| Line::cut(line)).collect(),
            },
        }
    }

    fn user(&self, token: &Token) -> Result<String, Gone> {
        let found = self.sessions.get(&token.hash());
        found.map(|(_, user)| user.clone()).ok_or(Gone)
    }

    /// The same, or the owner of the access token that opens it.
    fn person(&self, token: &Token) -> Result<String, Gone> {
        let mut programs = self.access.values();
        let program = programs.find(|(_, session)| session == token);
        self.user(token)
            .or_else(|Gone| program.map(|(user, _)| user.clone()).ok_or(Gone))
    }

    fn use_access(&self, access: &AccessToken) -> AccessReply {
        match (self.access.get(&access.hash()), self.slow_access) {
            (Some((user, token)), _) => AccessReply::Session {
                token: token.clone(),
                session: session(user),
            },
            (None, Some(seconds)) => AccessReply::SlowDown { seconds },
            (None, None) => AccessReply::Refused,
        }
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

    fn make_first(&mut self, ask: &ask::MakeFirst) -> FirstReply {
        match self.first_code {
            None => FirstReply::Closed,
            Some(_) if self.slow_down.is_some() => FirstReply::SlowDown { seconds: 9 },
            Some(code) if ask.code.expose() != code.as_bytes() => FirstReply::WrongCode,
            Some(_) if ask.user.as_str() == "root" => FirstReply::Rejected {
                text: PamText::cut("the name 'root' is <taken>"),
            },
            Some(_) => {
                self.first_code = None;
                FirstReply::Made
            }
        }
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

    fn add_passkey(&mut self, ask: &ask::AddPasskey) -> AddReply {
        let is_ours =
            ask.challenge == challenge() && ask.proof.as_str().contains("attestationObject");
        if let Some(refusal) = self.refuses_passkeys.clone() {
            return refusal;
        }
        if !is_ours {
            return AddReply::Refused;
        }
        self.credential = Some(ask.credential.as_str().to_owned());
        AddReply::Added
    }

    fn passkey_login(&mut self, ask: ask::PasskeyLogin) -> LoginReply {
        let is_ours = ask.challenge == challenge() && ask.proof.as_str().contains("signature");
        if is_ours && self.credential.as_deref() == Some(ask.credential.as_str()) {
            self.log_in("alice", ask.device)
        } else {
            LoginReply::Refused
        }
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

/// The token that names each challenge.
fn challenge() -> Token {
    Token::new([123; 32])
}

fn ready(options: serde_json::Value) -> ChallengeReply {
    ChallengeReply::Ready {
        challenge: challenge(),
        options: Options::new(&options.to_string()).unwrap(),
    }
}

/// The relying party's name: the host without its port.
fn host(origin: &occ_gate::wire::Origin) -> String {
    let authority = origin.as_str().split("://").nth(1).unwrap();
    authority.split(':').next().unwrap().to_owned()
}

fn login_options(host: &str) -> serde_json::Value {
    serde_json::json!({"publicKey": {"challenge": "AAAA", "rpId": host, "allowCredentials": [],
        "userVerification": "required", "timeout": 120_000}, "mediation": "conditional"})
}

fn add_options(host: &str, user: &str) -> serde_json::Value {
    serde_json::json!({"publicKey": {"challenge": "BBBB", "rp": {"id": host, "name": "opencode"},
        "user": {"id": "AAECAwQFBgcICQoLDA0ODw", "name": user, "displayName": user},
        "pubKeyCredParams": [{"type": "public-key", "alg": -7}], "excludeCredentials": [],
        "authenticatorSelection": {"residentKey": "required", "requireResidentKey": true,
            "userVerification": "required"},
        "extensions": {"credProps": true}, "attestation": "none", "timeout": 120_000}})
}

fn passkey_entry() -> PasskeyEntry {
    PasskeyEntry {
        handle: Handle(55),
        name: PasskeyName::try_from(Box::from("phone")).unwrap(),
        made: 1,
        last_use: Some(2),
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

fn access_entry() -> AccessEntry {
    AccessEntry {
        handle: Handle(55),
        name: AccessName::try_from(Box::from("laptop")).unwrap(),
        made: 1,
        ends: LATER,
        last_use: Some(LastUse {
            at: 2,
            address: "192.0.2.1".parse().unwrap(),
        }),
    }
}

/// What was asked, with the parts that tests look at.
#[expect(clippy::too_many_lines, reason = "one arm for each request")]
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
        Request::IsFirst(ask::IsFirst {}) => "is-first".to_owned(),
        Request::MakeFirst(ask::MakeFirst { user, address, .. }) => {
            format!("make-first user='{user}' address={address}")
        }
        Request::RenewPassword(ask::RenewPassword { .. }) => "renew".to_owned(),
        Request::Forget(ask::Forget { call }) => format!("forget {call}"),
        Request::Answer(ask::Answer { .. }) => "answer".to_owned(),
        Request::GetSession(ask::GetSession { .. }) => "session".to_owned(),
        Request::ListSessions(ask::ListSessions { .. }) => "list".to_owned(),
        Request::Touch(ask::Touch { .. }) => "touch".to_owned(),
        Request::End(ask::End { .. }) => "end-one".to_owned(),
        Request::EndAll(ask::EndAll { .. }) => "end-all".to_owned(),
        Request::Terminal(ask::Terminal { size, .. }) => {
            format!("terminal {}x{}", size.cols(), size.rows())
        }
        Request::CloseTerminal(ask::CloseTerminal { terminal, .. }) => {
            format!("close-terminal {}", terminal.0)
        }
        Request::Ensure(ask::Ensure { .. }) => "ensure".to_owned(),
        Request::Idle(ask::Idle { .. }) => "idle".to_owned(),
        Request::Restart(ask::Restart { .. }) => "restart".to_owned(),
        Request::GetOpencode(ask::GetOpencode { .. }) => "opencode".to_owned(),
        Request::Works(ask::Works { secret }) => {
            format!("works {}", String::from_utf8_lossy(secret.expose()))
        }
        Request::UseAccess(ask::UseAccess { address, .. }) => format!("use-access {address}"),
        Request::ListAccess(ask::ListAccess { .. }) => "access-list".to_owned(),
        Request::MakeAccess(ask::MakeAccess { name, lifetime, .. }) => {
            format!("make-access {} {}", name.as_str(), lifetime.seconds())
        }
        Request::RevokeAccess(ask::RevokeAccess { handle, .. }) => {
            format!("revoke-access {}", handle.0)
        }
        Request::ChangePassword(ask::ChangePassword { .. }) => "change-password".to_owned(),
        Request::BeginLogin(ask::BeginLogin { origin, address }) => {
            format!("begin-login {origin} {address}")
        }
        Request::PasskeyLogin(ask::PasskeyLogin {
            credential,
            address,
            ..
        }) => format!("passkey-login {credential} {address}"),
        Request::BeginPasskey(ask::BeginPasskey { origin, .. }) => {
            format!("begin-passkey {origin}")
        }
        Request::AddPasskey(ask::AddPasskey { name, .. }) => {
            format!("add-passkey {}", name.as_str())
        }
        Request::ListPasskeys(ask::ListPasskeys { .. }) => "passkeys".to_owned(),
        Request::RemovePasskey(ask::RemovePasskey { handle, .. }) => {
            format!("remove-passkey {}", handle.0)
        }
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
