//! Kernels and sandboxes that lack system calls: gVisor, qemu's user mode, profiles of
//! seccomp that are older than the call. Filters answer here as they do. COMMAND is started
//! exactly once, and all else is as anywhere.
#![allow(unsafe_code)]

use crate::support::signals::TERM;
use std::fs;
use std::os::raw::c_long;

use nix::libc::{self, sock_filter};

use crate::harness::{BOTH, Place, Setup, children, setup, setup_restoring, until};
use crate::tree::{HASH, STORE, furnish_alice, furnish_quiet};

/// Where the number of the call and its first two arguments are in seccomp_data.
const NUMBER: u32 = 0;
const FIRST_ARGUMENT: u32 = 16;
const SECOND_ARGUMENT: u32 = 24;

fn load(place: u32) -> sock_filter {
    let code = libc::BPF_LD | libc::BPF_W | libc::BPF_ABS;
    // SAFETY: only fills in a struct.
    unsafe { libc::BPF_STMT(u16::try_from(code).unwrap(), place) }
}

fn jump(how: u32, value: u32, yes: u8, no: u8) -> sock_filter {
    let code = u16::try_from(libc::BPF_JMP | how).unwrap();
    // SAFETY: only fills in a struct.
    unsafe { libc::BPF_JUMP(code, value, yes, no) }
}

fn answer(value: u32) -> sock_filter {
    // SAFETY: only fills in a struct.
    unsafe { libc::BPF_STMT(u16::try_from(libc::BPF_RET).unwrap(), value) }
}

fn fail_with(errno: i32) -> sock_filter {
    answer(libc::SECCOMP_RET_ERRNO | errno.cast_unsigned())
}

/// These calls are unknown: ENOSYS.
fn without(calls: &[c_long]) -> Vec<sock_filter> {
    let mut filter = vec![load(NUMBER)];
    for call in calls {
        let call = u32::try_from(*call).unwrap();
        filter.push(jump(libc::BPF_JEQ | libc::BPF_K, call, 0, 1));
        filter.push(fail_with(libc::ENOSYS));
    }
    filter.push(answer(libc::SECCOMP_RET_ALLOW));
    filter
}

/// As under qemu: clone(2) with `CLONE_VM` is EINVAL, unless for a thread or as vfork(2).
fn without_shared_memory() -> Vec<sock_filter> {
    let clone = u32::try_from(libc::SYS_clone).unwrap();
    let as_usual = (libc::CLONE_VFORK | libc::CLONE_THREAD).cast_unsigned();
    vec![
        load(NUMBER),
        jump(libc::BPF_JEQ | libc::BPF_K, clone, 0, 4),
        load(FIRST_ARGUMENT),
        jump(libc::BPF_JSET, as_usual, 2, 0),
        jump(libc::BPF_JSET, libc::CLONE_VM.cast_unsigned(), 0, 1),
        fail_with(libc::EINVAL),
        answer(libc::SECCOMP_RET_ALLOW),
    ]
}

/// As in gVisor: fcntl(2) knows no locks of open files, EINVAL.
fn without_open_file_locks() -> Vec<sock_filter> {
    let fcntl = u32::try_from(libc::SYS_fcntl).unwrap();
    let [first, last] = [libc::F_OFD_GETLK, libc::F_OFD_SETLKW].map(i32::cast_unsigned);
    vec![
        load(NUMBER),
        jump(libc::BPF_JEQ | libc::BPF_K, fcntl, 0, 4),
        load(SECOND_ARGUMENT),
        jump(libc::BPF_JGE | libc::BPF_K, first, 0, 2),
        jump(libc::BPF_JGT | libc::BPF_K, last, 1, 0),
        fail_with(libc::EINVAL),
        answer(libc::SECCOMP_RET_ALLOW),
    ]
}

fn kernels() -> [(&'static str, Vec<sock_filter>); 4] {
    let newer = [
        libc::SYS_clone3,
        libc::SYS_close_range,
        libc::SYS_openat2,
        libc::SYS_faccessat2,
    ];
    [
        (
            "without set_tid_address",
            without(&[libc::SYS_set_tid_address]),
        ),
        ("older", without(&newer)),
        ("qemu", without_shared_memory()),
        ("gVisor", without_open_file_locks()),
    ]
}

fn on(kernel: &[sock_filter], setup: Setup) -> Setup {
    let filter = kernel.to_vec();
    setup.before(move || {
        let program = libc::sock_fprog {
            len: u16::try_from(filter.len()).unwrap(),
            filter: filter.as_ptr().cast_mut(),
        };
        // SAFETY: the kernel copies the filter, of the length given.
        let set = unsafe {
            libc::prctl(
                libc::PR_SET_SECCOMP,
                libc::SECCOMP_MODE_FILTER,
                &raw const program,
            )
        };
        assert_eq!(set, 0);
    })
}

/// As many processes as may be are there: no more child, but threads.
fn without_room() -> Vec<sock_filter> {
    let clone = u32::try_from(libc::SYS_clone).unwrap();
    vec![
        load(NUMBER),
        jump(libc::BPF_JEQ | libc::BPF_K, clone, 0, 3),
        load(FIRST_ARGUMENT),
        jump(libc::BPF_JSET, libc::CLONE_VFORK.cast_unsigned(), 0, 1),
        fail_with(libc::EAGAIN),
        answer(libc::SECCOMP_RET_ALLOW),
    ]
}

#[test]
fn a_limit_of_processes_is_named() {
    let setup = on(&without_room(), setup(Place::Subreaper, &["--", "true"]));
    let (code, _, err) = setup.run();
    assert_eq!(code, 125);
    assert!(err.contains("docker's --pids-limit, or ulimit -u"), "{err}");
}

/// Counts its starts, leaves orphans, and ends at TERM.
const COMMAND: &str = r#"echo started >>"$STARTS"
    trap "echo told; exit 5" TERM
    i=0; while [ $i -lt 20 ]; do (sleep 0 &); i=$((i+1)); done
    echo ready; while :; do sleep 0.01; done"#;

#[test]
fn command_starts_once_gets_term_and_its_orphans_are_reaped() {
    for (name, kernel) in kernels() {
        for (place, has_record) in [
            (Place::Namespace, false),
            (Place::Namespace, true),
            (Place::Subreaper, true),
        ] {
            let setup = setup_restoring(place, &["--", "sh", "-c", COMMAND]);
            if has_record {
                furnish_alice(setup.root());
            } else {
                furnish_quiet(setup.root());
            }
            let starts = setup.root().join("starts");
            let setup = setup.env("STARTS", starts.to_str().unwrap());
            let mut init = on(&kernel, setup).start();
            assert_eq!(init.line(), "ready", "{name} {place:?}");
            until("only COMMAND is left", || children(init.pid()).len() == 1);
            assert_eq!(fs::read_to_string(&starts).unwrap(), "started\n", "{name}");
            init.kill(TERM);
            let (code, out, err) = init.end();
            assert_eq!((code, out.as_str()), (5, "told\n"), "{name}: {err}");
        }
    }
}

#[test]
fn end_of_command_is_ours() {
    for (name, kernel) in kernels() {
        for place in BOTH {
            let script = "echo $0 $(ps -o pgid= -p $$) $$; exit 7";
            let args = ["--", "sh", "-c", script, "said"];
            let (code, out, err) = on(&kernel, setup(place, &args)).run();
            assert_eq!((code, err.as_str()), (7, ""), "{name} {place:?}");
            let words: Vec<&str> = out.split_whitespace().collect();
            assert_eq!((words[0], words[1]), ("said", words[2]), "{out}");
            let killed = setup(place, &["--", "sh", "-c", "kill -9 $$"]);
            let (code, _, err) = on(&kernel, killed).run();
            assert_eq!(code, 137, "{name}: {err}");
        }
    }
}

#[test]
fn user_and_errors_of_exec_are_as_anywhere() {
    let user = ["--user", "65534:7", "--", "id"];
    for (name, kernel) in kernels() {
        for (args, status) in [
            (&user[..], 0),
            (&["--", "/no/such"], 127),
            (&["--", "/etc"], 126),
        ] {
            let here = setup(Place::Subreaper, args).run();
            assert_eq!(here.0, status, "{}", here.2);
            let there = on(&kernel, setup(Place::Subreaper, args)).run();
            assert_eq!(there, here, "{name} {args:?}");
        }
    }
}

#[test]
fn accounts_are_restored() {
    for (name, kernel) in kernels() {
        for has_record in [false, true] {
            let script = "grep -c alice \"$PASSWD\"; exit 3";
            let setup = setup_restoring(Place::Namespace, &["--", "sh", "-c", script]);
            if has_record {
                furnish_alice(setup.root());
            } else {
                furnish_quiet(setup.root());
            }
            let passwd = setup.root().join("etc/passwd");
            let setup = setup.env("PASSWD", passwd.to_str().unwrap());
            let (code, out, err) = on(&kernel, setup).run();
            assert_eq!(code, 3, "{name}: {err}");
            assert_eq!(out, if has_record { "1\n" } else { "0\n" }, "{name}: {err}");
            assert_eq!(err.matches("restored ").count(), 1, "{name}: {err}");
        }
    }
}

#[test]
fn a_store_that_gvisor_cannot_lock_is_one_without_locks() {
    let kernel = without_open_file_locks();
    let run = |args: &[&str]| {
        let setup = setup_restoring(Place::Subreaper, args);
        furnish_alice(setup.root());
        let shadow = setup.root().join("etc/shadow");
        let record = setup.root().join(STORE).join("alice.json");
        let (keep, setup) = setup.keep();
        let (code, _, err) = on(&kernel, setup).run();
        let texts = [shadow, record].map(|path| fs::read_to_string(path).unwrap());
        drop(keep);
        (code, err, texts)
    };
    let (code, err, [shadow, record]) = run(&["user", "disable", "alice"]);
    assert_eq!(code, 1, "{err}");
    assert!(err.contains("its file system has no locks"), "{err}");
    assert!(err.contains("--no-store-lock"), "{err}");
    assert!(!shadow.contains("alice") && !record.contains("\"locked\": true"));

    let (code, err, [shadow, _]) = run(&["--", "true"]);
    assert_eq!(code, 0, "{err}");
    assert!(err.contains("no locks; going on without the lock"), "{err}");
    assert!(shadow.contains(&format!("alice:{HASH}")), "{err}");

    let told = ["--no-store-lock", "user", "disable", "alice"];
    let (code, err, [shadow, record]) = run(&told);
    assert_eq!(code, 0, "{err}");
    assert!(shadow.contains(&format!("alice:!{HASH}")), "{err}");
    assert!(record.contains("\"locked\": true"), "{record}");
}
