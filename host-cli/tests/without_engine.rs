//! The binary where no engine answers: exit codes, texts, configuration.

#![allow(clippy::unwrap_used)] // A test that cannot go on fails.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// `occ` with a configuration of its own and an engine that is not there.
struct Occ {
    home: tempfile::TempDir,
}

impl Occ {
    fn new() -> Self {
        Self {
            home: tempfile::tempdir().unwrap(),
        }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_occ"));
        command
            .args(args)
            .env_clear()
            .env("HOME", self.home.path())
            .env("DOCKER_HOST", "unix:///nonexistent/engine.sock")
            .stdin(Stdio::null());
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    fn with_input(&self, args: &[&str], input: &[u8]) -> Output {
        let mut child = self
            .command(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        child.wait_with_output().unwrap()
    }

    fn config(&self) -> std::path::PathBuf {
        self.home.path().join(".config/occ/config.json")
    }
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

#[test]
fn missing_engine_is_exit_6_with_address_and_hint() {
    let occ = Occ::new();
    for args in [
        &["user", "list"][..],
        &["start"],
        &["stop"],
        &["status"],
        &["update", "container"],
    ] {
        let output = occ.run(args);
        assert_eq!(code(&output), 6, "{args:?}: {}", stderr(&output));
        assert_eq!(
            stderr(&output),
            "occ: no container engine answers at unix:///nonexistent/engine.sock (DOCKER_HOST): there is no such socket\n\
             hint: install and start an engine (`apt install docker.io`, then `systemctl start docker` or `dockerd`), \
             or name one with DOCKER_HOST or --host\n"
        );
        assert_eq!(stdout(&output), "");
    }
}

#[test]
fn with_json_the_error_is_one_line_on_stdout_as_well() {
    let occ = Occ::new();
    for args in [
        &["--json", "user", "list"][..],
        &["user", "list", "-o", "json"],
    ] {
        let output = occ.run(args);
        assert_eq!(code(&output), 6);
        assert_eq!(stdout(&output).lines().count(), 1);
        let document: Value = serde_json::from_str(stdout(&output)).unwrap();
        assert_eq!(document["schema"], 1);
        assert_eq!(document["error"]["kind"], "engine_unreachable");
        assert_eq!(document["error"]["retryable"], true);
        assert!(stderr(&output).starts_with("occ: no container engine"));
    }
    let output = occ.run(&["user", "lst", "--json"]);
    assert_eq!(code(&output), 2);
    let document: Value = serde_json::from_str(stdout(&output)).unwrap();
    assert_eq!(document["error"]["kind"], "usage");
}

#[test]
fn an_engine_that_is_named_wrongly_is_never_replaced_by_the_local_one() {
    let occ = Occ::new();
    for args in [
        &["--host", "npipe:////./pipe/x", "user", "list"][..],
        &["--host", "tcp://", "user", "list"],
        &["--host", "ssh://me:secret@there", "user", "list"],
        &["--context", "production", "user", "list"],
    ] {
        let output = occ.run(args);
        assert_eq!(code(&output), 9, "{args:?}");
        let said = stderr(&output);
        assert!(said.starts_with("occ: cannot use the"), "{said}");
        assert!(!said.contains("secret"), "{said}");
    }
    let from_file = occ.home.path().join(".docker");
    std::fs::create_dir(&from_file).unwrap();
    for (text, named) in [
        (
            r#"{"currentContext":"production"}"#,
            "'production' (docker's current context",
        ),
        ("{", "config.json"),
    ] {
        std::fs::write(from_file.join("config.json"), text).unwrap();
        let mut command = occ.command(&["user", "list"]);
        let output = command.env_remove("DOCKER_HOST").output().unwrap();
        assert_eq!(code(&output), 9);
        assert!(stderr(&output).contains(named), "{}", stderr(&output));
    }
}

/// Nobody types an answer that no container can take.
#[test]
fn the_engine_comes_before_any_question() {
    let occ = Occ::new();
    for args in [
        &["user", "add"][..],
        &["user", "add", "alice"],
        &["user", "passwd", "alice"],
        &["user", "remove", "alice"],
        &["user", "remove", "alice", "--no-input"],
    ] {
        assert_eq!(code(&occ.run(args)), 6, "{args:?}");
    }
}

#[test]
fn a_wrong_command_line_is_2_with_a_suggestion() {
    let occ = Occ::new();
    let output = occ.run(&["user", "lis"]);
    assert_eq!(code(&output), 2);
    assert!(stderr(&output).contains("'list'"), "{}", stderr(&output));
    assert_eq!(code(&occ.run(&[])), 2);
    assert_eq!(code(&occ.run(&["user", "add", "x", "--password", "y"])), 2);
}

#[test]
fn invalid_values_are_exit_9_before_any_call() {
    let occ = Occ::new();
    for args in [
        &["user", "add", "al", "--generate"][..],
        &["user", "add", "1alice", "--generate"],
        &["user", "add", "al-ice", "--generate"],
        &["user", "add", "müller", "--generate"],
        &["user", "show", "a:b"],
        &["user", "disable", "alice", "../x"],
    ] {
        assert_eq!(code(&occ.run(args)), 9, "{args:?}");
    }
    for input in [
        &b""[..],
        b"\n",
        b"two\nlines\n",
        b"nul\0\n",
        b"\xff\n",
        &[b'x'; 300],
    ] {
        let output = occ.with_input(&["user", "add", "alice", "--password-stdin"], input);
        assert_eq!(code(&output), 9, "{input:?}");
    }
    let output = occ.with_input(&["user", "add", "alice", "--password-stdin"], b"fine\n");
    assert_eq!(code(&output), 6, "a good one gets as far as the engine");
}

#[test]
fn a_password_is_in_no_message() {
    let occ = Occ::new();
    let secret = "correct horse battery\nstaple";
    let output = occ.with_input(
        &[
            "-v",
            "--json",
            "user",
            "passwd",
            "alice",
            "--password-stdin",
        ],
        secret.as_bytes(),
    );
    assert_eq!(code(&output), 9);
    for stream in [stdout(&output), stderr(&output)] {
        assert!(!stream.contains("horse") && !stream.contains("staple"));
    }
}

#[test]
fn help_and_version_are_answers() {
    let occ = Occ::new();
    for args in [&["--help"][..], &["user", "add", "--help"], &["--version"]] {
        let output = occ.run(args);
        assert_eq!(code(&output), 0);
        assert!(!stdout(&output).is_empty());
        assert_eq!(stderr(&output), "");
    }
    assert!(!stdout(&occ.run(&["--help", "--color", "never"])).contains('\u{1b}'));
}

#[test]
fn the_configuration_is_set_read_and_unset_without_an_engine() {
    let occ = Occ::new();
    assert_eq!(
        stdout(&occ.run(&["config", "path"])).trim_end(),
        occ.config().to_str().unwrap()
    );
    assert_eq!(stdout(&occ.run(&["config", "get", "port"])), "3000\n");
    assert_eq!(code(&occ.run(&["config", "set", "port", "4000"])), 0);
    assert_eq!(
        code(&occ.run(&["config", "set", "base-image", "debian:trixie"])),
        0
    );
    assert_eq!(stdout(&occ.run(&["config", "get", "port"])), "4000\n");
    assert!(stdout(&occ.run(&["config", "list"])).contains(" debian:trixie\n"));
    let document: Value = serde_json::from_slice(&std::fs::read(occ.config()).unwrap()).unwrap();
    assert_eq!(
        document,
        serde_json::json!({"schema":1,"users":[],"base_image":"debian:trixie","port":4000})
    );
    assert_eq!(code(&occ.run(&["config", "unset", "port"])), 0);
    assert_eq!(stdout(&occ.run(&["config", "get", "port"])), "3000\n");

    let before = std::fs::read(occ.config()).unwrap();
    assert_eq!(code(&occ.run(&["config", "set", "port", "http"])), 9);
    let output = occ.run(&["config", "set", "prot", "4000"]);
    assert_eq!(code(&output), 2);
    assert!(stderr(&output).contains("did you mean 'port'?"));
    assert_eq!(std::fs::read(occ.config()).unwrap(), before);
    assert_eq!(leftovers(occ.config().parent().unwrap()), ["config.json"]);
}

fn leftovers(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

#[test]
fn a_broken_or_newer_configuration_is_named_and_left_alone() {
    let occ = Occ::new();
    std::fs::create_dir_all(occ.config().parent().unwrap()).unwrap();
    for broken in [&b"{\"schema\":1,"[..], b"{\"schema\":2,\"users\":[]}"] {
        std::fs::write(occ.config(), broken).unwrap();
        for args in [&["config", "set", "port", "1"][..], &["user", "list"]] {
            let output = occ.run(args);
            assert_eq!(code(&output), 1);
            assert!(stderr(&output).contains(occ.config().to_str().unwrap()));
        }
        assert_eq!(std::fs::read(occ.config()).unwrap(), broken);
    }
}
