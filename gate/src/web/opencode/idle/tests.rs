use serde_json::json;

use super::*;

#[test]
fn only_what_is_surely_at_rest_is() {
    assert!(no_session_works(&json!({})));
    assert!(no_session_works(&json!({"a": {"type": "idle"}})));
    for busy in [
        json!({"a": {"type": "idle"}, "b": {"type": "busy"}}),
        json!({"a": {"type": "retry"}}),
        json!({"a": {}}),
        json!([]),
        json!(null),
    ] {
        assert!(!no_session_works(&busy), "{busy}");
    }
    let rests = |list: &Value| no_terminal_works(list, |pid| pid == 7);
    assert!(rests(&json!([])));
    assert!(rests(
        &json!([{"status": "exited"}, {"status": "running", "pid": 7}])
    ));
    for running in [
        json!([{"status": "running"}]),
        json!([{"status": "running", "pid": 8}]),
        json!([{"status": "running", "pid": 7}, {"status": "running", "pid": 8}]),
        json!([{"status": "running", "pid": "7"}]),
        json!([{"status": "running", "pid": -7}]),
        json!([{}]),
        json!({}),
        json!(null),
    ] {
        assert!(!rests(&running), "{running}");
    }
}
