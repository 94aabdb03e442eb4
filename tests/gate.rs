//! The login as it is shipped: real image, real PAM, real opencode, real volumes.

use crate::harness::{Call, Finished, Instance, until};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::NamedTempFile;

/// From the login to opencode's page, on a machine that is busy.
const COMING_UP: Duration = Duration::from_secs(90);
const CUT: Duration = Duration::from_secs(1);

/// curl with cookies of its own.
struct Browser<'a> {
    instance: &'a Instance,
    jar: NamedTempFile,
}

impl<'a> Browser<'a> {
    fn new(instance: &'a Instance) -> Self {
        let jar = NamedTempFile::new().unwrap();
        Self { instance, jar }
    }

    fn origin(&self) -> String {
        format!(
            "http://{}.localhost:{}",
            self.instance.name, self.instance.port
        )
    }

    fn options(&self) -> Vec<String> {
        let (name, port) = (&self.instance.name, self.instance.port);
        let jar = self.jar.path().display().to_string();
        let resolve = format!("{name}.localhost:{port}:127.0.0.1");
        [
            "--silent",
            "--noproxy",
            "*",
            "--resolve",
            &resolve,
            "--cookie",
            &jar,
            "--cookie-jar",
            &jar,
        ]
        .map(str::to_owned)
        .to_vec()
    }

    fn call(&self, path: &str) -> Call {
        Call::new("curl")
            .args(self.options())
            .args([
                "--header",
                "Accept: text/html",
                "--max-time",
                "30",
                "--write-out",
                "\n%{http_code}",
            ])
            .args([format!("{}{path}", self.origin())])
    }

    fn get(&self, path: &str) -> Finished {
        self.call(path).ok()
    }

    fn status(&self, path: &str) -> String {
        self.get(path)
            .stdout
            .lines()
            .last()
            .unwrap_or_default()
            .to_owned()
    }

    /// The form of the login page; its status.
    fn log_in(&self, name: &str, password: &str) -> String {
        let form = self
            .call("/_occ/login")
            .args([
                "--header",
                &format!("Origin: {}", self.origin()),
                "--data",
                "@-",
            ])
            .input(format!("user={name}&password={password}"))
            .ok();
        form.stdout.lines().last().unwrap_or_default().to_owned()
    }

    /// opencode's own page, once it is up.
    fn opencode(&self) {
        until("opencode's page", COMING_UP, || {
            self.get("/")
                .stdout
                .contains("<title>OpenCode")
                .then_some(())
        });
    }

    /// A stream of events that stays open.
    fn stream(&self) -> Child {
        Command::new("curl")
            .args(self.options())
            .args(["--no-buffer", &format!("{}/global/event", self.origin())])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }
}

fn first_word(stream: &mut Child) {
    use std::io::Read;
    let mut byte = [0];
    stream
        .stdout
        .as_mut()
        .unwrap()
        .read_exact(&mut byte)
        .unwrap();
}

fn assert_cut(stream: &mut Child, since: Instant) {
    until("the stream's end", COMING_UP, || stream.try_wait().unwrap());
    assert!(since.elapsed() < CUT, "cut after {:?}", since.elapsed());
}

/// Uids under which an opencode runs.
fn owners(instance: &Instance) -> String {
    instance.sh("ps -C opencode -o uid= | sort -u | tr -d ' ' | tr '\\n' ' '")
}

#[test]
fn each_person_gets_their_own_and_keeps_it_until_they_are_shut_out() {
    let instance = Instance::shipped("login");
    let (alice_uid, bob_uid) = (
        instance.add("alice", "alices-word"),
        instance.add("bob", "bobs-word"),
    );
    let (alice, bob) = (Browser::new(&instance), Browser::new(&instance));
    assert_eq!(alice.status("/_occ/health"), "200");
    assert_eq!(alice.status("/"), "303", "nobody is let in without a login");
    assert_eq!(alice.log_in("alice", "bobs-word"), "403");
    assert_eq!(alice.log_in("alice", "alices-word"), "303");
    assert_eq!(bob.log_in("bob", "bobs-word"), "303");
    alice.opencode();
    bob.opencode();
    assert_eq!(owners(&instance).trim(), format!("{alice_uid} {bob_uid}"));
    let running = instance.sh("occ-init status");
    assert!(
        running.contains("alice") && running.contains("bob"),
        "{running}"
    );

    let (mut hers, mut his) = (alice.stream(), bob.stream());
    first_word(&mut hers);
    first_word(&mut his);
    instance.user(["disable", "alice"], "");
    assert_cut(&mut hers, Instant::now());
    assert_eq!(alice.status("/"), "303");
    assert_eq!(owners(&instance).trim(), bob_uid.to_string());
    assert!(his.try_wait().unwrap().is_none(), "bob goes on");

    instance.user(["passwd", "bob", "--password-stdin"], "another-word\n");
    assert_cut(&mut his, Instant::now());
    assert_eq!(bob.status("/"), "303");
    assert_eq!(bob.log_in("bob", "bobs-word"), "403");
    assert_eq!(bob.log_in("bob", "another-word"), "303");
    bob.opencode();

    // Neither a restart nor a new container logs anybody out.
    instance.occ(["restart"]).ok();
    bob.opencode();
    instance.remove_container();
    instance.start();
    bob.opencode();
    assert_eq!(owners(&instance).trim(), bob_uid.to_string());
}

#[test]
fn the_half_that_faces_the_net_has_no_power_in_the_container() {
    let instance = Instance::shipped("powerless");
    let status = instance.sh("cat /proc/$(pgrep -u occ-gate)/status");
    for line in [
        "Uid:\t901\t901\t901\t901",
        "Gid:\t901\t901\t901\t901",
        "CapInh:\t0000000000000000",
        "CapPrm:\t0000000000000000",
        "CapEff:\t0000000000000000",
        "CapAmb:\t0000000000000000",
        "NoNewPrivs:\t1",
    ] {
        assert!(
            status.lines().any(|found| found == line),
            "{line} in\n{status}"
        );
    }
    instance.add("alice", "alices-word");
    let seen = instance
        .exec_as(
            "alice",
            ["sh", "-c", "ls -l /var/lib/occ-gate; cat /proc/*/environ"],
        )
        .run();
    assert!(
        !seen.stdout.contains("OPENCODE_SERVER_PASSWORD"),
        "{seen:#?}"
    );
    seen.says("Permission denied");
    // A page in the account's home that another name resolves to is not served.
    let rebound = Browser::new(&instance)
        .call("/")
        .args(["--header", "Host: evil.example"])
        .ok();
    assert!(rebound.stdout.ends_with("421"), "{rebound:#?}");
}
