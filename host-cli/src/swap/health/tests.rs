use super::*;

#[test]
fn runs_the_check_that_the_container_has() {
    let command = |words: &[&str]| {
        let test = Some(words.iter().map(|&word| word.to_owned()).collect());
        check_command(Some(HealthConfig {
            test,
            ..HealthConfig::default()
        }))
        .join(" ")
    };
    assert_eq!(
        command(&["CMD", "/usr/local/bin/occ-gate", "health"]),
        "/usr/local/bin/occ-gate health"
    );
    assert_eq!(
        command(&["CMD-SHELL", "curl -f x || exit 1"]),
        "/bin/sh -c curl -f x || exit 1"
    );
    assert_eq!(command(&["NONE"]), "/usr/local/bin/occ-init health --ready");
    assert_eq!(
        check_command(None).join(" "),
        "/usr/local/bin/occ-init health --ready"
    );
}

#[test]
fn restart_while_waiting_ends_the_wait() {
    let found = |status, restart_count| ContainerInspectResponse {
        restart_count: Some(restart_count),
        state: Some(bollard::models::ContainerState {
            status: Some(status),
            ..Default::default()
        }),
        ..Default::default()
    };
    assert!(!has_ended(&found(Status::RUNNING, 2), Some(2)));
    assert!(has_ended(&found(Status::RUNNING, 3), Some(2)));
    assert!(has_ended(&found(Status::EXITED, 2), Some(2)));
    assert!(has_ended(&found(Status::RESTARTING, 2), Some(2)));
}
