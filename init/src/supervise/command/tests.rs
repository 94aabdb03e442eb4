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
    assert_eq!(entries(&env, &set, true), kept);
    assert_eq!(entries(&env, &[], false).len(), 7);
}
