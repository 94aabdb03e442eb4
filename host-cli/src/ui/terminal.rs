//! The terminal: whether there is one, colours, echo.

use std::io::IsTerminal;
use std::sync::Mutex;

use rustix::stdio::stdin;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};

/// The state to put back if the process ends while it is changed.
static SAVED: Mutex<Option<Termios>> = Mutex::new(None);

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Colour {
    // No doc comments: they would be help, and turn each option into a paragraph.
    // On a terminal, unless `NO_COLOR` or CLICOLOR=0.
    Auto,
    Always,
    Never,
}

/// Whether stdout gets colours; the flag beats the environment.
pub(crate) fn colours(flag: Colour) -> bool {
    let env = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    decide(
        flag,
        |name| env(name).map(|value| value.to_string_lossy().into_owned()),
        std::io::stdout().is_terminal(),
    )
}

fn decide(flag: Colour, env: impl Fn(&str) -> Option<String>, terminal: bool) -> bool {
    match flag {
        Colour::Always => true,
        Colour::Never => false,
        Colour::Auto if env("NO_COLOR").is_some() => false,
        Colour::Auto if env("CLICOLOR_FORCE").is_some_and(|value| value != "0") => true,
        Colour::Auto if env("CLICOLOR").is_some_and(|value| value == "0") => false,
        Colour::Auto => terminal && env("TERM").is_none_or(|term| term != "dumb"),
    }
}

/// Whether a question can be asked: stdin and stderr are terminals.
pub(crate) fn can_ask() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Columns and rows of the window; None where nobody says.
pub(crate) fn size() -> Option<(u16, u16)> {
    let size = tcgetwinsize(stdin()).ok()?;
    (size.ws_col > 0 && size.ws_row > 0).then_some((size.ws_col, size.ws_row))
}

/// The terminal is as it was again when this is dropped.
pub(crate) struct Changed(());

/// Turns echo off. What was typed ahead stays: nothing is flushed, so an
/// answer that arrives with the question is not lost.
pub(crate) fn echo_off() -> std::io::Result<Changed> {
    change(|modes| {
        modes.local_modes -= LocalModes::ECHO;
        modes.local_modes |= LocalModes::ECHONL;
    })
}

/// Hands every key on as it is typed, Ctrl-C too.
pub(crate) fn raw() -> std::io::Result<Changed> {
    change(Termios::make_raw)
}

fn change(edit: impl FnOnce(&mut Termios)) -> std::io::Result<Changed> {
    let before = tcgetattr(stdin())?;
    let mut after = before.clone();
    edit(&mut after);
    *SAVED
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner) = Some(before);
    tcsetattr(stdin(), OptionalActions::Now, &after)?;
    Ok(Changed(()))
}

impl Drop for Changed {
    fn drop(&mut self) {
        restore();
    }
}

/// Puts the terminal back as it was; does nothing when it was not changed.
pub(crate) fn restore() {
    let saved = SAVED
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
        .take();
    if let Some(before) = saved {
        let _ = tcsetattr(stdin(), OptionalActions::Now, &before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_follow_the_flag_then_the_environment_then_the_terminal() {
        let with = |name: &'static str, value: &'static str| {
            move |asked: &str| (asked == name).then(|| value.to_owned())
        };
        assert!(decide(Colour::Always, with("NO_COLOR", "1"), false));
        assert!(!decide(Colour::Never, with("CLICOLOR_FORCE", "1"), true));
        assert!(!decide(Colour::Auto, with("NO_COLOR", "1"), true));
        assert!(decide(Colour::Auto, with("CLICOLOR_FORCE", "1"), false));
        assert!(!decide(Colour::Auto, with("CLICOLOR", "0"), true));
        assert!(!decide(Colour::Auto, with("TERM", "dumb"), true));
        assert!(decide(Colour::Auto, with("TERM", "xterm"), true));
        assert!(!decide(Colour::Auto, with("TERM", "xterm"), false));
    }
}
