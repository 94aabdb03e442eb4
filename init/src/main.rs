//! `occ-init`: restores a container's accounts, then runs its program as PID 1.
//!
//! This file only decides who answers: `run` goes to PID 1's own modules, the
//! admin commands to `command`. Nothing here may panic or print by macro: on a
//! full log pipe both would take the container down.
//!
//! There is no Rust `main`: the runtime's would set SIGPIPE to "ignored", which
//! COMMAND would inherit, and install handlers before signals are blocked.
//! `sys` holds the C entry point.
#![cfg_attr(not(test), no_main)]
// The test harness brings its own entry point, so nothing calls ours there.
#![cfg_attr(test, allow(dead_code))]

// PID 1: run, status, health.
mod background;
mod boot;
mod deferred;
mod follow;
mod gate_status;
mod glance;
mod identity;
mod invoke;
mod pace;
mod phase;
mod remaining;
mod run;
mod run_options;
mod say;
mod signals;
mod spawn;
mod status;
mod supervise;
mod sys;
mod upkeep;
mod watch;

// Admin commands: restore, check, user. (Add their modules below this line.)
mod admission;
mod cli;
mod clock;
mod commands;
mod error;
mod etc;
mod first_account;
mod fs;
mod home;
mod image;
mod password;
mod process;
mod restore;
mod store;

use std::ffi::{CStr, OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use run_options::Parsed;

#[cfg_attr(not(test), global_allocator)]
static ALLOCATOR: sys::pool::Pools = sys::pool::Pools;

/// Own failure of `run`, as docker and env(1) have it.
pub(crate) const OWN_FAILURE: u8 = 125;
const USAGE: u8 = 2;

/// The whole program: `args` with the program's name first, the environment it
/// got, and the signal mask it was started with (all signals are blocked now).
/// Returns the exit status.
fn start(args: &[&CStr], env: sys::Environment, mask: sys::SignalMask) -> u8 {
    sys::fill_closed_stdio();
    let operands = args.get(1..).unwrap_or_default();
    // Looked through once, and not for each option.
    let twins = env.with_prefix(run_options::TWIN_PREFIX);
    let parsed = run_options::parse(operands, |name| twins.get(name).map(<[u8]>::to_vec));
    match parsed {
        Ok(Parsed::Run(options)) => run::run(&options, env, mask),
        Ok(other) => {
            sys::become_a_command(mask);
            answer(other, args, env)
        }
        Err(error) => {
            say::say(&format!("{error}; see 'occ-init --help'"));
            USAGE
        }
    }
}

fn answer(parsed: Parsed<'_>, args: &[&CStr], mut env: sys::Environment) -> u8 {
    match parsed {
        Parsed::Help => say::print(run_options::HELP),
        Parsed::Version => say::print(concat!("occ-init ", env!("CARGO_PKG_VERSION"), "\n")),
        Parsed::Status(look) => status::show(&look),
        Parsed::Health(look, probe) => status::health(&look, probe),
        Parsed::Admin | Parsed::Run(_) => {
            let owned = |arg: &&CStr| OsStr::from_bytes(arg.to_bytes()).to_owned();
            commands::main(args.iter().map(owned).collect::<Vec<OsString>>(), &mut env)
        }
    }
}
