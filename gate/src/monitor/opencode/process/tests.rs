use super::*;

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
