//! What an engine on arm64 gets that this machine can run by qemu: opencode. Its occ-init has a
//! test in `any_image`; occ-gate links to PAM, and is built on such a machine alone.

use crate::harness::{Call, PATIENCE, occ_gate, occ_init, run, source};

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

/// Before anything is fetched or built.
#[test]
fn an_image_of_programs_for_another_machine_is_refused() {
    let place = tempfile::tempdir().unwrap();
    let mut bytes = std::fs::read(occ_init()).unwrap();
    // ELF's field e_machine; nobody has made this one.
    bytes[18..20].copy_from_slice(&[0xfe, 0xfe]);
    let program = place.path().join("occ-init");
    std::fs::write(&program, bytes).unwrap();
    let done = Call::new(source("image/build"))
        .args([&program, &occ_gate()])
        .args([format!("{}-refused", run().image)])
        .run()
        .exits(1)
        .says("occ-init' is for another machine, and the engine builds for ");
    assert_eq!(done.stderr.lines().count(), 2, "{done:#?}");
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
