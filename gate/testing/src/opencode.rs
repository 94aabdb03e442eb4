//! A fake opencode as far as the gate can tell: HTTP Basic, JSON, assets, server-sent
//! events, a websocket. Keeps every head that it got, byte by byte.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// A script, as large as opencode's.
pub fn script() -> Vec<u8> {
    let lines = (0..60_000).map(|number| format!("export const name{number} = {number};\n"));
    lines.collect::<String>().into_bytes()
}

/// The hand on it.
#[derive(Clone)]
pub struct FakeOpencode {
    /// Its port on 127.0.0.1.
    pub port: u16,
    /// Its password.
    pub secret: &'static str,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    heads: Vec<String>,
    bodies: Vec<Vec<u8>>,
    streams: Vec<TcpStream>,
    connections: usize,
    busy: bool,
    terminal: bool,
    /// The process of the terminal.
    terminal_pid: Option<u32>,
    /// Whether second halves are sent.
    released: bool,
    /// Whole answers by path, as they go over the wire.
    plays: HashMap<String, [Vec<u8>; 2]>,
}

impl FakeOpencode {
    /// Starts one on a port of its own.
    pub fn start(secret: &'static str) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").unwrap(), secret)
    }

    /// Starts one on a listener.
    pub fn on(listener: TcpListener, secret: &'static str) -> Self {
        let port = listener.local_addr().unwrap().port();
        let opencode = Self {
            port,
            secret,
            state: Arc::default(),
        };
        let serving = opencode.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let serving = serving.clone();
                serving.state.lock().unwrap().connections += 1;
                thread::spawn(move || serving.connection(&stream.unwrap()));
            }
        });
        opencode
    }

    /// The heads of all requests so far.
    pub fn heads(&self) -> Vec<String> {
        self.state.lock().unwrap().heads.clone()
    }

    /// The bodies of all requests so far.
    pub fn bodies(&self) -> Vec<Vec<u8>> {
        self.state.lock().unwrap().bodies.clone()
    }

    /// How many connections it took.
    pub fn connections(&self) -> usize {
        self.state.lock().unwrap().connections
    }

    /// How many listen to events, or did.
    pub fn listeners(&self) -> usize {
        self.state.lock().unwrap().streams.len()
    }

    /// Sends an event to whoever listens.
    pub fn emit(&self, text: &str) {
        for stream in &mut self.state.lock().unwrap().streams {
            let data = format!("data: {text}\n\n");
            let _ = stream.write_all(format!("{:x}\r\n{data}\r\n", data.len()).as_bytes());
        }
    }

    /// Says from now on that a session is busy, or a terminal runs.
    pub fn work(&self, busy: bool, terminal: bool) {
        let mut state = self.state.lock().unwrap();
        (state.busy, state.terminal) = (busy, terminal);
    }

    /// Says from now on that a terminal runs, with this process in it.
    pub fn run_terminal(&self, pid: u32) {
        let mut state = self.state.lock().unwrap();
        (state.terminal, state.terminal_pid) = (true, Some(pid));
    }

    /// Second halves are sent from now on.
    pub fn release(&self) {
        self.state.lock().unwrap().released = true;
    }

    /// Answers a path with these bytes from now on; the second half when it is let go.
    pub fn play(&self, path: &str, first: impl Into<Vec<u8>>, second: impl Into<Vec<u8>>) {
        let halves = [first.into(), second.into()];
        let mut state = self.state.lock().unwrap();
        state.plays.insert(path.to_owned(), halves);
    }

    fn connection(&self, stream: &TcpStream) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        while let Some((head, body)) = read(&mut reader) {
            {
                let mut state = self.state.lock().unwrap();
                state.heads.push(head.clone());
                state.bodies.push(body.clone());
            }
            if !self.answer(stream, &mut reader, &head, &body) {
                return;
            }
        }
    }

    fn authorizes(&self, head: &str) -> bool {
        use base64ct::Encoding as _;
        let basic = base64ct::Base64::encode_string(format!("opencode:{}", self.secret).as_bytes());
        head.to_ascii_lowercase()
            .contains(&format!("authorization: basic {basic}").to_ascii_lowercase())
    }

    /// False: the connection is no longer HTTP's.
    fn answer(
        &self,
        mut stream: &TcpStream,
        reader: &mut BufReader<TcpStream>,
        head: &str,
        body: &[u8],
    ) -> bool {
        let path = head.split(' ').nth(1).unwrap().split('?').next().unwrap();
        let played = self.state.lock().unwrap().plays.get(path).cloned();
        if let Some([first, second]) = played.filter(|_| self.authorizes(head)) {
            return self.halves_of(stream, &first, &second);
        }
        let (status, kind, content) = match path {
            _ if !self.authorizes(head) => (
                "401 Unauthorized\r\nWWW-Authenticate: Basic",
                "text/plain",
                b"who?".to_vec(),
            ),
            "/global/event" => {
                // Whoever has read the head hears every event.
                let mut state = self.state.lock().unwrap();
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap();
                state.streams.push(stream.try_clone().unwrap());
                return false;
            }
            "/pty/1/connect" => {
                stream.write_all(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\n").unwrap();
                echo(stream, reader);
                return false;
            }
            "/halves" => return self.halves(stream),
            "/silent" => {
                let _ = reader.read(&mut [0]);
                return false;
            }
            "/hop" => (
                "200 OK\r\nSet-Cookie: occ_opencode=planted\r\nSet-Cookie: =occ_opencode=nameless\r\nAlt-Svc: h2=\":1\"\r\nNEL: {}\r\nReport-To: {}\r\nSet-Cookie: theme=dark\r\nAccess-Control-Allow-Origin: *\r\nX-Hop: 1\r\nConnection: X-Hop",
                "text/plain",
                b"hop".to_vec(),
            ),
            "/assets/app.js" => ("200 OK", "text/javascript", script()),
            "/assets/missing.js" => (
                "200 OK",
                "text/html;charset=utf-8",
                b"<!doctype html>".repeat(200),
            ),
            "/session/status" => ("200 OK", "application/json", self.status()),
            "/pty" => ("200 OK", "application/json", self.terminals()),
            "/body" => ("200 OK", "application/octet-stream", body.to_vec()),
            _ => ("200 OK", "text/html", b"<h1>opencode</h1>".to_vec()),
        };
        let mut answer = format!(
            "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
            content.len()
        )
        .into_bytes();
        if !head.starts_with("HEAD") {
            answer.extend_from_slice(&content);
        }
        stream.write_all(&answer).is_ok()
    }

    /// One half at once, the other when it is let go.
    fn halves(&self, stream: &TcpStream) -> bool {
        let first = b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\none ";
        self.halves_of(stream, first, b"two")
    }

    fn halves_of(&self, mut stream: &TcpStream, first: &[u8], second: &[u8]) -> bool {
        if stream.write_all(first).is_err() {
            return false;
        }
        if second.is_empty() {
            return true;
        }
        crate::until("the second half's turn", || {
            self.state.lock().unwrap().released
        });
        stream.write_all(second).is_ok()
    }

    fn status(&self) -> Vec<u8> {
        let kind = if self.state.lock().unwrap().busy {
            "busy"
        } else {
            "idle"
        };
        format!(r#"{{"ses_1":{{"type":"{kind}"}}}}"#).into_bytes()
    }

    fn terminals(&self) -> Vec<u8> {
        let state = self.state.lock().unwrap();
        let status = if state.terminal { "running" } else { "exited" };
        let pid = state.terminal_pid;
        let pid = pid.map_or(String::new(), |pid| format!(r#","pid":{pid}"#));
        format!(r#"[{{"id":"pty_1","status":"{status}"{pid}}}]"#).into_bytes()
    }
}

fn echo(mut stream: &TcpStream, reader: &mut BufReader<TcpStream>) {
    let mut buffer = [0; 1024];
    while let Ok(count @ 1..) = reader.read(&mut buffer) {
        stream.write_all(&buffer[..count]).unwrap();
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<(String, Vec<u8>)> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let lower = head.to_ascii_lowercase();
    let length = lower
        .split("content-length: ")
        .nth(1)
        .map(|rest| rest.split("\r\n").next().unwrap().parse().unwrap());
    if lower.contains("transfer-encoding: chunked") {
        let mut body = Vec::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok()?;
            let size = usize::from_str_radix(line.trim(), 16).ok()?;
            let mut chunk = vec![0; size + 2];
            reader.read_exact(&mut chunk).ok()?;
            if size == 0 {
                return Some((head, body));
            }
            body.extend_from_slice(&chunk[..size]);
        }
    }
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    Some((head, body))
}
