//! Being the web half: its end of the wire, taken from it while it is stopped.
#![allow(unsafe_code)]

use std::collections::HashMap;
use std::io::{IoSlice, IoSliceMut, Write as _};
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::net::IpAddr;
use std::os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use nix::unistd::Pid;
use occ_gate::wire::{
    Agent, Ask, Call, EnsureReply, Event, Frames, Gone, Login, LoginReply, Message, Reply, Secret,
    Token, User, ask, encode,
};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};

use crate::place::Place;
use crate::running::Monitor;
use occ_gate_testing::until;

/// Numbers that the real web half has not used.
const FIRST_ID: u64 = 1 << 40;
/// Longer than PAM is given.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a web half that was taken over can do.
pub(crate) struct Taken {
    pub(crate) wire: UnixStream,
    pub(crate) pid: i32,
    frames: Frames,
    next_id: u64,
    replies: HashMap<u64, Reply>,
    pub(crate) events: Vec<Event>,
    fds: Vec<OwnedFd>,
}

/// A request under way, by its number.
pub(crate) struct Sent<A>(u64, PhantomData<fn() -> A>);

impl<A> Clone for Sent<A> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<A> Copy for Sent<A> {}

impl<A> Sent<A> {
    pub(crate) fn number(self) -> u64 {
        self.0
    }
}

impl Monitor {
    /// Stops the web half and takes its place.
    pub(crate) fn take_over(&self) -> Taken {
        let mut found = None;
        until("a web half to take over", || {
            found = self
                .web_half()
                .filter(|pid| !self.taken.borrow().contains(pid))
                .and_then(|pid| {
                    kill(Pid::from_raw(pid), Signal::SIGSTOP).ok()?;
                    Some((pid, wire_of(pid, self.pid)?))
                });
            found.is_some()
        });
        let (web_half, wire) = found.unwrap();
        self.taken.borrow_mut().push(web_half);
        wire.set_nonblocking(false).unwrap();
        wire.set_read_timeout(Some(PATIENCE)).unwrap();
        Taken {
            wire,
            pid: web_half,
            frames: Frames::default(),
            next_id: FIRST_ID,
            replies: HashMap::new(),
            events: Vec::new(),
            fds: Vec::new(),
        }
    }
}

impl Place {
    /// Starts a monitor, takes the place of its web half, and logs somebody in.
    pub(crate) fn start_with(&self, name: &str) -> (Monitor, Taken, Token) {
        let monitor = self.start();
        let mut web = monitor.take_over();
        let token = web.log_in(self, name, 1).token;
        (monitor, web, token)
    }
}

/// The socket of a process whose other end the monitor made.
fn wire_of(pid: i32, monitor: i32) -> Option<UnixStream> {
    let fds = std::fs::read_dir(format!("/proc/{pid}/fd")).ok()?.flatten();
    let numbers = fds.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    numbers
        .filter_map(|fd| duplicate(pid, fd))
        .map(UnixStream::from)
        .find(|socket| getsockopt(socket, PeerCredentials).is_ok_and(|peer| peer.pid() == monitor))
}

fn duplicate(pid: i32, fd: i32) -> Option<OwnedFd> {
    // SAFETY: no pointers; a new fd is nobody else's.
    unsafe {
        let process = libc::syscall(libc::SYS_pidfd_open, pid, 0);
        let process = OwnedFd::from_raw_fd(i32::try_from(process).ok().filter(|fd| *fd >= 0)?);
        let copy = libc::syscall(libc::SYS_pidfd_getfd, process.as_raw_fd(), fd, 0);
        let copy = i32::try_from(copy).ok().filter(|fd| *fd >= 0)?;
        Some(OwnedFd::from_raw_fd(copy))
    }
}

/// An address of the net for examples.
pub(crate) fn address(number: u8) -> IpAddr {
    IpAddr::from([192, 0, 2, number])
}

impl Taken {
    /// Sends a request.
    pub(crate) fn send<A: Ask>(&mut self, ask: A) -> Sent<A> {
        let id = self.next_id;
        self.next_id += 1;
        let request = ask.into_request();
        self.wire
            .write_all(&encode(&Call { id, request }).unwrap())
            .unwrap();
        Sent(id, PhantomData)
    }

    /// Waits for the reply to a request.
    pub(crate) fn reply<A: Ask>(&mut self, Sent(id, _): Sent<A>) -> A::Reply {
        A::from_reply(self.any_reply(id)).unwrap()
    }

    /// Waits for the reply with a number.
    pub(crate) fn any_reply(&mut self, id: u64) -> Reply {
        loop {
            if let Some(reply) = self.replies.remove(&id) {
                return reply;
            }
            assert!(self.hear(), "the monitor hung up");
        }
    }

    pub(crate) fn call<A: Ask>(&mut self, ask: A) -> A::Reply {
        let sent = self.send(ask);
        self.reply(sent)
    }

    /// Waits until an event is there.
    pub(crate) fn event(&mut self, is_it: impl Fn(&Event) -> bool) -> Event {
        loop {
            if let Some(at) = self.events.iter().position(&is_it) {
                return self.events.remove(at);
            }
            assert!(self.hear(), "the monitor hung up");
        }
    }

    /// Takes one message in; false at the end of the wire.
    pub(crate) fn hear(&mut self) -> bool {
        loop {
            match self.frames.take().unwrap() {
                Some(Message::Reply { id, reply }) => {
                    self.replies.insert(id, reply);
                    return true;
                }
                Some(Message::Event(event)) => {
                    self.events.push(event);
                    return true;
                }
                None => (),
            }
            match self.receive() {
                Ok(0) => return false,
                Ok(count) => self.frames.filled(count),
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return false,
                Err(error) => panic!("no word from the monitor: {error}"),
            }
        }
    }

    /// Takes in what comes within a moment; the numbers of the replies that came.
    pub(crate) fn listen(&mut self, moment: Duration) -> Vec<u64> {
        self.wire.set_read_timeout(Some(moment)).unwrap();
        let read = self.receive();
        self.wire.set_read_timeout(Some(PATIENCE)).unwrap();
        match read {
            Ok(count) => self.frames.filled(count),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return Vec::new(),
            Err(error) => panic!("no word from the monitor: {error}"),
        }
        let mut came = Vec::new();
        while let Some(message) = self.frames.take().unwrap() {
            match message {
                Message::Reply { id, reply } => {
                    self.replies.insert(id, reply);
                    came.push(id);
                }
                Message::Event(event) => self.events.push(event),
            }
        }
        came
    }

    /// Reads what there is, and the files that come with it.
    fn receive(&mut self) -> std::io::Result<usize> {
        let mut room = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(4))];
        let mut control = RecvAncillaryBuffer::new(&mut room);
        let mut bytes = [IoSliceMut::new(self.frames.room())];
        let flags = RecvFlags::CMSG_CLOEXEC;
        let received = recvmsg(&self.wire, &mut bytes, &mut control, flags)?;
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(fds) = message {
                self.fds.extend(fds);
            }
        }
        Ok(received.bytes)
    }

    /// The file that came with the last reply.
    pub(crate) fn take_fd(&mut self) -> Option<OwnedFd> {
        assert!(self.fds.len() < 2, "{:?}", self.fds);
        self.fds.pop()
    }

    /// Sends a request with a file that nobody wants, and waits for the reply.
    pub(crate) fn send_with_fd<A: Ask>(&mut self, ask: A, fd: BorrowedFd<'_>) -> A::Reply {
        let id = self.next_id;
        self.next_id += 1;
        let request = ask.into_request();
        let frame = encode(&Call { id, request }).unwrap();
        let fds = [fd];
        let mut room = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut room);
        control.push(SendAncillaryMessage::ScmRights(&fds));
        let bytes = [IoSlice::new(&frame)];
        let sent = sendmsg(&self.wire, &bytes, &mut control, SendFlags::NOSIGNAL);
        assert_eq!(sent, Ok(frame.len()));
        self.reply(Sent::<A>(id, PhantomData))
    }

    /// Waits for the monitor to give this web half up.
    pub(crate) fn is_given_up(&mut self) {
        while self.hear() {}
    }

    pub(crate) fn authenticate(&mut self, user: &str, password: &str, number: u8) -> LoginReply {
        self.call(login(user, password, number))
    }

    /// Logs somebody in who has an account.
    #[track_caller]
    pub(crate) fn log_in(&mut self, place: &Place, name: &str, number: u8) -> Login {
        let person = place
            .people
            .iter()
            .find(|person| person.name == name)
            .unwrap();
        logged_in(self.authenticate(name, &person.password, number))
    }

    /// Starts their opencode; port and secret.
    pub(crate) fn ensure(&mut self, token: &Token, name: &str) -> (u16, Secret) {
        loop {
            match self.call(ask::Ensure {
                token: token.clone(),
            }) {
                Ok(EnsureReply::Ready { port, secret, .. }) => return (port, secret),
                Ok(EnsureReply::Starting | EnsureReply::Waiting { .. }) => {
                    let of_theirs = |event: &Event| matches!(event, Event::InstanceReady { user } if user.as_str() == name);
                    self.event(of_theirs);
                }
                other => panic!("{name} has no opencode: {other:?}"),
            }
        }
    }

    pub(crate) fn is_gone(&mut self, token: &Token) -> bool {
        matches!(
            self.call(ask::GetSession {
                token: token.clone()
            }),
            Err(Gone)
        )
    }
}

#[track_caller]
pub(crate) fn logged_in(reply: LoginReply) -> Login {
    match reply {
        LoginReply::Token(login) => login,
        other => panic!("not logged in: {other:?}"),
    }
}

pub(crate) fn login(user: &str, password: &str, number: u8) -> ask::Authenticate {
    ask::Authenticate {
        user: User::cut(user),
        password: Secret::from_text(password).unwrap(),
        address: address(number),
        agent: Agent::cut("a browser"),
        device: None,
    }
}
