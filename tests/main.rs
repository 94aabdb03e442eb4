//! End to end: the real `occ` against a real engine, image, PAM and opencode.
//!
//! `just e2e` runs it. Without an engine it fails with one line; nothing here
//! is ever skipped. Everything has names of this run alone (`occe2e-PID-…`) and
//! is removed again, also after Ctrl-C; only the images `occe2e:local` and
//! `occe2e:kept-…` stay, as a cache for the next run. What a lower layer can hold is not tested here.
// The whole crate is tests, but clippy knows that of functions marked so alone.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod harness;

mod any_image;
mod backup;
mod completion;
mod compose;
mod defects;
mod doctor;
mod doors;
mod engines;
mod files;
mod gate;
mod gate_browser;
mod interrupts;
mod kills;
mod kubernetes;
mod lifecycle;
mod listing;
mod login;
mod no_engine;
mod opencode;
mod passwords;
mod pid1;
mod readme;
mod refusals;
mod removal;
mod reset;
mod secrets;
mod shell;
mod shut_out;
mod store;
mod survival;
mod swap_kills;
mod takeover;
mod texts;
mod twenty_people;
mod two_containers;
mod updates;
mod user_records;
