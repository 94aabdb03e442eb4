//! The real opencode behind its published port, without the login in front.

use crate::harness::{Call, Finished, Instance};

/// GET / from this machine; curl reads the login from stdin, not argv.
fn page(instance: &Instance, login: &str) -> Finished {
    let url = format!("http://127.0.0.1:{}/", instance.port);
    let config = if login.is_empty() {
        String::new()
    } else {
        format!("user = \"{login}\"\n")
    };
    Call::new("curl")
        .args([
            "--silent",
            "--noproxy",
            "*",
            "--max-time",
            "20",
            "--config",
            "-",
            "--write-out",
            "\n%{http_code}",
            &url,
        ])
        .input(config)
        .ok()
}

#[test]
fn its_page_needs_the_password_which_no_account_can_read() {
    let instance = Instance::opencode("page");
    let password = instance.sh("cat /run/occ-opencode/server-password");
    let answer = page(&instance, &format!("opencode:{password}")).prints("<title>OpenCode");
    assert!(answer.stdout.ends_with("\n200"), "{answer:#?}");
    for login in ["", "opencode:wrong", "opencode:"] {
        let answer = page(&instance, login);
        assert!(answer.stdout.ends_with("\n401"), "{login}: {answer:#?}");
    }

    instance.add("alice", "a a a");
    let as_alice = |script: &str| instance.exec_as("alice", ["sh", "-c", script]).run();
    as_alice("cat /run/occ-opencode/server-password")
        .exits(1)
        .says("Permission denied");
    let pids = instance.sh("pgrep -x opencode");
    for pid in pids.lines() {
        as_alice(&format!("cat /proc/{pid}/environ"))
            .exits(1)
            .says("Permission denied");
        assert_ne!(
            instance.sh(&format!("awk '/^Uid:/ {{ print $2 }}' /proc/{pid}/status")),
            "0",
            "opencode runs as root"
        );
    }
    let seen = as_alice(
        "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null; ls -lR /run /var/lib/occ-opencode 2>/dev/null; env",
    );
    assert!(seen.stdout.contains("opencode"), "{seen:#?}");
    for place in [seen.stdout, instance.logs(), instance.inspect("{{json .}}")] {
        assert!(!place.contains(&password), "the server's password shows");
    }

    instance.occ(["restart"]).ok();
    assert_ne!(
        instance.sh("cat /run/occ-opencode/server-password"),
        password,
        "new at each start"
    );
    instance.login("alice", "a a a").unwrap();
}
