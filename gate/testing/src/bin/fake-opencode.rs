//! Stands in for opencode in tests: listens, says so in opencode's words, and
//! leaves a report of what it was started with in its home. What else it does
//! stands in `~/behaviour`, one word and its operand.

// A program of tests may fail loudly.
#![allow(clippy::expect_used)]
// A thread ends alone.
#![allow(unsafe_code)]

use std::io::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, thread};

use occ_gate_testing::opencode::FakeOpencode;
use serde_json::{Value, json};

fn main() {
    match env::args().nth(1).as_deref() {
        Some("hold") => hold(),
        Some("leaderless") => end_first_thread(),
        Some("threads") => hold_threads(),
        _ => (),
    }
    let home = PathBuf::from(env::var_os("HOME").expect("HOME"));
    let behaviour = fs::read_to_string(home.join("behaviour")).unwrap_or_default();
    let (what, operand) = behaviour
        .trim()
        .split_once(' ')
        .unwrap_or((behaviour.trim(), ""));
    if what == "exit" {
        return;
    }
    let mut starts = fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(home.join("starts"))
        .expect("starts");
    writeln!(starts, "{}", std::process::id()).expect("starts");
    drop(starts);
    match what {
        "complain" => complain(),
        "silent" => loop {
            thread::park();
        },
        "trap" => trap(Path::new(operand)),
        "children" => leave("hold"),
        "leaderless" => leave("leaderless"),
        "racer" => race(&home),
        _ => (),
    }
    // `serve --hostname 127.0.0.1 --port PORT`
    let wanted = env::args().nth(5).unwrap_or_default();
    let listener = match what {
        "at" => TcpListener::bind(format!("127.0.0.1:{operand}")),
        _ => TcpListener::bind(format!("127.0.0.1:{wanted}")),
    };
    let listener = listener.expect("a port");
    let port = match (what, wanted.as_str()) {
        ("squat", _) | ("stubborn", "0") => operand.parse().expect("a port"),
        _ => listener.local_addr().expect("an address").port(),
    };
    let report = home.join("report.new");
    fs::write(&report, report_of(port).to_string()).expect("report");
    fs::rename(report, home.join("report.json")).expect("report");
    announce(port);
    if what == "hostile" {
        let seed = operand.parse().expect("a seed");
        return occ_gate_testing::hostile::serve(&listener, seed);
    }
    let password = env::var("OPENCODE_SERVER_PASSWORD").expect("a password");
    let _opencode = FakeOpencode::on(listener, password.leak());
    loop {
        thread::park();
    }
}

/// Ends with a reason, as for a broken configuration.
fn complain() {
    let mut out = std::io::stdout();
    for number in 0..100 {
        writeln!(out, "line {number}").expect("stdout");
    }
    let last = "\u{1b}[91m\u{1b}[1mError: \u{1b}[0mopencode.json is not valid\nno end of line";
    out.write_all(last.as_bytes()).expect("stdout");
    out.flush().expect("stdout");
    std::process::exit(1);
}

fn announce(port: u16) {
    let mut out = std::io::stdout();
    writeln!(out, "opencode server listening on http://127.0.0.1:{port}").expect("stdout");
    out.flush().expect("stdout");
}

/// Links where a careless root would follow them.
fn trap(aim: &Path) {
    let tmp = PathBuf::from(env::var_os("TMPDIR").expect("TMPDIR"));
    std::os::unix::fs::symlink(aim, tmp.join("link")).expect("link");
    let own = tmp.parent().expect("a parent").join("run");
    fs::remove_dir(&own).expect("own directory");
    std::os::unix::fs::symlink(aim, own).expect("link");
}

/// One that has left the process group and the session, and does not hear TERM.
fn leave(what: &str) {
    let own = env::current_exe().expect("exe");
    Command::new("sh")
        .args(["-c", "trap '' TERM; exec setsid --fork \"$0\" \"$1\""])
        .arg(own)
        .arg(what)
        .status()
        .expect("setsid");
}

fn hold() -> ! {
    loop {
        thread::park();
    }
}

/// The first thread ends; another one says so, and goes on.
fn end_first_thread() {
    let home = PathBuf::from(env::var_os("HOME").expect("HOME"));
    thread::spawn(move || {
        let is_over = || {
            let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
            status.lines().any(|line| line.starts_with("State:\tZ"))
        };
        while !is_over() {
            thread::yield_now();
        }
        fs::write(home.join("left"), "").expect("left");
        hold()
    });
    // SAFETY: no pointers; what the thread had on its stack is not used by others.
    unsafe {
        libc::syscall(libc::SYS_exit, 0);
    }
}

fn hold_threads() {
    let count = env::args().nth(2).expect("a number");
    for _ in 0..count.parse().expect("a number") {
        thread::spawn(|| hold());
    }
    let mut out = std::io::stdout();
    out.write_all(b"up\n").expect("stdout");
    out.flush().expect("stdout");
    hold()
}

/// A process that starts the next and ends, again and again.
fn race(home: &Path) {
    let script = home.join("racer");
    let text = "#!/bin/sh\ntrap '' TERM\nprintf . >> \"$HOME/beats\"\n\"$0\" &\n";
    fs::write(&script, text).expect("script");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    fs::set_permissions(&script, mode).expect("mode");
    Command::new("setsid")
        .arg("--fork")
        .arg(script)
        .status()
        .expect("setsid");
}

fn report_of(port: u16) -> Value {
    let status = fs::read_to_string("/proc/self/status").expect("status");
    let fds = fs::read_dir("/proc/self/fd").expect("fd").flatten();
    let mut fds: Vec<String> = fds
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    fds.sort();
    let environment: Vec<(String, String)> = env::vars().collect();
    json!({
        "port": port,
        "pid": std::process::id(),
        "status": status,
        "limits": fs::read_to_string("/proc/self/limits").expect("limits"),
        // One of them is the directory that lists them, one the listener.
        "fds": fds,
        "env": environment.into_iter().collect::<std::collections::BTreeMap<_, _>>(),
        "cwd": env::current_dir().expect("cwd"),
        "readable": readable_environments(),
    })
}

/// Processes of others whose environment this one can read.
fn readable_environments() -> Vec<String> {
    use std::os::unix::fs::MetadataExt as _;
    let own = fs::metadata("/proc/self").expect("self").uid();
    let processes = fs::read_dir("/proc").expect("proc").flatten();
    processes
        .filter(|entry| entry.file_name().to_string_lossy().parse::<u32>().is_ok())
        .filter(|entry| entry.metadata().is_ok_and(|meta| meta.uid() != own))
        .filter(|entry| fs::read(entry.path().join("environ")).is_ok())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect()
}
