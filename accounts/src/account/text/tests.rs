use super::*;

#[test]
fn gecos() {
    for good in ["", "Alice Liddell,,,", "Zoë", "#1 & more"] {
        assert!(RealName::parse(good).is_ok(), "{good}");
    }
    for bad in [
        "a:b",
        "a\nb",
        "a\rb",
        "a\0",
        "\u{7f}",
        "\u{85}",
        "\u{202e}ecila",
    ] {
        assert!(RealName::parse(bad).is_err(), "{bad:?}");
    }
    assert!(RealName::parse(&"x".repeat(257)).is_err());
}

#[test]
fn homes() {
    for (path, base) in [
        ("/home/alice", "/home"),
        ("/srv/people/alice", "/srv/people"),
    ] {
        let home = Home::parse(path).unwrap();
        assert_eq!((home.base(), home.component()), (base, "alice"));
    }
    for bad in [
        "",
        "/",
        "/home",
        "/home/",
        "/etc",
        "/root",
        "//a",
        "/home/./a",
        "/home/../a",
        "/home/a/",
        "/home/..",
        "/home/.x",
        "/home//a",
        "home/a",
    ] {
        assert!(Home::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn shells() {
    assert!(Shell::parse("/bin/bash").is_ok());
    for bad in [
        "",
        "/",
        "bash",
        "/bin/../x",
        "/bin//sh",
        "/bin/sh:",
        "/bin/./sh",
        "/bin/",
    ] {
        assert!(Shell::parse(bad).is_err(), "{bad}");
    }
}
