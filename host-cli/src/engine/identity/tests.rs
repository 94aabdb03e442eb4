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
fn what_updates_keep_is_no_candidate() {
    let kept = listed("opencode-previous", "running");
    assert_eq!(
        picked(vec![kept.clone(), listed("web_opencode_1", "exited")]).as_deref(),
        Some("web_opencode_1")
    );
    assert_eq!(picked(vec![kept]), None);
    assert_eq!(picked(vec![]), None);
}

/// The one that runs may be the stranger.
#[test]
fn two_candidates_are_refused_whatever_their_state() {
    for state in ["running", "exited"] {
        let both = vec![listed("a", state), listed("b", "running")];
        let error = pick("opencode", both).unwrap_err();
        assert_eq!(error.kind().exit_code(), 4);
        assert!(error.to_string().ends_with("a, b"));
    }
}

/// Names of the tasks that stand for the instance, of (name, state, service).
fn present(tasks: &[(&str, &str, &str)]) -> Vec<String> {
    let found: Vec<_> = tasks
        .iter()
        .map(|(name, state, service)| {
            let service = (!service.is_empty()).then(|| (*service).to_owned());
            (listed(name, state), service)
        })
        .collect();
    let kept = without_past_tasks(&found).into_iter();
    kept.map(|one| one.name).collect()
}

#[test]
fn ended_tasks_of_a_service_are_no_candidates() {
    let past = [("old", "exited", "s"), ("older", "exited", "s")];
    let [old, older] = past;
    assert_eq!(present(&[("new", "running", "s"), old, older]), ["new"]);
    assert_eq!(present(&[old, ("kept on", "running", "s")]), ["kept on"]);
    assert_eq!(present(&past), ["old"]);
    // Two replicas, another service's, and one that no service made.
    let two = [("a", "running", "s"), ("b", "running", "s")];
    assert_eq!(present(&two), ["a", "b"]);
    let others = [
        ("new", "running", "s"),
        ("x", "exited", "t"),
        ("y", "exited", ""),
    ];
    assert_eq!(present(&others), ["new", "x", "y"]);
}

#[test]
fn volumes_without_a_name_are_told_from_those_with_one() {
    assert!(is_anonymous(&"0af9".repeat(16)));
    for named in ["opencode-users", "/srv/users", &"0af9".repeat(15)] {
        assert!(!is_anonymous(named), "{named}");
    }
}
