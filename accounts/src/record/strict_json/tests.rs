use super::*;

#[test]
fn what_serde_json_accepts_otherwise() {
    let text = br#"{"a":[1,-2,2.5,"x",null,true],"b":{}}"#;
    assert_eq!(
        parse(text).unwrap().to_owned(),
        serde_json::from_slice::<serde_json::Value>(text).unwrap()
    );
}

#[test]
fn a_number_is_the_nearest_and_stays_it() {
    let text = "17900000000429496729600000";
    let read = parse(text.as_bytes()).unwrap().to_owned();
    assert_eq!(read.as_f64(), text.parse().ok());
    let written = read.to_string();
    assert_eq!(
        parse(written.as_bytes()).unwrap().to_owned(),
        read,
        "{written}"
    );
}

#[test]
fn a_key_twice() {
    assert!(
        parse(br#"{"uid":1,"uid":2}"#)
            .unwrap_err()
            .to_string()
            .contains("twice")
    );
    assert!(parse(br#"{"a":{"uid":1,"uid":2}}"#).is_err());
    assert!(
        parse(br#"{"uid":1,"\u0075id":2}"#).is_err(),
        "the same key, escaped"
    );
}

#[test]
fn depth() {
    let nested = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
    assert!(parse(nested(MAX_DEPTH).as_bytes()).is_ok());
    assert!(
        parse(nested(MAX_DEPTH + 1).as_bytes())
            .unwrap_err()
            .to_string()
            .contains("deeper")
    );
    assert!(parse(nested(30_000).as_bytes()).is_err());
}

#[test]
fn garbage_is_an_error_that_repeats_nothing() {
    for bad in [
        &b""[..],
        b"{",
        b"\xef\xbb\xbf{}",
        b"{} x",
        b"\0",
        b"{\"a\":\"\xff\"}",
        b"secret-token",
    ] {
        let error = parse(bad).unwrap_err().to_string();
        assert!(!error.contains("secret"), "{error}");
    }
}
