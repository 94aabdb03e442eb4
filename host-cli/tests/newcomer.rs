//! `occ start` on machines that are not ready for it: each ends with what is wrong and what
//! to do, in a line each, and leaves no container.

#![allow(clippy::unwrap_used)] // A test that cannot go on fails.

mod fake;

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixListener;
use std::process::Output;

use fake::{Engine, image, one_account};
use serde_json::json;

#[track_caller]
fn ends(output: &Output, message: &str, hint: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    let last: Vec<&str> = said.lines().rev().take(2).collect();
    assert_ne!(output.status.code(), Some(0), "{said}");
    assert!(last.len() == 2 && last[1].contains(message), "{said}");
    assert_eq!(last[0], format!("hint: {hint}"), "{said}");
}

fn with_image() -> Engine {
    let engine = Engine::new(one_account);
    engine.with(|state| {
        state
            .images
            .insert("occ:local".into(), image("1", &json!({})));
    });
    engine
}

/// Docker 1.12, whose API has no mounts.
#[test]
fn old_engine() {
    let engine = Engine::new(one_account);
    let socket = engine.home.path().join("old.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    std::thread::spawn(move || {
        for browser in listener.incoming() {
            let mut browser = BufReader::new(browser.unwrap());
            let mut line = String::new();
            while browser.read_line(&mut line).is_ok_and(|count| count > 2) {
                line.clear();
            }
            let answer = "HTTP/1.1 200 OK\r\nApi-Version: 1.24\r\nContent-Length: 2\r\n\r\nOK";
            let _ = browser.get_mut().write_all(answer.as_bytes());
        }
    });
    let output = engine
        .command(&["start"])
        .env("DOCKER_HOST", format!("unix://{}", socket.display()))
        .output()
        .unwrap();
    ends(
        &output,
        "does not fit this occ: it speaks version 1.24 of the API, occ 1.40 and later",
        "update the engine: Docker 19.03, Podman 3, or newer",
    );
}

const FULL: &str = "the engine's disk is full: free some space (`docker system df` shows what it takes), then run this again";

#[test]
fn full_disk() {
    let engine = with_image();
    let full = "write /var/lib/docker/volumes/opencode-users/_data: no space left on device";
    engine.with(|state| state.cannot_start = Some(full.into()));
    ends(&engine.occ(&["start"]), full, FULL);
    assert_eq!(engine.names(), [""; 0], "no container stays");
    engine.with(|state| state.fails = Some(full.into()));
    ends(&engine.occ(&["start"]), full, FULL);
}

#[test]
fn taken_port() {
    let engine = with_image();
    let taken = "driver failed programming external connectivity on endpoint opencode: Bind for 127.0.0.1:3000 failed: port is already allocated";
    engine.with(|state| state.cannot_start = Some(taken.into()));
    let hint = "choose another port, as in `occ start --port 3001`";
    ends(&engine.occ(&["start"]), taken, hint);
    assert_eq!(engine.names(), [""; 0], "no container stays");
    engine.with(|state| state.cannot_start = None);
    let output = engine.occ(&["start", "--port", "3001"]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(engine.names(), ["opencode"]);
}

/// No base image here, and none to be pulled.
#[test]
fn no_network() {
    let engine = Engine::new(one_account);
    let output = engine
        .command(&["start"])
        .env("OCC_INIT_BIN", "/bin/true")
        .env("OCC_GATE_BIN", "/bin/true")
        .output()
        .unwrap();
    ends(
        &output,
        "there is no base image: ",
        "make one with `sudo image/base`, or name one that is here, as in `occ config set base_image debian:bookworm`",
    );
    assert_eq!(engine.names(), [""; 0], "no container stays");
}

/// `cargo install` knows nothing of the programs that go into the image.
#[test]
fn occ_alone() {
    let engine = Engine::new(one_account);
    let output = engine
        .command(&["start"])
        .env("OCC_INIT_BIN", "/nonexistent/occ-init")
        .output()
        .unwrap();
    ends(
        &output,
        "the program occ-init, which goes into the image, was not found in: /nonexistent/occ-init",
        "build it with `init/build-static` in a clone of occ, or name it with OCC_INIT_BIN",
    );
}
