//! The scripts of dist/ with this run's programs, and with what a newcomer may give them.

use crate::harness::{Call, occ, source};
use std::path::{Path, PathBuf};

/// `dist/SCRIPT ARGS`, dated; the people of a clone are not asked.
fn dist(script: &str, args: &[&Path]) -> Call {
    Call::new(source("dist").join(script))
        .args(args)
        .env("SOURCE_DATE_EPOCH", "1700000000")
        .env("DEBFULLNAME", "occ's tests")
        .env("DEBEMAIL", "tests@example.org")
}

/// The programs under test, as the scripts take them.
fn programs() -> PathBuf {
    occ().parent().unwrap().to_owned()
}

/// Makes the Debian package in a directory; its name there.
#[track_caller]
pub(super) fn package(directory: &Path) -> String {
    let made = dist("deb", &[&programs(), directory]).ok();
    let path = Path::new(made.text());
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

/// Where occ keeps the opencode that it downloaded.
pub(super) fn cache() -> PathBuf {
    let home = |name| std::env::var_os(name).map(PathBuf::from);
    let cache = home("XDG_CACHE_HOME").or_else(|| Some(home("HOME")?.join(".cache")));
    cache.unwrap().join("occ")
}

#[test]
fn packages_are_the_same_when_made_again() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for script in ["deb", "tarball"] {
        let made = [&first, &second].map(|place| {
            let made = dist(script, &[&programs(), place.path()]).ok();
            std::fs::read(made.text()).unwrap()
        });
        assert!(made[0] == made[1], "{script} differs");
    }
    // Nothing but the two is left.
    assert_eq!(std::fs::read_dir(first.path()).unwrap().count(), 2);
}

/// One line, and a hint that can be typed.
#[track_caller]
fn is_refused(call: Call, says: &str, hint: &str) {
    let done = call
        .run()
        .exits(1)
        .says(says)
        .says(&format!("\nhint: {hint}"));
    assert_eq!(done.stderr.lines().count(), 2, "{done:#?}");
}

#[test]
fn missing_programs_end_it_in_one_line() {
    let place = tempfile::tempdir().unwrap();
    for script in ["deb", "tarball", "image"] {
        let says = format!("there is no program '{}/occ'", place.path().display());
        let hint = format!("dist/build '{}'", place.path().display());
        is_refused(dist(script, &[place.path(), place.path()]), &says, &hint);
    }
}

/// The manual pages are what `occ` prints, so the programs are this machine's.
#[test]
fn programs_for_another_machine_end_it_in_one_line() {
    let place = tempfile::tempdir().unwrap();
    for program in ["occ", "occ-init", "occ-gate"] {
        let (from, to) = (programs().join(program), place.path().join(program));
        std::fs::copy(from, &to).unwrap();
        let mut bytes = std::fs::read(&to).unwrap();
        // ELF's field e_machine; nobody has made this one.
        bytes[18..20].copy_from_slice(&[0xfe, 0xfe]);
        std::fs::write(&to, bytes).unwrap();
    }
    let says = format!("'{}/occ' is for another machine", place.path().display());
    let hint = format!("dist/build '{}'", place.path().display());
    for script in ["deb", "tarball", "image"] {
        is_refused(dist(script, &[place.path(), place.path()]), &says, &hint);
    }
}

#[test]
fn missing_tools_end_it_in_one_line() {
    let place = tempfile::tempdir().unwrap();
    let tools = tempfile::tempdir().unwrap();
    for tool in ["bash", "dirname", "env"] {
        std::os::unix::fs::symlink(Path::new("/usr/bin").join(tool), tools.path().join(tool))
            .unwrap();
    }
    let without = |call: Call| call.env("PATH", tools.path());
    let at = place.path();
    is_refused(
        without(dist("build", &[at])),
        "cargo is missing",
        "install Rust with rustup",
    );
    is_refused(
        without(dist("deb", &[&programs(), at])),
        "dpkg-deb is missing",
        "only Debian and its kin",
    );
    is_refused(
        without(dist("sbom", &[Path::new("1"), at])),
        "cargo is missing",
        "install Rust with rustup",
    );
    is_refused(
        without(dist("image", &[&programs(), at])),
        "docker is missing",
        "apt-get install docker.io",
    );
}

#[test]
fn image_without_an_engine_ends_it_in_one_line() {
    let place = tempfile::tempdir().unwrap();
    let call =
        dist("image", &[&programs(), place.path()]).env("DOCKER_HOST", "unix:///nonexistent");
    is_refused(call, "no container engine answers", "start one");
}
