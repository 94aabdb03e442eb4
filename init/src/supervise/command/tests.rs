use super::*;

#[test]
fn path_is_searched_as_by_execvp() {
    let shown = |name: &[u8], path: &[u8]| {
        candidates(name, path)
            .iter()
            .map(|path| path.to_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(shown(b"x", b"/a:/b"), ["/a/x", "/b/x"]);
    assert_eq!(shown(b"x", b"/a::b:"), ["/a/x", "x", "b/x", "x"]);
    assert_eq!(shown(b"./x", b"/a"), ["./x"]);
    assert!(shown(b"", b"/a").is_empty());
}

#[test]
fn interpreters_are_read() {
    assert_eq!(
        interpreter(b"#! /bin/nope -x\nhello"),
        Some(&b"/bin/nope"[..])
    );
    assert_eq!(interpreter(b"#!/bin/nope\r\n"), Some(&b"/bin/nope"[..]));
    assert_eq!(interpreter(b"echo hi"), None);
    let own = fs::read("/bin/sh").unwrap();
    let named = interpreter(&own).expect("a dynamic /bin/sh");
    assert!(
        named.starts_with(b"/lib"),
        "{}",
        String::from_utf8_lossy(named)
    );
    for cut in 0..own.len().min(2000) {
        let _ = interpreter(&own[..cut]);
    }
}

#[test]
fn variables_that_are_set_replace_inherited_ones() {
    let set = [("HOME", c"HOME=/x".to_owned())];
    let env = Environment::of(&[
        c"PATH=/bin",
        c"HOME=/root",
        c"HOME",
        c"HOMER=1",
        c"LISTEN_PID=1",
        c"LISTEN_FDS=1",
        c"odd",
    ]);
    let kept = [
        c"PATH=/bin",
        c"HOMER=1",
        c"LISTEN_FDS=1",
        c"odd",
        c"HOME=/x",
    ];
    assert_eq!(entries(&env, &set, &[LISTEN_PID]), kept);
    assert_eq!(entries(&env, &[], &[]).len(), 7);
}

#[test]
fn variables_that_name_us_are_not_commands() {
    let of = |entries: &[&std::ffi::CStr]| naming_us(&Environment::of(entries), "7");
    let listening = [c"LISTEN_PID=7", c"LISTEN_PIDFDID=5", c"LISTEN_FDS=1"];
    assert_eq!(of(&listening), [LISTEN_PID, "LISTEN_PIDFDID"]);
    assert_eq!(
        of(&[c"WATCHDOG_PID=7", c"WATCHDOG_USEC=9"]),
        ["WATCHDOG_PID"]
    );
    assert!(of(&[c"LISTEN_PID=77", c"WATCHDOG_PID=1"]).is_empty());
}

#[test]
fn a_loader_of_32_bits_is_named() {
    let mut elf = vec![0; 256];
    elf[..6].copy_from_slice(b"\x7fELF\x01\x01");
    // One program header at 52, of 32 bytes: PT_INTERP, at 100, 19 bytes.
    for (at, value) in [(28, 52), (42, 32), (44, 1), (52, 3), (56, 100), (68, 19)] {
        elf[at] = value;
    }
    elf[100..119].copy_from_slice(b"/lib/ld-linux.so.2\0");
    assert_eq!(interpreter(&elf), Some(&b"/lib/ld-linux.so.2"[..]));
}
