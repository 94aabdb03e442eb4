//! The inits, and how each is told to run a command.

use bench::{Error, io, tool};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use tempfile::TempDir;

pub(crate) const OURS: &str = "occ-init";
pub(crate) const TINI: &str = "tini";

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
        let mut init = plain(&self.program);
        init.args(&self.options);
        if !more.is_empty() {
            init.arg(more);
        }
        init.arg("--").args(command);
        init
    }

    /// As PID 1 of a namespace of its own, its COMMAND told alone.
    pub(crate) fn as_pid1(&self, command: &[&str]) -> Result<Command, Error> {
        in_namespace(&self.command(command))
    }

    pub(crate) fn bytes(&self) -> Result<u64, Error> {
        Ok(fs::metadata(&self.program)
            .map_err(io(&self.program))?
            .len())
    }
}

/// A program with the environment that containers have. The eighty variables of cargo's take
/// a tenth of a start, and its search path for libraries costs a dozen system calls.
pub(crate) fn plain(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    command.env_clear();
    command.envs([("PATH", path), ("HOSTNAME", "bench"), ("HOME", "/root")]);
    command
}

/// The same command under unshare(1), whose first child it is.
pub(crate) fn in_namespace(command: &Command) -> Result<Command, Error> {
    let mut unshare = plain(tool("unshare", "util-linux")?);
    unshare
        .args(["--pid", "--fork", "--kill-child", "--"])
        .arg(command.get_program())
        .args(command.get_args());
    Ok(unshare)
}

/// The first child of a running unshare(1). None: it is over already.
pub(crate) fn first_child(unshare: &mut Child) -> Result<Option<i32>, Error> {
    let path = format!("/proc/{0}/task/{0}/children", unshare.id());
    loop {
        let list = fs::read_to_string(&path).map_err(io(&path))?;
        let first = list.split_whitespace().next();
        if let Some(pid) = first.and_then(|pid| pid.parse().ok()) {
            return Ok(Some(pid));
        }
        if unshare.try_wait().map_err(io("unshare"))?.is_some() {
            return Ok(None);
        }
    }
}

/// Ours and Debian's three, at their defaults but for what makes them comparable:
/// they reap also where they are not PID 1, and signal the command alone. Each runs from a
/// copy in `tree`: a file that a linker wrote page by page lies otherwise in the page cache
/// than one that was written at once, which is 8 to 25 % of a start.
pub(crate) fn all(tree: &Path) -> Result<Vec<Init>, Error> {
    let ours = std::env::var_os("OCC_INIT_BIN").map(PathBuf::from);
    let ours = ours.ok_or_else(|| Error::Other("OCC_INIT_BIN names no occ-init".into()))?;
    let init = |name, program: &Path, options: &[&str], alone, group| {
        let copy = tree.join(name);
        fs::copy(program, &copy).map_err(io(program))?;
        Ok(Init {
            name,
            program: copy,
            options: options.iter().map(OsString::from).collect(),
            alone,
            group,
        })
    };
    let peer = |name| tool(name, name);
    let root = tree.to_string_lossy().into_owned();
    Ok(vec![
        init(OURS, &ours, &["--root", &root], "", "-g")?,
        init(TINI, &peer(TINI)?, &["-s"], "", "-g")?,
        init("dumb-init", &peer("dumb-init")?, &[], "-c", "")?,
        init("catatonit", &peer("catatonit")?, &[], "", "-g")?,
    ])
}

/// Ours, its store another file system than the root's, as a volume is: that may not answer,
/// so a thread looks into it.
pub(crate) fn with_volume(ours: &Init, volume: &Path) -> Init {
    let store = volume.join("var/lib/opencode-users");
    let mut options = ours.options.clone();
    options.extend(["--store".into(), store.into_os_string()]);
    Init {
        program: ours.program.clone(),
        options,
        ..*ours
    }
}

/// What a container of an image with occ-init has at its second boot, when
/// nobody was added: an empty store, and the image's own accounts. It lies on a disk, as a
/// container's root does: there the kernel caches that a name does not exist, in a tmpfs it
/// does not.
pub(crate) fn tree() -> Result<TempDir, Error> {
    let directory = env!("CARGO_TARGET_TMPDIR");
    let tree = TempDir::new_in(directory).map_err(io(directory))?;
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
