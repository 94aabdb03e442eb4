use super::*;

const PATIENCE: Duration = Duration::from_secs(10);

fn begin(program: &str, words: &[&str]) -> Result<RestoreChild, String> {
    let words = words.iter().map(|word| CString::new(*word).unwrap());
    let (words, env): (Vec<CString>, _) = (words.collect(), Environment::default());
    start(program.as_ref(), &words, &env, SignalMask::NONE)
}

fn shell(script: &str, patience: Duration) -> Outcome {
    let child = begin("/bin/sh", &["sh", "-c", script]).unwrap();
    child.wait(patience)
}

fn late(script: &str) -> RestoreChild {
    match shell(script, Duration::from_millis(50)) {
        Outcome::Late(child) => child,
        outcome => panic!("{}", outcome.json()),
    }
}

fn failure(script: &str) -> String {
    let outcome = shell(script, PATIENCE);
    let text = outcome.json();
    outcome.failure().unwrap_or_else(|| panic!("{text}"))
}

#[test]
fn last_line_is_the_summary() {
    let script = r#"echo one; echo two; printf '{"state":"done", "n": 1}'"#;
    let outcome = shell(script, PATIENCE);
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
    let missing = begin("/nonexistent", &["nonexistent"]);
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
    let late = late(&script);
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
    let outcome = shell(script, Duration::from_millis(400));
    assert_eq!(outcome.json(), json!({"state": "done"}));
}

#[test]
fn closed_stdout_without_an_end_is_silence() {
    let late = late("exec >&-; exec sleep 1000");
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
    let report = Report {
        summary: json!({"a": 1}),
        marks: vec![Mark::parse(mark.as_bytes()).unwrap()],
    };
    assert_eq!(output.report(), Some(report));
}
