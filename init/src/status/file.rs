//! Writes the status file: by PID 1 after each boot, and when COMMAND is asked to end. Anybody
//! may read it. Which init writes it is decided in `claim`.

use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::Value;

use crate::cli::globals::Paths;
use crate::clock::now_usec;
use crate::layout::{LAST_RESTORE, STATUS};
use crate::proc;
use crate::sys;

/// The file, and its content as last set.
pub(crate) struct StatusFile {
    path: PathBuf,
    content: Content,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Content {
    schema: u32,
    pid: i32,
    /// The name that PID 1 has in /proc: that under which it was started.
    name: Option<String>,
    /// COMMAND was asked to end.
    ending: bool,
    /// The summary of the last restore of this boot.
    restore: Value,
    child: Child,
    #[serde(rename = "startedUSec")]
    started_usec: u64,
}

#[derive(Serialize)]
struct Child {
    pid: i32,
    argv0: String,
}

impl StatusFile {
    pub(crate) fn new(paths: &Paths, child_pid: i32, argv0: String) -> Self {
        Self {
            path: path(paths),
            content: Content {
                schema: 1,
                pid: sys::own_pid(),
                name: own_name(),
                ending: false,
                restore: Value::Null,
                child: Child {
                    pid: child_pid,
                    argv0,
                },
                started_usec: now_usec(),
            },
        }
    }

    pub(crate) fn set_restore(&mut self, restore: Value) {
        self.content.restore = restore;
    }

    pub(crate) fn restore(&self) -> &Value {
        &self.content.restore
    }

    /// COMMAND is asked to end. Returns false if it was before.
    pub(crate) fn set_ending(&mut self) -> bool {
        !std::mem::replace(&mut self.content.ending, true)
    }

    /// Writes the file by rename. Where it cannot be written none is left: it would be that
    /// of another boot.
    pub(crate) fn write(&self) -> io::Result<()> {
        let mut text = serde_json::to_vec(&self.content)?;
        text.push(b'\n');
        replace(&self.path, &text).inspect_err(|_| drop(fs::remove_file(&self.path)))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

fn own_name() -> Option<String> {
    let name = nix::sys::prctl::get_name().ok()?;
    Some(name.to_string_lossy().into_owned())
}

pub(super) fn path(paths: &Paths) -> PathBuf {
    paths.root.join(STATUS)
}

pub(super) fn directory(paths: &Paths) -> PathBuf {
    let mut path = path(paths);
    path.pop();
    path
}

/// Deletes the file of the boot before, as a container that is started again has it: its
/// pids may be those of other processes by now.
pub(crate) fn delete(paths: &Paths) {
    let _ = fs::remove_file(path(paths));
}

/// The reason of a restore that is skipped because it is not wanted.
pub(crate) const NOT_WANTED: &str = "--no-restore";

/// Writes the restore that a command made, for `status`; PID 1 writes its own. Does nothing
/// without the directory that PID 1 makes.
pub(crate) fn tell_restore(paths: &Paths, restore: &impl Serialize) {
    let path = paths.root.join(LAST_RESTORE);
    if path.parent().is_some_and(Path::is_dir)
        && let Ok(text) = serde_json::to_vec(restore)
    {
        let _ = replace(&path, &text);
    }
}

pub(super) fn make(directory: &Path) -> io::Result<()> {
    if directory.is_dir() {
        return Ok(());
    }
    let mut builder = DirBuilder::new();
    builder.recursive(true).mode(0o755).create(directory)
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    path.parent().map_or(Ok(()), make)?;
    let temp = path.with_extension("json.new");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o644)
        .custom_flags(nix::libc::O_NOFOLLOW | nix::libc::O_NONBLOCK)
        .open(&temp)?;
    file.write_all(bytes)?;
    file.set_permissions(Permissions::from_mode(0o644))?;
    fs::rename(&temp, path)
}

/// Returns true if PID 1 is this container's occ-init, by whatever name: then the file is its.
pub(crate) fn pid1_is_occ_init() -> bool {
    is_occ_init(1)
}

/// Returns true for a process that runs this program. Only root may see whose program it is;
/// others go by the name.
pub(super) fn is_occ_init(pid: i32) -> bool {
    let has_own_name = || {
        let own = nix::sys::prctl::get_name().ok();
        let name = proc::name(pid);
        own.zip(name)
            .is_some_and(|(own, name)| own.to_bytes() == name.as_bytes())
    };
    proc::is_own_program(pid).unwrap_or_else(has_own_name)
}
