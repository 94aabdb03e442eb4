use std::collections::BTreeSet;

use super::*;

#[test]
fn a_generated_password_is_24_letters_and_digits() {
    let mut seen = BTreeSet::new();
    for _ in 0..500 {
        let secret = Secret::generate().unwrap();
        assert_eq!(secret.expose().len(), 24);
        assert!(
            secret
                .expose()
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric())
        );
        seen.extend(secret.expose().bytes());
    }
    assert_eq!(
        seen.len(),
        62,
        "every character of the alphabet turns up in 12,000"
    );
}

#[test]
fn passwords_are_one_line_of_1_to_255_bytes() {
    assert!(Secret::password(b"x").is_ok());
    assert!(Secret::password(&[b'x'; 255]).is_ok());
    assert!(Secret::password("pässwörd with spaces: and colon".as_bytes()).is_ok());
    for refused in [&b""[..], &[b'x'; 256], b"a\nb", b"a\0b", b"\xff"] {
        assert_eq!(Secret::password(refused).unwrap_err().kind().exit_code(), 9);
    }
}

#[test]
fn the_request_names_the_secret_once_and_debug_never() {
    let secret = Secret::password(b"a\"b\\c").unwrap();
    let bytes = request(Some(&secret), None, None).unwrap();
    assert_eq!(&bytes[..], br#"{"schema":1,"password":"a\"b\\c"}"#);
    assert_eq!(format!("{secret:?}"), "Secret(..)");
}

#[test]
fn a_request_over_the_limit_is_refused_here() {
    let keys = vec!["k".repeat(REQUEST_LIMIT)];
    assert_eq!(
        request(None, None, Some(keys))
            .unwrap_err()
            .kind()
            .exit_code(),
        9
    );
}
