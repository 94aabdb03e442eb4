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
    assert!(no_terminal_runs(&json!([])));
    assert!(no_terminal_runs(&json!([{"status": "exited"}])));
    for running in [
        json!([{"status": "running"}]),
        json!([{}]),
        json!({}),
        json!(null),
    ] {
        assert!(!no_terminal_runs(&running), "{running}");
    }
}
