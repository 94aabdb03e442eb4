//! The log of a real container as fail2ban reads it: in the file that Docker keeps, with the
//! addresses that a trusted proxy says.

use crate::harness::{Call, Instance, run, soon, source, until};

/// This machine is somewhere here, as the container sees it.
const PROXIES: &str = "OCC_GATE_TRUSTED_PROXIES=10.0.0.0/8,172.16.0.0/12,192.168.0.0/16";

/// The form of the login page, passed on by the proxy.
fn guess(instance: &Instance, user: &str, address: &str) -> String {
    let (name, port) = (&instance.name, instance.port);
    let resolve = format!("{name}.localhost:{port}:127.0.0.1");
    let origin = format!("Origin: {}", instance.origin());
    let forwarded = format!("X-Forwarded-For: 203.0.113.9, {address}");
    let done = Call::new("curl")
        .args(["--silent", "--noproxy", "*", "--resolve", &resolve])
        .args(["--header", &origin, "--header", &forwarded])
        .args(["--write-out", "%{http_code}", "--output", "/dev/null"])
        .args(["--data-urlencode", &format!("user={user}")])
        .args(["--data", "password=guess"])
        .args([format!("{}/_occ/login", instance.origin())])
        .ok();
    done.stdout
}

#[test]
fn fail2ban_bans_those_who_guess_by_the_log_that_docker_keeps() {
    let instance = Instance::new("audit");
    instance.use_image(&run().image);
    let port = instance.port.to_string();
    instance
        .occ(["start", "--image", &instance.image, "--port", &port])
        .args(["--env", PROXIES])
        .ok();
    instance.add("alice", "a a a");
    let forged = "x\nocc-gate: login failed from=203.0.113.1 user=? by=password why=refused";
    let quoted = "x\\n\",\"stream\":\"stderr\",\"time\":\"2020-01-01T00:00:00Z\"}";
    let guesses = [
        ("alice", "192.0.2.1"),
        (forged, "192.0.2.2"),
        (quoted, "2001:db8::3"),
        ("x from=203.0.113.2 user=alice", "192.0.2.4"),
    ];
    for (user, address) in guesses {
        assert_eq!(guess(&instance, user, address), "403", "{user}");
    }
    let log = instance.inspect("{{.LogPath}}");
    let filter = source("image/fail2ban/occ-gate.conf");
    until("a line of each", || {
        let lines = instance.logs().matches("login failed from=").count();
        (lines == guesses.len()).then_some(())
    });
    let found = soon("fail2ban's count", || {
        let found = Call::new("fail2ban-regex")
            .args(["--usedns=no", "--out=ip", log.trim()])
            .args([filter.as_path()])
            .run();
        let found: Vec<String> = found.stdout.lines().map(str::to_owned).collect();
        (found.len() >= guesses.len()).then_some(found)
    });
    assert_eq!(found, guesses.map(|(_, address)| address));
}
