//! Progress on stderr: a spinner on a terminal, lines elsewhere.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::ProgressBar;

use crate::text;
use crate::ui::out;
use crate::ui::show::Screen;

/// Shows steps until it is dropped.
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    screen: Screen,
}

impl Progress {
    /// Nothing with `-q`; plain lines with `-v` or without a terminal.
    pub(crate) fn new(screen: Screen) -> Self {
        let spin = !screen.quiet && !screen.verbose && std::io::stderr().is_terminal();
        let bar = spin.then(|| {
            let bar = ProgressBar::new_spinner();
            bar.enable_steady_tick(Duration::from_millis(120));
            out::spin(Some(bar.clone()));
            bar
        });
        Self { bar, screen }
    }

    /// The next step.
    pub(crate) fn step(&self, step: &str) {
        match &self.bar {
            Some(bar) => bar.set_message(text::line(step).into_owned()),
            None => self.screen.progress(step),
        }
    }

    /// How far the step is; only where it can replace what was said before.
    pub(crate) fn so_far(&self, words: impl FnOnce() -> String) {
        if let Some(bar) = &self.bar {
            bar.set_message(text::line(&words()).into_owned());
        }
    }

    /// A line that only `-v` shows.
    pub(crate) fn detail(&self, text: &str) {
        if self.screen.verbose {
            out::note(text);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            out::spin(None);
            bar.finish_and_clear();
        }
    }
}
