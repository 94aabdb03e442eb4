//! Output that cannot be written: no command claims success, no password is lost, and
//! nothing panics.

#![allow(clippy::unwrap_used)] // A test that cannot go on fails.

mod fake;

use std::fs::File;
use std::process::{Output, Stdio};

use fake::{Engine, one_account};

/// Every command that prints an answer, with and without an engine.
const ANSWERING: [&str; 24] = [
    "--help",
    "--version",
    "user add --help",
    "completions bash",
    "completions zsh",
    "completions fish",
    "config list",
    "config path",
    "config get users",
    "config get container",
    "user list",
    "user list -q",
    "user show alice",
    "user add alice --generate",
    "user add alice --no-password",
    "user passwd alice --generate",
    "user set alice --comment x",
    "user enable alice",
    "user remove alice --yes",
    "user adopt alice",
    "user export",
    "user import /dev/null",
    "status",
    "logs",
];

fn engine() -> Engine {
    let engine = Engine::new(one_account);
    engine.has("opencode");
    engine.with(|state| state.log = "a line\n".repeat(1000));
    std::fs::create_dir_all(engine.config().parent().unwrap()).unwrap();
    let configured = r#"{"schema":1,"users":["alice"],"container":"opencode"}"#;
    std::fs::write(engine.config(), configured).unwrap();
    engine
}

fn full() -> File {
    File::options().write(true).open("/dev/full").unwrap()
}

fn to(engine: &Engine, args: &[&str], stdout: Stdio, stderr: Stdio) -> Output {
    let mut command = engine.command(args);
    let child = command.stdout(stdout).stderr(stderr).spawn().unwrap();
    child.wait_with_output().unwrap()
}

/// A pipe that nobody reads any more.
fn closed() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

fn words(line: &str) -> Vec<&str> {
    line.split(' ').collect()
}

#[test]
fn a_full_disk_is_said_and_exit_1_in_every_command() {
    let engine = engine();
    for line in ANSWERING {
        for more in [&[][..], &["--json"]] {
            let args = [&words(line), more].concat();
            assert_eq!(
                engine.occ(&args).status.code(),
                Some(0),
                "{args:?}: with a reader"
            );
            let output = to(&engine, &args, full().into(), Stdio::piped());
            let said = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(1), "{args:?}: {said}");
            let why = "occ: cannot write the answer to standard output: no space left on device\n";
            assert!(said.ends_with(why), "{args:?}: {said}");
        }
    }
}

/// `occ … | head -1`: the reader wanted no more, and gets no word about it.
#[test]
fn a_closed_pipe_is_exit_1_without_a_word() {
    let engine = engine();
    for line in ANSWERING {
        let output = to(&engine, &words(line), closed(), Stdio::piped());
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{line}: {said}");
        assert!(
            !said.contains("panicked") && !said.contains("cannot write"),
            "{line}: {said}"
        );
    }
}

#[test]
fn the_exit_code_of_an_error_stays_whatever_cannot_be_written() {
    let engine = engine();
    for (line, code) in [
        ("user show a:b", 9),
        ("user show alice --container other", 7),
        ("status --container other", 7),
        ("user lst", 2),
    ] {
        for more in [&[][..], &["--json"]] {
            let args = [&words(line), more].concat();
            for (stdout, stderr) in [
                (Stdio::from(full()), Stdio::from(full())),
                (closed(), closed()),
                (Stdio::piped(), full().into()),
            ] {
                let output = to(&engine, &args, stdout, stderr);
                assert_eq!(output.status.code(), Some(code), "{args:?}");
            }
        }
    }
}

#[test]
fn a_generated_password_is_shown_on_stderr_where_stdout_does_not_take_it() {
    let engine = engine();
    for line in ["user add alice --generate", "user passwd alice --generate"] {
        for more in [&[][..], &["--json"], &["-q"]] {
            for stdout in [Stdio::from(full()), closed()] {
                let args = [&words(line), more].concat();
                let output = to(&engine, &args, stdout, Stdio::piped());
                let said = String::from_utf8(output.stderr).unwrap();
                let mut lines = said.lines();
                let password = lines.find_map(|line| line.strip_prefix("Password of 'alice': "));
                let password = password.unwrap_or_else(|| panic!("{args:?}: {said}"));
                assert_eq!(password.len(), 24);
                assert_eq!(output.status.code(), Some(1), "{args:?}");
            }
        }
    }
}
