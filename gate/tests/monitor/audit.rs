//! The audit lines of logins: one for each attempt, which no name can forge, and which
//! fail2ban reads with the filter that the image's folder holds.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, TcpStream};
use std::process::Command;

use occ_gate::wire::{
    AccessToken, Agent, ChangePasswordReply, LoginReply, MakeFirstReply, Secret, UseAccessReply,
    User, ask,
};
use occ_gate_testing::until;

use crate::place::Place;
use crate::running::Monitor;
use crate::takeover::{Taken, address, login};
use crate::{first, tokens};

const FILTER: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../image/fail2ban/occ-gate.conf"
);

/// Names that are meant to end a line, to begin one, or to stand for another address.
const FORGED: [&str; 9] = [
    "x from=203.0.113.1 user=alice by=password why=refused",
    "x\noccgate: login failed from=203.0.113.2 user=? by=password why=refused",
    "x\nocc-gate: login failed from=203.0.113.3 user=? by=password why=refused\n",
    "x\r\nocc-gate: login failed from=203.0.113.4 user=? by=password",
    "\u{1b}[2K\rocc-gate: login failed from=203.0.113.5 user=x by=x why=refused",
    "x\\n\",\"stream\":\"stderr\",\"time\":\"2020-01-01T00:00:00Z\"}",
    "{\"log\":\"occ-gate: login failed from=203.0.113.6",
    "2020-01-01T00:00:00Z occ-gate: login failed from=203.0.113.7",
    "x\u{2028}occ-gate: login failed from=203.0.113.8 user=? by=password why=refused",
];

fn audit_lines(log: &str) -> Vec<&str> {
    let lines = log
        .lines()
        .filter_map(|line| line.strip_prefix("occ-gate: "));
    let is_audit = |line: &&str| {
        let verb = line.split(' ').nth(1).unwrap_or_default();
        ["ok", "failed", "unchecked"].contains(&verb)
    };
    lines.filter(is_audit).collect()
}

fn from(address: &str, user: &str, password: &str) -> ask::Authenticate {
    ask::Authenticate {
        user: User::cut(user),
        address: address.parse().unwrap(),
        password: Secret::from_text(password).unwrap(),
        agent: Agent::cut("occ-gate: login failed from=203.0.113.9"),
        device: None,
    }
}

#[test]
fn each_attempt_is_one_line() {
    let place = Place::with(&["alice", "bob"]);
    let (monitor, mut web, alice) = place.start_with("alice");
    let sent = [
        from("192.0.2.2", "alice", "guess"),
        from("::ffff:192.0.2.3", "mallory", "guess"),
        from("2001:db8::4", "alice", "guess"),
        from("192.0.2.5", "root", "root's word"),
        from("192.0.2.6", "bob", "bob's word"),
    ]
    .map(|attempt| web.send(attempt));
    for sent in sent {
        web.reply(sent);
    }
    let wrong = AccessToken::new([7; 32]);
    for _ in 0..3 {
        show(&mut web, &wrong, 7);
    }
    let access = tokens::make(&mut web, &alice, "a program");
    for number in [8, 8, 9, 9] {
        show(&mut web, &access, number);
    }
    let id = format!("{:08x}", tokens::list(&mut web, &alice)[0].handle.0);
    for (old, new) in [("guess", "another word"), ("alice's word", "another word")] {
        let reply = web.call(ask::ChangePassword {
            token: alice.clone(),
            old: Secret::from_text(old).unwrap(),
            new: Secret::from_text(new).unwrap(),
        });
        assert!(!matches!(reply, Ok(ChangePasswordReply::Unavailable)));
    }
    let (_, log) = monitor.stop();
    let mut lines = audit_lines(&log);
    lines.sort_unstable();
    let mut expected = [
        "login ok from=192.0.2.1 user=alice by=password",
        "login failed from=192.0.2.2 user=alice by=password why=refused",
        "login failed from=192.0.2.3 user=? by=password why=refused",
        "login failed from=2001:db8::4 user=alice by=password why=refused",
        "login failed from=192.0.2.5 user=root by=password why=refused",
        "login ok from=192.0.2.6 user=bob by=password",
        "login failed from=192.0.2.7 user=? by=token why=refused",
        &format!("login ok from=192.0.2.8 user=alice by=token token={id}"),
        &format!("login ok from=192.0.2.9 user=alice by=token token={id}"),
        "password-change failed from=192.0.2.1 user=alice by=password why=refused",
        "password-change ok from=192.0.2.1 user=alice by=password",
    ];
    expected.sort_unstable();
    assert_eq!(lines, expected, "{log}");
}

fn show(web: &mut Taken, access: &AccessToken, number: u8) -> UseAccessReply {
    web.call(ask::UseAccess {
        access: access.clone(),
        address: address(number),
    })
}

/// A browser that goes away, and a login that the end overtakes.
#[test]
fn unanswered_attempt_is_a_line_and_no_failure() {
    let place = Place::with(&["alice"]);
    place.write(
        "etc/pam.d/occ",
        "auth required pam_exec.so quiet /bin/sleep 600\n",
        0o644,
    );
    let monitor = place.start();
    let mut web = monitor.take_over();
    for number in 1..=6 {
        web.send(login("alice", "guess", number));
    }
    let last = web.send(login("alice", "guess", 7));
    web.call(ask::Forget {
        call: last.number(),
    });
    let (_, log) = monitor.stop();
    let mut lines = audit_lines(&log);
    assert_eq!(lines.len(), 7, "{log}");
    lines.sort_unstable();
    for (number, line) in (1..).zip(lines) {
        let expected =
            format!("login unchecked from=192.0.2.{number} user=alice by=password why=unanswered");
        assert_eq!(line, expected, "{log}");
    }
}

#[test]
fn first_account_is_a_line() {
    let place = first::place();
    let monitor = place.start();
    let code = first::code(&monitor);
    let mut web = monitor.take_over();
    let wrong = first::make(&mut web, "0000-0000-0000", "x from=203.0.113.1", 1);
    assert_eq!(wrong, MakeFirstReply::WrongCode);
    for name in ["x from=203.0.113.1", "taken", "alice"] {
        first::make(&mut web, &code, name, 2);
    }
    let (_, log) = monitor.stop();
    assert_eq!(
        audit_lines(&log),
        [
            "setup failed from=192.0.2.1 user=? by=setup-code why=refused",
            "setup unchecked from=192.0.2.2 user=? by=setup-code why=not-taken",
            "setup unchecked from=192.0.2.2 user=taken by=setup-code why=not-taken",
            "setup ok from=192.0.2.2 user=alice by=setup-code",
        ],
        "{log}"
    );
    assert_eq!(Log::plain(&log).banned(), ["192.0.2.1"]);
}

/// Through the page itself, as a stranger would; what is longer than a form is no attempt.
#[test]
fn no_name_forges_a_line() {
    let place = Place::with(&["alice"]);
    let monitor = place.start();
    let port = port(&monitor);
    let lengthy = format!("x from=203.0.113.9 {}", "y".repeat(6000));
    let names = FORGED.into_iter().chain([lengthy.as_str(), "alice"]);
    let answers: Vec<_> = names.map(|name| post(port, name)).collect();
    for answer in answers {
        assert_eq!(status(answer), "303");
    }
    assert_eq!(status(post(port, &"y".repeat(10_000))), "413");
    let (_, log) = monitor.stop();
    let mut lines = audit_lines(&log);
    lines.sort_unstable();
    let unknown = "login failed from=127.0.0.1 user=? by=password why=refused";
    let slowed = "login failed from=127.0.0.1 user=? by=password why=too-many-failures";
    assert_eq!(lines.len(), FORGED.len() + 2, "{log}");
    assert_eq!(
        lines.pop(),
        Some("login failed from=127.0.0.1 user=alice by=password why=refused")
    );
    for line in lines {
        assert!([unknown, slowed].contains(&line), "{line}");
    }
    for log in [Log::plain(&log), Log::json(&log), Log::journal(&log)] {
        assert_eq!(
            log.banned(),
            vec!["127.0.0.1"; FORGED.len() + 2],
            "{}",
            log.0
        );
    }
}

fn port(monitor: &Monitor) -> u16 {
    let mut port = None;
    until("the address of the login page", || {
        let log = monitor.log();
        let found = log.split_once("the login page is on 127.0.0.1:");
        port = found.and_then(|(_, rest)| rest.split_once('\n')?.0.parse().ok());
        port.is_some()
    });
    port.unwrap()
}

fn status(mut answer: TcpStream) -> String {
    let mut text = String::new();
    answer.read_to_string(&mut text).unwrap();
    text.split(' ').nth(1).unwrap_or_default().to_owned()
}

fn post(port: u16, name: &str) -> TcpStream {
    let mut form = String::from("password=guess&user=");
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' => form.push(byte.into()),
            _ => write!(form, "%{byte:02x}").unwrap(),
        }
    }
    let host = format!("localhost:{port}");
    let mut browser = TcpStream::connect(("127.0.0.1", port)).unwrap();
    write!(
        browser,
        "POST /_occ/login HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\n\
         Sec-Fetch-Mode: navigate\r\nX-Forwarded-For: 203.0.113.10\r\nConnection: close\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    )
    .unwrap();
    browser
}

/// What a program of a person's writes, and what is no failure.
#[test]
fn fail2ban_reads_failures_alone() {
    let failed = "occ-gate: login failed from=192.0.2.1 user=? by=password why=refused";
    let mut log = String::new();
    for line in [
        failed,
        "occ-gate: login failed from=2001:db8::2 user=alice by=passkey why=too-many-failures",
        "occ-gate: setup failed from=192.0.2.3 user=? by=setup-code why=refused",
        "occ-gate: login ok from=203.0.113.1 user=alice by=password",
        "occ-gate: login unchecked from=203.0.113.2 user=alice by=password why=unavailable",
        "occ-gate: password-change failed from=203.0.113.3 user=alice by=password why=refused",
        "occ-gate: login failed from=203.0.113.4 user=a b by=password why=refused",
        "occ-gate: login failed from=203.0.113.5 user=? by=password why=refused and more",
        "occ-gate: login failed from=example.com user=? by=password why=refused",
        &format!("occ-gate: opencode of alice: {failed}"),
        &format!("occ-gate: debug: POST /{failed}"),
        &format!("occ-init: {failed}"),
        &format!("x {failed}"),
        &format!("x y[1]: z y[1]: {failed}"),
    ] {
        writeln!(log, "{line}").unwrap();
    }
    for log in [Log::plain(&log), Log::json(&log), Log::journal(&log)] {
        let banned = ["192.0.2.1", "2001:db8::2", "192.0.2.3"];
        assert_eq!(log.banned(), banned, "{}", log.0);
    }
}

/// Lines as somebody reads them from the container's log.
struct Log(String);

impl Log {
    /// `docker logs --timestamps`.
    fn plain(log: &str) -> Self {
        Self::of(log, |line| format!("2026-01-02T03:04:05.678901234Z {line}"))
    }

    /// The file of Docker's json-file.
    fn json(log: &str) -> Self {
        Self::of(log, |line| {
            let entry = serde_json::json!(format!("{line}\n"));
            format!(
                r#"{{"log":{entry},"stream":"stderr","time":"2026-01-02T03:04:05.678901234Z"}}"#
            )
        })
    }

    /// An entry of the journal, as fail2ban puts it together.
    fn journal(log: &str) -> Self {
        Self::of(log, |line| {
            format!("2026-01-02T03:04:05Z box 0123456789ab[812]: {line}")
        })
    }

    fn of(log: &str, entry: impl Fn(&str) -> String) -> Self {
        let entries = log.lines().map(|line| entry(line) + "\n");
        Self(entries.collect())
    }

    /// The addresses whose failures fail2ban counts, in the log's order.
    fn banned(&self) -> Vec<String> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(self.0.as_bytes()).unwrap();
        let found = Command::new("fail2ban-regex")
            .args(["--usedns=no", "--out=ip"])
            .args([file.path().to_str().unwrap(), FILTER])
            .output()
            .unwrap_or_else(|error| panic!("fail2ban-regex: {error}; apt-get install fail2ban"));
        let text = String::from_utf8(found.stdout).unwrap();
        assert!(
            found.status.success() || text.is_empty(),
            "{text}{}",
            String::from_utf8_lossy(&found.stderr)
        );
        let addresses = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let all: Vec<String> = addresses.map(str::to_owned).collect();
        for address in &all {
            assert!(address.parse::<IpAddr>().is_ok(), "{text}");
        }
        all
    }
}

/// `OCC_GATE_LOG=debug` tells the steps, and nothing that opens anything.
#[test]
fn debug_tells_steps_and_no_secret() {
    let place = Place::with(&["alice"]).set("OCC_GATE_LOG", "debug");
    let monitor = place.start();
    let port = port(&monitor);
    let mut answer = String::new();
    post(port, "alice").read_to_string(&mut answer).unwrap();
    let mut foreign = TcpStream::connect(("127.0.0.1", port)).unwrap();
    write!(
        foreign,
        "POST /_occ/login?secret HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\
         Origin: https://localhost:{port}\r\nCookie: a=secret\r\nAuthorization: Basic secret\r\n\
         Content-Length: 0\r\n\r\n"
    )
    .unwrap();
    foreign.read_to_string(&mut answer).unwrap();
    let mut web = monitor.take_over();
    let login = web.log_in(&place, "alice", 2);
    let access = tokens::make(&mut web, &login.token, "a program");
    show(&mut web, &access, 3);
    let (_, secret) = web.ensure(&login.token, "alice");
    let reply = web.authenticate("a mistyped secret", "guess", 4);
    assert!(matches!(reply, LoginReply::Refused));
    web.call(ask::End {
        token: login.token.clone(),
    })
    .unwrap();
    let (_, log) = monitor.stop();
    for step in [
        "debug: POST /_occ/login from 127.0.0.1: 303",
        "refused: CrossOrigin(Scheme); Host 'localhost:",
        "debug: pam: alice: auth: Authentication failure (AuthenticationError)\n",
        "debug: pam: alice: auth: success\n",
        "debug: pam: alice: account: success\n",
        "debug: pam: an unknown or closed account: auth: ",
        " of alice begins\n",
        "debug: opencode of alice is ready: port ",
        " ends\n",
        "debug: stopping opencode of alice: ",
    ] {
        assert!(log.contains(step), "{step}: {log}");
    }
    let text = |secret: &[u8]| String::from_utf8_lossy(secret).into_owned();
    for never in [
        "guess".to_owned(),
        "secret".to_owned(),
        "alice's word".to_owned(),
        login.token.expose().to_string(),
        access.expose().to_string(),
        text(secret.expose()),
    ] {
        assert!(!log.contains(&never), "{never}: {log}");
    }
    let (monitor, _, _) = Place::with(&["alice"]).start_with("alice");
    let (_, log) = monitor.stop();
    assert!(!log.contains("debug: "), "nobody asked for them: {log}");
}
