//! Writes the status file: by PID 1 after each boot, and when COMMAND is asked to end. Anybody
//! may read it.

use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::Value;

use crate::cli::globals::Paths;
use crate::clock::now_usec;
use crate::layout::STATUS;
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

pub(super) fn path(paths: &Paths) -> PathBuf {
    paths.root.join(STATUS)
}

/// Deletes the file of the boot before, as a container that is started again has it: its
/// pids may be those of other processes by now.
pub(crate) fn delete(paths: &Paths) {
    let _ = fs::remove_file(path(paths));
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(dir) = path.parent()
        && !dir.is_dir()
    {
        DirBuilder::new().recursive(true).mode(0o755).create(dir)?;
    }
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

/// Returns true if PID 1 is an occ-init: then the file is its.
pub(crate) fn pid1_is_occ_init() -> bool {
    proc::name(1).is_some_and(|name| is_occ_init(&name))
}

/// Returns true for the name of a process that is this program's.
pub(super) fn is_occ_init(name: &str) -> bool {
    nix::sys::prctl::get_name().is_ok_and(|own| own.to_bytes() == name.as_bytes())
}
