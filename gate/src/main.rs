//! `occ-gate`: reads the command line and decides which part of it this is.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use occ_gate::{monitor, pam_helper, person, scratch, sweep, unprivileged, web};

/// A login in front of opencode: each person gets one of their own, under their
/// own uid. Settings come from OCC_GATE_… variables.
#[derive(Parser)]
#[command(name = "occ-gate", version)]
struct Cli {
    #[command(subcommand)]
    part: Option<Part>,
}

/// What the monitor starts of itself; nobody else needs these.
#[derive(Subcommand)]
enum Part {
    /// The web half, once its privileges are dropped
    #[command(hide = true)]
    Web(unprivileged::Options),
    /// One attempt with PAM
    #[command(hide = true)]
    Pam,
    /// Becomes a person
    #[command(hide = true)]
    Person(person::Options),
    /// Ends all processes of a uid
    #[command(hide = true)]
    Sweep(sweep::Options),
    /// Empties directories for temporary files
    #[command(hide = true)]
    Wipe(scratch::Options),
}

fn main() -> ExitCode {
    // Started through /proc/self/exe, a part would be called "exe".
    let _ = nix::sys::prctl::set_name(c"occ-gate");
    match Cli::parse().part {
        None => monitor::main(),
        Some(Part::Web(options)) => unprivileged::main(&options, web::run),
        Some(Part::Pam) => pam_helper::main(),
        Some(Part::Person(options)) => person::main(&options),
        Some(Part::Sweep(options)) => sweep::main(&options),
        Some(Part::Wipe(options)) => scratch::main(&options),
    }
}
