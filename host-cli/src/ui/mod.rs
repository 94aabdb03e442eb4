//! The person's side: answers, questions, progress, the terminal and signals.

pub(crate) mod interrupt;
pub(crate) mod out;
pub(crate) mod progress;
pub(crate) mod prompt;
pub(crate) mod secret;
pub(crate) mod show;
pub(crate) mod terminal;
