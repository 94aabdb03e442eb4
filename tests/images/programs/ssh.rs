//! OpenSSH's server, with a shell and without one; its clients are those of this machine.

use super::{ALICE, Program, WRONG};
use crate::harness::{Call, Container, Finished, until};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use tempfile::TempDir;

/// A person's side: what ssh knows of the server, and the answer to its question.
struct Client(TempDir);

impl Client {
    fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        let askpass = place.path().join("askpass");
        std::fs::write(&askpass, "#!/bin/sh\nprintf '%s\\n' \"$PASSWORD\"\n").unwrap();
        std::fs::set_permissions(&askpass, PermissionsExt::from_mode(0o755)).unwrap();
        Self(place)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// `ssh` or `sftp`, which gives that password when it is asked. The host's key may not change.
    fn call(&self, program: &str, port: u16, password: &str) -> Call {
        let known = format!("UserKnownHostsFile={}", self.file("known").display());
        let port = format!("Port={port}");
        let options = [
            "StrictHostKeyChecking=accept-new",
            "HostKeyAlias=server",
            "NumberOfPasswordPrompts=1",
            "BatchMode=no",
            "LogLevel=ERROR",
            &known,
            &port,
        ];
        Call::new(program)
            .args(["-F", "none"])
            .args(options.iter().flat_map(|option| ["-o", option]))
            .env("SSH_ASKPASS", self.file("askpass"))
            .env("SSH_ASKPASS_REQUIRE", "force")
            .env("PASSWORD", password)
    }

    fn ssh(&self, port: u16, person: &str, password: &str, command: &str) -> Finished {
        let person = format!("{person}@127.0.0.1");
        let call = self.call("ssh", port, password).args([&person, command]);
        answered(call)
    }

    /// `commands` as sftp reads them, one a line.
    fn sftp(&self, port: u16, password: &str, commands: &str) -> Finished {
        let call = self.call("sftp", port, password);
        answered(call.args(["-b", "-", "alice@127.0.0.1"]).input(commands))
    }
}

/// Refused may only mean that the password is not taken.
#[track_caller]
fn answered(call: Call) -> Finished {
    let done = call.run();
    let is_out = done.stderr.contains("Permission denied (");
    assert_eq!(
        done.code == Some(255),
        is_out,
        "the door itself is broken: {done:#?}"
    );
    done
}

fn is_in(done: &Finished) -> bool {
    done.code == Some(0)
}

fn listens(port: u16) {
    until("sshd answers", || {
        let scan = Call::new("ssh-keyscan").args(["-T", "5", "-p", &port.to_string(), "127.0.0.1"]);
        scan.run().stdout.contains("ssh-ed25519").then_some(())
    });
}

#[test]
fn people_log_in_by_ssh_and_sftp() {
    let program = Program::new("ssh", "SSH and SFTP", 22);
    let client = Client::new();
    let file = client.file("letter");
    std::fs::write(&file, "for the next container").unwrap();
    program.lets_alice_in(|port, _, password| {
        listens(port);
        let id = client.ssh(port, "alice", password, "id -u");
        let put = format!("put {} letter\npwd\n", file.display());
        let copied = client.sftp(port, password, &put);
        assert_eq!(is_in(&id), is_in(&copied), "{id:#?}{copied:#?}");
        if is_in(&id) {
            assert_eq!(id.text(), "10000");
            assert!(
                copied
                    .stdout
                    .contains("Remote working directory: /home/alice\n")
            );
        }
        is_in(&id)
    });
}

#[test]
fn keys_of_records_open_ssh_until_their_owner_is_disabled() {
    let program = Program::new("ssh-keys", "SSH and SFTP", 22);
    let client = Client::new();
    let key = client.file("key");
    let key = key.to_str().unwrap();
    Call::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f", key])
        .ok();
    let container = program.volumes.start_published(&program.image, 22);
    let public = format!("{key}.pub");
    let add = ["add", "carol", "--no-password", "--ssh-key-file", &public];
    program.user(&container, add, "");
    let port = super::published(&container, 22);
    listens(port);
    let enters = || {
        let call = client
            .call("ssh", port, WRONG)
            .args(["-i", key, "carol@127.0.0.1", "id -u"]);
        answered(call)
    };
    assert_eq!(enters().text(), "10000");
    program.user(&container, ["disable", "carol"], "");
    assert!(!is_in(&enters()));
}

#[test]
fn sftp_alone_gives_no_shell_and_nothing_but_homes() {
    let program = Program::new("sftp", "SFTP alone", 22);
    let client = Client::new();
    let file = client.file("letter");
    std::fs::write(&file, "for the next container").unwrap();
    let put = format!("put {} letter\npwd\n", file.display());
    program.lets_alice_in(|port, container, password| {
        listens(port);
        let copied = client.sftp(port, password, &put);
        if is_in(&copied) {
            assert!(
                copied.stdout.contains("Remote working directory: /alice\n"),
                "{copied:#?}"
            );
            assert_eq!(container.sh("stat -c %u /home/alice/letter"), "10000");
            no_shell_and_no_other_file(&program, &client, port, container);
        }
        is_in(&copied)
    });
}

fn no_shell_and_no_other_file(
    program: &Program,
    client: &Client,
    port: u16,
    container: &Container,
) {
    let shell = client.ssh(port, "alice", ALICE, "id -u");
    assert!(shell.stdout.contains("sftp connections only"), "{shell:#?}");
    let add = ["add", "bob", "--no-password", "--if-missing"];
    program.user(container, add, "");
    for path in ["/bob", "/etc", "/../etc"] {
        let listed = client.sftp(port, ALICE, &format!("ls {path}\n"));
        assert_eq!(listed.code, Some(1), "{path}: {listed:#?}");
    }
}
