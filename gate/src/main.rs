//! `occ-gate`: reads the command line and decides which part of it this is.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use occ_gate::helpers::{
    self, become_person, check_passkey, home_probe, kill_user, login_shell, pam, pam_session,
    start_shell, tmpdir,
};
use occ_gate::settings::{self, Settings};
use occ_gate::{health, monitor, token, web};

/// A login in front of opencode: each person gets one of their own, under their
/// own uid. Each option can be set by its variable as well.
#[derive(Parser)]
#[command(name = "occ-gate", version)]
struct Cli {
    #[command(flatten)]
    settings: Settings,
    #[command(subcommand)]
    part: Option<Part>,
}

/// The health check, the tokens, and the processes that the monitor starts of this program.
#[derive(Subcommand)]
enum Part {
    /// Check that accounts and login work: 0 healthy, 1 not
    Health,
    /// Print the code for making the first account in the browser: 0; there is none: 1
    FirstAccount,
    /// List and revoke the tokens of people's programs
    #[command(subcommand)]
    Token(token::Command),
    /// The web half, once its privileges are dropped
    #[command(hide = true)]
    Web(helpers::web::Options),
    /// One attempt with PAM
    #[command(hide = true)]
    Pam,
    /// Checks what an authenticator says
    #[command(hide = true)]
    CheckPasskey(check_passkey::Options),
    /// Becomes the login shell in a person's terminal
    #[command(hide = true)]
    StartShell(become_person::Options),
    /// Ends all processes of a uid
    #[command(hide = true)]
    KillUser(kill_user::Options),
    /// Empties directories for temporary files
    #[command(hide = true)]
    WipeTmpdir(tmpdir::Options),
    /// Holds a PAM session in which a person's opencode runs
    #[command(hide = true)]
    PamSession(pam_session::Options),
    /// Becomes opencode at the end of a login shell
    #[command(hide = true)]
    StartOpencode(login_shell::Options),
    /// Writes a file into a home
    #[command(hide = true)]
    ProbeHome(home_probe::Options),
}

fn main() -> ExitCode {
    // Started through /proc/self/exe, a part would be called "exe".
    let _ = nix::sys::prctl::set_name(c"occ-gate");
    let Cli { settings, part } = match settings::read() {
        Ok(cli) => cli,
        Err(status) => return status,
    };
    settings.set_log_level();
    match part {
        None => monitor::main(settings),
        Some(Part::Web(options)) => helpers::web::main(&options, |wire, listener| {
            web::run(settings, wire, listener)
        }),
        Some(Part::Health) => health::main(),
        Some(Part::FirstAccount) => monitor::show_first_code(),
        Some(Part::Token(command)) => token::main(&command),
        Some(Part::Pam) => pam::main(),
        Some(Part::CheckPasskey(options)) => check_passkey::main(&options),
        Some(Part::StartShell(options)) => start_shell::main(&options),
        Some(Part::KillUser(options)) => kill_user::main(&options),
        Some(Part::WipeTmpdir(options)) => tmpdir::main(&options),
        Some(Part::PamSession(options)) => pam_session::main(&options),
        Some(Part::StartOpencode(options)) => login_shell::main(&options),
        Some(Part::ProbeHome(options)) => home_probe::main(&options),
    }
}
