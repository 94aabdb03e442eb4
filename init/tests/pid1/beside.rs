//! "Coming from another init" of docs/pid1.md, row by row: that init, as Debian has it, beside ours,
//! on the same input. Needs the packages tini, dumb-init and catatonit.

use crate::harness::{Place, Setup, beside, children, field, kill, probe, setup, until};
use crate::probe::VARIABLE;
use crate::support::signals::{INT, KILL, QUIT, TERM, USR1, USR2};

const TINI: &[&str] = &["tini", "-s"];
const DUMB_INIT: &[&str] = &["dumb-init"];
const CATATONIT: &[&str] = &["catatonit"];
const OURS: &[&str] = &["occ-init"];

/// The first column of the page's table. Each has a test below.
const ROWS: [&str; 17] = [
    "tini `-s`, `TINI_SUBREAPER`",
    "tini `-g`, `TINI_KILL_PROCESS_GROUP`",
    "tini `-e 143`",
    "tini `-v`, `TINI_VERBOSITY`",
    "tini `-w` (warn when reaping)",
    "tini `-p SIGNAL` (parent death)",
    "tini `-l`, `-h`, `--version`",
    "dumb-init `-c`, `--single-child`, `DUMB_INIT_SETSID=0`",
    "dumb-init's default, the whole group",
    "dumb-init `-r 15:3`, `--rewrite`",
    "dumb-init's session (setsid)",
    "dumb-init `-v`, `DUMB_INIT_DEBUG`, `-h`, `-V`",
    "catatonit `-g`",
    "catatonit `-P` (pause)",
    "catatonit `-L` (license), `-h`, `-V`",
    "catatonit `CATATONIT_DEBUG`, `CATATONIT_LOG` (reserved there)",
    "catatonit's `LISTEN_PID` for cmd",
];

#[test]
fn every_row_of_the_page_is_tried_here() {
    let page = include_str!("../../../docs/pid1.md");
    let (_, section) = page.split_once("## Coming from another init").unwrap();
    let table = section.lines().skip_while(|line| !line.starts_with("|---"));
    let rows = table.skip(1).take_while(|line| line.starts_with('|'));
    let first = rows.map(|row| row.split('|').nth(1).unwrap().trim());
    assert_eq!(first.collect::<Vec<_>>(), ROWS);
}

/// An init with its options; `occ-init` is ours.
fn init(place: Place, words: &[&str], command: &[&str]) -> Setup {
    match words {
        ["occ-init", options @ ..] => setup(place, &[options, &["--"], command].concat()),
        _ => beside(place, &[words, &["--"], command].concat()),
    }
}

/// A variable of the environment, or none.
type Variable = Option<(&'static str, &'static str)>;

fn with(setup: Setup, variable: Variable) -> Setup {
    match variable {
        Some((name, value)) => setup.env(name, value),
        None => setup,
    }
}

/// Two probes in one group; returns whether both get what the init is sent.
fn reaches_group(words: &[&str], variable: Variable) -> bool {
    let (name, probe) = (VARIABLE, probe());
    let script = format!("{name}=inner {probe} & echo $!; exec env {name}=outer {probe}");
    let setup = init(Place::Subreaper, words, &["sh", "-c", &script]);
    let mut init = with(setup, variable).start();
    let mut told = [init.line(), init.line(), init.line()];
    told.sort();
    let [inner, ready @ ..] = &told;
    assert_eq!(ready, &["inner ready", "outer ready"]);
    let inner: i32 = inner.parse().unwrap();
    let outer = *children(init.pid()).first().unwrap();
    init.kill(USR1);
    // The last signal that the inner one gets: whatever came before is read before.
    let mut lines = vec![init.line()];
    kill(inner, USR2);
    while !lines.iter().any(|line| line == "inner 12") || !lines.contains(&"outer 10".to_owned()) {
        lines.push(init.line());
    }
    kill(inner, KILL);
    kill(outer, KILL);
    init.end();
    lines.contains(&"inner 10".to_owned())
}

#[test]
fn whole_group_or_command_alone() {
    let of = |words: &[&'static str], more: &[&'static str]| [words, more].concat();
    for (words, variable, is_whole) in [
        (of(TINI, &[]), None, false),
        (of(TINI, &["-g"]), None, true),
        (of(TINI, &[]), Some(("TINI_KILL_PROCESS_GROUP", "1")), true),
        (of(DUMB_INIT, &[]), None, true),
        (of(DUMB_INIT, &["-c"]), None, false),
        (of(DUMB_INIT, &["--single-child"]), None, false),
        (of(DUMB_INIT, &[]), Some(("DUMB_INIT_SETSID", "0")), false),
        (of(CATATONIT, &[]), None, false),
        (of(CATATONIT, &["-g"]), None, true),
        (of(OURS, &[]), None, false),
        (of(OURS, &["-g"]), None, true),
        (of(OURS, &["--group"]), None, true),
        (of(OURS, &[]), Some(("OCC_INIT_GROUP", "1")), true),
    ] {
        let whole = reaches_group(&words, variable);
        assert_eq!(whole, is_whole, "{words:?} {variable:?}");
    }
}

#[test]
fn orphans_are_adopted_and_reaped() {
    let script = "(sleep 1000 & echo $!); echo ready; read line; exit 6";
    for (words, variable) in [
        (TINI, None),
        (&["tini"][..], Some(("TINI_SUBREAPER", ""))),
        (OURS, None),
        (&["occ-init", "-s"], None),
    ] {
        let setup = init(Place::Subreaper, words, &["sh", "-c", script]);
        let mut init = with(setup, variable).start();
        let orphan: i32 = init.line().parse().unwrap();
        assert_eq!(init.line(), "ready");
        let adopted = || children(init.pid()).contains(&orphan);
        until("the orphan is the init's", adopted);
        kill(orphan, KILL);
        until("it is reaped", || !adopted());
        let (code, _, err) = init.end();
        assert_eq!(code, 6, "{words:?}: {err}");
    }
}

#[test]
fn exit_statuses_are_mapped() {
    for (script, status) in [("kill -TERM $$", 0), ("exit 3", 3), ("exit 143", 0)] {
        for words in [
            &["tini", "-s", "-e", "143"][..],
            &["occ-init", "--remap-exit", "143:0"],
        ] {
            let setup = init(Place::Namespace, words, &["sh", "-c", script]);
            let (code, _, err) = setup.run();
            assert_eq!(code, status, "{words:?} {script}: {err}");
        }
    }
}

#[test]
fn more_and_less_is_said() {
    let script = "trap 'echo told; exit' USR1; echo ready; while :; do :; done";
    for (words, variable, speaks) in [
        (TINI, None, false),
        (&["tini", "-s", "-v"], None, true),
        (TINI, Some(("TINI_VERBOSITY", "3")), true),
        (DUMB_INIT, None, false),
        (&["dumb-init", "-v"], None, true),
        (DUMB_INIT, Some(("DUMB_INIT_DEBUG", "1")), true),
        (CATATONIT, Some(("CATATONIT_DEBUG", "1")), true),
        (OURS, None, false),
        (&["occ-init", "-v"], None, true),
        (OURS, Some(("OCC_INIT_VERBOSE", "1")), true),
    ] {
        let setup = init(Place::Namespace, words, &["sh", "-c", script]);
        let mut init = with(setup, variable).start();
        assert_eq!(init.line(), "ready");
        init.kill(USR1);
        assert_eq!(init.line(), "told");
        // tini informs on stdout.
        let (_, out, err) = init.end();
        let said = out + &err;
        assert_eq!(!said.is_empty(), speaks, "{words:?} {variable:?}: {said}");
    }
    let dies = ["sh", "-c", "kill -KILL $$"];
    let said = |words: &[&str]| init(Place::Namespace, words, &dies).run().2;
    assert_eq!(said(OURS).lines().count(), 1);
    assert_eq!(said(&["occ-init", "-q"]), "");
}

#[test]
fn reaping_needs_no_option_and_is_no_warning() {
    let script = "(sleep 0 &); until [ $(ps -eo comm= | grep -c sleep) = 0 ]; do :; done";
    let run = |words| init(Place::Namespace, words, &["sh", "-c", script]).run();
    let (code, _, err) = run(&["tini", "-w"]);
    assert_eq!(code, 0);
    assert!(err.contains("Reaped zombie"), "{err}");
    let (code, _, err) = run(OURS);
    assert_eq!((code, err.as_str()), (0, ""));
    let (code, _, err) = run(&["occ-init", "-w"]);
    assert_eq!(code, 2);
    assert!(err.contains("'-v'"), "{err}");
}

#[test]
fn death_of_the_parent_is_a_signal() {
    let (root, ours) = setup(Place::Subreaper, &["--"]).keep();
    let program = ours.command.get_program().to_str().unwrap();
    let args = ours.command.get_args().map(|arg| arg.to_str().unwrap());
    let ours: Vec<&str> = std::iter::once(program).chain(args).collect();
    let ours = [&["setpriv", "--pdeathsig", "USR1"], &ours[..]].concat();
    let probe = probe();
    for words in [&["tini", "-s", "-p", "SIGUSR1", "--"][..], &ours] {
        let parent = ["sh", "-c", "\"$@\" & wait", "sh"];
        let setup = beside(Place::Subreaper, &[&parent, words, &[&probe]].concat());
        let mut shell = setup.env(VARIABLE, "probe").start();
        assert_eq!(shell.line(), "probe ready");
        let init = children(shell.pid())[0];
        let command = children(init)[0];
        shell.kill(KILL);
        assert_eq!(shell.line(), "probe 10", "{words:?}");
        kill(command, KILL);
        until("the init has ended", || field(init, "Pid").is_empty());
    }
    drop(root);
}

#[test]
fn help_and_version_are_printed() {
    let prints = |words: &[&str]| {
        let setup = match words {
            ["occ-init", args @ ..] => setup(Place::Subreaper, args),
            _ => beside(Place::Subreaper, words),
        };
        let (code, out, err) = setup.run();
        // dumb-init's go to stderr.
        code == 0 && !(out + &err).is_empty()
    };
    for words in [
        &["tini", "-l"][..],
        &["tini", "-h"],
        &["tini", "--version"],
        &["dumb-init", "-h"],
        &["dumb-init", "-V"],
        &["catatonit", "-L"],
        &["catatonit", "-h"],
        &["catatonit", "-V"],
        &["occ-init", "-h"],
        &["occ-init", "-V"],
        &["occ-init", "--version"],
    ] {
        assert!(prints(words), "{words:?}");
    }
    for license in ["-l", "-L"] {
        let (code, _, err) = setup(Place::Subreaper, &[license]).run();
        assert_eq!(code, 2);
        assert!(err.contains("MIT"), "{err}");
    }
}

#[test]
fn signals_are_rewritten_and_dropped() {
    let probe = probe();
    let after = |words: &[&str], signals: &[i32]| {
        let setup = init(Place::Namespace, words, &[&probe]);
        let mut init = setup.env(VARIABLE, "probe").start();
        assert_eq!(init.line(), "probe ready");
        // One after the other: distinct pending signals arrive by number, not by sending.
        let lines: Vec<String> = signals
            .iter()
            .map(|signal| {
                init.kill(*signal);
                init.line()
            })
            .collect();
        kill(children(init.pid())[0], KILL);
        init.end();
        lines
    };
    let quit = format!("probe {QUIT}");
    for words in [
        &["dumb-init", "-c", "-r", "15:3"][..],
        &["dumb-init", "-c", "--rewrite", "15:3"],
        &["occ-init", "--rewrite", "15:3"],
        &["occ-init", "--rewrite", "TERM:QUIT"],
        &["occ-init", "--rewrite", "HUP:0,TERM:QUIT"],
    ] {
        assert_eq!(after(words, &[TERM]), [quit.as_str()], "{words:?}");
    }
    for words in [
        &["dumb-init", "-c", "-r", "15:0"][..],
        &["occ-init", "--rewrite", "TERM:0"],
    ] {
        let setup = init(Place::Namespace, words, &[&probe]);
        let mut init = setup.env(VARIABLE, "probe").start();
        assert_eq!(init.line(), "probe ready");
        init.kill(TERM);
        init.kill(USR1);
        assert_eq!(init.line(), "probe 10", "{words:?}");
        kill(children(init.pid())[0], KILL);
        init.end();
    }
}

#[test]
fn command_has_a_session_or_a_group_of_its_own() {
    let script = "echo $$ $(ps -o pgid= -p $$) $(ps -o sid= -p $$)";
    for (words, has_session) in [
        (DUMB_INIT, true),
        (&["dumb-init", "-c"], false),
        (&["occ-init", "--setsid"], true),
        (OURS, false),
    ] {
        for place in [Place::Subreaper, Place::Namespace] {
            let (_, out, err) = init(place, words, &["sh", "-c", script]).run();
            let [pid, group, session] = out.split_whitespace().collect::<Vec<_>>()[..] else {
                panic!("{words:?}: {out} {err}");
            };
            assert_eq!(pid == session, has_session, "{words:?} {place:?}");
            if words[0] == "occ-init" {
                assert_eq!(pid, group, "{words:?} {place:?}");
            }
        }
    }
}

#[test]
fn a_pause_ends_when_it_is_asked_to() {
    let ours = ["--remap-exit", "143:0,130:0", "--", "sleep", "infinity"];
    for signal in [TERM, INT] {
        for setup in [
            beside(Place::Namespace, &["catatonit", "-P"]),
            setup(Place::Namespace, &ours),
        ] {
            // Ignored in what a script starts with `&`, these tests perhaps.
            let setup = setup.before(|| {
                let default = nix::sys::signal::SigHandler::SigDfl;
                // SAFETY: a disposition, no handler.
                #[allow(unsafe_code)]
                unsafe {
                    nix::sys::signal::signal(nix::sys::signal::SIGINT, default).unwrap();
                }
            });
            let mut init = setup.start();
            let own = init.child.id().cast_signed();
            let signal = nix::sys::signal::Signal::try_from(signal).unwrap();
            let mut ended = None;
            // The kernel drops what comes before it is ready.
            until("it ends", || {
                for pid in children(own) {
                    let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), signal);
                }
                ended = init.child.try_wait().unwrap();
                ended.is_some()
            });
            assert_eq!(ended.unwrap().code(), Some(0), "{signal}");
        }
    }
}

#[test]
fn sockets_are_for_command() {
    let script = "echo $LISTEN_PID $$ $LISTEN_FDS";
    for named in ["1", "77"] {
        let told = |words| {
            let setup = init(Place::Namespace, words, &["sh", "-c", script]);
            let setup = setup.env("LISTEN_PID", named).env("LISTEN_FDS", "2");
            setup.run().1
        };
        assert_eq!(told(OURS), told(CATATONIT), "{named}");
    }
}
