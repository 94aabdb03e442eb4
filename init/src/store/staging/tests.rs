use super::*;

#[test]
fn only_what_a_store_has_belongs_there() {
    for (part, file) in [
        ("", "alice.json"),
        ("", "a b.json"),
        (UIDS, "10000"),
        (REMOVED, "10000.json"),
        (LEGACY, "alice.json"),
    ] {
        assert!(belongs(part, file), "{part}/{file}");
    }
    for (part, file) in [
        ("", ".lock"),
        ("", ".occ-x.json"),
        ("", "alice"),
        ("", ".json"),
        (UIDS, "alice"),
        (UIDS, "010000"),
        (REMOVED, "alice.json"),
    ] {
        assert!(!belongs(part, file), "{part}/{file}");
    }
}
