//! What an engine on arm64 gets that this machine can run by qemu: opencode. Its occ-init has a
//! test in `any_image`; occ-gate links to PAM, and is built on such a machine alone.

use crate::harness::{Call, PATIENCE, source};

/// Where Debian's libc6-arm64-cross has the loader and the C library.
const LIBRARIES: &str = "/usr/aarch64-linux-gnu";

#[test]
fn opencode_for_arm64_is_the_pinned_version() {
    let fetched = Call::new(source("image/fetch"))
        .args(["--arch", "arm64"])
        .within(4 * PATIENCE)
        .ok();
    let tarball = fetched.text();
    let place = tempfile::tempdir().unwrap();
    Call::new("tar")
        .args(["-xzf", tarball, "--strip-components=2", "-C"])
        .args([place.path()])
        .args(["package/bin/opencode"])
        .ok();
    let opencode = place.path().join("opencode");
    let call = if cfg!(target_arch = "aarch64") {
        Call::new(opencode)
    } else {
        Call::new("qemu-aarch64-static").args([
            "-L".as_ref(),
            LIBRARIES.as_ref(),
            opencode.as_os_str(),
        ])
    };
    let told = call.args(["--version"]).env("HOME", place.path()).ok();
    let version = told.text();
    assert!(version.starts_with("1."), "{told:#?}");
    assert!(
        tarball.ends_with(&format!("opencode-linux-arm64-{version}.tgz")),
        "{tarball}"
    );
}

/// One line, and a hint.
#[test]
fn an_architecture_without_an_opencode_is_refused() {
    let done = Call::new(source("image/fetch"))
        .args(["--arch", "riscv64"])
        .run()
        .exits(1)
        .says("fetch: opencode is pinned for amd64 and arm64, not for 'riscv64'\nhint: the image needs");
    assert_eq!(done.stderr.lines().count(), 2, "{done:#?}");
}
