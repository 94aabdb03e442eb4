use super::*;

fn headers(lines: &[&'static str]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in lines {
        headers.append(COOKIE, HeaderValue::from_static(line));
    }
    headers
}

fn session(lines: &[&'static str], secure: bool) -> Option<String> {
    let cookies = Cookies::of("opencode");
    let headers = headers(lines);
    cookies
        .get(&headers, Cookie::Session, secure)
        .map(str::to_owned)
}

#[test]
fn a_cookie_that_came_once_is_read() {
    assert_eq!(
        session(&["a=1; occ_opencode=T; b=2"], false),
        Some("T".into())
    );
    assert_eq!(session(&["a=1", "occ_opencode=T"], false), Some("T".into()));
    assert_eq!(session(&["__Host-occ_opencode=T"], true), Some("T".into()));
}

#[test]
fn of_two_with_one_name_none_is_ours() {
    assert_eq!(session(&["occ_opencode=T; occ_opencode=U"], false), None);
    assert_eq!(session(&["occ_opencode=T", "occ_opencode=T"], false), None);
}

#[test]
fn behind_tls_only_the_guarded_name_counts() {
    assert_eq!(session(&["occ_opencode=T"], true), None);
    assert_eq!(session(&["__Host-occ_opencode=T"], false), None);
    assert_eq!(session(&["occ_other=T"], false), None);
}

#[test]
fn cookies_are_out_of_reach_of_scripts_and_other_sites() {
    let cookies = Cookies::of("a b;c");
    let line = |secure| cookies.set(Cookie::Session, "TOKEN", secure, 60).unwrap();
    assert_eq!(
        line(false),
        "occ_a_b_c=TOKEN; Path=/; HttpOnly; SameSite=Strict; Max-Age=60"
    );
    assert_eq!(
        line(true),
        "__Host-occ_a_b_c=TOKEN; Path=/; HttpOnly; SameSite=Strict; Max-Age=60; Secure"
    );
    assert!(line(true).is_sensitive());
    assert!(cookies.set(Cookie::Session, "a\r\nb", false, 1).is_none());
}

#[test]
fn opencode_sees_no_cookie_of_a_gate() {
    let sent = headers(&[
        "a=1; occ_opencode=T; __Host-occ_x=U",
        "occ-device_opencode=D; b=2",
    ]);
    assert_eq!(Cookies::without_gates(&sent).unwrap(), "a=1; b=2");
    assert_eq!(Cookies::without_gates(&headers(&["occ_opencode=T"])), None);
    let sets = |line: &'static str| Cookies::sets_gates(&HeaderValue::from_static(line));
    assert!(sets("occ_opencode=x; Path=/"));
    assert!(sets(" __HOST-OCC_opencode=x"));
    assert!(sets("occ-device_opencode"));
    assert!(!sets("theme=occ_"));
}
