//! The login's part of the status: its own /run/occ/gate.json, with the memory that each
//! person's processes take now. Nothing where no login runs.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::clock::now_usec;
use crate::layout::GATE_STATUS;
use crate::proc;

/// The login's own file, and `memoryBytes` for each opencode. `None` if no login runs.
pub(crate) fn read(root: &Path) -> Option<Value> {
    let bytes = fs::read(root.join(GATE_STATUS)).ok()?;
    let mut status: Value = serde_json::from_slice(&bytes).ok()?;
    let pid = status.get("pid")?.as_u64()?;
    let runs = Path::new(&format!("/proc/{pid}")).exists();
    (status.get("schema") == Some(&json!(1)) && runs).then_some(())?;
    for instance in status.get_mut("instances")?.as_array_mut()? {
        let uid = instance.get("uid")?.as_u64()?.try_into().ok()?;
        instance["memoryBytes"] = json!(proc::memory_of(uid));
    }
    Some(status)
}

/// From the start of a web half that was started again until it is said to work.
const STEADY_SECONDS: u64 = 2;

/// Fails if the login's web half does not work: one that ends at once is started again and
/// again. A login of a version that does not tell passes.
pub(crate) fn is_ready(status: &Value) -> Result<(), String> {
    judge(status, now_usec() / 1_000_000)
}

fn judge(status: &Value, now: u64) -> Result<(), String> {
    let Some(web) = status.get("web") else {
        return Ok(());
    };
    let number = |name| web.get(name).and_then(Value::as_u64);
    let restarts = number("restarts").unwrap_or_default();
    let is_steady =
        |since: u64| restarts == 0 || now.saturating_sub(since / 1_000_000) >= STEADY_SECONDS;
    if number("sinceUSec").is_some_and(is_steady) {
        Ok(())
    } else {
        Err("the login's web half does not run; the log says why".to_owned())
    }
}

/// A line for the login and one for each opencode.
pub(crate) fn for_people(status: &Value) -> String {
    lines(status, now_usec() / 1_000_000)
}

fn lines(status: &Value, now: u64) -> String {
    let number =
        |value: &Value, name: &str| value.get(name).and_then(Value::as_u64).unwrap_or_default();
    let line = |instance: &Value| {
        let word = |name: &str| {
            let word = instance.get(name).and_then(Value::as_str);
            word.unwrap_or("unknown").to_owned()
        };
        let (user, state) = (word("userName"), word("state"));
        let time = duration(now.saturating_sub(number(instance, "sinceUSec") / 1_000_000));
        let mebibytes = number(instance, "memoryBytes") / (1024 * 1024);
        format!("  opencode of {user}: {state} for {time}, {mebibytes} MiB\n")
    };
    let instances = status.get("instances").and_then(Value::as_array);
    let lines: String = instances.into_iter().flatten().map(line).collect();
    format!("login: {} sessions\n{lines}", number(status, "sessions"))
}

/// The largest unit that fits.
fn duration(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..86_400 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests;
