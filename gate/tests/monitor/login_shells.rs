//! A person's login shell, through which their opencode starts: what it sets, and what it
//! can't spoil.

use std::fs;
use std::path::Path;

use occ_gate::wire::{OpencodeView, Token, ask};

use crate::place::Place;
use crate::processes::{command_line, field_of};
use crate::running::Monitor;
use crate::takeover::Taken;

const NOT_LOST: &str = "export KEY=from-profile EMPTY=
PATH=$HOME/bin:$PATH
umask 022
";

/// A place where alice has that shell and those files.
fn place(shell: &'static str, files: &[(&str, &str)]) -> Place {
    let mut place = Place::with(&["alice"]).set("PROVIDER_KEY", "shared");
    place.person("alice").shell = shell;
    place.write_accounts();
    for (name, text) in files {
        let path = place.home("alice").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    place
}

/// Starts hers; what it found.
fn started(place: &Place, monitor: &Monitor) -> (Taken, Token, serde_json::Value) {
    let mut web = monitor.take_over();
    let alice = web.log_in(place, "alice", 1).token;
    let (_, secret) = web.ensure(&alice, "alice");
    let report = place.report("alice");
    let secret = String::from_utf8(secret.expose().to_vec()).unwrap();
    assert_eq!(report["env"]["OPENCODE_SERVER_PASSWORD"], secret);
    assert_eq!(report["fds"], serde_json::json!(["0", "1", "2", "3", "4"]));
    assert_eq!(
        field_of(report["status"].as_str().unwrap(), "NoNewPrivs"),
        "1"
    );
    (web, alice, report)
}

fn view(web: &mut Taken, token: &Token) -> OpencodeView {
    let token = token.clone();
    web.call(ask::GetOpencode { token }).unwrap()
}

#[test]
fn what_a_profile_sets_reaches_opencode_in_every_shell() {
    let fish = "if status is-login\nset -gx KEY from-profile\nset -gx PATH $HOME/bin $PATH\numask 022\nend\n";
    for (shell, file, text) in [
        ("/bin/sh", ".profile", NOT_LOST),
        ("/bin/dash", ".profile", NOT_LOST),
        ("/bin/bash", ".bash_profile", NOT_LOST),
        ("/usr/bin/zsh", ".zprofile", NOT_LOST),
        ("/usr/bin/fish", ".config/fish/config.fish", fish),
    ] {
        assert!(Path::new(shell).exists(), "this test needs {shell}");
        let place = place(shell, &[(file, text)]);
        let own = std::os::unix::fs::chown::<std::path::PathBuf>;
        for directory in [".config", ".config/fish"] {
            let _ = own(
                place.home("alice").join(directory),
                Some(10_000),
                Some(10_000),
            );
        }
        let monitor = place.start();
        let (mut web, alice, report) = started(&place, &monitor);
        let environment = &report["env"];
        assert_eq!(environment["KEY"], "from-profile", "{shell}");
        let path = environment["PATH"].as_str().unwrap();
        assert!(path.starts_with("/home/alice/bin:"), "{shell}: {path}");
        assert!(path.contains(place.path("bin").to_str().unwrap()), "{path}");
        assert_eq!(
            field_of(report["status"].as_str().unwrap(), "Umask"),
            "0022",
            "{shell}"
        );
        assert_eq!(environment["PROVIDER_KEY"], "shared");
        assert_eq!(report["cwd"], "/home/alice");
        assert_eq!(view(&mut web, &alice).without_login_shell, None, "{shell}");
        let words = command_line(monitor.processes_of(10_000)[0]);
        assert_eq!(
            words[1..],
            ["serve", "--hostname", "127.0.0.1", "--port", "0"]
        );
    }
}

#[test]
fn nothing_in_a_profile_loses_or_sees_the_secret() {
    for profile in [
        "export OPENCODE_SERVER_PASSWORD=mine OPENCODE_SERVER_USERNAME=me\n",
        "unset OPENCODE_SERVER_PASSWORD HOME USER TMPDIR XDG_RUNTIME_DIR PATH\n",
        "env > $HOME/seen; tr '\\0' '\\n' < /proc/self/environ >> $HOME/seen\n",
        "printf 'no end of line'\n",
        "echo 'opencode server listening on http://127.0.0.1:'\n",
        "cd /; trap '' TERM; set -e; set -u\n",
        "PATH=/nowhere\n",
        "sleep 1000 & disown 2>/dev/null\n",
    ] {
        let place = place("/bin/sh", &[(".profile", profile)]);
        let monitor = place.start();
        let (mut web, alice, report) = started(&place, &monitor);
        let environment = &report["env"];
        assert_eq!(
            environment["OPENCODE_SERVER_USERNAME"],
            serde_json::Value::Null
        );
        assert_eq!(
            environment["TMPDIR"], "/run/occ/user/10000/tmp",
            "{profile}"
        );
        assert_eq!(environment["HOME"], "/home/alice", "{profile}");
        assert_eq!(
            view(&mut web, &alice).without_login_shell,
            None,
            "{profile}"
        );
        let seen = fs::read_to_string(place.home("alice").join("seen")).unwrap_or_default();
        assert!(!seen.contains("PASSWORD"), "{seen}");
    }
}

/// It is started without the shell then, and its owner is told.
#[test]
fn a_login_shell_that_does_not_start_opencode_shuts_nobody_out() {
    for (profile, told) in [
        ("echo it goes wrong; exit 3\n", "ended with status 3"),
        ("exit 71\n", "ended with status 71"),
        ("exec true\n", "ended with status 0"),
        ("kill -9 $$\n", "ended with status 137"),
        ("set -e; false\n", "ended with status 1"),
        (
            "for fd in /proc/self/fd/*; do eval \"exec ${fd##*/}>&-\"; done 2>/dev/null; exit 1\n",
            "",
        ),
        ("echo it waits; sleep 1000; echo never\n", "after 20 s"),
    ] {
        let place = place("/bin/bash", &[(".bash_profile", profile)]);
        let monitor = place.start();
        let (mut web, alice, report) = started(&place, &monitor);
        assert_eq!(report["env"]["KEY"], serde_json::Value::Null);
        let lines = view(&mut web, &alice).without_login_shell.unwrap();
        let lines: Vec<&str> = lines.iter().map(occ_gate::wire::Text::as_str).collect();
        assert!(
            lines.iter().any(|line| line.contains(told)),
            "{profile}: {lines:?}"
        );
        let said = profile.starts_with("echo");
        assert_eq!(lines[0].starts_with("it "), said, "{lines:?}");
        assert_eq!(
            monitor.processes_of(10_000).len(),
            1,
            "nothing of the shell is left"
        );
        assert_eq!(place.starts("alice"), 1);
    }
}

#[test]
fn a_shell_that_cannot_run_shuts_nobody_out() {
    let place = place("/bin/no-such-shell", &[]);
    let monitor = place.start();
    let (mut web, alice, _) = started(&place, &monitor);
    let lines = view(&mut web, &alice).without_login_shell.unwrap();
    assert!(
        lines[0]
            .as_str()
            .contains("cannot run '/bin/no-such-shell'"),
        "{lines:?}"
    );
}
