//! `occ` and its engine. Runs on any engine.

mod completion;
mod doctor;
mod interrupts;
mod lifecycle;
mod no_engine;
mod remote;
mod reset;
mod shell;
