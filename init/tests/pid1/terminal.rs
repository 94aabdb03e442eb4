//! Job control on a pseudoterminal.
#![allow(unsafe_code)]

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::process::Stdio;

use crate::harness::{Init, Place, Setup, beside, children, setup, state, until};
use crate::support::pseudoterminal;

/// occ-init as leader of a session with this terminal, and the other end.
fn on_terminal(place: Place, script: &str) -> (Init, File) {
    let ends = pseudoterminal();
    let mut setup = setup(place, &["--", "sh", "-c", script]).before(|| {
        nix::unistd::setsid().unwrap();
        // SAFETY: stdin is the terminal; 0 as the argument takes nothing away.
        let result = unsafe { nix::libc::ioctl(0, nix::libc::TIOCSCTTY, 0) };
        assert_eq!(result, 0);
    });
    setup
        .command
        .stdin(Stdio::from(ends.slave.try_clone().unwrap()));
    setup
        .command
        .stderr(Stdio::from(ends.slave.try_clone().unwrap()));
    drop::<OwnedFd>(ends.slave);
    let mut init = setup.start();
    assert_eq!(init.line(), "ready");
    (init, File::from(ends.master))
}

fn foreground(terminal: &File) -> i32 {
    let mut group = 0;
    // SAFETY: an int that outlives the call.
    let result =
        unsafe { nix::libc::ioctl(terminal.as_raw_fd(), nix::libc::TIOCGPGRP, &raw mut group) };
    assert_eq!(result, 0);
    group
}

#[test]
fn command_has_the_foreground_and_reads() {
    for place in [Place::Subreaper, Place::Container] {
        let (mut init, mut terminal) =
            on_terminal(place, "echo ready; read line; echo got $line; exit 5");
        assert_eq!(
            foreground(&terminal),
            *children(init.pid()).first().unwrap(),
            "{place:?}"
        );
        terminal.write_all(b"hello\n").unwrap();
        assert_eq!(init.line(), "got hello");
        assert_eq!(init.exit_code(), 5);
    }
}

#[test]
fn control_c_is_for_command_alone() {
    let (mut init, mut terminal) = on_terminal(
        Place::Subreaper,
        "trap 'echo int; exit 6' INT; echo ready; read line",
    );
    terminal.write_all(b"\x03").unwrap();
    assert_eq!(init.line(), "int");
    assert_eq!(init.exit_code(), 6);
}

#[test]
fn control_z_stops_both_and_fg_continues_both() {
    let (mut init, mut terminal) =
        on_terminal(Place::Subreaper, "echo ready; read line; echo got $line");
    let (pid, command) = (init.pid(), *children(init.pid()).first().unwrap());
    terminal.write_all(b"\x1a").unwrap();
    until("both stop", || state(command) == 'T' && state(pid) == 'T');
    assert_eq!(
        foreground(&terminal),
        pid,
        "the shell above finds its job's group in front"
    );
    init.kill(18);
    until("COMMAND is in front again", || {
        foreground(&terminal) == command && state(command) == 'S'
    });
    terminal.write_all(b"again\n").unwrap();
    assert_eq!(init.line(), "got again");
    assert_eq!(init.exit_code(), 0);
}

#[test]
fn a_hangup_reaches_command() {
    let (mut init, mut terminal) = on_terminal(
        Place::Subreaper,
        "trap 'echo hup; exit 6' HUP; echo ready; while :; do sleep 0.01; done",
    );
    let mut echo = [0; 1];
    terminal.write_all(b"x").unwrap();
    terminal.read_exact(&mut echo).unwrap();
    drop(terminal);
    assert_eq!(init.line(), "hup");
    assert_eq!(init.exit_code(), 6);
}

#[test]
fn a_new_window_size_reaches_command() {
    for place in [Place::Subreaper, Place::Container] {
        let (mut init, terminal) = on_terminal(
            place,
            "trap 'stty size; exit 6' WINCH; echo ready; while :; do sleep 0.01; done",
        );
        let size = nix::pty::Winsize {
            ws_row: 33,
            ws_col: 77,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        // SAFETY: a winsize that outlives the call.
        let set = unsafe {
            nix::libc::ioctl(terminal.as_raw_fd(), nix::libc::TIOCSWINSZ, &raw const size)
        };
        assert_eq!(set, 0);
        assert_eq!(init.line(), "33 77", "{place:?}");
        assert_eq!(init.exit_code(), 6);
    }
}

#[test]
fn control_z_cannot_stop_command_for_good_where_nobody_could_continue_it() {
    let (mut init, mut terminal) =
        on_terminal(Place::Container, "echo ready; read line; echo got $line");
    terminal.write_all(b"\x1a").unwrap();
    terminal.write_all(b"hello\n").unwrap();
    assert_eq!(init.line(), "got hello");
    assert_eq!(init.exit_code(), 0);
}

#[test]
fn a_foreground_that_could_not_be_given_back_is_not_taken() {
    let (mut init, mut terminal) = on_terminal(
        Place::Namespace,
        "echo ready; read line; echo got $line; read line; exit 4",
    );
    let before = foreground(&terminal);
    assert_eq!(before, init.child.id().cast_signed(), "unshare's");
    terminal.write_all(b"hello\n").unwrap();
    assert_eq!(init.line(), "got hello");
    assert_eq!(foreground(&terminal), before);
    terminal.write_all(b"end\n").unwrap();
    assert_eq!(init.exit_code(), 4);
}

/// An init whose fds 0 to 2 are no terminal, with one that its session controls all the same.
fn with_hidden_terminal(mut setup: Setup) -> (Init, File) {
    let ends = pseudoterminal();
    let slave = ends.slave;
    setup.command.stdin(Stdio::null());
    let setup = setup.before(move || {
        nix::unistd::setsid().unwrap();
        // SAFETY: 0 as the argument takes nothing away.
        let result = unsafe { nix::libc::ioctl(slave.as_raw_fd(), nix::libc::TIOCSCTTY, 0) };
        assert_eq!(result, 0);
    });
    let mut init = setup.start();
    assert_eq!(init.line(), "ready");
    (init, File::from(ends.master))
}

#[test]
fn a_terminal_that_is_none_of_the_streams_is_handed_over_as_catatonit_does() {
    let command = [
        "--",
        "sh",
        "-c",
        "echo ready; read line </dev/tty; echo got $line; exit 5",
    ];
    let ours = setup(Place::Subreaper, &command);
    let other = beside(Place::Subreaper, &[&["catatonit"], &command[..]].concat());
    for setup in [ours, other] {
        let (mut init, mut terminal) = with_hidden_terminal(setup);
        let command = children(init.pid())[0];
        until("COMMAND is in front", || foreground(&terminal) == command);
        terminal.write_all(b"hello\n").unwrap();
        assert_eq!(init.line(), "got hello");
        assert_eq!(init.exit_code(), 5);
    }
}
