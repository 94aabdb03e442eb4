//! The programs as they are shipped, and instances that they make: each with a
//! container, volumes and a configuration of its own, which go with it.

use bench::{Error, answer, io};
use std::fmt::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// Stays, so that the next run finds its layers.
const IMAGE: &str = "occ-bench:local";
/// A sha512-crypt hash in form; nobody's password.
const HASH: &str = "$6$rounds=500000$saltsaltsaltsalt$\
    ./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789./ABCDEFGHIJKLMNOPQRST";

/// The program that is measured, and those of the image.
pub(crate) struct Programs {
    occ: PathBuf,
    occ_init: PathBuf,
    occ_gate: PathBuf,
}

impl Programs {
    /// Those that `bench/run` names.
    pub(crate) fn of_environment() -> Result<Self, Error> {
        Ok(Self {
            occ: named("OCC_BIN")?,
            occ_init: named("OCC_INIT_BIN")?,
            occ_gate: named("OCC_GATE_BIN")?,
        })
    }

    /// The image as it is shipped.
    pub(crate) fn build_image(&self) -> Result<(), Error> {
        let build = Path::new(env!("CARGO_MANIFEST_DIR")).join("../image/build");
        let programs = [&self.occ_init, &self.occ_gate];
        answer(Command::new(build).args(programs).arg(IMAGE)).map(drop)
    }
}

/// A program that a variable names.
fn named(variable: &str) -> Result<PathBuf, Error> {
    let path = std::env::var_os(variable).map(PathBuf::from);
    let missing = || {
        Error::Other(format!(
            "{variable} names no program; `just bench host` sets it"
        ))
    };
    path.filter(|path| path.is_file()).ok_or_else(missing)
}

/// A running instance.
pub(crate) struct Instance {
    pub(crate) container: String,
    occ: PathBuf,
    config: TempDir,
}

impl Instance {
    pub(crate) fn start(programs: &Programs, theme: &str) -> Result<Self, Error> {
        let instance = Self {
            container: format!("occ-bench-{}-{theme}", std::process::id()),
            occ: programs.occ.clone(),
            config: tempfile::tempdir().map_err(io("a temporary directory"))?,
        };
        let port = free_port()?.to_string();
        answer(&mut instance.occ(&["start", "--image", IMAGE, "--port", &port]))?;
        Ok(instance)
    }

    /// `occ ARGS` for this instance.
    pub(crate) fn occ(&self, args: &[&str]) -> Command {
        let mut occ = Command::new(&self.occ);
        occ.args(["--container", &self.container]).args(args);
        occ.env("XDG_CONFIG_HOME", self.config.path());
        occ
    }

    /// `docker exec CONTAINER ARGS`.
    pub(crate) fn exec(&self, args: &[&str]) -> Command {
        let mut docker = Command::new("docker");
        docker.args(["exec", &self.container]).args(args);
        docker
    }

    /// Accounts with a password, as a team's are.
    pub(crate) fn import(&self, count: usize) -> Result<(), Error> {
        let mut people = String::from("name,password_hash,comment\n");
        for number in 0..count {
            // Writing into a string can't fail.
            let _ = writeln!(people, "person{number:04},{HASH},A. Person");
        }
        let file = self.config.path().join("people.csv");
        std::fs::write(&file, people).map_err(io(&file))?;
        answer(self.occ(&["user", "import"]).arg(&file)).map(drop)
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        let remove = |args: &[&str], names: &[String]| {
            let mut docker = Command::new("docker");
            docker.args(args).args(names);
            docker.stdout(Stdio::null()).stderr(Stdio::null());
            let _ = docker.status();
        };
        let name = &self.container;
        remove(&["rm", "--force"], std::slice::from_ref(name));
        let volumes = ["users", "home", "gate"].map(|end| format!("{name}-{end}"));
        remove(&["volume", "rm", "--force"], &volumes);
    }
}

/// A port that nobody has right now.
fn free_port() -> Result<u16, Error> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(io("127.0.0.1"))?;
    Ok(listener.local_addr().map_err(io("127.0.0.1"))?.port())
}
