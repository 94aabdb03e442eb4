//! A person's own world around the real opencode: their login shell, PAM's session, and
//! what they see and can do when it does not start.

use super::page::Browser;
use crate::harness::{Instance, until};

#[test]
fn opencode_has_what_the_profile_sets_and_a_restart_takes_in_changes() {
    let instance = Instance::shipped("profile");
    instance.add("alice", "alices-word");
    let profile = |line: &str| {
        let script = format!("echo '{line}' >> ~/.profile");
        instance.exec_as("alice", ["sh", "-c", &script]).ok();
    };
    profile("export KEY=one; umask 027");
    let alice = Browser::new(&instance);
    assert_eq!(alice.log_in("alice", "alices-word"), "303");
    alice.opencode();
    let opencode = || instance.sh("pgrep -u alice -x opencode").trim().to_owned();
    let own = |file: &str| {
        let script = format!("tr '\\0' '\\n' < /proc/{}/{file}", opencode());
        instance.exec_as("alice", ["sh", "-c", &script]).ok().stdout
    };
    let has = |file: &str, line: &str| {
        let text = own(file);
        assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
    };
    has("environ", "KEY=one");
    has("status", "Umask:\t0027");
    has("status", "NoNewPrivs:\t1");
    let first = opencode();
    profile("export KEY=two");
    let answer = alice.send("/_occ/account/restart", "");
    assert!(answer.ends_with("303"), "{answer}");
    until("another opencode", || {
        let now = instance
            .exec(["pgrep", "-u", "alice", "-x", "opencode"])
            .run();
        let now = now.stdout.trim().to_owned();
        (!now.is_empty() && now != first).then_some(())
    });
    alice.opencode();
    has("environ", "KEY=two");
}

#[test]
fn a_broken_configuration_is_shown_to_its_owner_who_corrects_it() {
    let instance = Instance::shipped("not-started");
    instance.add("alice", "alices-word");
    let configuration = |text: &str| {
        let script = format!(
            "mkdir -p ~/.config/opencode && echo '{text}' > ~/.config/opencode/opencode.json"
        );
        instance.exec_as("alice", ["sh", "-c", &script]).ok();
    };
    configuration("{ x");
    let alice = Browser::new(&instance);
    assert_eq!(alice.log_in("alice", "alices-word"), "303");
    let page = until("the page", || {
        let page = alice.get("/").stdout;
        page.contains("Your opencode did not start").then_some(page)
    });
    assert!(
        page.contains("opencode.json") && page.contains("Try again"),
        "{page}"
    );
    configuration("{}");
    let answer = alice.send("/_occ/account/restart", "next=%2F");
    assert!(answer.ends_with("303"), "{answer}");
    alice.opencode();
}
