//! Questions on the terminal: asked on stderr, answered on stdin.

use std::io::Write;

use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::text;
use crate::ui::secret::{self, Secret};
use crate::ui::{interrupt, out, terminal};

/// Wrong pairs of passwords after which we give up.
const TRIES: u32 = 3;

/// Fails unless questions may be asked; `give` names the flags to use instead.
pub(crate) fn require(no_input: bool, what: &'static str, give: &'static str) -> Result<()> {
    if no_input || !terminal::can_ask() {
        Err(Error::NeedsInput { what, give })
    } else {
        Ok(())
    }
}

/// A line of text; an empty answer is the default.
pub(crate) fn text(question: &str, default: &str) -> Result<String> {
    let _notice = interrupt::notice("nothing was changed");
    let line = ask(&format!("{question} [{default}]: "))?;
    let answer = String::from_utf8(line.to_vec())
        .map_err(|_| Error::Invalid("the answer is not UTF-8".into()))?;
    let answer = answer.trim();
    Ok(if answer.is_empty() {
        default.to_owned()
    } else {
        answer.to_owned()
    })
}

/// Yes or no; anything but yes is no.
pub(crate) fn confirm(question: &str) -> Result<bool> {
    let _notice = interrupt::notice("nothing was changed");
    let line = ask(&format!("{question} [y/N] "))?;
    Ok(matches!(
        line.to_ascii_lowercase().trim_ascii(),
        b"y" | b"yes"
    ))
}

/// A new password, typed twice without echo.
pub(crate) fn new_password(name: &str) -> Result<Secret> {
    let _notice = interrupt::notice("nothing was changed");
    let _echo = terminal::echo_off()
        .map_err(|error| Error::failed(format!("cannot turn echo off: {error}"), ""))?;
    for _ in 0..TRIES {
        let first = ask(&format!("Password for '{name}': "))?;
        let password = match Secret::password(&first) {
            Ok(password) => password,
            Err(error) => {
                error.lines().iter().for_each(|line| out::note(line));
                continue;
            }
        };
        if *ask("Again: ")? == *first {
            return Ok(password);
        }
        out::note("The passwords differ.");
    }
    Err(Error::Usage {
        message: "passwords do not match; nothing was changed".into(),
        hint: "use --generate to get one made".into(),
    })
}

/// Asks, and reads one line.
fn ask(question: &str) -> Result<Zeroizing<Vec<u8>>> {
    let mut stderr = std::io::stderr();
    let _ = write!(stderr, "{}", text::line(question)).and_then(|()| stderr.flush());
    secret::line()?.ok_or(Error::NoAnswer)
}
