//! Starts a program so that the caller goes on only after its exec: no signal
//! meets a process that is not the program yet, and exec's errno comes back.
//!
//! Between clone and exec the child runs on our memory (`sys::apart`), so it makes
//! system calls and nothing else; no allocation, no lock, no formatting. All that
//! it needs is laid out before.
#![allow(unsafe_code)]

mod forked;

use std::cell::Cell;
use std::ffi::{CStr, CString, c_char, c_long, c_void};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr;
use std::time::Duration;

use nix::errno::Errno;

use crate::sys::apart::{self, Apart};
use crate::sys::{self, Entry, SignalMask, Terminal};

/// A program, and what it is to find.
pub(crate) struct Program<'a> {
    /// Tried in turn, as execvp(3) does with PATH.
    pub(crate) paths: &'a [CString],
    pub(crate) argv: &'a [&'a CStr],
    pub(crate) env: &'a [Entry<'a>],
    /// Adds `LISTEN_PID` with its own process id.
    pub(crate) listen_pid: bool,
    pub(crate) mask: SignalMask,
    /// SIGCHLD was ignored when we started.
    pub(crate) ignore_sigchld: bool,
    /// Whose foreground becomes its process group.
    pub(crate) terminal: Option<Terminal>,
    pub(crate) stdout: Option<BorrowedFd<'a>>,
    pub(crate) identity: Option<Ids<'a>>,
}

/// What it runs as.
#[derive(Clone, Copy)]
pub(crate) struct Ids<'a> {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) groups: &'a [u32],
}

/// Why there is no program; nothing is left of the attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    Clone(Errno),
    Stdout(Errno),
    Identity(Errno),
    Exec(Errno),
}

/// Why it was not started; `F` says why it can't be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotStarted<F = Failure> {
    /// It can't be.
    Failed(F),
    /// The look found that it should not be.
    Unwanted,
    /// The look took too long; what is left of it is killed.
    Hung,
}

impl<F> NotStarted<F> {
    pub(crate) fn map<G>(self, told: impl FnOnce(F) -> G) -> NotStarted<G> {
        match self {
            Self::Failed(failure) => NotStarted::Failed(told(failure)),
            Self::Unwanted => NotStarted::Unwanted,
            Self::Hung => NotStarted::Hung,
        }
    }
}

impl NotStarted {
    pub(crate) fn errno(self) -> Errno {
        match self {
            Self::Failed(
                Failure::Clone(errno)
                | Failure::Stdout(errno)
                | Failure::Identity(errno)
                | Failure::Exec(errno),
            ) => errno,
            Self::Unwanted => Errno::ECANCELED,
            Self::Hung => Errno::ETIMEDOUT,
        }
    }
}

/// What the new process looks at before it becomes the program: a look in a
/// process of its own costs as much as a start.
pub(crate) struct Look<'a> {
    /// How long it may take.
    pub(crate) patience: Duration,
    /// Whether the program is to be started. As `apart::run` has it.
    pub(crate) finds: &'a mut dyn FnMut() -> bool,
}

/// Starts it in a process group of its own, if the look finds that it should be,
/// and returns its process id, which is the group's too.
pub(crate) fn start(program: &Program<'_>, look: Option<Look<'_>>) -> Result<i32, NotStarted> {
    let plan = Plan::new(program);
    let is_looked = look.is_some();
    match on_our_memory(&plan, look) {
        // qemu's user mode. What a look would note there nobody would hear of.
        Err(NotStarted::Failed(Failure::Clone(Errno::EINVAL))) if is_looked => {
            Err(NotStarted::Unwanted)
        }
        Err(NotStarted::Failed(Failure::Clone(Errno::EINVAL))) => {
            forked::start(&plan).map_err(NotStarted::Failed)
        }
        started => started,
    }
}

fn on_our_memory(plan: &Plan<'_>, look: Option<Look<'_>>) -> Result<i32, NotStarted> {
    let (patience, mut finds) = look.map(|look| (look.patience, look.finds)).unzip();
    let is_wanted = Cell::new(finds.is_none());
    let outcome = apart::run(patience, &mut || {
        if let Some(finds) = &mut finds {
            is_wanted.set(finds());
        }
        if is_wanted.get() {
            child(plan);
        }
    });
    let pid = match outcome {
        Apart::Gone(pid) => pid,
        Apart::Failed(errno) => return Err(NotStarted::Failed(Failure::Clone(errno))),
        Apart::Hung => return Err(NotStarted::Hung),
    };
    let not_started = match plan.failure.get() {
        _ if !is_wanted.get() => NotStarted::Unwanted,
        None => return Ok(pid),
        Some(failure) => NotStarted::Failed(failure),
    };
    plan.program.bury(pid);
    Err(not_started)
}

impl Program<'_> {
    /// The process that was to become the program, and won't.
    fn bury(&self, pid: i32) {
        sys::wait_exited(pid);
        if let Some(terminal) = self.terminal {
            terminal.take_back(pid);
        }
    }
}

/// The program as the kernel takes it: arrays of pointers that end with null.
struct Plan<'a> {
    program: &'a Program<'a>,
    argv: Vec<*const c_char>,
    /// `/bin/sh PATH ARG…`, for a script that names no interpreter.
    shell: Vec<Cell<*const c_char>>,
    env: Vec<*const c_char>,
    /// Our parent sleeps, but stays in this processor's queue until it is its turn
    /// (Linux 6.12 and later). With it there the kernel moves us to another one at our
    /// exec, which takes longer than all that we do. Where others wait too, they would
    /// have their turn as well, some milliseconds each.
    yields: bool,
    /// Boxed, for `env` points into it.
    listen_pid: Box<[Cell<u8>; 24]>,
    failure: Cell<Option<Failure>>,
}

impl<'a> Plan<'a> {
    fn new(program: &'a Program<'a>) -> Self {
        let argv = program
            .argv
            .iter()
            .map(|arg| arg.as_ptr())
            .chain([ptr::null()])
            .collect();
        let rest = program.argv.iter().skip(1).map(|arg| arg.as_ptr());
        let shell = [SHELL.as_ptr(), ptr::null()]
            .into_iter()
            .chain(rest)
            .chain([ptr::null()]);
        let mut plan = Self {
            program,
            argv,
            shell: shell.map(Cell::new).collect(),
            env: Vec::with_capacity(program.env.len() + 2),
            yields: !sys::is_busy(),
            listen_pid: Box::new([const { Cell::new(0) }; 24]),
            failure: Cell::new(None),
        };
        plan.env
            .extend(program.env.iter().map(|entry| entry.as_ptr()));
        if program.listen_pid {
            let buffer = plan.listen_pid.as_ptr().cast::<c_char>();
            plan.env.push(buffer);
        }
        plan.env.push(ptr::null());
        plan
    }
}

const SHELL: &CStr = c"/bin/sh";

/// The child's side, up to exec. Async-signal-safe calls only.
fn child(plan: &Plan<'_>) {
    if let Err(failure) = prepare(plan) {
        plan.failure.set(Some(failure));
        return;
    }
    if plan.yields {
        sys::yield_processor();
    }
    sys::set_mask(plan.program.mask);
    // Comes back only if it can't be done.
    plan.failure.set(Some(Failure::Exec(exec(plan))));
}

fn prepare(plan: &Plan<'_>) -> Result<(), Failure> {
    let program = plan.program;
    // SAFETY: system calls on our own fds and constants; signal() on SIGCHLD
    // changes the child's table only (no CLONE_SIGHAND).
    unsafe {
        libc::setpgid(0, 0);
        if let Some(terminal) = program.terminal {
            // Never fatal. SIGTTOU is still blocked.
            libc::tcsetpgrp(terminal.fd.as_raw_fd(), libc::getpid());
        }
        if let Some(stdout) = program.stdout {
            check(libc::dup2(stdout.as_raw_fd(), 1).into()).map_err(Failure::Stdout)?;
        }
        if program.ignore_sigchld {
            libc::signal(libc::SIGCHLD, libc::SIG_IGN);
        }
    }
    if program.listen_pid {
        write_listen_pid(&plan.listen_pid);
    }
    program
        .identity
        .map_or(Ok(()), become_user)
        .map_err(Failure::Identity)
}

/// Raw calls: libc's would also change all other threads, by ways that a
/// vforked child must not take. From setresuid on the kernel holds our shared
/// memory undumpable, so the user can't ptrace the child to reach it.
fn become_user(ids: Ids<'_>) -> Result<(), Errno> {
    let id = c_long::from;
    // SAFETY: groups is an array of the length given.
    unsafe {
        check(libc::syscall(
            libc::SYS_setgroups,
            ids.groups.len(),
            ids.groups.as_ptr(),
        ))?;
        check(libc::syscall(
            libc::SYS_setresgid,
            id(ids.gid),
            id(ids.gid),
            id(ids.gid),
        ))?;
        check(libc::syscall(
            libc::SYS_setresuid,
            id(ids.uid),
            id(ids.uid),
            id(ids.uid),
        ))
    }
}

fn check(result: c_long) -> Result<(), Errno> {
    if result < 0 {
        Err(Errno::last())
    } else {
        Ok(())
    }
}

/// `LISTEN_PID=123`, without the formatting machinery.
fn write_listen_pid(buffer: &[Cell<u8>; 24]) {
    let mut digits = [0u8; 10];
    let mut rest = sys::own_pid().unsigned_abs();
    let mut first = digits.len();
    for (at, digit) in digits.iter_mut().enumerate().rev() {
        *digit = b"0123456789"[(rest % 10) as usize];
        rest /= 10;
        first = at;
        if rest == 0 {
            break;
        }
    }
    let text = b"LISTEN_PID=".iter().chain(digits.iter().skip(first));
    for (cell, byte) in buffer.iter().zip(text) {
        cell.set(*byte);
    }
}

/// Tries the paths in turn; returns the errno that tells most.
fn exec(plan: &Plan<'_>) -> Errno {
    let mut told = Errno::ENOENT;
    for path in plan.program.paths {
        // SAFETY: all arrays end with null and live as long as the parent,
        // which is suspended.
        unsafe { libc::execve(path.as_ptr(), plan.argv.as_ptr(), plan.env.as_ptr()) };
        match Errno::last() {
            Errno::ENOEXEC if is_program(path) => return Errno::ENOEXEC,
            Errno::ENOEXEC => return exec_by_shell(plan, path),
            Errno::EACCES => told = Errno::EACCES,
            Errno::ENOENT | Errno::ENOTDIR | Errno::ENAMETOOLONG => {}
            other => return other,
        }
    }
    told
}

/// Another machine's, or damaged: a shell would read it as a script.
fn is_program(path: &CStr) -> bool {
    const ELF: [u8; 4] = *b"\x7fELF";
    let mut head = [0u8; ELF.len()];
    // SAFETY: a path that ends with NUL, and a buffer of the length given.
    unsafe {
        let flags = libc::O_RDONLY | libc::O_CLOEXEC | libc::O_NONBLOCK;
        let fd = libc::open(path.as_ptr(), flags);
        if fd < 0 {
            return false;
        }
        libc::read(fd, head.as_mut_ptr().cast::<c_void>(), head.len());
        libc::close(fd);
    }
    head == ELF
}

/// As execvp(3) does with a script that has no `#!` line (musl does not).
fn exec_by_shell(plan: &Plan<'_>, path: &CStr) -> Errno {
    if let Some(slot) = plan.shell.get(1) {
        slot.set(path.as_ptr());
    }
    // SAFETY: as in `exec`; Cell<T> has the layout of T.
    unsafe {
        libc::execve(
            SHELL.as_ptr(),
            plan.shell.as_ptr().cast(),
            plan.env.as_ptr(),
        )
    };
    Errno::ENOEXEC
}
