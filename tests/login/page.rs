//! The login as it is shipped: real image, real PAM, real opencode, real volumes.

use crate::harness::{Call, Finished, Instance, PATIENCE, bar, docker, soon, until};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::NamedTempFile;

/// From the end of a session to that of its stream.
const CUT: Duration = bar(Duration::from_secs(1));

/// curl with cookies of its own.
pub(super) struct Browser<'a> {
    instance: &'a Instance,
    jar: NamedTempFile,
}

impl<'a> Browser<'a> {
    pub(super) fn new(instance: &'a Instance) -> Self {
        let jar = NamedTempFile::new().unwrap();
        Self { instance, jar }
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
                &PATIENCE.as_secs().to_string(),
                "--write-out",
                "\n%{http_code}",
            ])
            .args([format!("{}{path}", self.instance.origin())])
    }

    pub(super) fn get(&self, path: &str) -> Finished {
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
    pub(super) fn log_in(&self, name: &str, password: &str) -> String {
        let answer = self.send("/_occ/login", &format!("user={name}&password={password}"));
        answer.lines().last().unwrap_or_default().to_owned()
    }

    /// Logs in; on a busy machine again and again, while PAM does not answer in time.
    #[track_caller]
    pub(super) fn log_in_at_last(&self, name: &str, password: &str) {
        let status = until("PAM answers", || {
            Some(self.log_in(name, password)).filter(|status| status != "503")
        });
        assert_eq!(status, "303", "{name}");
    }

    /// A form; what comes back, and its status as the last line.
    pub(super) fn send(&self, path: &str, form: &str) -> String {
        let origin = format!("Origin: {}", self.instance.origin());
        self.call(path)
            .args(["--header", &origin, "--data", "@-"])
            .input(form)
            .ok()
            .stdout
    }

    /// opencode's own page, once it is up.
    pub(super) fn opencode(&self) {
        until("opencode's page", || {
            self.get("/")
                .stdout
                .contains("<title>OpenCode")
                .then_some(())
        });
    }

    /// A stream of events that stays open.
    fn stream(&self) -> Child {
        self.stream_of(&[])
    }

    /// The same with further options.
    pub(super) fn stream_of(&self, options: &[&str]) -> Child {
        Command::new("curl")
            .args(self.options())
            .args(options)
            .args([
                "--no-buffer",
                &format!("{}/global/event", self.instance.origin()),
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }
}

pub(super) fn first_word(stream: &mut Child) {
    use std::io::Read;
    let mut byte = [0];
    stream
        .stdout
        .as_mut()
        .unwrap()
        .read_exact(&mut byte)
        .unwrap();
}

pub(super) fn assert_cut(stream: &mut Child, since: Instant) {
    until("the stream's end", || stream.try_wait().unwrap());
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

#[test]
fn twenty_people_log_in_at_once_and_none_is_started_twice() {
    let instance = Instance::shipped("at-once");
    let names: Vec<String> = (1..=20).map(|number| format!("person{number}")).collect();
    let lines: Vec<String> = names
        .iter()
        .map(|name| format!("{name}:{name}s-word:::::\n"))
        .collect();
    instance.user(["import"], &lines.concat());
    std::thread::scope(|scope| {
        for name in &names {
            let browser = Browser::new(&instance);
            scope.spawn(move || {
                browser.log_in_at_last(name, &format!("{name}s-word"));
                browser.opencode();
            });
        }
    });
    let log = instance.logs();
    for name in &names {
        let started = format!("starting opencode for {name}");
        let starts = log.lines().filter(|line| line.ends_with(&started)).count();
        assert_eq!(starts, 1, "{name}: {log}");
    }
    assert_eq!(owners(&instance).split_whitespace().count(), 20);
}

#[test]
fn a_password_changed_on_the_page_is_kept_and_ends_other_sessions() {
    let instance = Instance::shipped("own-password");
    instance.add("alice", "first-word");
    let (here, elsewhere) = (Browser::new(&instance), Browser::new(&instance));
    for browser in [&here, &elsewhere] {
        assert_eq!(browser.log_in("alice", "first-word"), "303");
    }
    here.opencode();
    elsewhere.opencode();
    let (mut kept, mut cut) = (here.stream(), elsewhere.stream());
    first_word(&mut kept);
    first_word(&mut cut);
    let record = || instance.sh("cat /var/lib/opencode-users/alice.json");
    let before = record();
    let sent = here.send(
        "/_occ/account/password",
        "old=first-word&new=second-word&again=second-word",
    );
    let since = Instant::now();
    assert!(sent.ends_with("303"), "{sent}");
    let changed = here.get("/_occ/account").stdout;
    assert!(changed.contains("Your password is changed."), "{changed}");
    assert_cut(&mut cut, since);
    soon("the record", || (record() != before).then_some(()));
    assert!(
        kept.try_wait().unwrap().is_none(),
        "she goes on where she is"
    );
    kept.kill().unwrap();
    kept.wait().unwrap();
    assert_eq!(elsewhere.status("/"), "303");
    instance.remove_container();
    instance.start();
    assert_eq!(
        here.status("/_occ/account"),
        "200",
        "nor did that log her out"
    );
    assert_eq!(elsewhere.log_in("alice", "first-word"), "403");
    assert_eq!(elsewhere.log_in("alice", "second-word"), "303");
}

#[test]
fn password_that_must_change_is_changed_at_the_login_and_kept() {
    let instance = Instance::shipped("renewal");
    instance.add("alice", "first-word");
    let forced = instance.occ(["user", "set", "alice", "--must-change-password"]);
    forced.ok();
    let alice = Browser::new(&instance);
    assert_eq!(alice.log_in("alice", "wrong"), "403");
    let page = alice.send("/_occ/login", "user=alice&password=first-word");
    assert!(page.contains("Choose a new password"), "{page}");
    assert_eq!(alice.status("/"), "303", "not in yet");
    let number = page.split(r#"name="conversation" value=""#).nth(1);
    let number = number.and_then(|rest| rest.split('"').next()).unwrap();
    let form = format!("conversation={number}&user=alice&new=second-word&again=second-word");
    let answer = alice.send("/_occ/renew", &form);
    assert!(answer.ends_with("303"), "{answer}");
    alice.opencode();
    let record = || instance.sh("cat /var/lib/opencode-users/alice.json");
    soon("the record", || {
        (!record().contains("\"passwordChangeNow\":true")).then_some(())
    });
    instance.remove_container();
    instance.start();
    assert_eq!(alice.log_in("alice", "first-word"), "403");
    assert_eq!(alice.log_in("alice", "second-word"), "303");
}

#[test]
fn a_stop_ends_open_pages_in_order_and_soon() {
    let instance = Instance::shipped("stop");
    instance.add("alice", "alices-word");
    let alice = Browser::new(&instance);
    assert_eq!(alice.log_in("alice", "alices-word"), "303");
    alice.opencode();
    let mut stream = alice.stream();
    first_word(&mut stream);
    let stopped = docker(["stop", "--time", "100", &instance.name]).ok();
    assert!(stopped.took < bar(Duration::from_secs(6)), "{stopped:#?}");
    // curl would say 18 of a stream that breaks off.
    assert!(stream.wait().unwrap().success());
    assert_eq!(instance.inspect("{{.State.ExitCode}}"), "0");
}

/// The module comes from this machine's Debian package: the image has it not.
#[test]
fn a_one_time_code_is_asked_on_the_page() {
    let instance = Instance::shipped("code");
    instance.add("alice", "alices-word");
    let library = format!(
        "/lib/{}-linux-gnu/security/pam_oath.so",
        std::env::consts::ARCH
    );
    let oath = format!("/usr/lib/{}-linux-gnu/liboath.so.0", std::env::consts::ARCH);
    for file in [library, oath] {
        docker([
            "cp",
            "--follow-link",
            &file,
            &format!("{}:{file}", instance.name),
        ])
        .ok();
    }
    // The secret of RFC 4226, appendix D, with its first codes.
    instance.sh(
        "echo 'HOTP alice - 3132333435363738393031323334353637383930' >/etc/users.oath
         chmod 600 /etc/users.oath
         sed -i '/^auth/a auth required pam_oath.so usersfile=/etc/users.oath window=5 digits=6' /etc/pam.d/occ",
    );
    let alice = Browser::new(&instance);
    let answer = |code: &str| {
        let page = alice.send("/_occ/login", "user=alice&password=alices-word");
        let number = page.split(r#"name="conversation" value=""#).nth(1);
        let number = number.and_then(|rest| rest.split('"').next());
        let number = number.unwrap_or_else(|| panic!("not asked: {page}"));
        assert!(page.contains("One-time password"), "{page}");
        assert_eq!(alice.status("/"), "303", "not in yet");
        let answer = alice.send(
            "/_occ/prompt",
            &format!("conversation={number}&answer={code}"),
        );
        answer.lines().last().unwrap_or_default().to_owned()
    };
    assert_eq!(answer("000000"), "403");
    assert_eq!(answer("755224"), "303");
    alice.opencode();
}
