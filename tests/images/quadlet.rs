//! `image/quadlet/opencode.container` as it is shipped, in a container that is a Debian 13 with
//! systemd and its own Podman; Debian 12's has no Quadlet yet.

use super::visitor::Visitor;
use crate::harness::{BUILD, Call, Instance, docker, run, source, until};

const PASSWORD: &str = "kept-by-the-unit";
/// Podman with Quadlet, the systemd that reads its units, and what its networks are made of.
const PACKAGES: &str = "aardvark-dns crun curl iptables netavark nftables podman systemd";
/// Not all that `--privileged` gives: who runs this may lack some.
const OPTIONS: &str = "--cap-add SYS_ADMIN --cap-add NET_ADMIN --cap-add SYS_PTRACE \
    --security-opt seccomp=unconfined --security-opt apparmor=unconfined \
    --security-opt systempaths=unconfined --cgroupns private --tmpfs /run --tmpfs /tmp \
    --env container=docker --volume /var/lib/containers";
/// systemd wants cgroups of the second version, of which each container has a part; limits
/// may belong to the first version on this machine.
const BOOT: &str = "umount --recursive /sys/fs/cgroup; mount -t cgroup2 none /sys/fs/cgroup && \
    printf '[containers]\\npids_limit = 0\\n' >/etc/containers/containers.conf && \
    exec /usr/lib/systemd/systemd";

/// The machine; gone with it.
struct Machine {
    name: String,
}

impl Machine {
    fn new(instance: &Instance) -> Self {
        let base = Call::new(source("image/base"))
            .args(["--if-needed"])
            .env("OCC_BASE_SUITE", "trixie")
            .within(BUILD)
            .ok();
        let image = "occe2e:kept-quadlet";
        docker(["build", "--quiet", "--tag", image, "-"])
            .env("DOCKER_BUILDKIT", "0")
            .input(format!(
                "FROM {}\nRUN apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -q -y \
                 install --no-install-recommends {PACKAGES}\n",
                base.text()
            ))
            .within(BUILD)
            .ok();
        let machine = Self {
            name: format!("{}-machine", instance.name),
        };
        docker(["run", "--detach", "--name", &machine.name])
            .args(OPTIONS.split_whitespace())
            .args([image, "sh", "-c", BOOT])
            .ok();
        machine
    }

    fn exec<const N: usize>(&self, args: [&str; N]) -> Call {
        docker(["exec", "--interactive", &self.name])
            .args(args)
            .within(BUILD)
    }

    fn copy(&self, from: &str, to: &str) {
        let to = format!("{}:{to}", self.name);
        docker(["cp", from, &to]).within(BUILD).ok();
    }

    /// This run's image under the name of the file.
    fn take(&self, image: &str) {
        let place = tempfile::tempdir().unwrap();
        let archive = place.path().join("image.tar");
        let archive = archive.to_str().unwrap();
        docker(["save", "--output", archive, image])
            .within(BUILD)
            .ok();
        self.copy(archive, "/root/image.tar");
        self.exec(["podman", "load", "--input", "/root/image.tar"])
            .ok();
        let loaded = format!("localhost/{image}");
        self.exec(["podman", "tag", &loaded, "localhost/occ:local"])
            .ok();
    }

    #[track_caller]
    fn is_healthy(&self) {
        until("the unit's container is healthy", || {
            let health = self.exec(["podman", "exec", "opencode", "occ-gate", "health"]);
            (health.run().code == Some(0)).then_some(())
        });
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        docker(["rm", "--force", "--volumes", &self.name]).run();
    }
}

#[test]
fn the_shipped_unit_keeps_its_people() {
    let instance = Instance::new("quadlet");
    let machine = Machine::new(&instance);
    until("the machine is up", || {
        let state = machine.exec(["systemctl", "is-system-running"]).run();
        (state.text() == "running").then_some(())
    });
    instance.use_image(&run().image);
    machine.take(&instance.image);
    let unit = source("image/quadlet/opencode.container");
    machine
        .exec(["mkdir", "--parents", "/etc/containers/systemd"])
        .ok();
    machine.copy(unit.to_str().unwrap(), "/etc/containers/systemd/");
    machine.exec(["systemctl", "daemon-reload"]).ok();
    machine.exec(["systemctl", "start", "opencode"]).ok();
    machine.is_healthy();

    let add = [
        "podman",
        "exec",
        "--interactive",
        "opencode",
        "occ-init",
        "user",
        "add",
    ];
    machine
        .exec(add)
        .args(["alice", "--password-stdin"])
        .input(format!("{PASSWORD}\n"))
        .ok();
    let place = ["docker", "exec", "--interactive", &machine.name];
    let alice = Visitor::new(&place, 3000, "/root/jar");
    alice.log_in("alice", PASSWORD);
    machine.exec(["systemctl", "restart", "opencode"]).ok();
    machine.is_healthy();
    alice.is_in();
    Visitor::new(&place, 3000, "/root/another-jar").log_in("alice", PASSWORD);

    machine.exec(["systemctl", "stop", "opencode"]).ok();
    let state = ["systemctl", "show", "--property", "Result", "opencode"];
    assert_eq!(machine.exec(state).ok().text(), "Result=success");
    let left = machine.exec(["podman", "ps", "--all", "--quiet"]).ok();
    assert_eq!(left.text(), "");
}
