//! Ctrl-C and TERM in the middle of each kind of command: what is said, what is
//! left, and that the terminal is as it was.

use crate::harness::{Call, Instance, Terminal, docker, run, until};
use std::io::Read;
use std::process::{Child, Command, Stdio};

const PASSWORD: &str = "not interrupted";
/// Commands of accounts wait in the container until the file is gone.
const HELD: &str = r#"
    cd /usr/local/bin && mv occ-init real && cat > occ-init <<'END'
#!/bin/sh
case "$2" in
add | list | passwd | save | load | import) : > /tmp/at-work; while [ -e /tmp/hold ]; do sleep 0.05; done ;;
esac
exec real "$@"
END
    chmod +x occ-init
"#;

/// A command of occ that runs.
struct Running(Child);

impl Running {
    /// With all signals as in a shell: under nohup(1) they would be ignored.
    fn start(call: Call) -> Self {
        let occ = call.into_command();
        let mut command = Command::new("env");
        command.arg("--default-signal").arg(occ.get_program());
        command.args(occ.get_args());
        for (name, value) in occ.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let command = command.stdin(Stdio::null()).stdout(Stdio::null());
        Self(command.stderr(Stdio::piped()).spawn().unwrap())
    }

    fn signal(&self, name: &str) {
        let id = self.0.id().to_string();
        Call::new("kill").args(["-s", name, &id]).ok();
    }

    /// Its code, and what it said.
    fn ends(mut self) -> (Option<i32>, String) {
        let mut said = String::new();
        let mut stderr = self.0.stderr.take().unwrap();
        stderr.read_to_string(&mut said).unwrap();
        (self.0.wait().unwrap().code(), said)
    }
}

#[track_caller]
fn reaches(instance: &Instance, what: &str) {
    until(what, || {
        let there = instance.exec(["test", "-e", "/tmp/at-work"]).run();
        (there.code == Some(0)).then_some(())
    });
    instance.sh("rm /tmp/at-work");
}

/// Interrupts `occ ARGS` while occ-init is at work on it.
#[track_caller]
fn cut(instance: &Instance, args: &[&str], signal: &str) -> (Option<i32>, String) {
    instance.sh(": > /tmp/hold");
    let running = Running::start(instance.occ([]).args(args));
    reaches(instance, "occ-init is at work");
    running.signal(signal);
    let ended = running.ends();
    instance.sh("rm /tmp/hold");
    until("occ-init is done", || {
        let rest = instance.exec(["pgrep", "--full", "real user"]).run();
        (rest.code == Some(1)).then_some(())
    });
    ended
}

#[test]
fn a_command_about_accounts_says_what_may_have_happened_and_how_to_look() {
    let instance = Instance::started("cut");
    instance.add("alice", PASSWORD);
    instance.sh(HELD);
    let directory = tempfile::tempdir().unwrap();
    let backup = directory.path().join("people.tar");
    let file = backup.to_str().unwrap();
    let list = directory.path().join("list");
    std::fs::write(&list, "erin:e e e:::::\n").unwrap();
    let list = list.to_str().unwrap();
    let cases: [(&[&str], &str); 5] = [
        (
            &["user", "add", "bob", "--no-password"],
            "look with `occ user show bob`",
        ),
        (
            &["user", "passwd", "alice", "-g"],
            "look with `occ user show alice`",
        ),
        (&["user", "import", list], "look with `occ user list`"),
        (&["user", "list"], "interrupted"),
        (&["backup", "create", file], "no backup was written"),
    ];
    for (args, said) in cases {
        for (signal, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
            let (ended, stderr) = cut(&instance, args, signal);
            assert_eq!(ended, Some(code), "{args:?}: {stderr}");
            assert!(stderr.contains("occ: interrupted"), "{args:?}: {stderr}");
            // Each command that is named is about the container that was.
            assert!(!stderr.contains("`occ user"), "{args:?}: {stderr}");
            let plain = stderr.replace(&format!("--container {} ", instance.name), "");
            assert!(plain.contains(said), "{args:?}: {stderr}");
        }
    }
    let names: Vec<_> = std::fs::read_dir(directory.path()).unwrap().collect();
    assert_eq!(names.len(), 1, "a part of a backup is left: {names:?}");
    instance.sh("cd /usr/local/bin && mv real occ-init");
    instance.accounts();
    instance.exec(["occ-init", "check"]).ok();
}

#[test]
fn at_a_question_nothing_was_changed_and_echo_is_back() {
    let instance = Instance::started("question");
    instance.add("alice", PASSWORD);
    instance.add("bob", PASSWORD);
    let before = instance.fingerprint();
    let asked = [
        (&["user", "add", "carol"][..], "Password for 'carol': "),
        (&["user", "add"], "Username [opencode]: "),
        (&["user", "passwd", "alice"], "Password for 'alice': "),
        (&["user", "remove", "bob"], "[y/N] "),
        (&["reset", "container", "--volumes"], "Type its name"),
    ];
    for (args, question) in asked {
        // The shell goes on, and says how the terminal is then.
        let occ = instance.occ([]).args(args).into_command();
        let words = std::iter::once(occ.get_program()).chain(occ.get_args());
        let script = "trap : INT; \"$@\"; echo \"code $?\"; stty -a | grep -q -- ' -echo ' && echo mute || echo audible";
        let shell = Call::new("sh").args(["-c", script, "sh"]).args(words);
        let shell = shell.env("XDG_CONFIG_HOME", instance.config());
        let (_, screen) = Terminal::open(shell).asks(question).interrupts().ends();
        assert!(screen.contains("code 130"), "{args:?}: {screen}");
        assert!(screen.contains("nothing was changed"), "{args:?}: {screen}");
        assert!(screen.contains("audible"), "{args:?}: {screen}");
    }
    assert_eq!(instance.fingerprint(), before);
}

#[test]
fn waiting_and_watching_end_at_once() {
    let instance = Instance::started("waits");
    let mut logs = Running::start(instance.occ(["logs", "--follow"]));
    let mut first = [0];
    let stderr = logs.0.stderr.as_mut().unwrap();
    stderr.read_exact(&mut first).unwrap();
    logs.signal("INT");
    let (code, said) = logs.ends();
    assert_eq!(code, Some(130), "{said}");
    instance.sh("cd /usr/local/bin && mv occ-gate gone \
         && printf '#!/bin/sh\\n: > /tmp/at-work\\nexit 1\\n' > occ-gate && chmod +x occ-gate");
    let start = Running::start(instance.occ(["start", "--wait-timeout", "600"]));
    reaches(&instance, "the health is asked for");
    start.signal("INT");
    let (code, said) = start.ends();
    assert_eq!(code, Some(130), "{said}");
    let occ = format!("occ --container {}", instance.name);
    let look = format!("look with `{occ} status`; `{occ} start` goes on");
    assert!(said.contains(&look), "{said}");
    instance.sh("mv /usr/local/bin/gone /usr/local/bin/occ-gate");
    instance.occ(["start"]).ok();
}

/// A swap is not cut in two: the old container or the new one serves.
#[test]
fn an_update_is_brought_to_its_end_first() {
    let instance = Instance::started("deferred");
    instance.add("alice", PASSWORD);
    instance.use_image(&run().shifted);
    let update = Running::start(instance.occ(["update", "container"]));
    let previous = format!("{}-replaced", instance.name);
    until("the swap has begun", || {
        let there = docker(["container", "inspect", &previous]).run();
        (there.code == Some(0)).then_some(())
    });
    update.signal("HUP");
    update.signal("HUP");
    let (code, said) = update.ends();
    assert_eq!(code, Some(129), "{said}");
    assert!(
        said.contains("finishing the step that must not be cut in two"),
        "{said}"
    );
    instance.exec(["occ-init", "health", "--ready"]).ok();
    instance.exec(["getent", "passwd", "builder"]).ok();
    assert_eq!(instance.login("alice", PASSWORD).unwrap(), 10000);
    instance.occ(["start"]).ok().prints("is running already");
}

#[test]
fn nohup_is_respected() {
    let instance = Instance::started("nohup");
    instance.sh(HELD);
    instance.sh(": > /tmp/hold");
    let occ = instance.occ(["user", "list", "--json"]).into_command();
    let words = std::iter::once(occ.get_program()).chain(occ.get_args());
    let call = Call::new("sh").args(["-c", "trap '' HUP; exec \"$@\"", "sh"]);
    let running = Running::start(call.args(words).env("XDG_CONFIG_HOME", instance.config()));
    reaches(&instance, "occ-init is at work");
    running.signal("HUP");
    instance.sh("rm /tmp/hold");
    assert_eq!(running.ends().0, Some(0));
}
