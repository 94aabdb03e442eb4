//! Too much, too large, too slow.

use std::io::{ErrorKind, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::browser::{self, PATIENCE, rest, send};
use super::harness::{Gate, IMPATIENCE};

#[test]
fn heads_that_are_too_large_are_refused() {
    let gate = Gate::start();
    let long = "a".repeat(200 * 1024);
    assert_eq!(gate.ask("GET /", &[&format!("X: {long}")]).status, 431);
    let many: Vec<String> = (0..150).map(|number| format!("X{number}: y")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(gate.ask("GET /", &many).status, 431);
    let status = gate.ask(&format!("GET /{}", "a".repeat(9000)), &[]).status;
    assert_eq!(status, 414);
    assert_eq!(gate.ask("GET /_occ/health", &[]).status, 200);
}

#[test]
fn forms_that_are_too_large_are_refused() {
    let gate = Gate::start();
    let large = format!("user=alice&password={}", "a".repeat(9000));
    assert_eq!(gate.post("/_occ/login", &large, &[]).status, 413);
    // Without saying so beforehand.
    let head = format!(
        "POST /_occ/login HTTP/1.1\r\nHost: {}\r\nOrigin: {}\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n",
        gate.address,
        gate.origin()
    );
    let chunk = format!("2000\r\n{}\r\n", "a".repeat(0x2000));
    let answer = browser::ask(
        gate.address,
        format!("{head}{chunk}{chunk}0\r\n\r\n").as_bytes(),
    );
    assert_eq!(answer.status, 413);
    assert_eq!(gate.monitor.times_asked("authenticate"), 0);
}

#[test]
fn requests_that_are_too_large_are_refused() {
    let gate = Gate::start();
    let (_, cookie) = gate.alice();
    let head = format!(
        "POST /body HTTP/1.1\r\nHost: {}\r\n{cookie}\r\nOrigin: {}\r\n",
        gate.address,
        gate.origin()
    );
    let announced = format!("{head}Content-Length: 268435457\r\n\r\n");
    let mut stream = send(gate.address, announced.as_bytes());
    assert_eq!(browser::parse(&rest(&mut stream)).status, 413);
    assert!(gate.opencode.heads().is_empty());
    // Without saying so beforehand.
    let mut stream = send(
        gate.address,
        format!("{head}Transfer-Encoding: chunked\r\n\r\n").as_bytes(),
    );
    let chunk = [
        b"100000\r\n".to_vec(),
        vec![b'a'; 1 << 20],
        b"\r\n".to_vec(),
    ]
    .concat();
    let sent = (0..300)
        .take_while(|_| stream.write_all(&chunk).is_ok())
        .count();
    assert!(sent < 300, "all was taken");
    assert_eq!(browser::parse(&rest(&mut stream)).status, 413);
    assert_eq!(gate.ask("GET /", &[&cookie]).status, 200);
}

#[test]
fn forms_of_another_kind_are_refused() {
    let gate = Gate::start();
    let origin = format!("Origin: {}", gate.origin());
    for kind in [
        "text/plain",
        "application/json",
        "multipart/form-data; boundary=x",
    ] {
        let answer = gate.ask_with(
            "POST /_occ/login",
            &[&origin, &format!("Content-Type: {kind}")],
            b"user=alice&password=secret",
        );
        assert_eq!(answer.status, 415, "{kind}");
    }
    assert_eq!(gate.post("/_occ/login", "user=%zz", &[]).status, 400);
    assert_eq!(gate.monitor.times_asked("authenticate"), 0);
}

#[test]
fn who_is_slow_is_cut_off_and_nobody_waits_for_them() {
    let gate = Gate::impatient();
    let begin = Instant::now();
    let beginnings = [
        String::new(),
        "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ".to_owned(),
        format!(
            "GET /_occ/health HTTP/1.1\r\nHost: {}\r\n\r\nGET",
            gate.address
        ),
        // The body of a form that never comes.
        format!(
            "POST /_occ/login HTTP/1.1\r\nHost: {}\r\nOrigin: {}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 50\r\n\r\nuser=",
            gate.address,
            gate.origin()
        ),
    ];
    let mut slow: Vec<_> = beginnings
        .iter()
        .flat_map(|bytes| (0..50).map(|_| send(gate.address, bytes.as_bytes())))
        .collect();
    assert_eq!(gate.ask("GET /_occ/health", &[]).status, 200);
    for stream in &mut slow {
        // Ends by itself, or this panics after a minute.
        rest(stream);
    }
    let took = begin.elapsed();
    assert!(took >= IMPATIENCE, "{took:?}");
}

#[test]
fn a_drop_at_a_time_is_slow_too() {
    let gate = Gate::impatient();
    let mut stream = send(gate.address, b"GET / HTTP/1.1\r\n");
    let deadline = Instant::now() + Duration::from_secs(50);
    // A line every 0.2 s would go on for ever if each line moved the limit.
    while stream.write_all(b"X: y\r\n").is_ok() {
        assert!(Instant::now() < deadline, "still connected");
        std::thread::sleep(Duration::from_millis(200));
    }
}

#[test]
fn who_reads_nothing_is_cut_off() {
    let gate = Gate::impatient();
    let requests =
        format!("GET /_occ/login HTTP/1.1\r\nHost: {}\r\n\r\n", gate.address).repeat(1000);
    let mut stream = TcpStream::connect(gate.address).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    // Answers pile up until nothing moves either way; without a limit this place
    // would be taken for ever.
    let ended = loop {
        if let Err(error) = stream.write_all(requests.as_bytes()) {
            break error.kind();
        }
    };
    let is_cut_off = matches!(ended, ErrorKind::ConnectionReset | ErrorKind::BrokenPipe);
    assert!(is_cut_off, "{ended}");
}

/// Connections that show nothing for their places lose them to those that do.
#[test]
fn idle_connections_and_unfinished_logins_hold_nobody_up() {
    let gate = Gate::start();
    gate.monitor.set(|state| state.silent = true);
    let form = format!(
        "POST /_occ/login HTTP/1.1\r\nHost: {0}\r\nOrigin: http://{0}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 26\r\n\r\nuser=",
        gate.address
    );
    let login = format!("{form}alice&password=guess");
    let beginnings = ["", "GET / HTTP/1.1\r\n", form.as_str(), login.as_str()];
    let held: Vec<_> = beginnings
        .iter()
        .flat_map(|bytes| (0..275).map(|_| send(gate.address, bytes.as_bytes())))
        .collect();
    gate.monitor.set(|state| state.silent = false);
    let begin = Instant::now();
    assert_eq!(gate.ask("GET /_occ/health", &[]).status, 200);
    assert_eq!(gate.ask("GET /_occ/login", &[]).status, 200);
    // Sooner than any of them is cut off for being slow, by far.
    let took = begin.elapsed();
    assert!(took < Duration::from_secs(5), "{took:?}");
    drop(held);
}

/// A terminal is a connection as any other.
#[test]
fn websockets_hold_their_places() {
    let gate = Gate::narrow(3);
    let (_, cookie) = gate.alice();
    let head = format!(
        "GET /pty/1/connect HTTP/1.1\r\nHost: {0}\r\nOrigin: http://{0}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n{cookie}\r\n\r\n",
        gate.address
    );
    // These tests are in the container themselves, which has eight places more.
    let mut terminals: Vec<_> = (0..11)
        .map(|_| {
            let mut stream = send(gate.address, head.as_bytes());
            browser::read_until(&mut stream, b"\r\n\r\n");
            stream
        })
        .collect();
    let health = "GET /_occ/health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let mut next = send(gate.address, health.as_bytes());
    next.set_read_timeout(Some(Duration::from_millis(300)))
        .unwrap();
    let early = std::io::Read::read(&mut next, &mut [0]);
    assert!(early.is_err(), "it has no place yet");
    next.set_read_timeout(Some(PATIENCE)).unwrap();
    terminals.truncate(2);
    assert_eq!(browser::parse(&rest(&mut next)).status, 200);
}

#[test]
fn nobody_alone_holds_all_places() {
    let gate = Gate::start();
    let (_, cookie) = gate.alice();
    let head = format!(
        "GET /global/event HTTP/1.1\r\nHost: {}\r\n{cookie}\r\n\r\n",
        gate.address
    );
    let streams: Vec<_> = (0..200)
        .map(|_| {
            let mut stream = send(gate.address, head.as_bytes());
            browser::read_until(&mut stream, b"\r\n\r\n");
            stream
        })
        .collect();
    assert_eq!(gate.ask("GET /", &[&cookie]).status, 429);
    drop(streams);
    occ_gate_testing::until("her pages to be closed", || {
        gate.ask("GET /", &[&cookie]).status == 200
    });
}

#[test]
fn the_end_of_the_wire_ends_the_web_half() {
    let mut gate = Gate::start();
    let (_, cookie) = gate.alice();
    let head = format!(
        "GET /global/event HTTP/1.1\r\nHost: {}\r\n{cookie}\r\n\r\n",
        gate.address
    );
    let mut stream = send(gate.address, head.as_bytes());
    browser::read_until(&mut stream, b"\r\n\r\n");
    gate.monitor.babble();
    gate.thread.take().unwrap().join().unwrap().unwrap();
    rest(&mut stream);
}
