//! Uids and days that are none, and uids of the image.

use super::{skipped, skipped_fields};
use crate::tree::{Tree, record};
use serde_json::json;

#[test]
fn row_01_a_record_with_uid_zero() {
    skipped_fields(&[
        (json!({ "uid": 0, "gid": 0 }), "invalid uid 0"),
        (json!({ "gid": 0 }), "gid 0 is not the uid"),
        (json!({ "gid": 27 }), "gid 27 is not the uid"),
    ]);
}

#[test]
fn row_02_uids_that_are_no_persons() {
    let whole = "'uid' must be a whole number";
    skipped_fields(&[
        (json!({ "uid": "" }), whole),
        (json!({ "uid": "20000" }), whole),
        (json!({ "uid": true }), whole),
        (json!({ "uid": 1e4 }), whole),
        (json!({ "uid": -1 }), whole),
        (json!({ "uid": null }), "'uid' is missing"),
        (json!({ "uid": 999, "gid": 999 }), "invalid uid 999"),
        (json!({ "uid": 60000, "gid": 60000 }), "invalid uid 60000"),
        (json!({ "uid": 65534, "gid": 65534 }), "invalid uid 65534"),
        (json!({ "uid": 65535, "gid": 65535 }), "invalid uid 65535"),
    ]);
    for uid in [(1_u64 << 32) - 1, 1 << 32, (1 << 32) + 10_000] {
        let word = format!("invalid uid {uid}");
        skipped_fields(&[(json!({ "uid": uid, "gid": null }), &word)]);
    }
}

#[test]
fn row_03_the_uid_of_an_image_account() {
    let words = ["skipped 'mallory': uid 1000 is 'node' in the image"];
    let tree = skipped(&words, |tree| {
        tree.plant("mallory.json", &record("mallory", 1000, &json!({})));
    });
    assert_eq!(tree.field("etc/passwd", "node", 2), "1000");
    assert_eq!(tree.line("etc/passwd", "mallory"), None);
}

#[test]
fn row_30_a_clock_at_1970() {
    // What a clock that was not set leaves: day 0 would force a change at the
    // next login, which locks out whoever has keys alone.
    for usec in [0_u64, 1, 86_400_000_000, 10_956 * 86_400_000_000] {
        let old = Tree::with(&["alice", "bob"]);
        let more = json!({ "lastPasswordChangeUSec": usec });
        old.plant("carol.json", &record("carol", 20_000, &more));
        let tree = super::recreate(&old);
        tree.restore().says(&["restored 3 accounts"]);
        assert_eq!(tree.field("etc/shadow", "carol", 2), "", "{usec}");
        tree.run(&["check"]).ends(0);
    }
}
