use super::*;

fn read(body: &str) -> Result<Vec<u8>, &'static str> {
    new_password(&Form::parse(body.as_bytes()).unwrap()).map(|(_, new)| new.expose().to_vec())
}

#[test]
fn a_new_password_is_typed_twice() {
    assert_eq!(read("old=a&new=b+c&again=b+c"), Ok(b"b c".to_vec()));
    assert_eq!(
        read("old=a&new=b&again=c"),
        Err("The two new passwords differ.")
    );
    assert_eq!(read("old=a&new=&again="), Err("The new password is empty."));
    assert_eq!(read("old=a"), Err("The new password is empty."));
    assert_eq!(
        read("old=a&new=b%0A&again=b%0A"),
        Err("The new password must be one line.")
    );
    let long = "x".repeat(256);
    assert_eq!(
        read(&format!("old=a&new={long}&again={long}")),
        Err("A password is longer than 255 bytes.")
    );
}

#[test]
fn pams_words_are_passed_on() {
    assert_eq!(
        rejected(" BAD PASSWORD: too short "),
        "The new password was not accepted: BAD PASSWORD: too short"
    );
    assert_eq!(rejected(""), "The new password was not accepted.");
}
