//! Starting COMMAND: 127, 126, 125 and their lines, scripts, `--user`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::harness::{BOTH, Place, run, setup};

fn file(dir: &tempfile::TempDir, name: &str, text: &str, mode: u32) -> String {
    let path = dir.path().join(name);
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    path.to_str().unwrap().to_owned()
}

fn told(args: &[&str]) -> (i32, String) {
    let (code, out, err) = run(Place::Subreaper, args);
    assert_eq!(out, "");
    (code, err)
}

#[test]
fn not_found_is_127() {
    assert_eq!(
        told(&["--", "no-such-program"]),
        (
            127,
            "occ-init: 'no-such-program' not found in PATH\n".into()
        )
    );
    assert_eq!(
        told(&["--", "/no/such"]),
        (127, "occ-init: '/no/such' not found\n".into())
    );
    assert_eq!(
        told(&["--", "/dev/null/x"]),
        (127, "occ-init: '/dev/null/x' not found\n".into())
    );
    assert_eq!(
        told(&["--", ""]),
        (127, "occ-init: '' not found in PATH\n".into())
    );
    assert_eq!(run(Place::Namespace, &["--", "no-such-program"]).0, 127);
}

#[test]
fn found_but_not_runnable_is_126() {
    let dir = tempfile::tempdir().unwrap();
    let plain = file(&dir, "plain", "echo hi\n", 0o644);
    assert_eq!(
        told(&["--", &plain]),
        (
            126,
            format!(
                "occ-init: cannot run '{plain}': it has no execute permission; chmod +x gives it\n"
            )
        )
    );
    // Who may not look into a directory can't be told about the file.
    let hidden = file(&dir, "hidden", "echo hi\n", 0o755);
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(
        told(&["--user", "nobody", "--", &hidden]),
        (
            126,
            format!("occ-init: cannot run '{hidden}': permission denied\n")
        )
    );
    assert_eq!(
        told(&["--", "/etc"]),
        (
            126,
            "occ-init: cannot run '/etc': it is a directory\n".into()
        )
    );
    let script = file(&dir, "script", "#!/no/such/interpreter -x\n", 0o755);
    let expected = format!(
        "occ-init: cannot run '{script}': its interpreter '/no/such/interpreter' does not exist\n"
    );
    assert_eq!(told(&["--", &script]), (126, expected.clone()));
    let binary = file(&dir, "binary", "\x7fELF\x02\x01 and nothing more", 0o755);
    assert_eq!(
        told(&["--", &binary]),
        (
            126,
            format!(
                "occ-init: cannot run '{binary}': it is for another kind of machine, or damaged (exec format error)\n"
            )
        )
    );
    // By PATH as well: it is there, so "not found" would mislead.
    let by_path =
        setup(Place::Subreaper, &["--", "script"]).env("PATH", dir.path().to_str().unwrap());
    let (code, _, err) = by_path.run();
    assert_eq!((code, err), (126, expected));
}

#[test]
fn a_script_without_an_interpreter_line_runs_by_sh() {
    let dir = tempfile::tempdir().unwrap();
    let script = file(&dir, "script", "echo \"$0 $1 $2\"; exit 6\n", 0o755);
    for place in BOTH {
        let (code, out, _) = run(place, &["--", &script, "a b", "c"]);
        assert_eq!((code, out), (6, format!("{script} a b c\n")), "{place:?}");
    }
}

#[test]
fn the_first_runnable_of_path_wins() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    file(&first, "tool", "exit 1", 0o644);
    file(&second, "tool", "exit 8", 0o755);
    let path = format!(
        "/nonexistent:{}:{}",
        first.path().display(),
        second.path().display()
    );
    assert_eq!(
        setup(Place::Subreaper, &["--", "tool"])
            .env("PATH", &path)
            .run()
            .0,
        8
    );
}

#[test]
fn usage_errors_are_2_and_one_line_and_answers_are_0() {
    for (args, what) in [
        (&["--nope", "--", "touch"][..], "'--nope'"),
        (&["-x", "touch"], "'-x'"),
        (&["--grace", "soon", "--", "touch"], "--grace: 'soon'"),
        (&["--rewrite", "TERM", "touch"], "--rewrite: 'TERM'"),
        (&["--remap-exit", "x:0", "touch"], "--remap-exit: 'x:0'"),
        (&["--user=", "touch"], "--user: "),
        (&["--user"], "'--user' needs a value"),
        (&[], "no COMMAND"),
        (&["--"], "no COMMAND"),
        (&["run", "-g"], "no COMMAND"),
    ] {
        for place in BOTH {
            let dir = tempfile::tempdir().unwrap();
            let made = dir.path().join("made");
            let mut args = args.to_vec();
            // What they name would be run with this.
            if args.last() == Some(&"touch") {
                args.push(made.to_str().unwrap());
            }
            let (code, out, err) = run(place, &args);
            assert_eq!((code, out.as_str()), (2, ""), "{args:?}");
            assert_eq!(err.lines().count(), 1, "{err}");
            assert!(err.starts_with("occ-init: ") && err.contains(what), "{err}");
            assert!(err.ends_with("; see 'occ-init --help'\n"), "{err}");
            assert!(!made.exists(), "{args:?}");
        }
    }
    let (code, out, _) = run(Place::Subreaper, &["--version"]);
    let version = concat!("occ-init ", env!("CARGO_PKG_VERSION"), "\n");
    assert_eq!((code, out.as_str()), (0, version));
    let (code, out, _) = run(Place::Subreaper, &["run", "--help"]);
    assert_eq!(code, 0);
    assert!(out.contains("occ-init user add") && out.contains("OCC_INIT_GRACE"));
}

#[test]
fn after_two_dashes_an_admin_word_is_a_command() {
    let dir = tempfile::tempdir().unwrap();
    file(&dir, "user", "#!/bin/sh\necho a program\n", 0o755);
    let path = format!("{}:/usr/bin:/bin", dir.path().display());
    for args in [&["--", "user"][..], &["run", "user"]] {
        let (code, out, _) = setup(Place::Subreaper, args).env("PATH", &path).run();
        assert_eq!((code, out.as_str()), (0, "a program\n"), "{args:?}");
    }
}

#[test]
fn a_user_gets_ids_groups_and_variables() {
    let script = "id -u; id -g; id -G; echo $HOME $USER $LOGNAME $SHELL; grep -E '^(Cap(Eff|Prm)|NoNewPrivs)' /proc/self/status";
    let nobody = "65534\n65534\n65534\n/nonexistent nobody nobody /usr/sbin/nologin\n";
    let caps = "CapPrm:\t0000000000000000\nCapEff:\t0000000000000000\nNoNewPrivs:\t0\n";
    for place in BOTH {
        let (code, out, err) = run(place, &["--user", "nobody", "--", "sh", "-c", script]);
        assert_eq!(
            (code, out),
            (0, format!("{nobody}{caps}")),
            "{place:?}: {err}"
        );
    }
    let by_env = setup(
        Place::Namespace,
        &["--", "sh", "-c", "id -un; id -gn; id -G"],
    )
    .env("OCC_INIT_USER", "nobody:daemon");
    let (code, out, err) = by_env.run();
    assert_eq!((code, out.as_str()), (0, "nobody\ndaemon\n1\n"), "{err}");
}

#[test]
fn an_unknown_user_or_group_is_125() {
    for (user, line) in [
        (
            "no-such-user",
            "occ-init: cannot run as the user: no user 'no-such-user' in /etc/passwd\n",
        ),
        (
            "nobody:no-such",
            "occ-init: cannot run as the user: no group 'no-such' in /etc/group\n",
        ),
    ] {
        assert_eq!(
            told(&["--user", user, "--", "true"]),
            (125, line.to_owned())
        );
    }
}

#[test]
fn without_the_right_to_become_a_user_it_is_125() {
    // uid 65534 may not become daemon.
    let setup = setup(Place::Subreaper, &["--user", "daemon", "--", "true"]).before(|| {
        nix::unistd::setgroups(&[]).unwrap();
        nix::unistd::setgid(nix::unistd::Gid::from_raw(65534)).unwrap();
        nix::unistd::setuid(nix::unistd::Uid::from_raw(65534)).unwrap();
    });
    let (code, _, err) = setup.run();
    assert_eq!(code, 125);
    assert!(err.starts_with("occ-init: cannot "), "{err}");
}
