use super::*;

#[test]
fn paths_of_ours_are_kept() {
    for path in [
        "/",
        "/server/aHR0cA/session/ses_1",
        "/a?b=//c",
        "/%2F%2Fevil",
        "/a#b",
        "/a//b",
    ] {
        assert_eq!(local_path(path), path);
    }
}

#[test]
fn everything_else_is_the_start_page() {
    for path in [
        "",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil",
        "https://evil.example",
        "evil",
        "/\t/evil.example",
        "/\n/evil",
        "/a\r\nSet-Cookie: x=y",
        " /",
        "/ a",
        "/a\\b",
        "/\u{e9}",
        "javascript:alert(1)",
        "/_occ/logout",
        "/\0",
    ] {
        assert_eq!(local_path(path), "/", "{path:?}");
    }
    assert_eq!(local_path(&format!("/{}", "a".repeat(2001))), "/");
}
