//! Signals as the kernel has them: all 64, which neither std nor nix can name. Waits and
//! sets masks; decides nothing.
#![allow(unsafe_code)]

use std::mem::MaybeUninit;
use std::time::Duration;

use super::process::own_pid;

/// Bytes of the kernel's sigset_t (libc's is 128).
const SIGSET_BYTES: usize = 8;

/// A signal mask as the kernel has it: bit n-1 is signal n.
#[derive(Clone, Copy)]
pub(crate) struct SignalMask(u64);

impl SignalMask {
    #[cfg(test)]
    pub(crate) const NONE: Self = Self(0);
}

/// Sets the mask of all 64 signals and returns the one before. Raw, because libc's
/// own calls leave out the two or three that it keeps for itself. Async-signal-safe.
pub(super) fn set_mask(mask: SignalMask) -> SignalMask {
    let mut old = 0u64;
    // SAFETY: both pointers are to 8 bytes, the size given; the call can fail
    // only on a bad pointer, size or `how`.
    unsafe {
        libc::syscall(
            libc::SYS_rt_sigprocmask,
            libc::SIG_SETMASK,
            &raw const mask.0,
            &raw mut old,
            SIGSET_BYTES,
        );
    }
    SignalMask(old)
}

/// Blocks all 64 signals and returns the mask before. Again after a thread was made: the
/// pthread_create(3) of musl and of glibc unblocks signals 33 and 34 for its own use.
pub(crate) fn block_all_signals() -> SignalMask {
    set_mask(SignalMask(u64::MAX))
}

/// Turns this process into an ordinary command, as Rust's runtime would have it: the mask it
/// was started with, and SIGPIPE an error of write(2). SIGXFSZ too: a file that would be
/// larger than its limit is a line, and no crash.
pub(crate) fn become_command(mask: SignalMask) {
    set_mask(mask);
    for signal in [libc::SIGPIPE, libc::SIGXFSZ] {
        // SAFETY: no handler is installed, only a disposition.
        unsafe { libc::signal(signal, libc::SIG_IGN) };
    }
}

/// Sets SIGCHLD to its default and returns whether it was ignored: with that
/// the kernel reaps by itself, and no exit status is left to read.
pub(crate) fn default_sigchld() -> bool {
    // SAFETY: no handler is installed, only a disposition.
    unsafe { libc::signal(libc::SIGCHLD, libc::SIG_DFL) == libc::SIG_IGN }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Received {
    pub(crate) signal: u8,
    /// Sent by the kernel itself (si_code above 0), not by a process.
    pub(crate) by_kernel: bool,
    /// Sent by this process, as write(2) does with SIGPIPE.
    pub(crate) by_us: bool,
}

/// Waits for any of the 64 signals, all of them blocked, without a timer when
/// there is no timeout. Returns `None` if the time is over or the wait was interrupted.
pub(crate) fn wait_signal(timeout: Option<Duration>) -> Option<Received> {
    wait_for(u64::MAX, timeout)
}

/// The same for all but SIGCHLD, which stays pending.
pub(crate) fn wait_signal_but_sigchld(timeout: Duration) -> Option<Received> {
    wait_for(!SIGCHLD, Some(timeout))
}

/// Waits for SIGCHLD alone; all others stay pending. Returns true if it came.
pub(crate) fn wait_sigchld(timeout: Duration) -> bool {
    wait_for(SIGCHLD, Some(timeout)).is_some()
}

/// In a set of signals.
const SIGCHLD: u64 = 1 << (libc::SIGCHLD - 1);

fn wait_for(set: u64, timeout: Option<Duration>) -> Option<Received> {
    let limit = timeout.map(timespec);
    let limit = limit.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    // SAFETY: the set has the size given, info is a whole siginfo_t, limit is
    // null or a timespec that outlives the call.
    let got = unsafe {
        libc::syscall(
            libc::SYS_rt_sigtimedwait,
            &raw const set,
            info.as_mut_ptr(),
            limit,
            SIGSET_BYTES,
        )
    };
    let signal = u8::try_from(got).ok()?;
    // SAFETY: zeroed and then filled by the kernel; any bytes are a siginfo_t.
    let info = unsafe { info.assume_init() };
    // SAFETY: si_pid has a meaning for SI_USER, which is what is asked for.
    let by_us = info.si_code == libc::SI_USER && unsafe { info.si_pid() } == own_pid();
    Some(Received {
        signal,
        by_kernel: info.si_code > 0,
        by_us,
    })
}

fn timespec(time: Duration) -> libc::timespec {
    libc::timespec {
        tv_sec: time.as_secs().try_into().unwrap_or(i64::MAX),
        tv_nsec: time.subsec_nanos().into(),
    }
}
