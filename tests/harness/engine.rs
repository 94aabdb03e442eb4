//! The engine, and what all tests of one run share: its images, and the child
//! that cleans up after it however it ends.

use super::{BUILD, Call, occ, occ_gate, occ_init, until};
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// Keeps the layers of the image for the next run.
const CACHE: &str = "occe2e:local";

/// Accounts that push a `useradd` at boot to other numbers, one in the range of
/// persons included; ours must not move.
const SHIFTED: &str = "RUN for name in redis mysql postgres; do useradd --system $name || exit 1; done \\
 && useradd --create-home --uid 1000 builder && groupadd --gid 1500 team && groupmod --gid 990 mail \\";
/// An account on the first number that ours get.
const TAKEN: &str = "RUN useradd --uid 10000 intruder \\";
const LISTED: &str = " && { awk -F: '{ print \"user\", $1, $3 }' /etc/passwd; awk -F: '{ print \"group\", $1, $3 }' /etc/group; } > /usr/share/occ/image-accounts";

/// Names and images that this run made for all of its tests.
pub(crate) struct Run {
    /// Begins every name of this run.
    pub(crate) prefix: String,
    /// The image as it is shipped.
    pub(crate) image: String,
    /// The same with a CMD that only sleeps.
    pub(crate) light: String,
    /// `light` with other accounts of the image's own.
    pub(crate) shifted: String,
    /// `light` with an account of the image on uid 10000.
    pub(crate) taken: String,
    /// The same with opencode alone as its CMD, without a login in front.
    pub(crate) only_opencode: String,
}

/// `docker ARGS`.
pub(crate) fn docker<const N: usize>(args: [&str; N]) -> Call {
    Call::new("docker").args(args)
}

/// Pauses a container. runc gives up when the kernel takes too long to freeze the processes of
/// a busy machine ("unable to freeze"), so it is told again.
#[track_caller]
pub(crate) fn pause(container: &str) {
    until("the container stands still", || {
        (docker(["pause", container]).run().code == Some(0)).then_some(())
    });
}

/// The images of this run; made by whoever asks first.
pub(crate) fn run() -> &'static Run {
    static RUN: OnceLock<Run> = OnceLock::new();
    RUN.get_or_init(|| {
        require_engine();
        Run::new()
    })
}

/// One line, past the capture of test output, and the end of the whole suite.
pub(super) fn give_up(why: &str) -> ! {
    let _ = writeln!(std::io::stderr(), "end-to-end tests: {why}");
    std::process::exit(1);
}

fn require_engine() {
    let answer = Command::new("docker")
        .args(["version", "--format", "{{.Server.Version}}"])
        .output();
    match answer {
        Err(error) => give_up(&format!(
            "cannot run docker ({error}); install docker.io, or run ./test, which does"
        )),
        Ok(output) if !output.status.success() => give_up(&format!(
            "no container engine answers ({}); start dockerd, or run ./test, which does",
            String::from_utf8_lossy(&output.stderr)
                .trim()
                .replace('\n', " ")
        )),
        Ok(_) => (),
    }
}

impl Run {
    fn new() -> Self {
        let id = std::process::id();
        let run = Self {
            prefix: format!("occe2e-{id}"),
            image: format!("occe2e:{id}"),
            light: format!("occe2e:{id}-light"),
            shifted: format!("occe2e:{id}-shifted"),
            taken: format!("occe2e:{id}-taken"),
            only_opencode: format!("occe2e:{id}-only-opencode"),
        };
        run.clean_up_at_the_end();
        run.build();
        run.derive(&run.light, &run.image, "CMD [\"sleep\", \"infinity\"]");
        run.derive(&run.only_opencode, &run.image, "CMD [\"occ-opencode\"]");
        run.derive(&run.shifted, &run.light, &format!("{SHIFTED}\n{LISTED}"));
        run.derive(&run.taken, &run.light, &format!("{TAKEN}\n{LISTED}"));
        run
    }

    /// Builds the image with `occ start --build`.
    fn build(&self) {
        let container = format!("{}-build", self.prefix);
        let config = tempfile::tempdir().unwrap();
        let port = super::instance::free_port().to_string();
        Call::new(occ())
            .args([
                "--container",
                &container,
                "start",
                "--build",
                "--image",
                &self.image,
                "--port",
                &port,
            ])
            .env("XDG_CONFIG_HOME", config.path())
            .env("OCC_INIT_BIN", occ_init())
            .env("OCC_GATE_BIN", occ_gate())
            .within(BUILD)
            .ok();
        super::instance::remove(&container);
        let before = docker(["image", "inspect", "--format", "{{.Id}}", CACHE]).run();
        let now = docker(["image", "inspect", "--format", "{{.Id}}", &self.image]).ok();
        docker(["tag", &self.image, CACHE]).ok();
        if before.code == Some(0) && before.stdout != now.stdout {
            // Another run may still use it; then it stays.
            docker(["image", "rm", before.text()]).run();
        }
    }

    fn derive(&self, tag: &str, from: &str, lines: &str) {
        let dockerfile = format!("FROM {from}\n{lines}\nLABEL dev.occ.e2e={}\n", self.prefix);
        docker(["build", "--quiet", "--tag", tag, "-"])
            .env("DOCKER_BUILDKIT", "0")
            .input(dockerfile)
            .ok();
    }

    /// Its stdin ends with this process, however that ends; a process group of
    /// its own keeps Ctrl-C from it.
    fn clean_up_at_the_end(&self) {
        use std::os::unix::process::CommandExt;
        let script = r#"
            cat >/dev/null
            docker service ls --quiet --filter "name=$0-" 2>/dev/null | xargs -r docker service rm
            docker secret ls --quiet --filter "name=$0-" 2>/dev/null | xargs -r docker secret rm
            [ "$(docker node inspect --format '{{.Spec.Labels.occe2e}}' self 2>/dev/null)" != "$0" ] || docker swarm leave --force
            ip netns list | cut -d ' ' -f 1 | grep "^$0-" | xargs -r -n 1 ip netns delete
            docker ps --all --quiet --filter "name=$0-" | xargs -r docker rm --force --volumes
            docker volume ls --quiet --filter "name=$0-" | xargs -r docker volume rm --force
            docker images --format '{{.Repository}}:{{.Tag}}' occe2e | grep "^$1\(-\|[.]\|\$\)" | xargs -r docker image rm --force
        "#;
        let child = Command::new("sh")
            .args(["-c", script, &self.prefix, &self.image])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap();
        // Never dropped: closing the pipe is the end of this process.
        std::mem::forget(child);
    }
}
