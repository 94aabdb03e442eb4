//! A terminal and those who want it to hold up others: floods, frames of no page, and ends
//! that nobody reads.

use std::fs::File;
use std::io::Write as _;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::browser::PATIENCE;
use super::harness::Gate;
use super::terminal::{begin, make_raw, open, shown};
use super::websocket::{BINARY, CONTINUATION, PING, PONG, TEXT, close_code, frame, receive, send};
use occ_gate_testing::until;

/// The close code of a terminal too many.
const TOO_MANY: u16 = 4002;
/// Most bytes that the page has not shown yet.
const WINDOW: usize = 256 * 1024;

#[test]
fn a_fifth_terminal_is_refused_and_a_hundred_change_nothing() {
    let gate = Gate::start();
    let (_, cookie) = gate.alice();
    let mut open: Vec<(TcpStream, File)> = (0..4).map(|_| open(&gate, &cookie)).collect();
    for _ in 0..100 {
        assert_eq!(close_code(&mut begin(&gate, &cookie)), Some(TOO_MANY));
    }
    for (page, shell) in &mut open {
        make_raw(shell);
        shell.write_all(b"here").unwrap();
        assert_eq!(shown(page, 4), b"here");
    }
}

#[test]
fn frames_of_no_page_of_ours_end_the_terminal() {
    let gate = Gate::start();
    let (_, cookie) = gate.alice();
    let long = vec![b'x'; 65 * 1024];
    let mut huge = frame(BINARY, true, b"");
    huge[1] = 0xff;
    huge.splice(2..2, u64::MAX.to_be_bytes());
    let mut unmasked = frame(BINARY, true, b"");
    unmasked[1] = 0;
    let pieces: Vec<u8> = (0..20)
        .map(|at| {
            frame(
                if at == 0 { BINARY } else { CONTINUATION },
                false,
                &[b'x'; 8192],
            )
        })
        .collect::<Vec<_>>()
        .concat();
    for bytes in [
        frame(TEXT, true, br#"{"resize":{"cols":0,"rows":24}}"#),
        frame(TEXT, true, br#"{"resize":{"cols":65535,"rows":65535}}"#),
        frame(TEXT, true, b"junk"),
        frame(TEXT, true, b"\xff\xfe"),
        frame(TEXT, true, &long),
        frame(TEXT, true, &[b'['; 2000]),
        frame(BINARY, true, &long),
        frame(PING, true, &[0; 126]),
        frame(3, true, b""),
        huge,
        unmasked,
        pieces,
    ] {
        let (mut page, _) = open(&gate, &cookie);
        let asked = gate.monitor.times_asked("close-terminal");
        let _ = page.write_all(&bytes);
        close_code(&mut page);
        until("its end", || {
            gate.monitor.times_asked("close-terminal") > asked
        });
        gate.monitor.set(|state| state.terminals.shells.clear());
    }
    // The web half is as it was.
    let (mut page, mut shell) = open(&gate, &cookie);
    make_raw(&shell);
    shell.write_all(b"here").unwrap();
    assert_eq!(shown(&mut page, 4), b"here");
}

#[test]
fn a_flood_of_pings_keeps_nothing() {
    let gate = Gate::start();
    let (_, cookie) = gate.alice();
    let (mut page, shell) = open(&gate, &cookie);
    make_raw(&shell);
    let pings = frame(PING, true, &[7; 125]).repeat(1000);
    page.set_write_timeout(Some(PATIENCE)).unwrap();
    // Nobody reads the answers: those that the kernel has no room for are dropped.
    let mut sent = 0;
    while sent < 64 * 1024 * 1024 {
        page.write_all(&pings).unwrap();
        sent += pings.len();
    }
    send(&mut page, PING, b"last");
    let mut read = 0;
    loop {
        match receive(&mut page) {
            Some((PONG, payload)) if payload == b"last" => break,
            Some((PONG, payload)) => read += payload.len(),
            other => panic!("{other:?} after {read} bytes"),
        }
    }
    assert!(read < sent / 2, "{read} bytes of answers were kept");
    drop(page);
    let (mut page, mut others) = open(&gate, &cookie);
    make_raw(&others);
    others.write_all(b"here").unwrap();
    assert_eq!(shown(&mut page, 4), b"here");
}

#[test]
fn a_terminal_that_nobody_reads_holds_nobody_up() {
    let gate = Gate::start();
    let (_, cookie) = gate.alice();
    // A shell that does not read.
    let (mut page, shell) = open(&gate, &cookie);
    make_raw(&shell);
    page.set_write_timeout(Some(Duration::from_secs(2)))
        .unwrap();
    let much = frame(BINARY, true, &vec![b'x'; 32 * 1024]);
    let mut sent = 0;
    while page.write_all(&much).is_ok() {
        sent += much.len();
        assert!(sent < 256 * 1024 * 1024, "it keeps whatever comes");
    }
    // A page that does not read.
    let (mut silent, shell) = open(&gate, &cookie);
    make_raw(&shell);
    let flags = rustix::fs::fcntl_getfl(&shell).unwrap();
    rustix::fs::fcntl_setfl(&shell, flags | rustix::fs::OFlags::NONBLOCK).unwrap();
    let written = fill(&shell);
    assert!(written < 2 * WINDOW, "{written}");
    // Others see nothing of it, and the page gets the rest once it says what it showed.
    let (mut other, mut others) = open(&gate, &cookie);
    make_raw(&others);
    others.write_all(b"here").unwrap();
    assert_eq!(shown(&mut other, 4), b"here");
    send(
        &mut silent,
        TEXT,
        format!(r#"{{"shown":{written}}}"#).as_bytes(),
    );
    assert_eq!(shown(&mut silent, written), vec![b'y'; written]);
}

/// Writes until nothing is taken any more, for longer than anything takes; how much was.
fn fill(shell: &File) -> usize {
    let mut written = 0;
    let mut last = Instant::now();
    while written < WINDOW || last.elapsed() < Duration::from_secs(1) {
        assert!(last.elapsed() < PATIENCE, "only {written} bytes are taken");
        if let Ok(count) = rustix::io::write(shell, &[b'y'; 4096]) {
            written += count;
            last = Instant::now();
        }
        std::thread::yield_now();
    }
    written
}
