use super::*;

#[test]
fn names_of_records() {
    for good in ["a", "_", "alice", "Al_ice-2", "a-b", &"a".repeat(32)] {
        assert!(Username::parse(good).is_ok(), "{good}");
    }
    for bad in [
        "",
        "1",
        "123",
        "0x1",
        "-a",
        "a:b",
        "../x",
        "..",
        ".",
        "a b",
        "a\n",
        "a/b",
        "élan",
        "a$",
        "$(id)",
        "a\0",
        "a.b",
        "a@b",
        &"a".repeat(33),
    ] {
        assert!(Username::parse(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn names_of_new_accounts() {
    for good in ["bob", "alice_2", "_ab", "Zoe"] {
        assert!(Username::new_account(good).is_ok(), "{good}");
    }
    for bad in ["", "ab", "a-b-c", "123", "a:b", "../x"] {
        assert!(Username::new_account(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn the_message_names_the_value_and_what_is_allowed() {
    assert_eq!(
        Username::new_account("a:b\n").unwrap_err().to_string(),
        "invalid name 'a:b\\n': a new name has 3 to 32 of ASCII letters, digits and '_', \
         not starting with a digit"
    );
}

#[test]
fn reserved_in_any_case() {
    for name in [
        "root",
        "Sudo",
        "wheel",
        "admin",
        "occ-opencode",
        "systemd-x",
        "Docker",
    ] {
        assert!(Username::parse(name).unwrap().is_reserved(), "{name}");
    }
    for name in ["alice", "opencode", "rooty", "occ"] {
        assert!(!Username::parse(name).unwrap().is_reserved(), "{name}");
    }
}
