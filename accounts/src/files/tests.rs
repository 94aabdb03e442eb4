use super::*;

#[test]
fn the_last_gate() {
    let sound: [(File, &[u8]); 5] = [
        (File::Passwd, b"a:x:1000:1000::/home/a:/bin/sh"),
        (File::Shadow, b"a:*::0:99999:7:::"),
        (File::Group, b"a:x:1000:"),
        (File::Gshadow, b"a:!::"),
        (File::Subuid, b"a:100000:65536"),
    ];
    for (file, line) in sound {
        assert!(file.is_sound(line));
        for bad in [
            &b"\n"[..],
            b"\0",
            b"\r",
            b"\x7f",
            b"\x1b",
            b"\xff",
            b":",
            b"\nroot2::0:0::/:",
        ] {
            assert!(
                !file.is_sound(&[line, bad].concat()),
                "{}",
                bad.escape_ascii()
            );
        }
    }
}

#[test]
fn lines_longer_than_readers_take() {
    let padded =
        |start: &str, len: usize| format!("{start}{}", "x".repeat(len - start.len())).into_bytes();
    let shadow = |len| padded("a:*::0:99999:7:::", len);
    assert!(File::Shadow.is_sound(&shadow(254)) && !File::Shadow.is_sound(&shadow(255)));
    let passwd = |len| padded("a:x:1000:1000::/home/a:/", len);
    assert!(File::Passwd.is_sound(&passwd(1022)) && !File::Passwd.is_sound(&passwd(1023)));
}
