use super::*;

#[test]
fn one_newline_and_a_byte_order_mark_are_not_part_of_a_secret() {
    for (content, secret) in [
        (&b"pass word"[..], &b"pass word"[..]),
        (b"pass word\n", b"pass word"),
        (b"pass word\r\n", b"pass word"),
        (b"\xef\xbb\xbfpass word\r\n", b"pass word"),
        (b"pass\n\n", b"pass\n"),
        (b"pass\r", b"pass\r"),
        (b" pass ", b" pass "),
        (b"\n", b""),
        (b"\xef\xbb\xbf", b""),
        (b"", b""),
    ] {
        assert_eq!(secret_of(content), secret, "{content:?}");
    }
}

#[test]
fn a_password_has_1_to_255_bytes_and_no_control_character() {
    for good in [
        &b"x"[..],
        &[b'x'; 255],
        "pässwörd 日本".as_bytes(),
        b"\xff\xfe",
    ] {
        assert_eq!(check_password(good), Ok(()), "{good:?}");
    }
    for (bad, why) in [
        (&b""[..], "it is empty"),
        (&[b'x'; 256], "it has more than 255 bytes"),
        (b"a\0b", "it holds a NUL"),
        (b"a\tb", "it holds a tab"),
        (b"a\nb", "it holds a newline; it must be one line"),
        (b"ab\r", "it holds a carriage return"),
        (b"a\x1b[b", "it holds an escape character"),
        (b"\xffa\x7f", "it holds the control character U+007F"),
        (
            "a\u{85}".as_bytes(),
            "it holds the control character U+0085",
        ),
    ] {
        assert_eq!(check_password(bad).unwrap_err().to_string(), why);
    }
}

#[test]
fn short_passwords_are_warned_about() {
    assert!(weakness(b"a").is_some() && weakness(b"seven77").is_some());
    assert_eq!(weakness(b"eight888"), None);
}
