//! Contexts, as docker keeps them.

use super::*;

struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.0.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn files(&self) -> DockerFiles {
        DockerFiles(self.0.path().to_owned())
    }
}

#[test]
fn a_context_is_found_by_the_digest_of_its_name() {
    // From FIPS 180-2: the digest of "abc".
    assert_eq!(
        id("abc"),
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    );
    let home = Home::new();
    let meta = format!("contexts/meta/{}/meta.json", id("prod"));
    home.write(
        &meta,
        r#"{"Name":"prod","Metadata":{},"Endpoints":{"docker":{"Host":"ssh://me@there","SkipTLSVerify":false}}}"#,
    );
    assert_eq!(
        home.files().context("prod").unwrap(),
        Context {
            host: "ssh://me@there".into(),
            tls: None
        }
    );
    home.write(&format!("contexts/tls/{}/docker/ca.pem", id("prod")), "");
    let tls = home.files().context("prod").unwrap().tls.unwrap();
    assert!(tls.ca.unwrap().ends_with("docker/ca.pem"));
    home.write(&format!("contexts/tls/{}/docker/key.pem", id("prod")), "");
    assert!(
        home.files()
            .context("prod")
            .unwrap_err()
            .contains("only one")
    );
    assert!(
        home.files()
            .context("prod2")
            .unwrap_err()
            .contains("no such")
    );
}

#[test]
fn context_without_tls_verification_is_refused() {
    let home = Home::new();
    let meta = format!("contexts/meta/{}/meta.json", id("lax"));
    home.write(
        &meta,
        r#"{"Name":"lax","Endpoints":{"docker":{"Host":"tcp://x:1","SkipTLSVerify":true}}}"#,
    );
    assert!(home.files().context("lax").unwrap_err().contains("verify"));
}

#[test]
fn the_current_context_is_read_and_a_broken_file_is_told() {
    let home = Home::new();
    assert_eq!(home.files().current_context().unwrap(), None);
    home.write("config.json", r#"{"auths":{},"currentContext":"prod"}"#);
    assert_eq!(
        home.files().current_context().unwrap().as_deref(),
        Some("prod")
    );
    home.write("config.json", "{");
    assert!(
        home.files()
            .current_context()
            .unwrap_err()
            .contains("config.json")
    );
}

#[test]
fn tls_without_a_ca_is_refused() {
    let home = Home::new();
    let missing = tls_of_environment(home.0.path()).unwrap_err();
    assert!(missing.contains("ca.pem"), "{missing}");
    home.write("ca.pem", "");
    assert!(tls_of_environment(home.0.path()).is_ok());
}
