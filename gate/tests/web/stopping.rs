//! The gate is told to stop: what was begun ends, what has no end is cut.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use occ_gate_testing::until;

use super::browser::{read_until, rest, send};
use super::harness::Gate;
use super::streams::{listen, terminal};

#[test]
fn begun_answers_end_and_streams_are_cut() {
    let mut gate = Gate::start();
    let (_, cookie) = gate.alice();
    let mut events = listen(&gate, &cookie);
    let mut websocket = terminal(&gate, &cookie);
    let head = format!(
        "GET /halves HTTP/1.1\r\nHost: {}\r\n{cookie}\r\n\r\n",
        gate.address
    );
    let mut begun = send(gate.address, head.as_bytes());
    read_until(&mut begun, b"\r\n\r\none ");
    gate.tell_to_stop();
    let events = rest(&mut events);
    assert!(
        events.ends_with(b"0\r\n\r\n"),
        "an end in order: {events:?}"
    );
    rest(&mut websocket);
    until("the port to close", || {
        TcpStream::connect(gate.address).is_err()
    });
    gate.opencode.release();
    assert_eq!(rest(&mut begun), b"two", "and no more on this connection");
    gate.thread.take().unwrap().join().unwrap().unwrap();
}

#[test]
fn nothing_holds_the_end_up_for_long() {
    let mut gate = Gate::start();
    let (_, cookie) = gate.alice();
    let head = format!(
        "GET /silent HTTP/1.1\r\nHost: {}\r\n{cookie}\r\n\r\n",
        gate.address
    );
    let _silent = send(gate.address, head.as_bytes());
    let _half = send(gate.address, b"GET / HTTP/1.1\r\n");
    until("a request", || !gate.opencode.heads().is_empty());
    let begin = Instant::now();
    gate.tell_to_stop();
    gate.thread.take().unwrap().join().unwrap().unwrap();
    assert!(
        begin.elapsed() < Duration::from_secs(5),
        "{:?}",
        begin.elapsed()
    );
}
