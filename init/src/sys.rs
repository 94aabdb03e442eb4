//! The kernel's edge of PID 1: the entry point and the calls that neither std
//! nor nix can make (all 64 signals, raw wait statuses, the environment's own
//! bytes). Safe functions only; it decides nothing.
#![allow(unsafe_code)]

pub(crate) mod apart;
mod descriptors;
mod environment;
pub(crate) mod pool;
mod terminal;

pub(crate) use descriptors::{
    begin_to_write, close_inherited, fill_closed_stdio, own_descriptors, read_entries,
    signal_when_readable, write_if_ready,
};
pub(crate) use environment::{Entry, Environment};
pub(crate) use terminal::{Terminal, held_terminal};

use std::ffi::c_int;
#[cfg(not(test))]
use std::ffi::{CStr, c_char};
use std::mem::MaybeUninit;
use std::os::fd::RawFd;
use std::time::Duration;

use nix::errno::Errno;

#[cfg(not(target_pointer_width = "64"))]
compile_error!("occ-init passes 64-bit timespec and sigset layouts to the kernel");

pub(crate) const STDERR: RawFd = 2;
/// Bytes of the kernel's sigset_t (libc's is 128).
const SIGSET_BYTES: usize = 8;

/// The C entry point. Blocking comes before anything else: as PID 1 a signal
/// without a handler is thrown away by the kernel.
///
/// `extern "C"` and `no_mangle`: the C runtime calls it by this name.
#[cfg(not(test))]
#[unsafe(no_mangle)]
extern "C" fn main(count: c_int, args: *const *const c_char, env: *mut *mut c_char) -> c_int {
    let mask = set_mask(SignalMask(u64::MAX));
    let count = usize::try_from(count).unwrap_or(0);
    // SAFETY: the array holds `count` pointers to C strings that live as long
    // as the process; nothing writes to them.
    let args = (0..count).map(|at| unsafe { CStr::from_ptr(*args.add(at)) });
    if args.clone().any(|arg| arg == c"restore") {
        // SAFETY: nothing was allocated yet.
        unsafe { pool::turn_on() };
    }
    let args: Vec<&CStr> = args.collect();
    let status = crate::start(&args, Environment(env), mask);
    // SAFETY: ends the process. Nothing waits to be run at its end.
    unsafe { libc::_exit(c_int::from(status)) }
}

/// A signal mask as the kernel has it: bit n-1 is signal n.
#[derive(Clone, Copy)]
pub(crate) struct SignalMask(u64);

impl SignalMask {
    #[cfg(test)]
    pub(crate) const NONE: Self = Self(0);
}

/// Sets the mask of all 64 signals and returns the one before. Raw, because libc's
/// own calls leave out the two or three that it keeps for itself. Async-signal-safe.
pub(crate) fn set_mask(mask: SignalMask) -> SignalMask {
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

/// Turns this process into an ordinary command, as Rust's runtime would have
/// it: the mask it was started with, and SIGPIPE an error of write(2).
pub(crate) fn become_a_command(mask: SignalMask) {
    set_mask(mask);
    // SAFETY: no handler is installed, only a disposition.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_IGN) };
}

/// Sets SIGCHLD to its default and returns whether it was ignored: with that
/// the kernel reaps by itself, and no exit status is left to read.
pub(crate) fn default_sigchld() -> bool {
    // SAFETY: no handler is installed, only a disposition.
    unsafe { libc::signal(libc::SIGCHLD, libc::SIG_DFL) == libc::SIG_IGN }
}

/// A signal that was waited for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Received {
    pub(crate) signal: u8,
    /// Sent by the kernel itself (si_code above 0), not by a process.
    pub(crate) by_kernel: bool,
    /// Sent by this process, as write(2) does with SIGPIPE.
    pub(crate) by_us: bool,
}

/// Waits for any of the 64 signals, all of them blocked, without a timer when
/// there is no timeout. None: the time is over, or the wait was interrupted.
pub(crate) fn wait_signal(timeout: Option<Duration>) -> Option<Received> {
    wait_for(u64::MAX, timeout)
}

/// Waits for SIGCHLD alone; all others stay pending. Whether it came.
pub(crate) fn wait_sigchld(timeout: Duration) -> bool {
    wait_for(SIGCHLD, Some(timeout)).is_some()
}

/// In a set of signals.
const SIGCHLD: u64 = 1 << (libc::SIGCHLD - 1);

/// Whoever else waits for this processor comes first.
pub(crate) fn yield_processor() {
    // SAFETY: no pointers; always succeeds.
    unsafe { libc::sched_yield() };
}

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

/// What waitpid(2) had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waited {
    /// A child changed; its raw status.
    Child(i32, i32),
    /// There are children, none has anything to say.
    Busy,
    NoChildren,
}

/// waitpid(2) without blocking: `pid` -1 for any child; stops are reported too.
/// The status stays raw: nix refuses those of real-time signals.
pub(crate) fn wait_child(pid: i32) -> Waited {
    let mut status: c_int = 0;
    // SAFETY: status is an int that outlives the call.
    match unsafe { libc::waitpid(pid, &raw mut status, libc::WNOHANG | libc::WUNTRACED) } {
        0 => Waited::Busy,
        -1 => Waited::NoChildren,
        pid => Waited::Child(pid, status),
    }
}

/// Whether child `pid` is dead; it is not reaped.
fn is_dead(pid: i32) -> bool {
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    let options = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    let id = pid.unsigned_abs();
    // SAFETY: info is a whole siginfo_t, and any bytes are one; si_pid is 0 where
    // the call had nothing to say.
    unsafe {
        libc::waitid(libc::P_PID, id, info.as_mut_ptr(), options) == 0
            && info.assume_init().si_pid() != 0
    }
}

/// Waits until child `pid`, known to be about to exit, is gone.
pub(crate) fn wait_exited(pid: i32) {
    // SAFETY: a null status is allowed.
    while unsafe { libc::waitpid(pid, std::ptr::null_mut(), 0) } == -1
        && Errno::last() == Errno::EINTR
    {}
}

/// kill(2) for any signal number: nix's takes none above 31.
pub(crate) fn kill(pid: i32, signal: u8) -> Result<(), Errno> {
    // SAFETY: no pointers.
    Errno::result(unsafe { libc::kill(pid, c_int::from(signal)) }).map(drop)
}

/// How many processors there are for us; 0: nobody knows. Not std's, which reads
/// files of cgroups besides.
pub(crate) fn processors() -> usize {
    let mut set = MaybeUninit::<libc::cpu_set_t>::zeroed();
    // SAFETY: room for a set of the size given; all zeroes are an empty one.
    let count = unsafe {
        libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), set.as_mut_ptr());
        libc::CPU_COUNT(&set.assume_init())
    };
    usize::try_from(count).unwrap_or_default()
}

/// Whether there were clearly more tasks than processors for us, in the last minute.
pub(crate) fn is_busy() -> bool {
    // As the kernel counts tasks: in fractions of 16 bits.
    const ONE: usize = 1 << 16;
    let mut info = MaybeUninit::<libc::sysinfo>::zeroed();
    // SAFETY: room for the answer; all zeroes are one.
    let info = unsafe {
        libc::sysinfo(info.as_mut_ptr());
        info.assume_init()
    };
    let [last_minute, ..] = info.loads;
    let tasks = usize::try_from(last_minute).unwrap_or(usize::MAX);
    tasks.saturating_mul(2) > processors().saturating_mul(3 * ONE)
}

pub(crate) fn own_pid() -> i32 {
    // SAFETY: no pointers, can't fail.
    unsafe { libc::getpid() }
}

/// Whether something is mounted on the path itself. A kernel that can't tell
/// (before 5.8) says yes.
pub(crate) fn is_mount_point(path: &std::path::Path) -> bool {
    let Ok(path) = std::ffi::CString::new(path.as_os_str().as_encoded_bytes()) else {
        return false;
    };
    let mut found = MaybeUninit::<libc::statx>::zeroed();
    let flags = libc::AT_SYMLINK_NOFOLLOW | libc::AT_NO_AUTOMOUNT;
    // SAFETY: a NUL-terminated path and room for the answer; all zeroes are one.
    let found = unsafe {
        if libc::statx(libc::AT_FDCWD, path.as_ptr(), flags, 0, found.as_mut_ptr()) != 0 {
            return false;
        }
        found.assume_init()
    };
    let root = u64::try_from(libc::STATX_ATTR_MOUNT_ROOT).unwrap_or_default();
    found.stx_attributes_mask & root == 0 || found.stx_attributes & root != 0
}
