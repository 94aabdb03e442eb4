//! Ctrl-C, TERM and a terminal that goes away: say what is known, put the terminal back, exit 128+n.
//!
//! A step that must not be cut in two (the swap of `update`) holds signals back.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::ui::{out, terminal};

struct State {
    notice: String,
    /// A file that nobody is to find half written.
    unfinished: Option<PathBuf>,
    deferred: u32,
    pending: Option<i32>,
}

static STATE: Mutex<State> = Mutex::new(State {
    notice: String::new(),
    unfinished: None,
    deferred: 0,
    pending: None,
});

fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts the thread that waits for signals.
pub(crate) fn install() -> std::io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    if !hangup_is_ignored() {
        signals.add_signal(SIGHUP)?;
    }
    std::thread::Builder::new()
        .name("signals".into())
        .spawn(move || {
            for signal in signals.forever() {
                arrived(signal);
            }
        })?;
    Ok(())
}

/// nohup(1) has asked for that; then it stays so.
fn hangup_is_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & 1 == 1)
}

fn arrived(signal: i32) {
    let mut state = state();
    if state.deferred > 0 {
        let again = state.pending.replace(signal).is_some();
        if !again {
            say("occ: interrupted; finishing the step that must not be cut in two");
        }
        return;
    }
    end(signal, &state);
}

fn end(signal: i32, state: &State) -> ! {
    terminal::restore();
    if let Some(path) = &state.unfinished {
        let _ = std::fs::remove_file(path);
    }
    let more = match state.notice.as_str() {
        "" => String::new(),
        notice => format!("; {notice}"),
    };
    say(&format!("occ: interrupted{more}"));
    std::process::exit(128 + signal)
}

/// On a line of its own, whatever the cursor was at.
fn say(line: &str) {
    out::note("");
    out::note(line);
}

/// While it lives, an interruption ends with this said.
pub(crate) struct Notice(String);

/// Says, until dropped, what an interruption leaves behind.
pub(crate) fn notice(text: impl Into<String>) -> Notice {
    Notice(std::mem::replace(&mut state().notice, text.into()))
}

impl Drop for Notice {
    fn drop(&mut self) {
        state().notice = std::mem::take(&mut self.0);
    }
}

/// While it lives, an interruption deletes a file.
pub(crate) struct Unfinished(());

/// Deletes the file if an interruption comes before the drop.
pub(crate) fn unfinished(path: &Path) -> Unfinished {
    state().unfinished = Some(path.to_owned());
    Unfinished(())
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        state().unfinished = None;
    }
}

/// While it lives, signals wait.
pub(crate) struct Deferred(());

/// Holds signals back until dropped.
pub(crate) fn defer() -> Deferred {
    state().deferred += 1;
    Deferred(())
}

impl Drop for Deferred {
    fn drop(&mut self) {
        let mut state = state();
        state.deferred -= 1;
        if let (0, Some(signal)) = (state.deferred, state.pending) {
            end(signal, &state);
        }
    }
}
