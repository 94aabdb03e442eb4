//! A COMMAND that tells every signal it gets, all 64, which no shell can trap.
//!
//! It is this test binary, started again: with `PROBE` in the environment it
//! becomes the probe before the test harness and its threads begin.
#![allow(unsafe_code)]

use std::ffi::c_int;
use std::io::Write as _;

/// Tells the probe to die of the signal that is its value.
pub(crate) const DIE_OF: &str = "PROBE_DIE_OF";
/// Tells the probe to end its first thread, and to go on in another until stdin ends.
pub(crate) const WITHOUT_LEADER: &str = "PROBE_WITHOUT_LEADER";
/// Tells the probe to be one; the value is put in front of its lines.
pub(crate) const VARIABLE: &str = "PROBE";

#[used]
#[unsafe(link_section = ".init_array")]
static BEFORE_MAIN: extern "C" fn() = before_main;

extern "C" fn before_main() {
    if let Some(signal) = std::env::var_os(DIE_OF) {
        die_of(signal.to_str().unwrap().parse().unwrap());
    }
    if std::env::var_os(WITHOUT_LEADER).is_some() {
        go_on_without_leader();
    }
    if let Some(name) = std::env::var_os(VARIABLE) {
        tell_signals(&name.to_string_lossy());
    }
}

/// Raw: glibc keeps signals 32 and 33 to itself, and its posix_spawn hands
/// them on ignored.
fn die_of(signal: i32) -> ! {
    let default = [0u64; 4];
    // SAFETY: the kernel's struct sigaction is 32 bytes of zero here (SIG_DFL,
    // no flags, no restorer, empty mask).
    unsafe {
        nix::libc::prctl(nix::libc::PR_SET_DUMPABLE, 0);
        nix::libc::syscall(
            nix::libc::SYS_rt_sigaction,
            signal,
            &raw const default,
            0,
            8,
        );
        nix::libc::kill(nix::libc::getpid(), signal);
    }
    std::process::exit(0)
}

/// Prints `NAME ready`, then `NAME N` for every signal N, for ever.
fn tell_signals(name: &str) -> ! {
    let all = u64::MAX;
    // SAFETY: a set of the size given.
    unsafe { nix::libc::syscall(nix::libc::SYS_rt_sigprocmask, 0, &raw const all, 0, 8) };
    tell(&format!("{name} ready\n"));
    loop {
        // SAFETY: a set of the size given; neither siginfo nor timeout asked for.
        let got =
            unsafe { nix::libc::syscall(nix::libc::SYS_rt_sigtimedwait, &raw const all, 0, 0, 8) };
        if c_int::try_from(got).is_ok_and(|signal| signal > 0) {
            tell(&format!("{name} {got}\n"));
        }
    }
}

/// exit(2) of the thread alone: what a main function does that calls pthread_exit(3).
fn go_on_without_leader() -> ! {
    std::thread::spawn(|| {
        let leader = format!("/proc/self/task/{}/stat", std::process::id());
        let has_ended = || {
            let stat = std::fs::read_to_string(&leader).unwrap();
            stat.contains(") Z ")
        };
        while !has_ended() {
            std::thread::yield_now();
        }
        tell("ready\n");
        let mut line = String::new();
        std::io::stdin().read_line(&mut line).unwrap();
        std::process::exit(4);
    });
    loop {
        // SAFETY: the other thread uses nothing of this one's stack.
        unsafe { nix::libc::syscall(nix::libc::SYS_exit, 0) };
    }
}

fn tell(line: &str) {
    std::io::stdout().write_all(line.as_bytes()).unwrap();
}
