//! What an administrator is told of accounts that go wrong while the container runs: a line at
//! once, `check`, `status` and `health`.

use crate::container::{Container, Setup, Volume};
use serde_json::Value;
use std::fs;

/// What `occ --json health` says: whether it is 0, and the problems.
fn health(container: &Container) -> (i32, Vec<String>) {
    let (code, out, _) = container.ran("occ --json health");
    let document: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(document["healthy"], Value::from(code == 0), "{document}");
    let list = document["problems"].as_array().unwrap().iter();
    let problems = list.map(|problem| problem.as_str().unwrap().to_owned());
    (code, problems.collect())
}

#[test]
fn a_record_made_unusable_is_told_by_all_until_it_is_mended() {
    let volume = Volume::new();
    let container = Container::with(&volume, &["alice", "bob"]);
    container.soon("it is ready", || health(&container) == (0, Vec::new()));
    let path = volume.path("alice.json");
    let good = fs::read_to_string(&path).unwrap();
    let without_uid = good.replace("\"uid\"", "\"uids\"");
    assert_ne!(good, without_uid);
    for (bad, newcomer) in [("{", "carol"), (without_uid.as_str(), "dave")] {
        let before = container.said().len();
        fs::write(&path, bad).unwrap();
        let said = || container.said().split_off(before);
        container.soon("a line names it", || said().contains("alice.json"));
        container.soon("health names it", || health(&container).1.len() == 1);
        let (code, problems) = health(&container);
        assert_eq!(code, 0, "everybody else is well: {problems:?}");
        assert!(problems[0].contains("alice.json"), "{problems:?}");
        let (code, _, err) = container.ran("occ health");
        assert_eq!(
            (code, err),
            (0, format!("occ-init: problem: {}\n", problems[0]))
        );
        let (_, out, err) = container.ran("occ health --live; occ --quiet health");
        assert_eq!((out, err), (String::new(), String::new()));
        let (code, out, _) = container.ran("occ check");
        assert_eq!(code, 1, "{out}");
        assert!(out.contains("alice.json"), "{out}");
        let (code, out, _) = container.ran("occ status");
        assert_eq!(code, 0);
        assert!(
            out.contains(&format!("  problems: {}\n", problems[0])),
            "{out}"
        );
        assert!(container.tree.line("etc/passwd", "bob").is_some());
        // Each restore since has found it, and said no more.
        container.add(newcomer, 'c');
        container.until_idle();
        assert_eq!(said().matches(&problems[0]).count(), 1, "{}", said());

        fs::write(&path, &good).unwrap();
        container.soon("it is mended", || health(&container) == (0, Vec::new()));
        assert_eq!(container.ran("occ check").0, 0);
        container.until_idle();
    }
}

#[test]
fn status_tells_the_last_restore_whoever_made_it() {
    let volume = Volume::new();
    let mut first = Container::with(&volume, &["alice"]);
    first.crash();
    // PID 1 sees nothing and restores nothing.
    let wrapper = "strace -o /dev/null -e inject=inotify_init1:error=EMFILE";
    let container = Setup::new().wrapper(wrapper).boot(&volume);
    container.soon("it is ready", || health(&container) == (0, Vec::new()));
    fs::write(volume.path("alice.json"), "{").unwrap();
    container.ran("occ restore");
    let (_, problems) = health(&container);
    assert_eq!(problems.len(), 1);
    assert!(problems[0].contains("alice.json"), "{problems:?}");
    let last = || {
        let (_, out, _) = container.ran("occ --json status");
        let status: Value = serde_json::from_str(&out).unwrap();
        status["restore"].clone()
    };
    assert_eq!(last()["restored"], 0);
    container.add("bob", 'b');
    assert_eq!(last()["restored"], 1);
    assert_eq!(container.starts(), 0, "{}", container.said());
}

#[test]
fn what_was_killed_for_want_of_memory_is_told_so() {
    for (kills, file, is_told) in [
        (1, "memory.events", true),
        (0, "memory.events", false),
        // Of cgroup v1.
        (1, "memory/memory.oom_control", true),
    ] {
        let volume = Volume::new();
        let counted = format!(
            "mount -t tmpfs tmpfs /sys/fs/cgroup
            mkdir /sys/fs/cgroup/memory
            printf 'low 0\\noom_kill {kills}\\n' >/sys/fs/cgroup/{file}"
        );
        let setup = Setup::new().before(&counted).command("kill -KILL $$");
        let mut container = setup.boot(&volume);
        assert_eq!(container.end().0, 137);
        let said = container.said();
        assert!(said.contains("was killed by SIGKILL"), "{said}");
        assert_eq!(
            said.contains("for want of memory"),
            is_told,
            "{file}: {said}"
        );
    }
}
