//! The real monitor as root, with a small server for opencode, in namespaces of
//! its own. The tests speak to it as a web half that was taken over would: they
//! stop the real one and use its end of the wire.
//!
//! Run as root: they become other people.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a failed expectation is what these tests are for"
)]

mod accounts;
mod audit;
mod first;
mod floods;
mod frames;
mod fuzz;
mod hostile;
mod instances;
mod login_shells;
mod logins;
mod pam_sessions;
mod passkeys;
mod passwords;
mod place;
mod privileges;
mod processes;
mod renewals;
mod restarts;
mod running;
mod second_step;
mod sessions;
mod takeover;
mod terminal_ends;
mod terminals;
mod token_commands;
mod token_ends;
mod tokens;
