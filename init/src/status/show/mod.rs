//! `occ-init status` and `occ-init health`: read the status file and the processes that it
//! names, and judge. Writes nothing.

use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::file::{is_occ_init, path, pid1_is_occ_init};
use super::gate;
use crate::cli::globals::Globals;
use crate::cli::run::Probe;
use crate::log::{io_text, print, say};
use crate::proc::Stat;

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
    let name = status.and_then(|status| status.get("name")?.as_str());
    if name != Some(&init.name) && !is_occ_init(pid) {
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

fn process(pid: i32) -> Result<Stat, String> {
    Stat::read(pid).ok_or_else(|| format!("there is no process {pid}"))
}

#[cfg(test)]
mod tests;
