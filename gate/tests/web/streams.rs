//! Server-sent events and websockets: unbuffered, and cut when a session ends.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use occ_gate_testing::until;

use super::browser::{read_until, rest, send};
use super::harness::Gate;

pub(crate) fn listen(gate: &Gate, cookie: &str) -> TcpStream {
    let head = format!(
        "GET /global/event HTTP/1.1\r\nHost: {}\r\n{cookie}\r\nAccept: text/event-stream\r\n\r\n",
        gate.address
    );
    let mut stream = send(gate.address, head.as_bytes());
    read_until(&mut stream, b"\r\n\r\n");
    stream
}

pub(crate) fn terminal(gate: &Gate, cookie: &str) -> TcpStream {
    let head = format!(
        "GET /pty/1/connect?ticket=t HTTP/1.1\r\nHost: {}\r\n{cookie}\r\nOrigin: {}\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: k\r\nSec-WebSocket-Version: 13\r\n\r\n",
        gate.address,
        gate.origin()
    );
    let mut stream = send(gate.address, head.as_bytes());
    let answer = String::from_utf8(read_until(&mut stream, b"\r\n\r\n"))
        .unwrap()
        .to_ascii_lowercase();
    assert!(answer.starts_with("http/1.1 101 "), "{answer}");
    for line in [
        "\r\nupgrade: websocket\r\n",
        "\r\nconnection: upgrade\r\n",
        "\r\nsec-websocket-accept: x\r\n",
    ] {
        assert!(answer.contains(line), "{answer}");
    }
    stream
}

#[test]
fn events_arrive_one_by_one() {
    let gate = Gate::start();
    let (_, cookie) = gate.alice();
    let mut stream = listen(&gate, &cookie);
    for number in 0..5 {
        gate.opencode.emit(&format!("event {number}"));
        read_until(&mut stream, format!("event {number}\n\n").as_bytes());
    }
}

#[test]
fn a_websocket_carries_bytes_both_ways() {
    let gate = Gate::start();
    let (_, cookie) = gate.alice();
    let mut stream = terminal(&gate, &cookie);
    for message in [&b"\x81\x05hello"[..], &[0; 5000], b"\xff"] {
        stream.write_all(message).unwrap();
        let mut back = vec![0; message.len()];
        stream.read_exact(&mut back).unwrap();
        assert_eq!(back, message);
    }
    let head = gate.opencode.heads().remove(0).to_ascii_lowercase();
    assert!(
        head.contains("upgrade: websocket") && head.contains("sec-websocket-key: k"),
        "{head}"
    );
    assert!(
        !head.contains("origin:") && !head.contains("cookie:"),
        "{head}"
    );
}

#[test]
fn only_websockets_are_upgrades() {
    let gate = Gate::start();
    let (_, cookie) = gate.alice();
    let origin = format!("Origin: {}", gate.origin());
    let answer = gate.ask(
        "GET /",
        &[&cookie, &origin, "Upgrade: h2c", "HTTP2-Settings: AAAA"],
    );
    assert_eq!(answer.status, 200);
    assert!(
        !gate.opencode.heads()[0]
            .to_ascii_lowercase()
            .contains("upgrade")
    );
    // A websocket that opencode does not begin is an answer like any other.
    let answer = gate.ask("GET /hop", &[&cookie, &origin, "Upgrade: websocket"]);
    assert_eq!((answer.status, answer.text().as_str()), (200, "hop"));
}

#[test]
fn the_end_of_a_session_cuts_its_streams_and_only_those() {
    let gate = Gate::start();
    let (token, cookie) = gate.alice();
    let (_, other) = gate.alice();
    let mut events = listen(&gate, &cookie);
    let mut others = listen(&gate, &other);
    let mut websocket = terminal(&gate, &cookie);
    let silent = format!(
        "GET /silent HTTP/1.1\r\nHost: {}\r\n{cookie}\r\nConnection: close\r\n\r\n",
        gate.address
    );
    let mut waiting = send(gate.address, silent.as_bytes());
    until("a request", || {
        let heads = gate.opencode.heads();
        heads.iter().any(|head| head.starts_with("GET /silent "))
    });
    let begin = Instant::now();
    gate.monitor.end(&token);
    rest(&mut events);
    rest(&mut websocket);
    let answer = rest(&mut waiting);
    assert!(
        begin.elapsed() < Duration::from_secs(1),
        "{:?}",
        begin.elapsed()
    );
    assert!(
        answer.starts_with(b"HTTP/1.1 401 "),
        "{}",
        String::from_utf8_lossy(&answer)
    );
    assert_eq!(gate.ask("GET /", &[&cookie]).status, 401);
    gate.opencode.emit("still here");
    read_until(&mut others, b"still here\n\n");
    assert_eq!(gate.ask("GET /", &[&other]).status, 200);
}

#[test]
fn logging_out_cuts_the_streams_of_the_session() {
    let gate = Gate::start();
    let (_, cookie) = gate.alice();
    let mut events = listen(&gate, &cookie);
    gate.post("/_occ/logout", "", &[&cookie]);
    rest(&mut events);
}
