//! A container: calls in it, logins, its files, its log.

use super::accounts::fingerprint;
use super::{Accounts, Call, Finished, docker};

/// A container by its name; only [`super::Instance`] and [`super::Volumes`]
/// make and remove one.
pub(crate) struct Container {
    pub(crate) name: String,
}

impl Container {
    pub(crate) fn named(name: String) -> Self {
        Self { name }
    }

    /// The files and records, checked.
    #[track_caller]
    pub(crate) fn accounts(&self) -> Accounts {
        Accounts::of(&self.name)
    }

    /// A digest of all that a user command may change.
    #[track_caller]
    pub(crate) fn fingerprint(&self) -> String {
        fingerprint(&self.name)
    }

    /// `occ-init ARGS` in the container with `input`, which works.
    #[track_caller]
    pub(crate) fn occ_init<const N: usize>(&self, args: [&str; N], input: &str) -> Finished {
        self.exec(["/usr/local/bin/occ-init"])
            .args(args)
            .input(input)
            .ok()
    }

    /// Ends everything in it at once, as a crash does.
    #[track_caller]
    pub(crate) fn crash(&self) {
        docker(["kill", "--signal", "KILL", &self.name]).ok();
    }

    /// `docker exec` as root.
    pub(crate) fn exec<const N: usize>(&self, args: [&str; N]) -> Call {
        docker(["exec", "--interactive", &self.name]).args(args)
    }

    /// `docker exec` as somebody.
    pub(crate) fn exec_as<const N: usize>(&self, name: &str, args: [&str; N]) -> Call {
        docker(["exec", "--interactive", "--user", name, &self.name]).args(args)
    }

    /// A shell script run by root in the container; its output.
    #[track_caller]
    pub(crate) fn sh(&self, script: &str) -> String {
        self.exec(["sh", "-c", script]).ok().text().to_owned()
    }

    /// A real PAM login from an account that may become nobody without the
    /// password; the uid it ends in, or why not.
    #[track_caller]
    pub(crate) fn login(&self, name: &str, password: &str) -> Result<u32, String> {
        let tried = self
            .exec_as("nobody", ["su", name, "-c", "id -u"])
            .input(format!("{password}\n"))
            .run();
        match tried.code {
            // busybox's su asks on stdout, so the last line is the answer.
            Some(0) => Ok(tried
                .text()
                .lines()
                .last()
                .and_then(|uid| uid.parse().ok())
                .unwrap_or_else(|| panic!("{tried:#?}"))),
            _ if tried.stderr.contains("su: ") => Err(tried.stderr),
            _ => panic!("su itself failed: {tried:#?}"),
        }
    }

    /// Logs in and is not let in.
    #[track_caller]
    pub(crate) fn shut_out(&self, name: &str, password: &str) {
        if let Ok(uid) = self.login(name, password) {
            panic!("'{name}' got in as uid {uid}");
        }
    }

    /// One field of `docker inspect`.
    #[track_caller]
    pub(crate) fn inspect(&self, template: &str) -> String {
        docker(["inspect", "--format", template, &self.name])
            .ok()
            .text()
            .to_owned()
    }

    /// Both streams of the container's log.
    #[track_caller]
    pub(crate) fn logs(&self) -> String {
        let logs = docker(["logs", &self.name]).ok();
        logs.stdout + &logs.stderr
    }
}
