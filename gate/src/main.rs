//! `occ-gate`: reads the command line, nothing else.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

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
enum Part {}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match cli.part {
        Some(part) => match part {},
        None => ExitCode::SUCCESS,
    }
}
