use super::*;

#[test]
fn a_cookie_holds_for_its_account_and_key() {
    let key = DeviceKey::new(Zeroizing::new([1; 32]));
    let cookie = key.cookie("alice", [7; NUMBER]).unwrap();
    assert_eq!(key.check("alice", &cookie), Some([7; NUMBER]));
    assert_eq!(key.check("bob", &cookie), None);
    let other_key = DeviceKey::new(Zeroizing::new([2; 32]));
    assert_eq!(other_key.check("alice", &cookie), None);
    let text = String::from_utf8(cookie.expose().to_vec()).unwrap();
    for bad in [
        "",
        "AAAA",
        &text[1..],
        &text.replace('B', "C"),
        &format!("{text}AAAA"),
    ] {
        let cookie = Secret::from_text(bad).unwrap();
        assert_eq!(key.check("alice", &cookie), None, "{bad}");
    }
}
