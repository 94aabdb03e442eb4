//! The requests on the socket, as HTTP/1.1, and the streams of an exec.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::{Answer, Program, State, api};

pub(super) struct Request {
    pub(super) method: String,
    /// Path and query as they were sent.
    target: String,
    /// Without the version and the query.
    pub(super) path: String,
    pub(super) query: String,
    pub(super) body: Value,
}

/// An engine on a socket; the state is what it holds.
pub(crate) fn listen(
    socket: &Path,
    program: impl Fn(&str) -> Answer + Send + Sync + 'static,
) -> Arc<Mutex<State>> {
    let listener = UnixListener::bind(socket).unwrap();
    let state = Arc::new(Mutex::new(State::default()));
    let (shared, program) = (Arc::clone(&state), Arc::new(program));
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let (state, program) = (Arc::clone(&shared), Arc::clone(&program));
            std::thread::spawn(move || serve(&client.unwrap(), &state, &*program));
        }
    });
    state
}

fn serve(client: &UnixStream, state: &Mutex<State>, program: &Program) {
    let mut reader = BufReader::new(client.try_clone().unwrap());
    while let Some(request) = read(&mut reader) {
        state.lock().unwrap().asked.push(request.target.clone());
        let exec = request
            .path
            .strip_prefix("/exec/")
            .and_then(|rest| rest.strip_suffix("/start"));
        if let Some(id) = exec {
            return run(client, id, state, program);
        }
        let (status, body) = api::answer(&request, &mut state.lock().unwrap());
        let kind = if request.path.ends_with("/logs") {
            "application/vnd.docker.raw-stream"
        } else {
            "application/json"
        };
        let head = format!(
            "HTTP/1.1 {status} X\r\nApi-Version: 1.41\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let mut client = client;
        if client
            .write_all(&[head.as_bytes(), &body].concat())
            .is_err()
        {
            return;
        }
    }
}

fn read(reader: &mut BufReader<UnixStream>) -> Option<Request> {
    let mut line = String::new();
    reader
        .read_line(&mut line)
        .ok()
        .filter(|&length| length > 0)?;
    let (mut length, mut is_chunked) = (0, false);
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let header = header.trim_end().to_ascii_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some(value) = header.strip_prefix("content-length: ") {
            length = value.parse().unwrap();
        }
        is_chunked |= header == "transfer-encoding: chunked";
    }
    assert!(!is_chunked, "this engine takes no chunks: {line}");
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let mut words = line.split(' ');
    let method = words.next()?.to_owned();
    let target = words.next()?;
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let path = match path.strip_prefix("/v1.") {
        Some(rest) => rest.split_once('/').map(|(_, rest)| format!("/{rest}"))?,
        None => path.to_owned(),
    };
    Some(Request {
        method,
        target: target.to_owned(),
        path,
        query: decoded(query),
        body: serde_json::from_slice(&body).unwrap_or_default(),
    })
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next().unwrap(), rest.next().unwrap()];
            let digits = std::str::from_utf8(&digits).unwrap();
            bytes.push(u8::from_str_radix(digits, 16).unwrap());
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).unwrap()
}

/// The streams of an exec, then its end.
fn run(mut client: &UnixStream, id: &str, state: &Mutex<State>, program: &Program) {
    let at: usize = id.parse().unwrap();
    let words = state.lock().unwrap().execs[at].0.clone();
    let (code, stdout, stderr) = program(&words);
    state.lock().unwrap().execs[at].1 = code;
    let head = "HTTP/1.1 101 UPGRADED\r\nApi-Version: 1.41\r\nContent-Type: application/vnd.docker.raw-stream\r\n\
                Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n";
    let _ = client.write_all(head.as_bytes());
    for (stream, text) in [(1, stdout), (2, stderr)] {
        if !text.is_empty() {
            let _ = client.write_all(&frame(stream, text.as_bytes()));
        }
    }
    let _ = client.shutdown(std::net::Shutdown::Write);
    // Whoever still sends its input gets no reset.
    let _ = client.read_to_end(&mut Vec::new());
}

pub(super) fn frame(stream: u8, bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).unwrap().to_be_bytes();
    [&[stream, 0, 0, 0][..], &length, bytes].concat()
}
