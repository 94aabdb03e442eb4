//! `/run/occ-init/status.json`: written by PID 1 after each boot, read by
//! `occ-init status` and `occ-init health`. Names and counts, never a hash;
//! anybody may read it.

use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::gate_status;
use crate::run_options::{Globals, Probe};
use crate::say::{print, say, why};

const FAILED: u8 = 1;

/// What is known about the boot; all but `restore` and the end stays as it is.
pub(crate) struct Status {
    path: PathBuf,
    child_pid: i32,
    argv0: String,
    started_usec: u128,
    /// COMMAND was told to end.
    is_ending: bool,
}

impl Status {
    pub(crate) fn new(globals: &Globals, child_pid: i32, argv0: String) -> Self {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Self {
            path: path(globals),
            child_pid,
            argv0,
            started_usec: since.as_micros(),
            is_ending: false,
        }
    }

    /// Writes the file by rename; `restore` is one JSON document.
    /// Where it can't be written none is left: it would be that of another boot.
    pub(crate) fn write(&self, restore: &str) -> io::Result<()> {
        // `restore` goes in as it came, so this is text and not a Value.
        let text = format!(
            "{}\"restore\":{restore},\"child\":{},\"startedUSec\":{}}}\n",
            head(self.is_ending),
            self.command(),
            self.started_usec,
        );
        replace(&self.path, text.as_bytes()).inspect_err(|_| delete(&self.path))
    }

    /// COMMAND was told to end; the file says so from now on. What it says else
    /// is read from it and not kept here, where it would be for ever.
    pub(crate) fn end(&mut self) {
        if std::mem::replace(&mut self.is_ending, true) {
            return;
        }
        let text = fs::read(&self.path).unwrap_or_default();
        if let Some(rest) = text.strip_prefix(head(false).as_bytes()) {
            let text = [head(true).as_bytes(), rest].concat();
            // Where it can't be written it was said at the start.
            let _ = replace(&self.path, &text);
        }
    }

    fn command(&self) -> String {
        let argv0 = serde_json::to_string(&self.argv0).unwrap_or_default();
        format!("{{\"pid\":{},\"argv0\":{argv0}}}", self.child_pid)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// How the file of this init begins.
fn head(is_ending: bool) -> String {
    let pid = crate::sys::own_pid();
    format!("{{\"schema\":1,\"pid\":{pid},\"ending\":{is_ending},")
}

fn path(globals: &Globals) -> PathBuf {
    globals
        .root
        .as_deref()
        .unwrap_or(Path::new("/"))
        .join("run/occ-init/status.json")
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

/// Whether there is a file, of whatever boot.
pub(crate) fn is_there(globals: &Globals) -> bool {
    nix::sys::stat::lstat(&path(globals)).is_ok()
}

/// The file of the boot before, as a container that is started again has it, is
/// wrong from now on: its pids may be somebody else's.
pub(crate) fn forget(globals: &Globals) {
    delete(&path(globals));
}

fn delete(path: &Path) {
    let _ = fs::remove_file(path);
}

/// Whether the PID 1 that is there is an occ-init: then the file is its own.
pub(crate) fn pid1_is_occ_init() -> bool {
    let Ok(own) = nix::sys::prctl::get_name() else {
        return false;
    };
    fs::read("/proc/1/comm").is_ok_and(|name| name.trim_ascii_end() == own.to_bytes())
}

fn read(globals: &Globals) -> Result<Value, String> {
    let path = path(globals);
    let name = path.display();
    let bytes = bytes_of(&path).map_err(|error| format!("'{name}': {}", why(&error)))?;
    let value: Value =
        serde_json::from_slice(&bytes).map_err(|error| format!("'{name}': {error}"))?;
    if value.get("schema") == Some(&json!(1)) {
        Ok(value)
    } else {
        Err(format!("'{name}': written by another version of occ-init"))
    }
}

/// COMMAND runs a moment before PID 1 can write which process it is, and may ask
/// at once.
fn bytes_of(path: &Path) -> io::Result<Vec<u8>> {
    const MOMENT: Duration = Duration::from_millis(200);
    const LOOK: Duration = Duration::from_millis(2);
    let start = Instant::now();
    loop {
        match fs::read(path) {
            Err(error)
                if error.kind() == io::ErrorKind::NotFound
                    && start.elapsed() < MOMENT
                    && pid1_is_occ_init() =>
            {
                std::thread::sleep(LOOK);
            }
            read => return read,
        }
    }
}

/// `occ-init status`: 0 with what is known, 1 with "unknown".
pub(crate) fn show(globals: &Globals) -> u8 {
    let gate = gate_status::read(globals.root.as_deref().unwrap_or(Path::new("/")));
    match read(globals) {
        Ok(mut status) if globals.json => {
            if let Some(gate) = gate {
                status["gate"] = gate;
            }
            print(&format!("{status}\n"))
        }
        Ok(status) => {
            let gate = gate.as_ref().map(gate_status::for_people);
            print(&(for_people(&status) + &gate.unwrap_or_default()))
        }
        Err(why) => {
            if globals.json {
                print(&format!(
                    "{}\n",
                    json!({"schema": 1, "state": "unknown", "reason": why})
                ));
            } else {
                print(&format!("unknown: {why}\n"));
            }
            FAILED
        }
    }
}

fn for_people(status: &Value) -> String {
    let restore = status.get("restore").unwrap_or(&Value::Null);
    let known = |pointer| status.pointer(pointer).map_or("unknown".to_owned(), plain);
    let rest = restore.as_object().into_iter().flatten();
    let state = match child_runs(status) {
        Ok(()) if is_ending(status) => "told to end",
        Ok(()) => "running",
        Err(_) => "not running",
    };
    let mut lines = vec![format!("restore: {}\n", known("/restore/state"))];
    lines.extend(
        rest.filter(|(name, _)| *name != "state")
            .map(|(name, value)| format!("  {name}: {}\n", plain(value))),
    );
    let (argv0, pid) = (known("/child/argv0"), known("/child/pid"));
    lines.push(format!("command: {argv0} (pid {pid}), {state}\n"));
    lines.concat()
}

/// Strings without quotes, lists with commas, anything else as JSON.
fn plain(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Array(list) if list.is_empty() => "none".to_owned(),
        Value::Array(list) => list.iter().map(plain).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    };
    text.chars()
        .map(|char| if char.is_control() { '?' } else { char })
        .collect()
}

/// `occ-init health`: 0, or 1 and one line why.
pub(crate) fn health(globals: &Globals, probe: Probe) -> u8 {
    let status = read(globals);
    let found = match probe {
        Probe::Live => is_live(status.as_ref().ok()),
        Probe::Ready => status.and_then(|status| {
            is_live(Some(&status))?;
            is_ready(&status)
        }),
    };
    match found {
        Ok(()) => 0,
        Err(why) => {
            say(&format!("not healthy: {why}"));
            FAILED
        }
    }
}

/// The init of the status file is there; without a file that is PID 1.
fn is_live(status: Option<&Value>) -> Result<(), String> {
    let pid = status
        .and_then(|status| pid_of(status, "/pid"))
        .unwrap_or(1);
    let init = process(pid)?;
    if !init.is_occ_init() {
        return Err(format!("process {pid} is '{}', not occ-init", init.name));
    }
    if matches!(init.state, 'T' | 't' | 'Z' | 'X') {
        return Err(format!("process {pid} does not run (state {})", init.state));
    }
    Ok(())
}

fn is_ready(status: &Value) -> Result<(), String> {
    match status.pointer("/restore/state") {
        Some(state) if state == "running" => Err("the restore has not ended".to_owned()),
        _ if is_ending(status) => Err("the command was told to end".to_owned()),
        _ => child_runs(status),
    }
}

fn is_ending(status: &Value) -> bool {
    status.get("ending") == Some(&Value::Bool(true))
}

fn child_runs(status: &Value) -> Result<(), String> {
    let pid = pid_of(status, "/child/pid").ok_or("no command is known")?;
    let child = process(pid)?;
    if matches!(child.state, 'Z' | 'X') || Some(child.parent) != pid_of(status, "/pid") {
        return Err(format!("the command (pid {pid}) has ended"));
    }
    Ok(())
}

fn pid_of(status: &Value, pointer: &str) -> Option<i32> {
    status.pointer(pointer)?.as_i64()?.try_into().ok()
}

/// What anybody may know of a process; /proc/PID/exe would need its owner.
struct Process {
    name: String,
    state: char,
    parent: i32,
}

impl Process {
    fn is_occ_init(&self) -> bool {
        process(crate::sys::own_pid()).is_ok_and(|own| own.name == self.name)
    }
}

fn process(pid: i32) -> Result<Process, String> {
    let stat =
        fs::read(format!("/proc/{pid}/stat")).map_err(|_| format!("there is no process {pid}"))?;
    parse_stat(&String::from_utf8_lossy(&stat))
        .ok_or_else(|| format!("'/proc/{pid}/stat' can't be read"))
}

/// `PID (NAME) STATE PARENT …`; the name may hold brackets and blanks.
fn parse_stat(stat: &str) -> Option<Process> {
    let (front, back) = stat.rsplit_once(')')?;
    let (_, name) = front.split_once('(')?;
    let mut fields = back.split_ascii_whitespace();
    Some(Process {
        name: name.to_owned(),
        state: fields.next()?.chars().next()?,
        parent: fields.next()?.parse().ok()?,
    })
}

#[cfg(test)]
#[path = "status_tests.rs"]
mod tests;
