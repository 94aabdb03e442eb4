//! This machine as an ssh host: an sshd of its own on a high port, with keys of
//! its own. Nobody's ~/.ssh is read or written.

use crate::harness::{Call, engine_socket, free_port, until};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

const SSHD: &str = "/usr/sbin/sshd";

/// Answers until it is dropped.
pub(super) struct SshHost {
    directory: TempDir,
    port: u16,
    user: String,
    sshd: Child,
}

impl SshHost {
    pub(super) fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        for name in ["host", "person"] {
            make_key(&directory.path().join(name));
        }
        let user = Call::new("id").args(["-un"]).ok().text().to_owned();
        // Where sshd, started by root, confines what has not logged in yet.
        if user == "root" {
            std::fs::create_dir_all("/run/sshd").unwrap();
        }
        let port = free_port();
        write_configuration(directory.path(), port);
        let mut sshd = Command::new(SSHD);
        sshd.args(["-D", "-e", "-f"])
            .arg(directory.path().join("sshd_config"))
            .stdin(Stdio::null())
            .stderr(std::fs::File::create(directory.path().join("sshd.log")).unwrap());
        let sshd = sshd
            .spawn()
            .unwrap_or_else(|error| panic!("{SSHD}: {error}; install openssh-server"));
        let host = Self {
            directory,
            port,
            user,
            sshd,
        };
        until("sshd answers", || {
            TcpStream::connect(("127.0.0.1", port)).ok()
        });
        host
    }

    pub(super) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// With the socket, where that is not the one that docker itself looks for.
    pub(super) fn url(&self) -> String {
        let socket = engine_socket();
        let usual = socket == Path::new("/var/run/docker.sock");
        let path = if usual { Path::new("") } else { &socket };
        format!("{}{}", self.url_of_the_host(), path.display())
    }

    pub(super) fn url_of_the_host(&self) -> String {
        format!("ssh://{}@127.0.0.1:{}", self.user, self.port)
    }

    pub(super) fn url_of_a_closed_port(&self) -> String {
        format!("ssh://{}@127.0.0.1:{}", self.user, free_port())
    }

    /// A PATH whose ssh reads the configuration of this test.
    pub(super) fn path(&self) -> String {
        let path = std::env::var("PATH").unwrap();
        format!("{}:{path}", self.directory().join("bin").display())
    }

    /// From now on nobody is let in.
    pub(super) fn forget_the_key(&self) {
        std::fs::write(self.directory().join("authorized_keys"), "").unwrap();
    }
}

impl Drop for SshHost {
    fn drop(&mut self) {
        let _ = self.sshd.kill();
        let _ = self.sshd.wait();
    }
}

fn make_key(path: &Path) {
    Call::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .args([path])
        .ok();
}

fn write_configuration(directory: &Path, port: u16) {
    use std::os::unix::fs::PermissionsExt;
    let file = |name: &str| directory.join(name);
    let write = |name: &str, text: String| std::fs::write(file(name), text).unwrap();
    std::fs::copy(file("person.pub"), file("authorized_keys")).unwrap();
    let at = directory.display();
    write(
        "sshd_config",
        format!(
            "ListenAddress 127.0.0.1\nPort {port}\nHostKey {at}/host\nPidFile none\nUsePAM no\n\
             StrictModes no\nPermitRootLogin prohibit-password\nPasswordAuthentication no\n\
             AuthorizedKeysFile {at}/authorized_keys\n"
        ),
    );
    let key = std::fs::read_to_string(file("host.pub")).unwrap();
    write("known_hosts", format!("[127.0.0.1]:{port} {key}"));
    write(
        "ssh_config",
        format!(
            "IdentityFile {at}/person\nIdentitiesOnly yes\nUserKnownHostsFile {at}/known_hosts\n\
             GlobalKnownHostsFile /dev/null\nStrictHostKeyChecking yes\n"
        ),
    );
    std::fs::create_dir(file("bin")).unwrap();
    let ssh: PathBuf = file("bin").join("ssh");
    let script = format!("#!/bin/sh\nexec /usr/bin/ssh -F '{at}/ssh_config' \"$@\"\n");
    std::fs::write(&ssh, script).unwrap();
    std::fs::set_permissions(&ssh, PermissionsExt::from_mode(0o755)).unwrap();
}
