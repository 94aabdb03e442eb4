//! Programs that people have running in a container, and whether any is left.

use super::{Container, docker, pause, until};
use std::sync::atomic::{AtomicU32, Ordering};

/// Each process leaves a child and ends: no list of processes holds it for long.
pub(crate) const FORK_RACER: [&str; 3] = [
    "perl",
    "-e",
    "while (1) { my $child = fork(); exit if $child; }",
];
/// Nothing short of KILL ends it.
pub(crate) const STUBBORN: [&str; 3] = [
    "perl",
    "-e",
    "$SIG{$_} = 'IGNORE' for qw(TERM HUP INT QUIT); sleep 1 while 1",
];
/// Two forks and a session of its own: nobody's child, as a daemon is.
pub(crate) const DAEMON: [&str; 3] = [
    "perl",
    "-e",
    "use POSIX; exit if fork; POSIX::setsid(); exit if fork; sleep 1 while 1",
];

impl Container {
    /// Starts a program as somebody; it runs when this returns.
    #[track_caller]
    pub(crate) fn detach<const N: usize>(&self, name: &str, command: [&str; N]) {
        static STARTED: AtomicU32 = AtomicU32::new(0);
        let mark = format!("/tmp/started-{}", STARTED.fetch_add(1, Ordering::Relaxed));
        docker(["exec", "--detach", "--user", name, &self.name])
            .args(["sh", "-c", ": > \"$0\" && exec \"$@\"", &mark])
            .args(command)
            .ok();
        until("the program runs", || {
            (self.exec(["test", "-e", &mark]).run().code == Some(0)).then_some(())
        });
    }

    /// The programs that run with that uid, real, effective or saved. All of the
    /// container stands still for the look, so that not even a fork racer is missed.
    #[track_caller]
    pub(crate) fn programs(&self, uid: u32) -> Vec<String> {
        pause(&self.name);
        let columns = "pid,ruid,euid,suid,state,comm";
        let seen = docker(["top", &self.name, "-eo", columns]).run();
        docker(["unpause", &self.name]).ok();
        let uid = uid.to_string();
        let program = |line: &str| match line.split_whitespace().collect::<Vec<_>>()[..] {
            [_, ref uids @ .., state, name] if uids.contains(&&*uid) && state != "Z" => {
                Some(name.to_owned())
            }
            _ => None,
        };
        seen.exits(0).stdout.lines().filter_map(program).collect()
    }
}
