//! Under qemu's user mode, which runs containers of another architecture: no process
//! can be made on the memory of its parent. A filter says so here as qemu does.
#![allow(unsafe_code)]

use nix::libc;

use crate::harness::{BOTH, Place, Setup, setup, setup_restoring};
use crate::tree::{furnish_alice, furnish_quiet};

/// clone(2) with `CLONE_VM` is EINVAL, unless for a thread or as vfork(2).
fn no_shared_memory() {
    const NUMBER: u32 = 0;
    const FIRST_ARGUMENT: u32 = 16;
    const LOAD: u32 = libc::BPF_LD | libc::BPF_W | libc::BPF_ABS;
    let code = |code: u32| u16::try_from(code).unwrap();
    let flags = |flags: i32| flags.cast_unsigned();
    // SAFETY: it only fills a struct in.
    let statement = |what, k| unsafe { libc::BPF_STMT(code(what), k) };
    // SAFETY: so does this one.
    let jump = |how, k, yes, no| unsafe { libc::BPF_JUMP(code(libc::BPF_JMP | how), k, yes, no) };
    let clone = u32::try_from(libc::SYS_clone).unwrap();
    let filter = [
        statement(LOAD, NUMBER),
        jump(libc::BPF_JEQ | libc::BPF_K, clone, 0, 4),
        statement(LOAD, FIRST_ARGUMENT),
        jump(
            libc::BPF_JSET,
            flags(libc::CLONE_VFORK | libc::CLONE_THREAD),
            2,
            0,
        ),
        jump(libc::BPF_JSET, flags(libc::CLONE_VM), 0, 1),
        statement(
            libc::BPF_RET,
            libc::SECCOMP_RET_ERRNO | u32::try_from(libc::EINVAL).unwrap(),
        ),
        statement(libc::BPF_RET, libc::SECCOMP_RET_ALLOW),
    ];
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
}

fn emulated(setup: Setup) -> (i32, String, String) {
    setup.before(no_shared_memory).run()
}

#[test]
fn command_runs_and_its_end_is_ours() {
    for place in BOTH {
        let args = [
            "--",
            "sh",
            "-c",
            "echo $0 $(ps -o pgid= -p $$) $$; exit 7",
            "said",
        ];
        let (code, out, err) = emulated(setup(place, &args));
        assert_eq!((code, err.as_str()), (7, ""), "{place:?}");
        let words: Vec<&str> = out.split_whitespace().collect();
        assert_eq!((words[0], words[1]), ("said", words[2]), "{out}");
        let (code, _, err) = emulated(setup(place, &["--", "sh", "-c", "kill -9 $$"]));
        assert_eq!(code, 137, "{err}");
    }
}

#[test]
fn what_it_is_and_why_it_cannot_be_is_as_anywhere() {
    let user = ["--user", "65534:7", "--", "id"];
    for (args, status) in [
        (&user[..], 0),
        (&["--", "/no/such"], 127),
        (&["--", "/etc"], 126),
    ] {
        let here = setup(Place::Subreaper, args).run();
        assert_eq!(here.0, status, "{}", here.2);
        assert_eq!(emulated(setup(Place::Subreaper, args)), here, "{args:?}");
    }
}

#[test]
fn accounts_are_restored_and_those_of_a_store_without_any_too() {
    for has_record in [false, true] {
        let script = "grep -c alice \"$PASSWD\"; exit 3";
        let setup = setup_restoring(Place::Namespace, &["--", "sh", "-c", script]);
        if has_record {
            furnish_alice(setup.root());
        } else {
            furnish_quiet(setup.root());
        }
        let passwd = setup.root().join("etc/passwd");
        let (code, out, err) = emulated(setup.env("PASSWD", passwd.to_str().unwrap()));
        assert_eq!(code, 3, "{err}");
        assert_eq!(out, if has_record { "1\n" } else { "0\n" }, "{err}");
        assert_eq!(err.matches("restored ").count(), 1, "{err}");
    }
}
