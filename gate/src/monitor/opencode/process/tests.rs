use super::*;

#[test]
fn what_is_not_for_people_is_withheld() {
    let all = [
        ("PATH", true),
        ("LANG", true),
        ("ANTHROPIC_API_KEY", true),
        ("OCC_GATE_HOSTS", false),
        ("OCC_INIT_GRACE", false),
        ("OPENCODE_BOOTSTRAP_PASSWORD", false),
        ("OPENCODE_SERVER_PASSWORD", false),
        ("OPENCODE_DISABLE_SHARE", true),
        ("XDG_RUNTIME_DIR", false),
    ];
    for (name, is_passed) in all {
        let found = passed([(name.into(), "x".into())].into_iter());
        assert_eq!(found.count() == 1, is_passed, "{name}");
    }
}

#[test]
fn the_end_of_a_session_is_told() {
    for (code, told) in [
        (0, "exit status: 0"),
        (127, "exit status: 127"),
        (137, "signal: SIGKILL"),
        (255, "exit status: 255"),
    ] {
        assert_eq!(end_of(code), told);
    }
}
