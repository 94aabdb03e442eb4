//! The terminal as its page and attackers meet it; the test is the shell.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};

use rustix::termios::tcgetwinsize;

use super::browser::{self, read_until, rest};
use super::harness::Gate;
use super::websocket::{BINARY, CLOSE, PING, PONG, TEXT, close_code, receive, send};
use occ_gate_testing::until;

const SOCKET: &str = "/_occ/terminal/socket?cols=80&rows=24";
const KEY: &str = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
/// The close codes of the page.
const EXIT: u16 = 4000;
const SESSION: u16 = 4001;

/// The head of a websocket's beginning with these lines.
fn head(gate: &Gate, path: &str, lines: &[&str]) -> Vec<u8> {
    let host = gate.address;
    let lines = lines.join("\r\n");
    format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n{lines}\r\n\r\n"
    )
    .into_bytes()
}

pub(super) fn begin(gate: &Gate, cookie: &str) -> TcpStream {
    let origin = format!("Origin: {}", gate.origin());
    let head = head(gate, SOCKET, &[cookie, &origin, KEY]);
    let mut stream = browser::send(gate.address, &head);
    let answer = String::from_utf8(read_until(&mut stream, b"\r\n\r\n")).unwrap();
    assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
    // The example of RFC 6455 §1.3.
    let accept = "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
    assert!(answer.contains(accept), "{answer}");
    stream
}

/// Opens a terminal; its websocket, and the end of the pty where the shell would be.
pub(super) fn open(gate: &Gate, cookie: &str) -> (TcpStream, File) {
    let before = shells(gate);
    let stream = begin(gate, cookie);
    until("a terminal", || shells(gate) > before);
    (stream, File::from(shell(gate, before)))
}

fn shells(gate: &Gate) -> usize {
    let mut count = 0;
    gate.monitor
        .set(|state| count = state.terminals.shells.len());
    count
}

/// A copy: the monitor keeps one, as long as the shell would run.
fn shell(gate: &Gate, number: usize) -> OwnedFd {
    let mut copy = None;
    let shell = |state: &mut super::fake_monitor::State| {
        copy = Some(state.terminals.shells[number].try_clone().unwrap());
    };
    gate.monitor.set(shell);
    copy.unwrap()
}

/// The shell's line discipline passes bytes on as they are.
pub(super) fn make_raw(shell: &File) {
    let mut termios = rustix::termios::tcgetattr(shell).unwrap();
    termios.make_raw();
    rustix::termios::tcsetattr(shell, rustix::termios::OptionalActions::Now, &termios).unwrap();
}

/// What the shell gets.
fn typed(shell: &mut File, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    shell.read_exact(&mut bytes).unwrap();
    bytes
}

/// What the page gets, without the frames around it.
pub(super) fn shown(stream: &mut TcpStream, length: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while bytes.len() < length {
        match receive(stream) {
            Some((BINARY, payload)) => bytes.extend(payload),
            Some((PING, _)) => (),
            other => panic!("{other:?} after {} bytes", bytes.len()),
        }
    }
    bytes
}

#[test]
fn the_page_leads_to_the_login_and_back() {
    let gate = Gate::start();
    let page = gate.ask("GET /_occ/terminal", &["Accept: text/html"]);
    assert_eq!(page.status, 303);
    let login = page.header("location").unwrap();
    assert_eq!(login, "/_occ/login?next=/_occ/terminal");
    let answer = gate.post(
        "/_occ/login",
        "user=alice&password=secret&next=%2F_occ%2Fterminal",
        &[],
    );
    assert_eq!(answer.header("location"), Some("/_occ/terminal"));
    let (_, cookie) = gate.alice();
    let page = gate.ask("GET /_occ/account", &[&cookie, "Accept: text/html"]);
    assert!(page.text().contains(r#"href="/_occ/terminal""#));
    let page = gate.ask(
        "POST /_occ/terminal",
        &[&cookie, &format!("Origin: {}", gate.origin())],
    );
    assert_eq!(page.status, 405);
}

#[test]
fn the_page_runs_its_own_script_and_no_other() {
    let gate = Gate::start();
    let (_, cookie) = gate.alice();
    let page = || gate.ask("GET /_occ/terminal", &[&cookie, "Accept: text/html"]);
    let (answer, other) = (page(), page());
    assert_eq!(answer.status, 200);
    let policy = answer.header("content-security-policy").unwrap();
    for part in [
        "default-src 'none';",
        "script-src 'self';",
        &format!("connect-src 'self' ws://{};", gate.address),
        "style-src 'self' 'nonce-",
        "base-uri 'none';",
        "frame-ancestors 'none'",
    ] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(
        !policy.contains("unsafe") && !policy.contains("script-src-"),
        "{policy}"
    );
    assert_ne!(
        Some(policy),
        other.header("content-security-policy"),
        "its nonce is new"
    );
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("x-frame-options"), Some("DENY"));
    let text = answer.text();
    assert!(
        text.contains("width=device-width") && !text.contains("style="),
        "{text}"
    );
    let scripts: Vec<&str> = text.split("<script").skip(1).collect();
    assert!(
        scripts.len() == 1 && scripts[0].contains("></script>"),
        "{text}"
    );
    let files = text
        .split('"')
        .filter(|word| word.starts_with("/_occ/assets/"));
    let files: Vec<&str> = files.collect();
    assert_eq!(files.len(), 3, "{files:?}");
    for file in files {
        let file = gate.ask(&format!("GET {file}"), &[]);
        assert_eq!(file.status, 200);
        let cached = file.header("cache-control").unwrap();
        assert!(cached.contains("immutable"), "{cached}");
    }
    let missing = gate.ask("GET /_occ/assets/xterm.mjs", &[&cookie]);
    assert_eq!(missing.status, 404);
}

#[test]
fn bytes_pass_both_ways_and_sizes_one() {
    let gate = Gate::start();
    let (_, cookie) = gate.alice();
    let (mut page, mut shell) = open(&gate, &cookie);
    gate.monitor.was_asked("terminal 80x24");
    make_raw(&shell);
    for bytes in [
        &b"ls\r"[..],
        b"\x03",
        "\u{e4}\u{1f600}".as_bytes(),
        &[0, 255, 27],
    ] {
        send(&mut page, BINARY, bytes);
        assert_eq!(typed(&mut shell, bytes.len()), bytes);
        shell.write_all(bytes).unwrap();
        assert_eq!(shown(&mut page, bytes.len()), bytes);
    }
    send(&mut page, TEXT, br#"{"resize":{"cols":132,"rows":43}}"#);
    until("another size", || {
        let size = tcgetwinsize(&shell).unwrap();
        (size.ws_col, size.ws_row) == (132, 43)
    });
    send(&mut page, PING, b"are you there");
    assert_eq!(receive(&mut page), Some((PONG, b"are you there".to_vec())));
}

#[test]
fn nobody_else_opens_a_terminal() {
    let gate = Gate::start();
    let (_, cookie) = gate.alice();
    let origin = format!("Origin: {}", gate.origin());
    let device = "Cookie: occ_device_opencode=device-of-alice";
    let other = format!("Cookie: occ_opencode={}", "A".repeat(43));
    let port = "Origin: http://127.0.0.1:1";
    let site = "Sec-Fetch-Site: same-site";
    for (lines, status) in [
        (vec![&*cookie, KEY], 403),
        (vec![&*cookie, KEY, "Origin: null"], 403),
        (vec![&*cookie, KEY, "Origin: http://evil.example"], 403),
        (vec![&*cookie, KEY, port], 403),
        (vec![&*cookie, KEY, &*origin, port], 403),
        (vec![&*cookie, KEY, &*origin, site], 403),
        (vec![KEY, &*origin], 401),
        (vec![device, KEY, &*origin], 401),
        (vec![&*other, KEY, &*origin], 401),
        (vec![&*cookie, &*origin], 426),
        (vec![&*cookie, &*origin, "Sec-WebSocket-Key: short"], 426),
        (vec![&*cookie, &*origin, KEY, KEY], 426),
        (
            vec![&*cookie, &*origin, KEY, "Sec-WebSocket-Version: 8"],
            426,
        ),
    ] {
        let head = head(&gate, SOCKET, &lines);
        let mut stream = browser::send(gate.address, &head);
        let answer = String::from_utf8(read_until(&mut stream, b"\r\n\r\n")).unwrap();
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{lines:?}: {answer}"
        );
    }
    for size in [
        "",
        "?cols=0&rows=24",
        "?cols=65535&rows=65535",
        "?cols=80",
        "?cols=a&rows=b",
    ] {
        let path = format!("/_occ/terminal/socket{size}");
        let head = head(&gate, &path, &[&cookie, &origin, KEY]);
        let mut stream = browser::send(gate.address, &head);
        let answer = String::from_utf8(read_until(&mut stream, b"\r\n\r\n")).unwrap();
        assert!(answer.starts_with("HTTP/1.1 400 "), "{size}: {answer}");
    }
    assert_eq!(gate.monitor.times_asked("terminal"), 0);
}

#[test]
fn the_end_of_a_session_ends_its_terminals_and_says_so() {
    let gate = Gate::start();
    let (token, cookie) = gate.alice();
    let (_, other) = gate.alice();
    let (mut page, _shell) = open(&gate, &cookie);
    let (mut others, mut others_shell) = open(&gate, &other);
    make_raw(&others_shell);
    gate.monitor.end(&token);
    assert_eq!(close_code(&mut page), Some(SESSION));
    others_shell.write_all(b"here").unwrap();
    assert_eq!(shown(&mut others, 4), b"here");
}

#[test]
fn the_end_of_the_shell_is_told() {
    let gate = Gate::start();
    let (_, cookie) = gate.alice();
    let (mut page, shell) = open(&gate, &cookie);
    drop(shell);
    gate.monitor.set(|state| state.terminals.shells.clear());
    assert_eq!(close_code(&mut page), Some(EXIT));
    gate.monitor.was_asked("close-terminal 7");
}

#[test]
fn a_browser_that_is_gone_hangs_the_terminal_up() {
    let gate = Gate::start();
    let (_, cookie) = gate.alice();
    let (mut page, mut shell) = open(&gate, &cookie);
    send(&mut page, CLOSE, &1000_u16.to_be_bytes());
    gate.monitor.was_asked("close-terminal 7");
    // Its other end is closed: a read ends.
    assert_eq!(shell.read(&mut [0]).unwrap_or_default(), 0);
    let (page, mut shell) = open(&gate, &cookie);
    drop(page);
    until("the monitor to hear", || {
        gate.monitor.times_asked("close-terminal") == 2
    });
    assert_eq!(shell.read(&mut [0]).unwrap_or_default(), 0);
}

/// A terminal in use is use of the session, and keeps opencode; one at its prompt does not.
#[test]
fn a_terminal_counts_while_something_runs_in_it() {
    let mut shell = Command::new("sh")
        .args(["-c", "sleep 1000 & read line; kill $!; wait; read line"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let gate = Gate::with(&["--idle=1s", "--session-idle=4s"]);
    let (_, cookie) = gate.alice();
    assert_eq!(gate.ask("GET /", &[&cookie]).status, 200);
    gate.monitor.set(|state| state.terminals.pid = shell.id());
    let (_page, _pty) = open(&gate, &cookie);
    let touches = gate.monitor.times_asked("touch");
    until("the session to be used", || {
        gate.monitor.times_asked("touch") >= touches + 3
    });
    assert_eq!(gate.monitor.times_asked("idle"), 0, "it has a child");
    shell.stdin.as_ref().unwrap().write_all(b"\n").unwrap();
    gate.monitor.was_asked("idle");
    shell.kill().unwrap();
    shell.wait().unwrap();
}

#[test]
fn the_gate_stops_although_a_terminal_is_open() {
    let mut gate = Gate::start();
    let (_, cookie) = gate.alice();
    let (mut page, _shell) = open(&gate, &cookie);
    gate.tell_to_stop();
    assert_eq!(close_code(&mut page), Some(1001));
    send(&mut page, CLOSE, &1001_u16.to_be_bytes());
    assert!(rest(&mut page).is_empty());
    assert!(gate.thread.take().unwrap().join().unwrap().is_ok());
}
