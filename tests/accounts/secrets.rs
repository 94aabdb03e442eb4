//! A password and its hash are nowhere but where they have to be.

use crate::harness::{Instance, docker};
use std::collections::BTreeSet;
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;

const ALICE: &str = "Zebra-quartz-11-alice";
const RESET: &str = "Zebra-quartz-22-reset";

/// Reads argv and environment of every process, again and again.
const WATCH: &str = "while :; do cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null; done";

/// A loop of `WATCH` and the distinct strings that it saw.
struct Watcher {
    child: Child,
    reader: JoinHandle<BTreeSet<String>>,
}

impl Watcher {
    fn start(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut stdout = child.stdout.take().unwrap();
        let reader = std::thread::spawn(move || {
            let mut seen = BTreeSet::new();
            let mut rest = Vec::new();
            let mut buffer = vec![0; 1 << 16];
            while let Ok(count @ 1..) = stdout.read(&mut buffer) {
                rest.extend_from_slice(&buffer[..count]);
                let end = rest
                    .iter()
                    .rposition(|&byte| byte == 0)
                    .map_or(0, |end| end + 1);
                let whole: Vec<u8> = rest.drain(..end).collect();
                seen.extend(
                    whole
                        .split(|&byte| byte == 0)
                        .map(|part| String::from_utf8_lossy(part).into_owned()),
                );
            }
            seen
        });
        Self { child, reader }
    }

    fn stop(mut self) -> BTreeSet<String> {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.reader.join().unwrap()
    }
}

/// One on this side, where root sees all of a local engine, and one in the
/// container.
fn watchers(instance: &Instance) -> [Watcher; 2] {
    let mut here = Command::new("sh");
    here.args(["-c", WATCH]);
    let mut there = Command::new("docker");
    there.args(["exec", &instance.name, "sh", "-c", WATCH]);
    [Watcher::start(here), Watcher::start(there)]
}

fn seconds() -> u64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs()
}

/// Gives and changes passwords in every way; all of them, and their hashes.
fn use_secrets(instance: &Instance) -> Vec<String> {
    instance.add("alice", ALICE);
    let first = instance.accounts().hash("alice").to_owned();
    instance.user(
        ["passwd", "alice", "--password-stdin"],
        &format!("{RESET}\n"),
    );
    let made = instance.user(["add", "bob", "--generate"], "");
    let generated = made
        .stdout
        .lines()
        .find_map(|line| line.strip_prefix("Password: "))
        .unwrap();
    instance.user(
        ["add", "carol", "--password-hash-stdin"],
        &format!("{first}\n"),
    );
    instance.user(["disable", "bob"], "");
    instance.occ(["restart"]).ok();
    let accounts = instance.accounts();
    let hashes = ["alice", "bob", "carol"].map(|name| accounts.hash(name).to_owned());
    [
        vec![ALICE.into(), RESET.into(), generated.into(), first],
        hashes.into(),
    ]
    .concat()
}

/// The engine's own log since then.
fn events(instance: &Instance, since: u64) -> String {
    let (since, until) = (since.to_string(), (seconds() + 1).to_string());
    let filter = format!("container={}", instance.name);
    docker([
        "events", "--since", &since, "--until", &until, "--filter", &filter,
    ])
    .ok()
    .stdout
}

#[test]
fn they_show_in_no_argv_environment_log_event_or_inspection() {
    let instance = Instance::started("secrets");
    let since = seconds();
    let [here, there] = watchers(&instance);
    let secrets = use_secrets(&instance);
    let [here, there] = [here.stop(), there.stop()];
    assert!(
        here.contains("alice") && here.contains("--password-stdin"),
        "the watcher here saw nothing"
    );
    assert!(
        there.contains("--request-stdin"),
        "the watcher in the container saw nothing"
    );
    let events = events(&instance, since);
    // Podman writes down that something was run, and not what.
    let seen = [
        "exec_create: /usr/local/bin/occ-init user add",
        "container exec ",
    ];
    assert!(seen.iter().any(|seen| events.contains(seen)), "{events}");

    let joined = |seen: BTreeSet<String>| seen.into_iter().collect::<Vec<_>>().join("\n");
    let volume = format!("{}-users", instance.name);
    let places = [
        ("argv or environment here", joined(here)),
        ("argv or environment there", joined(there)),
        ("docker events", events),
        (
            "docker inspect",
            docker(["inspect", &instance.name, &volume]).ok().stdout,
        ),
        ("the container's log", instance.logs()),
        (
            "the status and state files",
            instance.sh("cat /run/occ-init/* /var/lib/occ-init/*"),
        ),
        ("occ status", instance.occ(["status", "--json"]).ok().stdout),
    ];
    for (place, text) in places {
        for (number, secret) in secrets.iter().enumerate() {
            assert!(!text.contains(secret), "secret {number} is in {place}");
        }
    }
}

#[test]
fn verbose_output_holds_no_secret_either() {
    let instance = Instance::started("verbose");
    let added = instance
        .occ(["-v", "user", "add", "alice", "--password-stdin"])
        .input(format!("{ALICE}\n"))
        .ok();
    let accounts = instance.accounts();
    let restored = instance
        .exec(["occ-init", "-v", "restore", "--dry-run"])
        .ok();
    // PID 1 may mend the line at once; the record of a wrong name stays.
    instance.sh("sed -i s/^alice:.*/alice:damaged/ /etc/shadow");
    instance.sh("cd /var/lib/opencode-users && cp -p alice.json bob.json");
    let checked = instance.exec(["occ-init", "-v", "check"]).run().exits(1);
    let again = instance.exec(["occ-init", "-v", "restore"]).ok();
    instance.sh("rm /var/lib/opencode-users/bob.json");
    for said in [added, restored, checked, again] {
        for secret in [ALICE, accounts.hash("alice")] {
            assert!(
                !said.stdout.contains(secret) && !said.stderr.contains(secret),
                "a secret is printed"
            );
        }
    }
    assert_eq!(instance.accounts().hash("alice"), accounts.hash("alice"));
    instance.login("alice", ALICE).unwrap();
}
