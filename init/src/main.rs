//! `occ-init`: restores a container's accounts, then runs its program as PID 1.
//!
//! This file dispatches: `run` to `boot`, admin commands to `commands`, status and health to
//! `status`. Nothing may panic or print by macro: on a full log pipe both would take the
//! container down.
//!
//! There is no Rust `main`: the runtime's would set SIGPIPE to "ignored", which COMMAND would
//! inherit, and install handlers before signals are blocked. `sys::c_main` makes C's.
#![cfg_attr(not(test), no_main)]
// The test harness brings its own entry point, so nothing calls ours there.
#![cfg_attr(test, allow(dead_code))]

mod admission;
mod boot;
mod cli;
mod clock;
mod commands;
mod error;
mod etc;
mod fs;
mod home;
mod image;
mod layout;
mod log;
mod password;
mod proc;
mod restore;
mod status;
mod store;
mod supervise;
mod sync;
mod sys;

use std::ffi::{CStr, OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use cli::run::{self, Parsed};

#[cfg_attr(not(test), global_allocator)]
static ALLOCATOR: sys::pool::Pools = sys::pool::Pools;

/// Exit status for a command line that cannot be understood.
const USAGE: u8 = 2;

sys::c_main!(start, secrets: boot::bootstrap_env::SECRETS);

/// The whole program: `args` with the program's name first, the environment, and the signal
/// mask that it was started with; all signals are blocked now. Returns the exit status.
fn start(args: &[&CStr], env: sys::Environment, mask: sys::SignalMask) -> u8 {
    sys::fill_closed_stdio();
    let operands = args.get(1..).unwrap_or_default();
    let parsed = run::parse(operands, |name| env.get(name).map(<[u8]>::to_vec));
    match parsed {
        Ok(Parsed::Run(options)) => boot::run(&options, env, mask),
        Ok(other) => {
            sys::become_command(mask);
            answer(other, args, env)
        }
        Err(error) => {
            log::say(&format!("{error}; see 'occ-init --help'"));
            USAGE
        }
    }
}

fn answer(parsed: Parsed<'_>, args: &[&CStr], mut env: sys::Environment) -> u8 {
    match parsed {
        Parsed::Help => log::print(run::HELP),
        Parsed::Version => log::print(concat!("occ-init ", env!("CARGO_PKG_VERSION"), "\n")),
        Parsed::Status(globals) => status::show::show(&globals),
        Parsed::Health(globals, probe) => status::show::health(&globals, probe),
        Parsed::Admin | Parsed::Run(_) => {
            let owned = |arg: &&CStr| OsStr::from_bytes(arg.to_bytes()).to_owned();
            commands::main(args.iter().map(owned).collect::<Vec<OsString>>(), &mut env)
        }
    }
}
