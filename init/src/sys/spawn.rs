//! Starts a program: a child that lives on the caller's memory until it execs, as after
//! vfork(2), what it has to do before, and a pipe that exec closes. The caller goes on only
//! when the program runs or cannot, so no signal of the caller's meets a process that is not
//! the program yet, and exec's errno comes back.
//!
//! Not fork(2): it copies page tables, and each side copies the pages that it then writes to.
//! With it a start took 0.96 of catatonit's, instead of 0.88; with the child's stack from the
//! heap, whose unmapping interrupts the other processors, 0.88 instead of 0.81 (bar in
//! docs/benchmarks.md: at most 0.9).
//! Decides nothing.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString, c_char, c_int, c_long, c_void};
use std::io::Write as _;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd as _, BorrowedFd, OwnedFd, RawFd};
use std::ptr;

use nix::errno::Errno;
use nix::fcntl::OFlag;

use super::process::{own_pid, wait_exited};
use super::signal::{SignalMask, set_mask};
use super::terminal::Terminal;

pub(crate) struct Program<'a> {
    /// Tried in turn, as execvp(3) does with PATH.
    pub(crate) paths: &'a [CString],
    pub(crate) argv: &'a [&'a CStr],
    pub(crate) env: &'a [&'a CStr],
    /// Adds `LISTEN_PID` with its own process id.
    pub(crate) listen_pid: bool,
    pub(crate) mask: SignalMask,
    /// SIGCHLD was ignored when we started.
    pub(crate) ignore_sigchld: bool,
    /// Its foreground becomes the program's process group.
    pub(crate) terminal: Option<Terminal>,
    pub(crate) stdout: Option<BorrowedFd<'a>>,
    pub(crate) identity: Option<Ids<'a>>,
    pub(crate) group: Group,
}

/// The process group and session that the program gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Group {
    /// A group of its own.
    Own,
    /// A session of its own, with our terminal if we may give it away.
    Session,
    /// Ours, where it is the terminal's and has no number that would bring it back there.
    Inherited,
}

#[derive(Clone, Copy)]
pub(crate) struct Ids<'a> {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) groups: &'a [u32],
}

/// The step of a start that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Step {
    Fork,
    Stdout,
    Identity,
    Exec,
}

/// A program was not started; nothing is left of the attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SpawnError {
    pub(crate) step: Step,
    pub(crate) errno: Errno,
}

impl Step {
    const ALL: [Self; 4] = [Self::Fork, Self::Stdout, Self::Identity, Self::Exec];

    fn failed(self, errno: Errno) -> SpawnError {
        SpawnError { step: self, errno }
    }
}

/// Starts the program in a process group of its own, and returns its process id, which is
/// the group's too.
pub(crate) fn start(program: &Program<'_>) -> Result<i32, SpawnError> {
    let fork_failed = |errno| Step::Fork.failed(errno);
    let (from_child, to_parent) = nix::unistd::pipe2(OFlag::O_CLOEXEC).map_err(fork_failed)?;
    let mut child = Child {
        program,
        arrays: Arrays::new(program),
        to_parent: to_parent.as_raw_fd(),
    };
    let pid = child.run().map_err(fork_failed)?;
    drop(to_parent);
    let mut message = [0; SpawnError::BYTES];
    let length = read_retrying(&from_child, &mut message);
    let Some(error) = SpawnError::from_bytes(message.get(..length).unwrap_or_default()) else {
        return Ok(pid);
    };
    wait_exited(pid);
    if let Some(terminal) = program.terminal {
        terminal.take_back(pid);
    }
    Err(error)
}

/// Reads once; an error counts as nothing read.
fn read_retrying(fd: &OwnedFd, buffer: &mut [u8]) -> usize {
    loop {
        match nix::unistd::read(fd, buffer) {
            Err(Errno::EINTR) => {}
            length => return length.unwrap_or(0),
        }
    }
}

/// The child's stack, a piece of ours: enough for system calls and one formatted number. A
/// larger one makes each start touch more pages.
const STACK: usize = 8 * 1024;

/// All that the child needs; it allocates nothing.
struct Child<'a> {
    program: &'a Program<'a>,
    arrays: Arrays,
    to_parent: RawFd,
}

impl Child<'_> {
    /// Returns its process id once it execs or exits. An emulator (qemu's user mode) gives it
    /// a copy of our memory instead and does not wait: hence the pipe.
    fn run(&mut self) -> Result<i32, Errno> {
        // Aligned to 16 bytes, as the ABI wants it.
        let mut stack = MaybeUninit::<[u128; STACK / size_of::<u128>()]>::uninit();
        let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
        // SAFETY: the stack is as large as it says and grows down from its end. This thread
        // sleeps until the child has left it and `self`, or the child has copies of both;
        // other threads are none of its business: it takes no lock. Descriptors and signal
        // dispositions are its own.
        let pid = unsafe {
            let top = stack.as_mut_ptr().add(1).cast::<c_void>();
            libc::clone(child_main, top, flags, ptr::from_mut(self).cast())
        };
        Errno::result(pid)
    }
}

/// Execs, or tells the parent why not; the status it returns is then the child's exit status.
extern "C" fn child_main(child: *mut c_void) -> c_int {
    // SAFETY: `Child::run` passes itself, and waits.
    let child = unsafe { &mut *child.cast::<Child<'_>>() };
    let error = become_program(child.program, &mut child.arrays).to_bytes();
    // SAFETY: bytes of the length given. The descriptor stays the parent's to close.
    unsafe { libc::write(child.to_parent, error.as_ptr().cast(), error.len()) };
    127
}

impl SpawnError {
    const BYTES: usize = 1 + size_of::<i32>();

    fn to_bytes(self) -> [u8; Self::BYTES] {
        let [a, b, c, d] = (self.errno as i32).to_ne_bytes();
        [self.step as u8, a, b, c, d]
    }

    /// Returns `None` for no bytes: exec closed the pipe.
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (step, errno) = bytes.split_first()?;
        let step = Step::ALL.get(usize::from(*step)).unwrap_or(&Step::Exec);
        let errno = errno.try_into().map_or(0, i32::from_ne_bytes);
        Some(step.failed(Errno::from_raw(errno)))
    }
}

const SHELL: &CStr = c"/bin/sh";

/// Arrays of pointers as the kernel takes them, ended by null. Laid out before the fork.
struct Arrays {
    argv: Vec<*const c_char>,
    /// `/bin/sh PATH ARG…`, for a script that names no interpreter.
    shell: Vec<*const c_char>,
    env: Vec<*const c_char>,
    /// Written by the child, which alone knows its id.
    listen_pid: [u8; 24],
}

impl Arrays {
    fn new(program: &Program<'_>) -> Self {
        let ended = |texts: &[&CStr], room: usize| {
            let mut array = Vec::with_capacity(texts.len() + room);
            array.extend(texts.iter().map(|text| text.as_ptr()));
            array.push(ptr::null());
            array
        };
        let mut shell = ended(program.argv, 2);
        // In the place of the program's name: the path, which only the child knows.
        shell.insert(0, SHELL.as_ptr());
        Self {
            argv: ended(program.argv, 1),
            shell,
            env: ended(program.env, 2),
            listen_pid: [0; 24],
        }
    }

    /// Adds `LISTEN_PID=` with the id of this process.
    fn add_listen_pid(&mut self) {
        let last = self.listen_pid.len() - 1;
        let mut buffer = self.listen_pid.get_mut(..last).unwrap_or_default();
        // Formats into the buffer and allocates nothing.
        let _ = write!(buffer, "LISTEN_PID={}", own_pid());
        if let Some(end) = self.env.last_mut() {
            *end = self.listen_pid.as_ptr().cast::<c_char>();
            self.env.push(ptr::null());
        }
    }
}

/// The child's side, up to exec: returns only if that fails.
fn become_program(program: &Program<'_>, arrays: &mut Arrays) -> SpawnError {
    if let Err(error) = prepare(program) {
        return error;
    }
    if program.listen_pid {
        arrays.add_listen_pid();
    }
    set_mask(program.mask);
    Step::Exec.failed(exec(program, arrays))
}

fn prepare(program: &Program<'_>) -> Result<(), SpawnError> {
    // SAFETY: system calls on our own descriptors and constants.
    unsafe {
        match program.group {
            Group::Own => {
                libc::setpgid(0, 0);
            }
            Group::Session => {
                libc::setsid();
                // Fails where another session has the terminal, and for no terminal.
                libc::ioctl(0, libc::TIOCSCTTY, 0);
            }
            Group::Inherited => (),
        }
        if let Some(terminal) = program.terminal {
            // Never fatal. SIGTTOU is still blocked.
            libc::tcsetpgrp(terminal.fd.as_raw_fd(), libc::getpid());
        }
        if let Some(stdout) = program.stdout {
            let copied = Errno::result(libc::dup2(stdout.as_raw_fd(), 1));
            copied.map_err(|errno| Step::Stdout.failed(errno))?;
        }
        if program.ignore_sigchld {
            libc::signal(libc::SIGCHLD, libc::SIG_IGN);
        }
    }
    let become_user = program.identity.map_or(Ok(()), become_user);
    become_user.map_err(|errno| Step::Identity.failed(errno))
}

/// Raw calls: libc's would also change the other threads of the parent, whose list is in the
/// memory that the child shares. Once its ids differ the kernel holds that memory undumpable,
/// so the user cannot trace the child to reach it.
fn become_user(ids: Ids<'_>) -> Result<(), Errno> {
    let (uid, gid) = (c_long::from(ids.uid), c_long::from(ids.gid));
    // SAFETY: groups is an array of the length given.
    unsafe {
        let groups = ids.groups;
        Errno::result(libc::syscall(
            libc::SYS_setgroups,
            groups.len(),
            groups.as_ptr(),
        ))?;
        Errno::result(libc::syscall(libc::SYS_setresgid, gid, gid, gid))?;
        Errno::result(libc::syscall(libc::SYS_setresuid, uid, uid, uid)).map(drop)
    }
}

/// Tries the paths in turn; returns the errno that tells most.
fn exec(program: &Program<'_>, arrays: &mut Arrays) -> Errno {
    let mut told = Errno::ENOENT;
    for path in program.paths {
        // SAFETY: all arrays end with null, and what they point to lives.
        unsafe { libc::execve(path.as_ptr(), arrays.argv.as_ptr(), arrays.env.as_ptr()) };
        match Errno::last() {
            Errno::ENOEXEC if is_elf(path) => return Errno::ENOEXEC,
            Errno::ENOEXEC => return exec_by_shell(arrays, path),
            Errno::EACCES => told = Errno::EACCES,
            Errno::ENOENT | Errno::ENOTDIR | Errno::ENAMETOOLONG => {}
            other => return other,
        }
    }
    told
}

/// Returns true for a program of another machine, or a damaged one: a shell would read it
/// as a script.
fn is_elf(path: &CStr) -> bool {
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

/// Runs a script that has no `#!` line, as execvp(3) of glibc does (musl does not).
fn exec_by_shell(arrays: &mut Arrays, path: &CStr) -> Errno {
    if let Some(slot) = arrays.shell.get_mut(1) {
        *slot = path.as_ptr();
    }
    // SAFETY: as in `exec`.
    unsafe { libc::execve(SHELL.as_ptr(), arrays.shell.as_ptr(), arrays.env.as_ptr()) };
    Errno::ENOEXEC
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_is_read_back_from_its_bytes() {
        for (step, errno) in
            Step::ALL
                .into_iter()
                .zip([Errno::EAGAIN, Errno::EBADF, Errno::EPERM, Errno::ENOENT])
        {
            let error = SpawnError { step, errno };
            assert_eq!(SpawnError::from_bytes(&error.to_bytes()), Some(error));
        }
        assert_eq!(SpawnError::from_bytes(b""), None);
        assert!(SpawnError::from_bytes(b"\x09").is_some(), "cut short");
    }
}
