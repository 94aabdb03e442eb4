//! The kernel's edge of PID 1: the entry point and the calls that neither std
//! nor nix can make (all 64 signals, raw wait statuses, the environment's own
//! bytes). Safe functions only; it decides nothing.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, RawFd};
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
    let old_mask = block_signals();
    let count = usize::try_from(count).unwrap_or(0);
    // SAFETY: the array holds `count` pointers to C strings that live as long
    // as the process; nothing writes to them.
    let args: Vec<&CStr> = (0..count)
        .map(|at| unsafe { CStr::from_ptr(*args.add(at)) })
        .collect();
    c_int::from(crate::start(&args, Environment(env), old_mask))
}

/// A signal mask as the kernel has it: bit n-1 is signal n.
#[derive(Clone, Copy)]
pub(crate) struct SignalMask(u64);

impl SignalMask {
    #[cfg(test)]
    pub(crate) const NONE: Self = Self(0);
}

/// Blocks all 64 signals and returns the mask there was. Raw, because libc's
/// own calls leave out the two or three that it keeps for itself.
#[cfg_attr(test, allow(dead_code))]
fn block_signals() -> SignalMask {
    set_mask(SignalMask(u64::MAX))
}

/// Sets the mask and returns the one before. Async-signal-safe.
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

/// Waits for SIGCHLD alone; all others stay pending.
pub(crate) fn wait_sigchld(timeout: Duration) {
    wait_for(1 << (libc::SIGCHLD - 1), Some(timeout));
}

fn wait_for(set: u64, timeout: Option<Duration>) -> Option<Received> {
    let limit = timeout.map(|left| libc::timespec {
        tv_sec: left.as_secs().try_into().unwrap_or(i64::MAX),
        tv_nsec: left.subsec_nanos().into(),
    });
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

pub(crate) fn own_pid() -> i32 {
    // SAFETY: no pointers, can't fail.
    unsafe { libc::getpid() }
}

/// One write(2) when poll(2) says that it will not block; else nothing.
/// A broken pipe is left alone: writing there would raise SIGPIPE.
pub(crate) fn write_if_ready(fd: RawFd, bytes: &[u8]) {
    let mut wanted = libc::pollfd {
        fd,
        events: libc::POLLOUT,
        revents: 0,
    };
    // SAFETY: one pollfd; bytes is a slice of the length given.
    unsafe {
        if libc::poll(&raw mut wanted, 1, 0) == 1 && wanted.revents == libc::POLLOUT {
            libc::write(fd, bytes.as_ptr().cast::<c_void>(), bytes.len());
        }
    }
}

/// Opens something harmless on each of the fds 0 to 2 that is closed. Else the
/// next file that we open becomes stderr, and our lines go into it. CLOEXEC:
/// COMMAND finds them closed, as they were.
pub(crate) fn fill_closed_stdio() {
    let mut fds = [0, 1, 2].map(|fd| libc::pollfd {
        fd,
        events: 0,
        revents: 0,
    });
    // SAFETY: three pollfds and two constant paths. open(2) gives the lowest
    // free number, which is the closed one; O_PATH on / always works and can
    // neither be read nor written.
    unsafe {
        if libc::poll(fds.as_mut_ptr(), 3, 0) < 1 {
            return;
        }
        for _ in fds.iter().filter(|fd| fd.revents & libc::POLLNVAL != 0) {
            if libc::open(c"/dev/null".as_ptr(), libc::O_RDWR | libc::O_CLOEXEC) < 0 {
                libc::open(c"/".as_ptr(), libc::O_PATH | libc::O_CLOEXEC);
            }
        }
    }
}

/// Has the kernel send `signal`, with a positive si_code, when `fd` can be
/// read. With too many queued it sends SIGIO instead, with a positive one too.
pub(crate) fn signal_when_readable(fd: impl AsFd, signal: u8) -> Result<(), Errno> {
    /// fcntl(2) has it on every architecture, libc not for every libc.
    const F_SETSIG: c_int = 10;
    let fd = fd.as_fd().as_raw_fd();
    // SAFETY: no pointers.
    unsafe {
        Errno::result(libc::fcntl(fd, libc::F_SETOWN, own_pid()))?;
        Errno::result(libc::fcntl(fd, F_SETSIG, c_int::from(signal)))?;
        let flags = Errno::result(libc::fcntl(fd, libc::F_GETFL))?;
        Errno::result(libc::fcntl(fd, libc::F_SETFL, flags | libc::O_ASYNC)).map(drop)
    }
}

/// Closes every fd from 3 on, but those in `keep`.
pub(crate) fn close_inherited(keep: &[RawFd]) {
    const FIRST: u32 = 3;
    let mut keep: Vec<u32> = keep
        .iter()
        .filter_map(|fd| u32::try_from(*fd).ok())
        .filter(|fd| *fd >= FIRST)
        .collect();
    keep.sort_unstable();
    let mut from = FIRST;
    let mut whole = true;
    for fd in &keep {
        whole = whole && (from >= *fd || close_range(from, fd - 1));
        from = fd + 1;
    }
    if !(whole && close_range(from, u32::MAX)) {
        close_listed(FIRST, &keep);
    }
}

fn close_range(first: u32, last: u32) -> bool {
    // SAFETY: no pointers; whoever owns one of these fds is not used any more.
    unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) == 0 }
}

/// For kernels before 5.9, which have no close_range(2).
fn close_listed(first: u32, keep: &[u32]) {
    let Ok(entries) = std::fs::read_dir("/proc/self/fd") else {
        return;
    };
    let open: Vec<u32> = entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|fd| *fd >= first && !keep.contains(fd))
        .collect();
    for fd in open {
        // SAFETY: as in close_range; the directory's own fd is closed by now.
        unsafe { libc::close(fd.cast_signed()) };
    }
}

/// Gives the program's own read-only pages back to the page cache. What the
/// boot touched was read around generously and would count as ours for ever;
/// what the loop needs comes back at its next turn.
pub(crate) fn release_code() {
    // SAFETY: the callback has the signature asked for and keeps no pointer.
    unsafe { libc::dl_iterate_phdr(Some(release_segments), std::ptr::null_mut()) };
}

/// Only segments that can't be written: dropping a page that was changed (data,
/// relocations) would lose the change. 1 ends the walk at the first object,
/// which is the program itself.
unsafe extern "C" fn release_segments(
    object: *mut libc::dl_phdr_info,
    _size: usize,
    _data: *mut c_void,
) -> c_int {
    const PAGE: usize = 4096;
    // Both are 64 bits wide (compile_error above).
    let address = |value: u64| usize::try_from(value).unwrap_or_default();
    // SAFETY: dl_iterate_phdr passes a whole dl_phdr_info, whose dlpi_phdr are
    // dlpi_phnum headers of the mapped program.
    let (base, headers) = unsafe {
        let object = &*object;
        let count = usize::from(object.dlpi_phnum);
        (
            object.dlpi_addr,
            std::slice::from_raw_parts(object.dlpi_phdr, count),
        )
    };
    for header in headers {
        if header.p_type == libc::PT_LOAD && header.p_flags & libc::PF_W == 0 {
            let start = address(base + header.p_vaddr);
            let end = start + address(header.p_memsz);
            let first = start - start % PAGE;
            // SAFETY: pages of a private mapping of a file that nobody can
            // write through; the next touch reads the same bytes again.
            unsafe { libc::madvise(first as *mut c_void, end - first, libc::MADV_DONTNEED) };
        }
    }
    1
}

/// The terminal among fds 0 to 2 whose foreground group is ours.
pub(crate) fn held_terminal() -> Option<Terminal> {
    let own = nix::unistd::getpgrp();
    (0..=STDERR)
        // SAFETY: 0 to 2 are open for the whole life (fill_closed_stdio).
        .map(|fd| unsafe { BorrowedFd::borrow_raw(fd) })
        .find(|fd| nix::unistd::tcgetpgrp(fd) == Ok(own))
        .map(|fd| Terminal { fd, own })
}

/// A terminal of which we held the foreground when we started.
#[derive(Clone, Copy)]
pub(crate) struct Terminal {
    pub(crate) fd: BorrowedFd<'static>,
    own: nix::unistd::Pid,
}

impl Terminal {
    /// Moves the foreground from our group to that of `pid`, or back, if it is
    /// still where we left it. SIGTTOU is blocked, so it can't stop us.
    pub(crate) fn give(self, pid: i32) {
        self.shift(self.own, nix::unistd::Pid::from_raw(pid));
    }

    pub(crate) fn take_back(self, pid: i32) {
        self.shift(nix::unistd::Pid::from_raw(pid), self.own);
    }

    fn shift(self, from: nix::unistd::Pid, to: nix::unistd::Pid) {
        if nix::unistd::tcgetpgrp(self.fd) == Ok(from) {
            // Never fatal: without a foreground the program still runs.
            let _ = nix::unistd::tcsetpgrp(self.fd, to);
        }
    }
}

/// The environment that the process was started with: the kernel's own bytes,
/// which /proc/PID/environ shows. Not std::env, so that secrets can be wiped.
pub(crate) struct Environment(*mut *mut c_char);

impl Environment {
    /// `NAME=value` entries.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &CStr> {
        (0..).map_while(|at| {
            // SAFETY: the array ends with a null pointer, and nothing is read
            // behind it; entries live as long as the process and are written
            // only through `&mut self`.
            unsafe {
                let entry = *self.0.add(at);
                (!entry.is_null()).then(|| CStr::from_ptr(entry))
            }
        })
    }

    /// The value of the first entry called `name`.
    pub(crate) fn get(&self, name: &str) -> Option<&[u8]> {
        self.entries()
            .find_map(|entry| value_of(entry.to_bytes(), name))
    }

    /// Overwrites the values of `name` where they lie.
    pub(crate) fn wipe(&mut self, name: &str) {
        let found: Vec<(usize, usize)> = (0..)
            .zip(self.entries())
            .filter_map(|(at, entry)| Some((at, value_of(entry.to_bytes(), name)?.len())))
            .collect();
        for (at, length) in found {
            for offset in 0..length {
                // SAFETY: inside the entry's value, behind `name=`; no shared
                // reference is alive, for `self` is borrowed mutably. Volatile,
                // because nobody reads it later and it must happen all the same.
                unsafe {
                    let value = (*self.0.add(at)).add(name.len() + 1);
                    value.add(offset).cast::<u8>().write_volatile(b'x');
                }
            }
        }
    }
}

fn value_of<'a>(entry: &'a [u8], name: &str) -> Option<&'a [u8]> {
    entry.strip_prefix(name.as_bytes())?.strip_prefix(b"=")
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
