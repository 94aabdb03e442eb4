//! The terminal: whether there is one, colours, echo.

use std::io::IsTerminal;
use std::sync::{Mutex, MutexGuard, PoisonError};

use anstream::AutoStream;
use clap::ColorChoice;
use rustix::stdio::stdin;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};

/// The state to put back if the process ends while it is changed.
static SAVED: Mutex<Option<Termios>> = Mutex::new(None);

fn saved() -> MutexGuard<'static, Option<Termios>> {
    SAVED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns whether stdout gets colours; the flag beats NO_COLOR, CLICOLOR and
/// CLICOLOR_FORCE, and these beat the terminal.
pub(crate) fn colours(flag: ColorChoice) -> bool {
    match flag {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => AutoStream::choice(&std::io::stdout()) != anstream::ColorChoice::Never,
    }
}

/// Returns true if a question can be asked: stdin and stderr are terminals.
pub(crate) fn can_ask() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Columns and rows of the window; `None` if they are unknown.
pub(crate) fn size() -> Option<(u16, u16)> {
    let size = tcgetwinsize(stdin()).ok()?;
    (size.ws_col > 0 && size.ws_row > 0).then_some((size.ws_col, size.ws_row))
}

/// The terminal is as it was again when this is dropped.
pub(crate) struct TerminalGuard(());

/// Turns echo off. What was typed ahead stays: nothing is flushed, so an
/// answer that arrives with the question is not lost.
pub(crate) fn echo_off() -> std::io::Result<TerminalGuard> {
    change(|modes| {
        modes.local_modes -= LocalModes::ECHO;
        modes.local_modes |= LocalModes::ECHONL;
    })
}

/// Hands every key on as it is typed, Ctrl-C too.
pub(crate) fn raw() -> std::io::Result<TerminalGuard> {
    change(Termios::make_raw)
}

fn change(edit: impl FnOnce(&mut Termios)) -> std::io::Result<TerminalGuard> {
    let before = tcgetattr(stdin())?;
    let mut after = before.clone();
    edit(&mut after);
    *saved() = Some(before);
    tcsetattr(stdin(), OptionalActions::Now, &after)?;
    Ok(TerminalGuard(()))
}

impl Drop for TerminalGuard {
    fn drop(&mut self) {
        restore();
    }
}

/// Puts the terminal back as it was; does nothing when it was not changed.
pub(crate) fn restore() {
    if let Some(before) = saved().take() {
        let _ = tcsetattr(stdin(), OptionalActions::Now, &before);
    }
}
