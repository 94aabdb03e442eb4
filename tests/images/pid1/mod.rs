//! occ-init as PID 1 of a real container.

mod confined;
mod opencode;
mod stopping;
mod terminal;

use crate::harness::{Call, Container, Instance, docker, run, until};
use std::time::Duration;

/// `docker run OPTIONS` with the image's entrypoint.
fn new_container(name: &str, options: &[&str], command: &[&str]) -> Call {
    let name = format!("{}-{name}", run().prefix);
    docker(["run", "--name", &name, "--network", "none"])
        .args(options)
        .args([&run().light])
        .args(command)
}

/// A container in the background, removed when dropped. It needs a slot, as
/// [`crate::harness::Volumes`] and [`Instance`] have it.
struct Running {
    container: Container,
}

impl Running {
    fn new(name: &str, options: &[&str], command: &[&str]) -> Self {
        let options: Vec<&str> = ["--detach"].iter().chain(options).copied().collect();
        new_container(name, &options, command).ok();
        Self {
            container: Container::named(format!("{}-{name}", run().prefix)),
        }
    }

    /// A script that has said "ready".
    fn of(name: &str, options: &[&str], script: &str) -> Self {
        let running = Self::new(name, options, &["bash", "-c", script]);
        running.says("ready");
        running
    }

    #[track_caller]
    fn says(&self, line: &str) {
        until(line, || {
            let logs = self.container.logs();
            logs.lines().any(|said| said == line).then_some(())
        });
    }

    /// `docker stop --time SECONDS`: how long it took, and the exit status.
    fn stop(&self, seconds: &str) -> (Duration, String) {
        let stopped = docker(["stop", "--time", seconds, &self.container.name]).ok();
        (stopped.took, self.container.inspect("{{.State.ExitCode}}"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        docker(["rm", "--force", &self.container.name]).run();
    }
}

/// One that goes with its COMMAND.
fn in_new_container<const N: usize>(name: &str, command: [&str; N]) -> Call {
    new_container(name, &["--rm"], &command)
}

#[test]
fn exit_statuses_come_out_of_docker_run() {
    let _instance = Instance::new("statuses");
    for status in [0, 1, 2, 42, 125, 126, 127, 255] {
        in_new_container("exit", ["sh", "-c", &format!("exit {status}")])
            .run()
            .exits(status);
    }
    for (signal, number) in [
        ("TERM", 15),
        ("SEGV", 11),
        ("KILL", 9),
        ("ABRT", 6),
        ("USR1", 10),
        ("RTMIN+30", 64),
    ] {
        let died = in_new_container("died", ["bash", "-c", &format!("kill -{signal} $$")])
            .run()
            .exits(128 + number);
        assert!(died.stderr.contains(signal), "no line about it: {died:#?}");
    }
    in_new_container("missing", ["/no/such/program"])
        .run()
        .exits(127)
        .says("/no/such/program");
    in_new_container("data", ["/etc/passwd"])
        .run()
        .exits(126)
        .says("/etc/passwd");
}

#[test]
fn every_exit_status_is_passed_on() {
    let instance = Instance::started("all");
    let wrong = instance.sh(r#"for status in $(seq 0 255); do
            occ-init --no-restore -- sh -c "exit $status"
            [ $? = $status ] || echo "wrong: $status"
        done; echo end"#);
    assert_eq!(wrong, "end");
}

#[test]
fn a_hundred_orphans_leave_no_zombie() {
    let instance = Instance::started("orphans");
    assert_eq!(instance.sh("cat /proc/1/comm"), "occ-init");
    let count = |pattern: &str| -> u32 {
        // pgrep exits 1 when it counts none.
        let counted = instance.sh(&format!("pgrep --count --parent 1 {pattern} || true"));
        counted.parse().unwrap()
    };
    instance.sh("for i in $(seq 100); do sleep 1234 & done");
    let orphans = "--full '^sleep 1234$'";
    until("PID 1 has a hundred more children", || {
        (count(orphans) == 100).then_some(())
    });
    instance.sh(&format!("pkill --signal KILL {orphans}"));
    until("all hundred are reaped", || {
        (count(orphans) == 0 && count("--runstates Z") == 0).then_some(())
    });
}
