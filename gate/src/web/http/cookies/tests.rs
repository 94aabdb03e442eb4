use super::*;
use crate::web::http::tests::headers;

fn sent(lines: &[&'static str]) -> HeaderMap {
    let lines: Vec<_> = lines.iter().map(|line| ("cookie", *line)).collect();
    headers(&lines)
}

#[test]
fn a_cookie_that_came_once_under_its_name_is_read() {
    for (lines, secure, found) in [
        (&["a=1; occ_opencode=T; b=2"][..], false, Some("T")),
        (&["a=1", "occ_opencode=T"], false, Some("T")),
        (&["__Host-occ_opencode=T"], true, Some("T")),
        // Of two with one name, none is surely ours.
        (&["occ_opencode=T; occ_opencode=U"], false, None),
        (&["occ_opencode=T", "occ_opencode=T"], false, None),
        // Behind TLS only the guarded name counts.
        (&["occ_opencode=T"], true, None),
        (&["__Host-occ_opencode=T"], false, None),
        (&["occ_other=T"], false, None),
    ] {
        let (cookies, headers) = (Cookies::of("opencode"), sent(lines));
        assert_eq!(
            cookies.get(&headers, Cookie::Session, secure),
            found,
            "{lines:?}"
        );
    }
}

#[test]
fn cookies_are_out_of_reach_of_scripts_and_other_sites() {
    let cookies = Cookies::of("a b;c");
    let line = |secure| cookies.set(Cookie::Session, "TOKEN", secure, 60).unwrap();
    let guarded = "occ_a_b_c=TOKEN; Path=/; HttpOnly; SameSite=Strict; Max-Age=60";
    assert_eq!(line(false), guarded);
    assert_eq!(line(true), format!("__Host-{guarded}; Secure"));
    assert!(line(true).is_sensitive());
    assert!(cookies.set(Cookie::Session, "a\r\nb", false, 1).is_none());
}

#[test]
fn opencode_sees_no_cookie_of_a_gate() {
    let cookies = sent(&[
        "a=1; occ_opencode=T; __Host-occ_x=U",
        "occ-device_opencode=D; b=2",
    ]);
    assert_eq!(Cookies::without_gates(&cookies).unwrap(), "a=1; b=2");
    assert_eq!(Cookies::without_gates(&sent(&["occ_opencode=T"])), None);
    let sets = |line: &'static str| Cookies::sets_gates(&HeaderValue::from_static(line));
    assert!(sets("occ_opencode=x; Path=/"));
    assert!(sets(" __HOST-OCC_opencode=x"));
    assert!(sets("occ-device_opencode"));
    assert!(!sets("theme=occ_"));
    // Without a name the value alone is sent: as ours, if it looks like it.
    for nameless in [
        "=occ_opencode=x",
        " = occ_opencode=x",
        "occ_opencode",
        "",
        ";x",
        "=x",
    ] {
        assert!(sets(nameless), "{nameless}");
    }
}
