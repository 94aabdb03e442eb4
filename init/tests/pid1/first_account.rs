//! The first account, from the container's environment.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use crate::harness::{Place, Setup, setup_restoring};
use crate::tree::{HASH, STORE, furnish};

const USER: &str = "OPENCODE_BOOTSTRAP_USER";
const PASSWORD: &str = "OPENCODE_BOOTSTRAP_PASSWORD";
const PASSWORD_FILE: &str = "OPENCODE_BOOTSTRAP_PASSWORD_FILE";
const PASSWORD_HASH: &str = "OPENCODE_BOOTSTRAP_PASSWORD_HASH";
/// What no log, environment or file but the record may show.
const SECRET: &str = "xyzzy-plugh";

/// A furnished tree and an occ-init that will run COMMAND on it.
fn first(options: &[&str], script: &str) -> Setup {
    let args: Vec<&str> = options
        .iter()
        .chain(&["--", "sh", "-c", script])
        .copied()
        .collect();
    let setup = setup_restoring(Place::Namespace, &args).env("OCC_INIT_SHA512_ROUNDS", "100000");
    furnish(setup.root());
    setup
}

/// The record of `first`, if there is one.
fn record(setup: &Setup) -> PathBuf {
    setup.root().join(STORE).join("first.json")
}

#[test]
fn a_password_file_makes_the_first_account_and_nothing_shows_it() {
    let script = "cat /proc/1/environ /proc/self/environ | tr '\\0' '\\n'; env";
    let setup = first(&[], script).env(USER, "first");
    let file = setup.root().join("password");
    fs::write(&file, format!("{SECRET}\n")).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o400)).unwrap();
    let (path, passwd, shadow) = (
        record(&setup),
        setup.root().join("etc/passwd"),
        setup.root().join("etc/shadow"),
    );
    let (keep, setup) = setup.keep();
    let (code, out, err) = setup.env(PASSWORD_FILE, file.to_str().unwrap()).run();
    assert_eq!(code, 0, "{err}");
    assert!(
        err.contains("occ-init: made the first account 'first' (uid 10000)\n"),
        "{err}"
    );
    assert!(!err.contains("warning"), "{err}");
    let record = fs::read_to_string(path).unwrap();
    assert!(record.contains("$6$rounds=100000$"), "{record}");
    let line = "first:x:10000:10000::/home/first:/bin/bash\n";
    assert!(fs::read_to_string(passwd).unwrap().contains(line));
    assert!(
        fs::read_to_string(shadow)
            .unwrap()
            .contains("first:$6$rounds=100000$")
    );
    for shown in [&out, &err] {
        assert!(!shown.contains(SECRET) && !shown.contains("$6$"), "{shown}");
    }
    drop(keep);
}

#[test]
fn a_secret_in_the_environment_is_overwritten_before_command_starts() {
    for (name, value, warns) in [(PASSWORD, SECRET, true), (PASSWORD_HASH, HASH, false)] {
        let script = "cat /proc/1/environ /proc/self/environ | tr '\\0' '\\n'";
        let setup = first(&[], script).env(USER, "first").env(name, value);
        let path = record(&setup);
        let (keep, setup) = setup.keep();
        let (code, out, err) = setup.run();
        assert_eq!(code, 0, "{err}");
        assert!(path.exists(), "{name}: {err}");
        assert_eq!(err.contains("'docker inspect'"), warns, "{err}");
        let wiped = format!("{name}={}\n", "x".repeat(value.len()));
        assert_eq!(out.matches(&wiped).count(), 1, "PID 1's own: {out}");
        assert_eq!(
            out.matches("OPENCODE_BOOTSTRAP").count(),
            2,
            "and none of COMMAND's: {out}"
        );
        for shown in [out, err] {
            assert!(!shown.contains(value), "{shown}");
        }
        drop(keep);
    }
}

#[test]
fn who_was_ever_there_keeps_the_first_account_away() {
    for path in [
        "broken.json",
        "removed/10000.json",
        "uids/10000",
        "legacy/old.json",
    ] {
        let setup = first(&[], "true")
            .env(USER, "first")
            .env(PASSWORD_HASH, HASH);
        let trace = setup.root().join(STORE).join(path);
        fs::create_dir_all(trace.parent().unwrap()).unwrap();
        fs::write(&trace, "old\n").unwrap();
        let new = record(&setup);
        let (keep, setup) = setup.keep();
        let (code, _, err) = setup.run();
        assert_eq!(code, 0, "{err}");
        assert!(!new.exists() && !err.contains("first"), "{path}: {err}");
        drop(keep);
    }
}

#[test]
fn a_second_boot_resets_nothing() {
    let setup = first(&[], "true")
        .env(USER, "first")
        .env(PASSWORD_HASH, HASH);
    let path = record(&setup);
    let (keep, setup) = setup.keep();
    assert_eq!(setup.run().0, 0);
    let before = fs::read(&path).unwrap();
    let again = setup_restoring(Place::Namespace, &["--", "true"])
        .on(keep)
        .env(USER, "first")
        .env(PASSWORD, SECRET);
    let (keep, again) = again.keep();
    let (code, _, err) = again.run();
    assert_eq!(code, 0, "{err}");
    assert_eq!(fs::read(&path).unwrap(), before);
    drop(keep);
}

/// A secret that was deleted once it had made the account.
#[test]
fn nothing_about_the_first_account_is_wrong_once_there_was_one() {
    let leftovers: [&[(&str, &str)]; 4] = [
        &[(USER, "first")],
        &[(PASSWORD_FILE, "/nonexistent")],
        &[(USER, "first"), (PASSWORD_FILE, "/nonexistent")],
        &[(USER, "first"), (PASSWORD_HASH, "plain")],
    ];
    for variables in leftovers {
        let mut setup = first(&["--strict"], "exit 7");
        for (name, value) in variables {
            setup = setup.env(name, value);
        }
        let trace = setup.root().join(STORE).join("uids/10000");
        fs::create_dir_all(trace.parent().unwrap()).unwrap();
        fs::write(&trace, "old\n").unwrap();
        let (keep, setup) = setup.keep();
        let (code, _, err) = setup.run();
        assert_eq!(code, 7, "{variables:?}: {err}");
        assert!(!err.contains("first"), "{variables:?}: {err}");
        drop(keep);
    }
}

#[test]
fn a_bad_value_is_one_line_and_the_boot_goes_on_or_stops_with_strict() {
    let cases: [(&[(&str, &str)], &str); 8] = [
        (&[(USER, "first")], "OPENCODE_BOOTSTRAP_USER needs "),
        (&[(PASSWORD, SECRET)], "OPENCODE_BOOTSTRAP_USER is not set"),
        (
            &[(USER, "first"), (PASSWORD, SECRET), (PASSWORD_HASH, HASH)],
            "give one of ",
        ),
        (
            &[(USER, "root"), (PASSWORD, SECRET)],
            "cannot use the name 'root'",
        ),
        (&[(USER, "1st"), (PASSWORD, SECRET)], "invalid name"),
        (&[(USER, "first"), (PASSWORD_HASH, "plain")], "hash"),
        (
            &[(USER, "first"), (PASSWORD_FILE, "/nonexistent")],
            "cannot read '/nonexistent': no such file or directory",
        ),
        (
            &[(USER, "first"), (PASSWORD_FILE, "/dev/null")],
            "'/dev/null' is not a regular file",
        ),
    ];
    for (variables, why) in cases {
        for (options, status) in [(&[][..], 7), (&["--strict"], 125)] {
            let mut setup = first(options, "exit 7");
            for (name, value) in variables {
                setup = setup.env(name, value);
            }
            let new = record(&setup);
            let (keep, setup) = setup.keep();
            let (code, _, err) = setup.run();
            assert_eq!(code, status, "{variables:?}: {err}");
            let line = err
                .lines()
                .filter(|line| line.contains("the first account is not made: "));
            let line: Vec<&str> = line.collect();
            assert_eq!(line.len(), 1, "{variables:?}: {err}");
            assert!(line[0].contains(why), "{}", line[0]);
            assert!(!new.exists() && !err.contains(SECRET), "{err}");
            drop(keep);
        }
    }
}

#[test]
fn an_empty_variable_counts_as_unset() {
    let setup = first(&["--strict"], "exit 7")
        .env(USER, "")
        .env(PASSWORD, "");
    let (code, _, err) = setup.run();
    assert_eq!(code, 7, "{err}");
    assert!(!err.contains("first account"), "{err}");
}
