//! The inits, and how each is told to run a command.

use bench::{Error, io, tool};
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

pub(crate) const OURS: &str = "occ-init";

/// One of them.
pub(crate) struct Init {
    pub(crate) name: &'static str,
    program: PathBuf,
    options: Vec<OsString>,
    /// Sends signals to the command alone, and to its whole group; empty where
    /// that is the default.
    alone: &'static str,
    group: &'static str,
}

impl Init {
    /// Runs `command` under it.
    pub(crate) fn command(&self, command: &[&str]) -> Command {
        self.with(self.alone, command)
    }

    /// The same; signals go to the command's group.
    pub(crate) fn group_command(&self, command: &[&str]) -> Command {
        self.with(self.group, command)
    }

    fn with(&self, more: &str, command: &[&str]) -> Command {
        let mut init = Command::new(&self.program);
        init.args(&self.options);
        if !more.is_empty() {
            init.arg(more);
        }
        init.arg("--").args(command);
        init
    }

    pub(crate) fn bytes(&self) -> Result<u64, Error> {
        Ok(fs::metadata(&self.program)
            .map_err(io(&self.program))?
            .len())
    }
}

/// Ours and Debian's three, at their defaults but for what makes them comparable:
/// they reap also where they are not PID 1, and signal the command alone.
pub(crate) fn all(tree: &Path) -> Result<Vec<Init>, Error> {
    let ours = std::env::var_os("OCC_INIT_BIN").map(PathBuf::from);
    let ours = ours.ok_or_else(|| Error::Other("OCC_INIT_BIN names no occ-init".into()))?;
    let init = |name, program, options: &[&str], alone, group| Init {
        name,
        program,
        options: options.iter().map(OsString::from).collect(),
        alone,
        group,
    };
    let root = tree.to_string_lossy().into_owned();
    Ok(vec![
        init(OURS, ours, &["--root", &root], "", "-g"),
        init("tini", tool("tini", "tini")?, &["-s"], "", "-g"),
        init("dumb-init", tool("dumb-init", "dumb-init")?, &[], "-c", ""),
        init("catatonit", tool("catatonit", "catatonit")?, &[], "", "-g"),
    ])
}

/// What a container of an image with occ-init has at its second boot, when
/// nobody was added: an empty store, and the image's own accounts.
pub(crate) fn tree() -> Result<TempDir, Error> {
    let tree = TempDir::new_in("/dev/shm").map_err(io("/dev/shm"))?;
    for directory in [
        "etc",
        "home",
        "run",
        "usr/share/occ",
        "var/lib/opencode-users",
    ] {
        let path = tree.path().join(directory);
        fs::create_dir_all(&path).map_err(io(path))?;
    }
    let private = fs::Permissions::from_mode(0o700);
    let store = tree.path().join("var/lib/opencode-users");
    fs::set_permissions(&store, private).map_err(io(&store))?;
    for (file, content) in [
        ("etc/passwd", "root:x:0:0:root:/root:/bin/bash\n"),
        ("etc/shadow", "root:*:19000:0:99999:7:::\n"),
        ("etc/group", "root:x:0:\n"),
        (
            "usr/share/occ/image-accounts",
            "user root 0\ngroup root 0\n",
        ),
        ("var/lib/opencode-users/.lock", ""),
    ] {
        let path = tree.path().join(file);
        fs::write(&path, content).map_err(io(path))?;
    }
    Ok(tree)
}
