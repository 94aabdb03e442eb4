//! `occ-init status` and `occ-init health`: read the status file and the processes that it
//! names, and judge. Writes nothing.
//!
//! Accounts that are left out are problems that `health` names; they make nothing unhealthy,
//! for a container that is restarted has them all the same.

use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use serde_json::{Value, json};

use super::file::{NOT_WANTED, is_occ_init, path, pid1_is_occ_init};
use super::gate;
use crate::cli::globals::Globals;
use crate::cli::run::Probe;
use crate::layout::LAST_RESTORE;
use crate::log::{io_text, print, say};
use crate::proc::Stat;
use crate::sys;

const FAILED: u8 = 1;

/// `occ-init status`: 0 with what is known, 1 with "unknown".
pub(crate) fn show(globals: &Globals) -> u8 {
    let gate = gate::read(&globals.paths().root);
    match read(globals) {
        Ok(mut status) if globals.json => {
            if let Some(gate) = gate {
                status["gate"] = gate;
            }
            print(&format!("{status}\n"))
        }
        Ok(status) => {
            let gate = gate.as_ref().map(gate::for_people);
            print(&(for_people(&status) + &gate.unwrap_or_default()))
        }
        Err(why) => {
            let text = if globals.json {
                json!({"schema": 1, "state": "unknown", "reason": why}).to_string()
            } else {
                format!("unknown: {why}")
            };
            print(&format!("{text}\n"));
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
    let rest = rest.filter(|(name, _)| *name != "state");
    lines.extend(rest.map(|(name, value)| format!("  {name}: {}\n", plain(value))));
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
    text.replace(char::is_control, "?")
}

/// `occ-init health`: 0, or 1 and one line why.
pub(crate) fn health(globals: &Globals, probe: Probe) -> u8 {
    let status = read(globals);
    let problems = status.as_ref().map(problems).unwrap_or_default();
    let found = match probe {
        Probe::Live => is_live(status.as_ref().ok()),
        Probe::Ready => status.and_then(|status| {
            is_live(Some(&status))?;
            is_ready(&status)?;
            gate::read(&globals.paths().root).map_or(Ok(()), |gate| gate::is_ready(&gate))
        }),
    };
    if globals.json {
        let reason = found.as_ref().err();
        let document = json!({
            "schema": 1, "healthy": found.is_ok(), "reason": reason, "problems": problems,
        });
        print(&format!("{document}\n"));
    } else if probe == Probe::Ready && !globals.quiet {
        for problem in &problems {
            say(&format!("problem: {problem}"));
        }
    }
    match found {
        Ok(()) => 0,
        Err(why) => {
            say(&format!("not healthy: {why}"));
            FAILED
        }
    }
}

/// What the last restore left out or could not do, one line each.
fn problems(status: &Value) -> Vec<String> {
    let text = |name| status.pointer(name).and_then(Value::as_str);
    let reason = text("/restore/reason").unwrap_or("unknown");
    match text("/restore/state") {
        Some("failed") => vec![format!("the last restore failed: {reason}")],
        Some("skipped") if reason != NOT_WANTED => {
            vec![format!("accounts are not restored: {reason}")]
        }
        _ => {
            let list = status.pointer("/restore/problems");
            let list = list.and_then(Value::as_array).into_iter().flatten();
            list.map(plain).collect()
        }
    }
}

/// The init of the status file is there; without a file that is PID 1.
fn is_live(status: Option<&Value>) -> Result<(), String> {
    let pid = status
        .and_then(|status| pid_of(status, "/pid"))
        .unwrap_or(1);
    let init = process(pid)?;
    let name = status.and_then(|status| status.get("name")?.as_str());
    if name != Some(&init.name) && !is_occ_init(pid) {
        let name = init.name;
        return Err(format!(
            "process {pid} is '{name}', and not this container's occ-init"
        ));
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
    if child.has_ended() || Some(child.parent) != pid_of(status, "/pid") {
        return Err(format!("the command (pid {pid}) has ended"));
    }
    Ok(())
}

fn pid_of(status: &Value, pointer: &str) -> Option<i32> {
    status.pointer(pointer)?.as_i64()?.try_into().ok()
}

fn read(globals: &Globals) -> Result<Value, String> {
    let path = path(&globals.paths());
    let name = path.display();
    let bytes = bytes_of(&path).map_err(|error| format!("'{name}': {}", io_text(&error)))?;
    let mut value: Value =
        serde_json::from_slice(&bytes).map_err(|error| format!("'{name}': {error}"))?;
    if value.get("schema") != Some(&json!(1)) {
        return Err(format!("'{name}': written by another version of occ-init"));
    }
    take_later_restore(&mut value, &globals.paths().root);
    Ok(value)
}

/// Replaces PID 1's last restore by a command's, if that is later and of this boot. Without
/// inotify PID 1 makes none after the boot's.
fn take_later_restore(status: &mut Value, root: &Path) {
    let finished = |restore: &Value| restore.get("finishedUSec").and_then(Value::as_u64);
    let last = fs::read(root.join(LAST_RESTORE)).ok();
    let last: Option<Value> = last.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let started = status.get("startedUSec").and_then(Value::as_u64);
    if let (Some(last), Some(restore)) = (last, status.get_mut("restore"))
        && finished(&last) > finished(restore).max(started)
    {
        *restore = last;
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

fn process(pid: i32) -> Result<Stat, String> {
    Stat::read(pid).ok_or_else(|| match sys::kill(pid, 0) {
        Err(Errno::ESRCH) => format!("there is no process {pid}"),
        _ => format!(
            "/proc does not show process {pid}, which is there: it is not mounted, or mounted \
             with hidepid; then root must ask"
        ),
    })
}

#[cfg(test)]
mod tests;
