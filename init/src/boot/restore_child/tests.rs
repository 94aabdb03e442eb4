use super::*;

const PATIENCE: Duration = Duration::from_secs(10);

fn shell(script: &str, patience: Duration) -> Outcome {
    let args = [
        c"sh".to_owned(),
        c"-c".to_owned(),
        CString::new(script).unwrap(),
    ];
    let env = Environment::default();
    let child = start("/bin/sh".as_ref(), &args, &env, SignalMask::NONE).unwrap();
    child.wait(patience)
}

fn failure(script: &str) -> String {
    let outcome = shell(script, PATIENCE);
    let text = outcome.json();
    outcome.failure().unwrap_or_else(|| panic!("{text}"))
}

#[test]
fn last_line_is_the_summary() {
    let outcome = shell(
        r#"echo one; echo two; printf '{"state":"done", "n": 1}'"#,
        PATIENCE,
    );
    assert_eq!(outcome.json(), json!({"state": "done", "n": 1}));
}

#[test]
fn summary_with_a_status_is_partly_done() {
    let outcome = shell(r#"echo '{"state":"done"}'; exit 3"#, PATIENCE);
    assert!(matches!(outcome, Outcome::Partly(..)), "{}", outcome.json());
}

#[test]
fn other_ends_are_failures_with_their_reason() {
    assert_eq!(failure("echo one; exit 3"), "it exited with status 3");
    assert_eq!(failure("kill -SEGV $$"), "it was killed by SIGSEGV");
    for none in [
        "exit 0",
        "echo hello",
        r#"echo '{"a":'"#,
        "echo '[1]'",
        "echo '{} {}'",
    ] {
        assert_eq!(failure(none), "it gave no summary", "{none}");
    }
    let args = [c"nonexistent".to_owned()];
    let env = Environment::default();
    let missing = start("/nonexistent".as_ref(), &args, &env, SignalMask::NONE);
    assert_eq!(
        missing.err().as_deref(),
        Some("cannot start '/nonexistent': no such file or directory")
    );
}

#[test]
fn silent_child_is_left_and_its_end_is_taken_later() {
    let script = r#"echo work; read go < "$FIFO" || exit 9; echo '{"state":"done"}'"#;
    let dir = tempfile::tempdir().unwrap();
    let fifo = dir.path().join("fifo");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let script = format!("FIFO={}; {script}", fifo.display());
    let Outcome::Late(late) = shell(&script, Duration::from_millis(50)) else {
        panic!("not late")
    };
    std::fs::write(&fifo, "go\n").unwrap();
    let status = loop {
        if let Waited::Child(_, status) = sys::wait_child(late.pid()) {
            break status;
        }
        std::thread::yield_now();
    };
    assert_eq!(late.finish(status).json(), json!({"state": "done"}));
}

#[test]
fn progress_restarts_the_time_out() {
    // Longer in all than the patience, never silent as long.
    let script = r#"for i in 1 2 3 4 5 6; do echo $i; sleep 0.1; done; echo '{"state":"done"}'"#;
    assert_eq!(
        shell(script, Duration::from_millis(400)).json(),
        json!({"state": "done"})
    );
}

#[test]
fn closed_stdout_without_an_end_is_silence() {
    let outcome = shell("exec >&-; exec sleep 1000", Duration::from_millis(50));
    let Outcome::Late(late) = outcome else {
        panic!("{}", outcome.json())
    };
    sys::kill(late.pid(), signals::KILL).unwrap();
    while sys::wait_child(late.pid()) == Waited::Busy {
        std::thread::yield_now();
    }
}

#[test]
fn lines_may_be_split_between_reads() {
    let mut output = Output::default();
    let mark = "left etc shadow 1 2 3 4 5";
    for piece in [
        "pro",
        "gress\nle",
        "ft etc shadow 1 2 3 4 5\nleft\n{\"a\"",
        ":1}",
        "\n",
    ] {
        output.feed(piece.as_bytes());
    }
    let marks = [Mark::parse(mark.as_bytes()).unwrap()];
    let report = Report {
        summary: json!({"a": 1}),
        marks: marks.to_vec(),
    };
    assert_eq!(output.report(), Some(report));
}
