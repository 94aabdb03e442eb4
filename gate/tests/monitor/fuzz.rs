//! The web half between damaged requests and an opencode that its owner made hostile:
//! nothing ends it, and nothing is kept. Runs for `FUZZ_SECONDS` (1 without it) from a
//! seed, `FUZZ_SEED` or `FUZZ_FIRST_SEED`; which it was is reported.
#![allow(clippy::disallowed_methods, reason = "seed and time come from outside")]

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use occ_gate_testing::damage::Damage;
use occ_gate_testing::until;

use crate::place::Place;
use crate::processes::field;
use crate::running::Monitor;

/// Browsers at once.
const BROWSERS: u64 = 24;
/// How long a browser waits for more of an answer.
const MOMENT: Duration = Duration::from_millis(30);
/// Requests before the memory is looked at for the first time.
const WARM: u64 = 500;
/// The growth after that, in kB, that buffers of requests under way may make.
const GROWTH: u64 = 12 * 1024;

#[test]
fn the_web_half_outlives_damaged_requests_and_a_hostile_opencode() {
    let seconds = number("FUZZ_SECONDS").unwrap_or(1);
    let seed = number("FUZZ_SEED").or_else(|| number("FUZZ_FIRST_SEED"));
    let seed = seed.unwrap_or_else(|| u64::from(std::process::id()));
    let place = Place::with(&["alice"]);
    place.behave("alice", &format!("hostile {seed}"));
    let monitor = place.start();
    let address = address(&place);
    let web = monitor.web_half().unwrap();
    let cookie = log_in(address);
    until("her opencode", || {
        ask(address, &get("/", &cookie));
        place.starts("alice") > 0
    });
    let (sent, begin) = (AtomicU64::new(0), Instant::now());
    let mut warm = 0;
    thread::scope(|scope| {
        for browser in 0..BROWSERS {
            let (sent, cookie) = (&sent, &cookie);
            scope.spawn(move || {
                let mut damage = Damage::new(seed.wrapping_mul(31).wrapping_add(browser));
                while begin.elapsed() < Duration::from_secs(seconds) {
                    let request = request(&mut damage, address, cookie);
                    ask(address, &damage.of(&request));
                    sent.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        while begin.elapsed() < Duration::from_secs(seconds) {
            if warm == 0 && sent.load(Ordering::Relaxed) >= WARM {
                warm = memory(web);
            }
            thread::sleep(Duration::from_millis(10));
        }
    });
    let sent = sent.into_inner();
    let report = format!(
        "fuzz target web: {sent} requests in {seconds} s, FUZZ_SEED={seed}, {warm} kB, then {} kB\n",
        memory(web)
    );
    let _ = std::io::stderr().write_all(report.as_bytes());
    is_as_it_was(&monitor, web, warm);
    until("it to answer", || {
        let answer = ask(address, &get("/_occ/health", ""));
        answer.starts_with(b"HTTP/1.1 200")
    });
}

fn is_as_it_was(monitor: &Monitor, web: i32, warm: u64) {
    assert_eq!(monitor.web_half(), Some(web), "another web half runs");
    let log = monitor.log();
    assert!(
        !log.contains("the web half ended") && !log.contains("panicked"),
        "{log}"
    );
    if warm > 0 {
        until("its memory to be what it was", || {
            memory(web) <= warm + GROWTH
        });
    }
    until("its files to be closed", || {
        let files = std::fs::read_dir(format!("/proc/{web}/fd"));
        files.is_ok_and(|files| files.count() < 100)
    });
}

fn memory(pid: i32) -> u64 {
    let resident = field(pid, "VmRSS");
    let number = resident.split(' ').next().unwrap_or_default();
    number.parse().unwrap_or(0)
}

fn address(place: &Place) -> SocketAddr {
    let path = place.path("run/occ/gate.json");
    until("the gate's status", || path.exists());
    let status: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    status["listen"].as_str().unwrap().parse().unwrap()
}

fn get(path: &str, cookie: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{cookie}Connection: close\r\n\r\n")
        .into_bytes()
}

/// The Cookie line of a session of alice's.
fn log_in(address: SocketAddr) -> String {
    let form = "user=alice&password=alice%27s+word";
    let head = format!(
        "POST /_occ/login HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{form}",
        form.len()
    );
    let mut cookie = None;
    until("a login", || {
        let answer = String::from_utf8_lossy(&ask(address, head.as_bytes())).into_owned();
        let line = answer
            .lines()
            .find_map(|line| line.strip_prefix("set-cookie: occ_"));
        cookie = line.map(|line| format!("Cookie: occ_{}\r\n", line.split(';').next().unwrap()));
        cookie.is_some()
    });
    cookie.unwrap()
}

/// The answer to bytes, until nothing more comes for a moment.
fn ask(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut answer = Vec::new();
    let Ok(mut stream) = TcpStream::connect(address) else {
        return answer;
    };
    stream.set_read_timeout(Some(MOMENT)).unwrap();
    stream.set_write_timeout(Some(MOMENT)).unwrap();
    // It may refuse before it has read all.
    let _ = stream.write_all(bytes);
    let mut buffer = [0; 16 * 1024];
    while let Ok(count @ 1..) = stream.read(&mut buffer) {
        answer.extend_from_slice(&buffer[..count]);
        if answer.len() > 256 * 1024 {
            break;
        }
    }
    answer
}

/// A request as a browser may send it.
fn request(damage: &mut Damage, address: SocketAddr, cookie: &str) -> Vec<u8> {
    let path = damage.pick(&[
        "/",
        "/assets/a.js",
        "/assets/b.css?x=1",
        "/global/event",
        "/session?directory=%2Fx",
        "/pty/1/connect",
        "/_occ/login",
        "/_occ/account",
        "/_occ/health",
        "/site.webmanifest",
        "/_occ/account/password",
        "/_occ/terminal",
        "/_occ/terminal/socket?cols=80&rows=24",
        "/_occ/prompt",
        "/_occ/renew",
        "/_occ/session",
        "/%2e%2e/etc",
        "http://localhost/",
    ]);
    let method = damage.pick(&[
        "GET", "GET", "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS",
    ]);
    let lines = damage.pick(&[
        "",
        "",
        "Accept: text/html\r\nSec-Fetch-Mode: navigate\r\n",
        "Connection: close\r\n",
        "Upgrade: websocket\r\nConnection: Upgrade\r\n",
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
        "Accept-Encoding: gzip\r\nRange: bytes=0-9\r\n",
        "X-Forwarded-For: 1.1.1.1\r\n",
        "If-None-Match: *\r\n",
        "Expect: 100-continue\r\n",
    ]);
    let cookie = damage.pick(&[cookie, cookie, "", "Cookie: occ-flash_opencode=eyJ9\r\n"]);
    let form = "user=alice&password=x&old=a&new=b&again=b&conversation=1&answer=2";
    let body = match damage.next(4) {
        0 => format!(
            "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
            form.len()
        ),
        1 => format!(
            "Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{form}\r\n0\r\n\r\n",
            form.len()
        ),
        _ => "\r\n".to_owned(),
    };
    let host = damage.pick(&["localhost", "127.0.0.1", "opencode.localhost"]);
    let port = address.port();
    format!("{method} {path} HTTP/1.1\r\nHost: {host}:{port}\r\nOrigin: http://{host}:{port}\r\n{cookie}{lines}{body}").into_bytes()
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    let number = text.parse();
    Some(number.unwrap_or_else(|_| panic!("{variable} must be a whole number")))
}
