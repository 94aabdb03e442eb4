//! More people than one thread works on: all the same happens, and those with
//! something wrong are told by name, in order.

use crate::tree::{Tree, record};
use serde_json::json;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

const COUNT: u32 = 1000;

fn name(number: u32) -> String {
    format!("person{number:04}")
}

/// All of them in the store, their homes still to be made.
fn many() -> Tree {
    let tree = Tree::new();
    tree.plant("person0000.json", &record("person0000", 10_000, &json!({})));
    for number in 1..COUNT {
        let content = record(&name(number), 10_000 + number, &json!({}));
        tree.write(
            &format!("var/lib/opencode-users/{}.json", name(number)),
            &content,
            0o600,
        );
    }
    tree
}

#[test]
fn everybody_is_restored_with_a_home_and_nothing_changes_after_that() {
    let tree = many();
    tree.restore().says(&["restored 1000 accounts (1000 new"]);
    for number in 0..COUNT {
        let (name, uid) = (name(number), 10_000 + number);
        assert_eq!(tree.field("etc/passwd", &name, 2), uid.to_string());
        for path in ["", ".bashrc"] {
            let found = fs::metadata(tree.path("home").join(&name).join(path)).unwrap();
            assert_eq!((found.uid(), found.gid()), (uid, uid), "{name} {path}");
        }
    }
    let before = tree.state();
    tree.restore().says(&["(0 new, 0 changed, 1000 unchanged)"]);
    assert_eq!(tree.state(), before);
}

#[test]
fn those_with_something_wrong_are_told_in_order() {
    let tree = many();
    for number in [3, 300, 301, 997] {
        tree.plant(&format!("{}.json", name(number)), b"{");
    }
    for number in [5, 500, 995] {
        let file = tree.store(&format!("{}.json", name(number)));
        fs::set_permissions(file, fs::Permissions::from_mode(0o640)).unwrap();
    }
    let home = tree.path("home").join(name(700));
    fs::write(home, "no directory").unwrap();
    let ran = tree.restore().says(&["restored 996 accounts (996 new"]);
    let told: Vec<&str> = ran.err.lines().chain(ran.out.lines()).collect();
    let of = |number| {
        let name = name(number);
        told.iter().position(|line| line.contains(&name))
    };
    let places = [3, 300, 301, 997].map(|number| of(number).expect("told"));
    assert!(places.is_sorted(), "{told:#?}");
    assert!(of(700).is_some() && of(701).is_none(), "{told:#?}");
    assert!(
        told.iter()
            .any(|line| line.contains("3 files of the store"))
    );
}
