//! `image/kubernetes/` as the API of Kubernetes defines it: every document has the fields of
//! its kind and no others. The schemas are those of kubernetes-validate, from PyPI.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::harness::{BUILD, Call, Finished, source};

/// The newest Kubernetes that it knows is its own version.
const VALIDATOR: &str = "kubernetes-validate==1.37.0";

/// The validator's directory; it is installed by whoever comes first.
fn validator() -> &'static Path {
    static INSTALLED: OnceLock<PathBuf> = OnceLock::new();
    INSTALLED.get_or_init(install)
}

/// Into the cache, whole or not at all.
fn install() -> PathBuf {
    let home = || PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cache");
    let cache = std::env::var_os("XDG_CACHE_HOME").map_or_else(home, PathBuf::from);
    let directory = cache.join("occ").join(VALIDATOR);
    if !directory.is_dir() {
        std::fs::create_dir_all(directory.parent().unwrap()).unwrap();
        let new = tempfile::tempdir_in(directory.parent().unwrap()).unwrap();
        Call::new("python3")
            .args(["-m", "pip", "install", "--quiet", "--target"])
            .args([new.path().as_os_str(), VALIDATOR.as_ref()])
            .within(BUILD)
            .ok();
        std::fs::rename(new.keep(), &directory).unwrap();
    }
    directory
}

fn validate(file: &Path) -> Finished {
    let validator = validator();
    Call::new("python3")
        .args([validator.join("bin/kubernetes-validate")])
        .args(["--strict".as_ref(), file.as_os_str()])
        .env("PYTHONPATH", validator)
        .run()
}

#[test]
fn every_document_is_what_kubernetes_takes() {
    let folder = source("image/kubernetes");
    let mut documents = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let kinds = text
            .lines()
            .filter(|line| line.starts_with("kind: "))
            .count();
        let done = validate(&path).exits(0);
        let told = format!("{}{}", done.stdout, done.stderr);
        assert_eq!(told.matches("passed for resource").count(), kinds, "{told}");
        documents += kinds;
    }
    assert!(documents >= 7, "{documents}");
}

/// What the test above would not tell, if the validator took everything.
#[test]
fn a_field_that_is_not_kubernetes_is_found() {
    let text = std::fs::read_to_string(source("image/kubernetes/opencode.yaml")).unwrap();
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("opencode.yaml");
    for (right, wrong) in [
        (
            "terminationGracePeriodSeconds: 30",
            "terminationGraceSeconds: 30",
        ),
        ("policyTypes: [Ingress, Egress]", "policyTypes: Ingress"),
    ] {
        assert!(text.contains(right));
        std::fs::write(&file, text.replace(right, wrong)).unwrap();
        assert_ne!(validate(&file).code, Some(0), "{wrong}");
    }
}
