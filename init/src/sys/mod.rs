//! The kernel's edge, and all unsafe code: C's `main`, and the calls that neither std nor nix
//! can make (all 64 signals, raw wait statuses, the environment's own bytes). Its functions
//! are safe; it decides nothing, and imports nothing of the crate.
#![allow(unsafe_code)]

mod environment;
mod fds;
mod mount;
mod note;
pub(crate) mod pool;
mod process;
mod signal;
pub(crate) mod spawn;
mod terminal;

pub(crate) use environment::Environment;
pub(crate) use fds::{
    close_inherited, fill_closed_stdio, give_stdio, signal_when_readable, write_if_ready,
};
pub(crate) use mount::is_mount_point;
pub(crate) use note::has_note;
pub(crate) use process::{Waited, kill, own_pid, wait_child};
pub(crate) use signal::{
    Received, SignalMask, become_command, block_all_signals, default_sigchld, wait_sigchld,
    wait_signal, wait_signal_but_sigchld,
};
pub(crate) use terminal::{Terminal, held_terminal, is_front_without_number};

use std::ffi::{CStr, c_char, c_int};
use std::os::fd::RawFd;

#[cfg(not(target_pointer_width = "64"))]
compile_error!("occ-init passes 64-bit timespec and sigset layouts to the kernel");

pub(crate) const STDERR: RawFd = 2;

/// Defines C's `main`, which the C runtime calls. It calls `$start` with the arguments (the
/// program's name first), the environment and the signal mask that the process was started
/// with, and exits with the status that it returns.
macro_rules! c_main {
    ($start:path, secrets: $secrets:expr) => {
        #[cfg(not(test))]
        #[allow(unsafe_code)]
        #[unsafe(no_mangle)]
        extern "C" fn main(
            count: ::std::ffi::c_int,
            args: *const *const ::std::ffi::c_char,
            env: *mut *mut ::std::ffi::c_char,
        ) -> ::std::ffi::c_int {
            // SAFETY: the C runtime passes what the kernel laid out, and nothing else of
            // the program runs yet.
            unsafe { $crate::sys::enter(count, args, env, &$secrets, $start) }
        }
    };
}
pub(crate) use c_main;

/// Blocks all signals before anything else: the kernel throws away a signal for which PID 1
/// has no handler. Then calls `start`, and exits.
///
/// # Safety
/// `args` points to `count` C strings, `env` to C strings and a null pointer behind them. All
/// live as long as the process, and nobody else uses them.
#[cfg_attr(test, allow(dead_code))]
pub(crate) unsafe fn enter(
    count: c_int,
    args: *const *const c_char,
    env: *mut *mut c_char,
    secrets: &[&str],
    start: fn(&[&CStr], Environment, SignalMask) -> u8,
) -> c_int {
    let mask = block_all_signals();
    let count = usize::try_from(count).unwrap_or(0);
    // SAFETY: as the caller promises; nothing writes to them.
    let args = (0..count).map(|at| unsafe { CStr::from_ptr(*args.add(at)) });
    // Behind `--` it would be COMMAND's.
    let mut own = args.clone().take_while(|arg| *arg != c"--");
    if own.any(|arg| arg == c"restore") {
        // SAFETY: nothing was allocated yet.
        unsafe { pool::turn_on() };
    }
    let args: Vec<&CStr> = args.collect();
    // SAFETY: as the caller promises.
    let env = unsafe { Environment::take(env, secrets) };
    let status = start(&args, env, mask);
    // SAFETY: ends the process. Nothing waits to be run at its end.
    unsafe { libc::_exit(c_int::from(status)) }
}
