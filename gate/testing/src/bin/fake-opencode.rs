//! Stands in for opencode in tests: listens, says so in opencode's words, and
//! leaves a report of what it was started with in its home. What else it does
//! stands in `~/behaviour`, one word and its operand.

// A program of tests may fail loudly.
#![allow(clippy::expect_used)]

use std::io::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, thread};

use occ_gate_testing::opencode::FakeOpencode;
use serde_json::{Value, json};

fn main() {
    if let Some("hold") = env::args().nth(1).as_deref() {
        loop {
            thread::park();
        }
    }
    let home = PathBuf::from(env::var_os("HOME").expect("HOME"));
    let behaviour = fs::read_to_string(home.join("behaviour")).unwrap_or_default();
    let (what, operand) = behaviour
        .trim()
        .split_once(' ')
        .unwrap_or((behaviour.trim(), ""));
    let mut starts = fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(home.join("starts"))
        .expect("starts");
    writeln!(starts, "{}", std::process::id()).expect("starts");
    drop(starts);
    match what {
        "exit" => return,
        "silent" => loop {
            thread::park();
        },
        "trap" => trap(Path::new(operand)),
        "children" => leave_children(),
        _ => (),
    }
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = match what {
        "squat" => operand.parse().expect("a port"),
        _ => listener.local_addr().expect("an address").port(),
    };
    let report = home.join("report.new");
    fs::write(&report, report_of(port).to_string()).expect("report");
    fs::rename(report, home.join("report.json")).expect("report");
    announce(port);
    let password = env::var("OPENCODE_SERVER_PASSWORD").expect("a password");
    let _opencode = FakeOpencode::on(listener, password.leak());
    loop {
        thread::park();
    }
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

/// One that has left the process group and the session.
fn leave_children() {
    let own = env::current_exe().expect("exe");
    Command::new("setsid")
        .arg("--fork")
        .arg(own)
        .arg("hold")
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
