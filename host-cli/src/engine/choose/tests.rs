//! The order in which engines are looked for, and what is refused.

use super::*;

const NOWHERE: fn(&Path) -> bool = |_| false;

#[test]
fn the_default_context_is_what_holds_without_contexts() {
    let mut asked = EngineRequest {
        context: Some("default".into()),
        env_host: Some("unix:///env".into()),
        ..EngineRequest::default()
    };
    assert_eq!(asked.choose(NOWHERE).unwrap().from, "DOCKER_HOST");
    asked.env_host = None;
    let chosen = asked.choose(NOWHERE).unwrap();
    assert_eq!(chosen.endpoint.to_string(), "unix:///var/run/docker.sock");
    asked.context = None;
    assert_eq!(asked.choose(NOWHERE).unwrap(), chosen);
    assert!(
        chosen.from.starts_with("the default; nor at "),
        "{}",
        chosen.from
    );
}

#[test]
fn podman_answers_where_docker_has_no_socket() {
    const OWN: &str = "/run/user/1000/podman/podman.sock";
    let asked = EngineRequest {
        runtime: Some("/run/user/1000".into()),
        ..EngineRequest::default()
    };
    let chosen = |there: &'static [&'static str]| {
        let is_there = move |path: &Path| there.iter().any(|one| path == Path::new(one));
        asked.choose(is_there).unwrap().endpoint.to_string()
    };
    assert_eq!(chosen(&[]), "unix:///var/run/docker.sock");
    assert_eq!(chosen(&[PODMAN]), "unix:///run/podman/podman.sock");
    assert_eq!(chosen(&[OWN, PODMAN]), format!("unix://{OWN}"));
    assert_eq!(chosen(&[PODMAN, DOCKER]), "unix:///var/run/docker.sock");
}

/// Docker's socket is there and root's alone: one's own engine is tried before anybody
/// is sent to sudo, and where there is none, the error says where.
#[test]
fn sockets_that_cannot_be_used_are_all_named() {
    let asked = EngineRequest {
        runtime: Some("/run/user/1000".into()),
        ..EngineRequest::default()
    };
    let own = "/run/user/1000/docker.sock";
    let chosen = asked.choose(|path| path == Path::new(own)).unwrap();
    assert_eq!(chosen.endpoint.to_string(), format!("unix://{own}"));
    let none = asked.choose(NOWHERE).unwrap();
    for tried in [own, "/run/user/1000/podman/podman.sock", PODMAN] {
        assert!(none.from.contains(tried), "{}", none.from);
    }
    assert_eq!(none.elsewhere(), None);
}

#[test]
fn tls_needs_its_files_and_verification() {
    let mut asked = EngineRequest {
        env_host: Some("tcp://there".into()),
        tls: true,
        ..EngineRequest::default()
    };
    let refused = |asked: &EngineRequest| {
        let error = asked.choose(NOWHERE).unwrap_err();
        assert_eq!(error.kind().exit_code(), 9);
        error.to_string()
    };
    assert!(refused(&asked).contains("DOCKER_TLS verifies nobody"));
    asked.tls_verify = true;
    assert!(refused(&asked).contains("DOCKER_CERT_PATH"));
    asked.certificates = Some("/nonexistent".into());
    assert!(refused(&asked).contains("'/nonexistent/ca.pem'"));
    asked.env_host = Some("unix:///run/d.sock".into());
    assert!(asked.choose(NOWHERE).is_ok());
}

#[test]
fn tls_without_a_host_never_gets_the_socket() {
    let home = tempfile::tempdir().unwrap();
    let mut asked = EngineRequest {
        docker: Some(DockerFiles(home.path().to_owned())),
        context: Some("default".into()),
        tls_verify: true,
        ..EngineRequest::default()
    };
    let refused = asked.choose(|_| true).unwrap_err().to_string();
    assert!(refused.contains("tcp://localhost:2376"), "{refused}");
    std::fs::write(home.path().join("ca.pem"), "").unwrap();
    let chosen = asked.choose(|_| true).unwrap();
    assert_eq!(chosen.endpoint.to_string(), "tcp://localhost:2376");
    asked.env_host = Some("unix:///env".into());
    assert_eq!(asked.choose(|_| true).unwrap().from, "DOCKER_HOST");
}

#[test]
fn a_version_of_the_api_is_taken_or_named() {
    let with = |version: &str| {
        let asked = EngineRequest {
            version: Some(version.into()),
            ..EngineRequest::default()
        };
        asked.choose(NOWHERE)
    };
    assert_eq!(with("1.41").unwrap().version, Some((1, 41)));
    assert_eq!(with("v1.40").unwrap().version, Some((1, 40)));
    for wrong in ["abc", "1", "1.x", "-1.4", "1.41.2"] {
        let error = with(wrong).unwrap_err();
        assert_eq!(error.kind().exit_code(), 9);
        assert!(error.to_string().contains(&format!("'{wrong}'")), "{error}");
    }
}
