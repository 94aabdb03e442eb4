use super::*;
use std::ffi::CString;
use std::path::PathBuf;

/// Parses words with one blank between them, so that two blanks hold an empty one. `env` are
/// twins, without their prefix.
fn with<R>(
    line: &str,
    env: &[(&str, &str)],
    then: impl FnOnce(Result<Parsed<'_>, UsageError>) -> R,
) -> R {
    let words = line.split(' ').filter(|_| !line.is_empty());
    let owned: Vec<CString> = words.map(|arg| CString::new(arg).unwrap()).collect();
    let args: Vec<&CStr> = owned.iter().map(CString::as_c_str).collect();
    let lookup = |name: &str| {
        let name = name.strip_prefix(TWIN_PREFIX)?;
        let (_, value) = env.iter().find(|(key, _)| *key == name)?;
        Some(value.as_bytes().to_vec())
    };
    then(parse(&args, lookup))
}

fn run<R>(line: &str, env: &[(&str, &str)], then: impl FnOnce(Run<'_>) -> R) -> R {
    with(line, env, |parsed| match parsed {
        Ok(Parsed::Run(run)) => then(run),
        other => panic!("{line}: {other:?}"),
    })
}

fn error(line: &str, env: &[(&str, &str)]) -> String {
    with(line, env, |parsed| {
        parsed.expect_err("a usage error").to_string()
    })
}

#[test]
fn the_first_operand_decides_and_all_behind_it_is_the_command() {
    for (line, expected) in [
        ("true", "true"),
        ("-- true", "true"),
        ("run true", "true"),
        ("run -- run", "run"),
        ("-- user list", "user list"),
        ("-- -- x", "-- x"),
        ("run status", "status"),
        ("sh -g --grace 1", "sh -g --grace 1"),
        ("-g run -v x --json", "x --json"),
        ("-", "-"),
        ("--root user x", "x"),
    ] {
        run(line, &[], |run| {
            let command = run.command.iter().map(|arg| arg.to_str().unwrap());
            assert_eq!(command.collect::<Vec<_>>().join(" "), expected, "{line}");
        });
    }
}

#[test]
fn admin_words_are_commands_only_in_front() {
    let json = Globals {
        json: true,
        ..Globals::default()
    };
    let health = |probe| Parsed::Health(Globals::default(), probe);
    for (line, expected) in [
        ("--root /x -q restore --anything", Parsed::Admin),
        ("--root /x -q check --anything", Parsed::Admin),
        ("--root /x -q user --anything", Parsed::Admin),
        ("status --json", Parsed::Status(json)),
        ("health", health(Probe::Ready)),
        ("health --live", health(Probe::Live)),
        ("-gvh", Parsed::Help),
        ("run --version x", Parsed::Version),
    ] {
        with(line, &[], |parsed| {
            assert_eq!(parsed, Ok(expected), "{line}");
        });
    }
}

#[test]
fn options_of_run() {
    let line = "-gsv --store=/s --grace 0.5 --rewrite TERM:QUIT,USR1:0 --rewrite=rtmin:64 run \
                --remap-exit 143:0 --user app:www --strict --no-restore --subreaper --root /r x";
    run(line, &[], |run| {
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
        ("GROUP", "1"),
        ("GRACE", "7"),
        ("REWRITE", "TERM:INT, HUP:0"),
        ("REMAP_EXIT", "143:0"),
        ("USER", "app"),
        ("STRICT", "yes"),
        ("NO_RESTORE", "true"),
        ("SUBREAPER", "1"),
        ("QUIET", "on"),
        ("VERBOSE", "0"),
    ];
    run("x", &env, |run| {
        assert!(run.group && run.strict && run.no_restore);
        assert!(run.globals.quiet && !run.globals.verbose);
        assert_eq!(run.grace, Duration::from_secs(7));
        assert_eq!(run.rewrite, [(15, 2), (1, 0)]);
        assert_eq!(run.remap_exit, [(143, 0)]);
        assert_eq!(run.user.as_deref(), Some(&b"app"[..]));
    });
    let line = "--grace 0 --rewrite TERM:QUIT --user=other x";
    run(line, &env, |run| {
        assert_eq!(run.grace, Duration::ZERO);
        let pairs = [(15, 2), (1, 0), (15, 3)];
        assert_eq!(run.rewrite, pairs, "the later pair wins");
        assert_eq!(run.user.as_deref(), Some(&b"other"[..]));
    });
    run("x", &[("GRACE", ""), ("GROUP", "")], |run| {
        let unset = (DEFAULT_GRACE, false);
        assert_eq!((run.grace, run.group), unset, "empty is unset");
    });
}

#[test]
fn what_is_wrong_is_named() {
    let none = "no COMMAND to run: occ-init [OPTIONS] [--] COMMAND [ARG…]";
    let no_value = "unknown option or a value it does not take: '--group'";
    for (line, expected) in [
        ("", none),
        ("--", none),
        ("run", none),
        ("--nope x", "unknown option '--nope'"),
        ("-x", "unknown option '-x'"),
        ("--grace", "option '--grace' needs a value"),
        ("--group=1 x", no_value),
        ("status x", "unexpected argument 'x'"),
        ("status --live", "unknown option '--live'"),
        ("health -g", "unknown option '-g'"),
        ("--user= x", "--user: an empty user name"),
    ] {
        assert_eq!(error(line, &[]), expected, "{line}");
    }
}

#[test]
fn values_are_checked() {
    let grace = |bad| format!("'{bad}' is not a number of seconds up to a year (3, 0.5)");
    for bad in ["1e3", "-1", "99999999", "", ".", "inf"] {
        let told = error(&format!("--grace {bad} x"), &[]);
        assert_eq!(told, format!("--grace: {}", grace(bad)));
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
        let told = error(&format!("--rewrite {bad} x"), &[]);
        let expected = format!("--rewrite: '{bad}' is not FROM:TO of signals");
        assert!(told.starts_with(&expected), "{told}");
    }
    let told = error("--remap-exit 256:0 x", &[]);
    let expected = "--remap-exit: '256:0' is not FROM:TO of exit statuses (143:0)";
    assert_eq!(told, expected);
    let told = error("x", &[("STRICT", "maybe")]);
    assert_eq!(told, "OCC_INIT_STRICT: 'maybe' is not 1 or 0");
    let told = error("x", &[("GRACE", "soon")]);
    assert_eq!(told, format!("OCC_INIT_GRACE: {}", grace("soon")));
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
