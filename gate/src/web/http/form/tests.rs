use super::*;

#[test]
fn fields_are_decoded() {
    let form =
        Form::parse(b"user=alice&password=a+b%26%3D%25%c3%A9&next=%2Fx%3Fy&empty=&bare").unwrap();
    assert_eq!(form.text("user"), Some("alice"));
    assert_eq!(form.text("password"), Some("a b&=%\u{e9}"));
    assert_eq!(form.text("next"), Some("/x?y"));
    assert_eq!(form.text("empty"), Some(""));
    assert_eq!(form.text("bare"), Some(""));
    assert_eq!(form.text("missing"), None);
}

#[test]
fn what_is_ambiguous_or_broken_is_nothing() {
    assert!(Form::parse(b"a=1&a=2").unwrap().bytes("a").is_none());
    let no_text = Form::parse(b"a=%ff").unwrap();
    assert!(no_text.text("a").is_none());
    assert_eq!(no_text.bytes("a").unwrap().as_slice(), b"\xff");
    for body in [&b"a=%"[..], b"a=%1", b"a=%zz", b"%=1", b"a=%+1"] {
        assert!(Form::parse(body).is_none(), "{body:?}");
    }
    assert!(Form::parse("a=1&".repeat(17).as_bytes()).is_none());
    assert!(Form::parse(b"").unwrap().text("").is_none());
}
