use super::*;

fn listed(name: &str, state: &str) -> Listed {
    Listed {
        id: format!("id-{name}"),
        name: name.into(),
        state: state.into(),
    }
}

fn picked(labelled: Vec<Listed>) -> Option<String> {
    pick("opencode", labelled).unwrap().map(|one| one.name)
}

#[test]
fn name_beats_label() {
    let kept = listed("opencode-previous", "running");
    assert_eq!(
        picked(vec![kept.clone(), listed("opencode", "exited")]).as_deref(),
        Some("opencode")
    );
    assert_eq!(
        picked(vec![kept.clone(), listed("web_opencode_1", "exited")]).as_deref(),
        Some("web_opencode_1")
    );
    assert_eq!(picked(vec![kept]), None);
    assert_eq!(
        picked(vec![listed("a", "exited"), listed("b", "running")]).as_deref(),
        Some("b")
    );
    assert_eq!(picked(vec![]), None);
}

#[test]
fn several_running_containers_are_an_error() {
    let error = pick(
        "opencode",
        vec![listed("a", "running"), listed("b", "running")],
    )
    .unwrap_err();
    assert_eq!(error.kind().exit_code(), 4);
    assert!(error.to_string().ends_with("a, b"));
}
