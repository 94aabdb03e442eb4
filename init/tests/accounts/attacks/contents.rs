//! Records that are no JSON of ours.

use super::{skipped_content, skipped_fields};
use crate::tree::{MARK, Tree, hash, record};
use serde_json::json;
use std::fs;

#[test]
fn row_22_json_that_is_none() {
    let text = |text: &str| text.as_bytes().to_vec();
    let whole = record("mallory", 20_000, &json!({}));
    let twice = String::from_utf8(whole.clone())
        .unwrap()
        .replacen('{', "{\"uid\":20001,", 1);
    let twice_within = String::from_utf8(whole.clone()).unwrap().replace(
        "\"hashedPassword\"",
        "\"hashedPassword\":[],\"hashedPassword\"",
    );
    for (content, word) in [
        (text("{"), "not valid JSON"),
        (text(MARK), "not valid JSON"),
        (text(&format!("{{\"userName\":\"{MARK}")), "not valid JSON"),
        (whole[..whole.len() / 2].to_vec(), "not valid JSON"),
        ([b"\xef\xbb\xbf", &whole[..]].concat(), "not valid JSON"),
        ([&whole[..], b"\0"].concat(), "not valid JSON"),
        ([&whole[..], &whole[..]].concat(), "not valid JSON"),
        (b"\0".repeat(300), "not valid JSON"),
        (
            b"{\"userName\":\"mallory\",\"uid\":20000,\"realName\":\"\xff\"}".to_vec(),
            "not valid JSON",
        ),
        (text(&twice), "twice"),
        (text(&twice_within), "twice"),
        (text("[]"), "not a JSON object"),
        (text("\"mallory\""), "not a JSON object"),
        (text("{}"), "'userName' is missing"),
        (text("{\"userName\":\"mallory\"}"), "'uid' is missing"),
    ] {
        skipped_content(&content, &[word]);
    }
}

#[test]
fn row_22_fields_of_another_type() {
    skipped_fields(&[
        (
            json!({ "disposition": "system" }),
            "disposition is not 'regular'",
        ),
        (json!({ "occ": 7 }), "'occ' must be an object"),
        (json!({ "shell": 7 }), "'shell' must be a string"),
        (json!({ "memberOf": "sudo" }), "'memberOf' must be a list"),
        (json!({ "locked": "no" }), "'locked' must be true or false"),
        (
            json!({ "privileged": [] }),
            "'privileged' must be an object",
        ),
        (
            json!({ "privileged": { "hashedPassword": MARK } }),
            "must be a list",
        ),
        (json!({ "userName": 7 }), "'userName' must be a string"),
    ]);
}

#[test]
fn row_23_a_newer_schema_is_skipped() {
    skipped_fields(&[(json!({ "occ": { "schema": 2 } }), "schema 2 is newer")]);
}

#[test]
fn row_23_a_newer_schema_is_never_rewritten() {
    let content = record("mallory", 20_000, &json!({ "occ": { "schema": 9 } }));
    let tree = Tree::with(&["alice"]);
    tree.plant("mallory.json", &content);
    for verb in [
        &["passwd", "mallory", "--generate"][..],
        &["disable", "mallory"],
        &["remove", "--force", "mallory"],
    ] {
        tree.run(&[&["user"][..], verb].concat())
            .ends(1)
            .says(&["schema 9 is newer"]);
    }
    assert_eq!(fs::read(tree.store("mallory.json")).unwrap(), content);
    assert_eq!(tree.field("etc/shadow", "alice", 1), hash('a'));
}
