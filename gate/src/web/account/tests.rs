use super::*;

fn read(body: &str) -> Result<Vec<u8>, String> {
    new_password(&Form::parse(body.as_bytes()).unwrap()).map(|(_, new)| new.expose().to_vec())
}

#[test]
fn a_new_password_is_typed_twice() {
    assert_eq!(read("old=a&new=b+c&again=b+c"), Ok(b"b c".to_vec()));
    let long = "x".repeat(256);
    let long = format!("old=a&new={long}&again={long}");
    for (form, why) in [
        ("old=a&new=b&again=c", "The two new passwords differ."),
        (
            "old=a&new=&again=",
            "The new password can't be used: it is empty.",
        ),
        ("old=a", "The new password can't be used: it is empty."),
        (
            "old=a&new=b%0A&again=b%0A",
            "The new password can't be used: it holds a newline; it must be one line.",
        ),
        (
            &long,
            "The new password can't be used: it has more than 255 bytes.",
        ),
    ] {
        assert_eq!(read(form), Err(why.to_owned()));
    }
}

#[test]
fn pams_words_are_passed_on() {
    assert_eq!(
        rejected(Rejection::New, " BAD PASSWORD: too short "),
        "The new password was not accepted: BAD PASSWORD: too short"
    );
    let silent = rejected(Rejection::New, "");
    assert_eq!(silent, "The new password was not accepted.");
}
