use super::*;
use std::ffi::CString;
use std::path::PathBuf;

type Env<'e> = &'e [(&'e str, &'e str)];

fn with<R>(
    args: &[&str],
    env: Env<'_>,
    then: impl FnOnce(Result<Parsed<'_>, UsageError>) -> R,
) -> R {
    let owned: Vec<CString> = args.iter().map(|arg| CString::new(*arg).unwrap()).collect();
    let args: Vec<&CStr> = owned.iter().map(CString::as_c_str).collect();
    let lookup = |name: &str| {
        env.iter()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value.as_bytes().to_vec())
    };
    then(parse(&args, lookup))
}

fn run<R>(args: &[&str], env: Env<'_>, then: impl FnOnce(Run<'_>) -> R) -> R {
    with(args, env, |parsed| match parsed {
        Ok(Parsed::Run(run)) => then(run),
        other => panic!("{args:?}: {other:?}"),
    })
}

fn command(args: &[&str]) -> String {
    run(args, &[], |run| {
        run.command
            .iter()
            .map(|arg| arg.to_str().unwrap())
            .collect::<Vec<_>>()
            .join(" ")
    })
}

fn error(args: &[&str], env: Env<'_>) -> String {
    with(args, env, |parsed| {
        parsed.expect_err("a usage error").to_string()
    })
}

#[test]
fn the_first_operand_decides_and_all_behind_it_is_the_command() {
    let table: &[(&[&str], &str)] = &[
        (&["true"], "true"),
        (&["--", "true"], "true"),
        (&["run", "true"], "true"),
        (&["run", "--", "run"], "run"),
        (&["--", "user", "list"], "user list"),
        (&["--", "--", "x"], "-- x"),
        (&["run", "status"], "status"),
        (&["sh", "-g", "--grace", "1"], "sh -g --grace 1"),
        (&["-g", "run", "-v", "x", "--json"], "x --json"),
        (&["-"], "-"),
        (&["--root", "user", "x"], "x"),
    ];
    for (args, expected) in table {
        assert_eq!(command(args), *expected, "{args:?}");
    }
}

fn parsed_as(args: &[&str], expected: &Parsed<'_>) {
    with(args, &[], |parsed| {
        assert_eq!(parsed.as_ref(), Ok(expected), "{args:?}");
    });
}

#[test]
fn admin_words_are_commands_only_in_front() {
    for word in ["restore", "check", "user"] {
        parsed_as(&["--root", "/x", "-q", word, "--anything"], &Parsed::Admin);
    }
    let json = Globals {
        json: true,
        ..Globals::default()
    };
    parsed_as(&["status", "--json"], &Parsed::Status(json));
    parsed_as(
        &["health"],
        &Parsed::Health(Globals::default(), Probe::Ready),
    );
    parsed_as(
        &["health", "--live"],
        &Parsed::Health(Globals::default(), Probe::Live),
    );
    parsed_as(&["-gvh"], &Parsed::Help);
    parsed_as(&["run", "--version", "x"], &Parsed::Version);
}

#[test]
fn options_of_run() {
    let args = [
        "-gsv",
        "--store=/s",
        "--grace",
        "0.5",
        "--rewrite",
        "TERM:QUIT,USR1:0",
        "--rewrite=rtmin:64",
        "run",
        "--remap-exit",
        "143:0",
        "--user",
        "app:www",
        "--strict",
        "--no-restore",
        "--subreaper",
        "--root",
        "/r",
        "x",
    ];
    run(&args, &[], |run| {
        assert!(run.group && run.strict && run.no_restore && run.globals.verbose);
        assert_eq!(run.grace, Duration::from_millis(500));
        assert_eq!(run.rewrite, [(15, 3), (10, 0), (34, 64)]);
        assert_eq!(run.remap_exit, [(143, 0)]);
        assert_eq!(run.user.as_deref(), Some(&b"app:www"[..]));
        assert_eq!(run.globals.root, Some(PathBuf::from("/r")));
        assert_eq!(run.globals.store, Some(PathBuf::from("/s")));
    });
}

#[test]
fn the_environment_has_a_twin_of_every_option_and_the_line_wins() {
    let env = [
        ("OCC_INIT_GROUP", "1"),
        ("OCC_INIT_GRACE", "7"),
        ("OCC_INIT_REWRITE", "TERM:INT, HUP:0"),
        ("OCC_INIT_REMAP_EXIT", "143:0"),
        ("OCC_INIT_USER", "app"),
        ("OCC_INIT_STRICT", "yes"),
        ("OCC_INIT_NO_RESTORE", "true"),
        ("OCC_INIT_SUBREAPER", "1"),
        ("OCC_INIT_QUIET", "on"),
        ("OCC_INIT_VERBOSE", "0"),
    ];
    run(&["x"], &env, |run| {
        assert!(
            run.group && run.strict && run.no_restore && run.globals.quiet && !run.globals.verbose
        );
        assert_eq!(run.grace, Duration::from_secs(7));
        assert_eq!(run.rewrite, [(15, 2), (1, 0)]);
        assert_eq!(run.remap_exit, [(143, 0)]);
        assert_eq!(run.user.as_deref(), Some(&b"app"[..]));
    });
    run(
        &[
            "--grace",
            "0",
            "--rewrite",
            "TERM:QUIT",
            "--user=other",
            "x",
        ],
        &env,
        |run| {
            assert_eq!(run.grace, Duration::ZERO);
            assert_eq!(
                run.rewrite,
                [(15, 2), (1, 0), (15, 3)],
                "the later pair wins"
            );
            assert_eq!(run.user.as_deref(), Some(&b"other"[..]));
        },
    );
    run(
        &["x"],
        &[("OCC_INIT_GRACE", ""), ("OCC_INIT_GROUP", "")],
        |run| {
            assert_eq!(
                (run.grace, run.group),
                (DEFAULT_GRACE, false),
                "empty is unset"
            );
        },
    );
}

#[test]
fn what_is_wrong_is_named() {
    let none = "no COMMAND to run: occ-init [OPTIONS] [--] COMMAND [ARG…]";
    let table: &[(&[&str], &str)] = &[
        (&[], none),
        (&["--"], none),
        (&["run"], none),
        (&["--nope", "x"], "unknown option '--nope'"),
        (&["-x"], "unknown option '-x'"),
        (&["--grace"], "option '--grace' needs a value"),
        (
            &["--group=1", "x"],
            "unknown option or a value it does not take: '--group'",
        ),
        (&["status", "x"], "unexpected argument 'x'"),
        (&["status", "--live"], "unknown option '--live'"),
        (&["health", "-g"], "unknown option '-g'"),
    ];
    for (args, expected) in table {
        assert_eq!(error(args, &[]), *expected, "{args:?}");
    }
}

#[test]
fn values_are_checked() {
    for bad in ["1e3", "-1", "99999999", "", ".", "inf"] {
        let expected = format!("--grace: '{bad}' is not a number of seconds up to a year (3, 0.5)");
        assert_eq!(error(&["--grace", bad, "x"], &[]), expected);
    }
    for bad in [
        "KILL:TERM",
        "STOP:0",
        "CHLD:1",
        "TERM",
        "TERM:65",
        "0:15",
        "TERM:QUIT,",
    ] {
        let told = error(&["--rewrite", bad, "x"], &[]);
        assert!(
            told.starts_with(&format!("--rewrite: '{bad}' is not FROM:TO of signals")),
            "{told}"
        );
    }
    let told = error(&["--remap-exit", "256:0", "x"], &[]);
    assert_eq!(
        told,
        "--remap-exit: '256:0' is not FROM:TO of exit statuses (143:0)"
    );
    assert_eq!(error(&["--user=", "x"], &[]), "--user: an empty user name");
    let told = error(&["x"], &[("OCC_INIT_STRICT", "maybe")]);
    assert_eq!(told, "OCC_INIT_STRICT: 'maybe' is not 1 or 0");
    let told = error(&["x"], &[("OCC_INIT_GRACE", "soon")]);
    assert_eq!(
        told,
        "OCC_INIT_GRACE: 'soon' is not a number of seconds up to a year (3, 0.5)"
    );
}

#[test]
fn the_help_names_every_twin() {
    for twin in [
        "GROUP",
        "GRACE",
        "REWRITE",
        "REMAP_EXIT",
        "USER",
        "STRICT",
        "NO_RESTORE",
        "NO_STORE_LOCK",
        "QUIET",
        "VERBOSE",
    ] {
        assert!(HELP.contains(&format!("{TWIN_PREFIX}{twin}")), "{twin}");
    }
}
