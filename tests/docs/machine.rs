//! `image/machine`, which ./demo and ./test make a machine ready with.

use crate::harness::{Call, Finished, source};
use std::os::unix::fs::PermissionsExt;
use tempfile::TempDir;

/// Counts its calls; the lock of the package lists is taken until the third.
const BUSY: &str = r#"#!/bin/sh
echo "$@" >>"$CALLS"
[ "$(wc -l <"$CALLS")" -ge 3 ] && exit 0
echo 'E: Could not get lock /var/lib/apt/lists/lock. It is held by process 1 (apt-get)'
exit 100
"#;
const BROKEN: &str = "#!/bin/sh\necho 'E: Unable to locate package no-such'\nexit 100\n";

/// `need no-such` with this apt-get and time to wait; the calls that apt-get got.
fn need(apt_get: &str, patience: &str) -> (Finished, Vec<String>) {
    let place: TempDir = tempfile::tempdir().unwrap();
    let program = place.path().join("apt-get");
    std::fs::write(&program, apt_get).unwrap();
    std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
    let path = std::env::var("PATH").unwrap();
    let script = r#"set -eu; state=$1; . "$0"; as_root() { "$@"; }; need no-such=no-such"#;
    let machine = source("image/machine");
    let done = Call::new("bash")
        .args(["-c", script])
        .args([machine.as_path(), place.path()])
        .env("PATH", format!("{}:{path}", place.path().display()))
        .env("CALLS", place.path().join("calls"))
        .env("apt_patience", patience)
        .run();
    let calls = std::fs::read_to_string(place.path().join("calls")).unwrap_or_default();
    (done, calls.lines().map(str::to_owned).collect())
}

#[test]
fn lock_of_apt_is_waited_for_in_one_line() {
    let (done, calls) = need(BUSY, "60");
    let done = done.exits(0);
    let waits = "another program uses apt: waiting up to 1 minutes for it";
    assert_eq!(done.stdout.matches(waits).count(), 1, "{done:#?}");
    assert_eq!(calls.len(), 4, "{calls:#?}");
    assert!(calls[1].contains("DPkg::Lock::Timeout=") && calls[1].ends_with(" update"));
    assert!(calls[3].ends_with(" no-such"), "{calls:#?}");
}

#[test]
fn lock_that_is_never_free_and_other_errors_end_it() {
    let never = BUSY.replace("-ge 3", "-ge 1000");
    let (done, calls) = need(&never, "2");
    done.exits(1).says("Could not get lock");
    assert!(calls.len() > 1, "{calls:#?}");
    let (done, _) = need(BROKEN, "60");
    let done = done.exits(1).says("Unable to locate package");
    assert!(!done.stdout.contains("waiting"), "{done:#?}");
}

/// rustup without the version of rust-toolchain.toml, and no way to get it.
const OTHER_CARGO: &str = "#!/bin/sh\n[ \"$RUSTUP_TOOLCHAIN\" = stable ] && echo cargo 1.95.0\n";

#[test]
fn stable_rust_does_where_the_named_version_cannot_be_had() {
    let place = tempfile::tempdir().unwrap();
    let program = place.path().join("cargo");
    std::fs::write(&program, OTHER_CARGO).unwrap();
    std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
    let path = std::env::var("PATH").unwrap();
    let script = r#"set -eu; state=$1; . "$0"; need() { :; }; need_rust; cargo --version"#;
    Call::new("bash")
        .args(["-c", script])
        .args([source("image/machine").as_path(), place.path()])
        .env("PATH", format!("{}:{path}", place.path().display()))
        .without_env("RUSTUP_TOOLCHAIN")
        .ok();
}
