//! Homes that lead elsewhere, or are swapped under our hands.

use super::{skipped, skipped_fields};
use crate::tree::{Tree, hash, record};
use serde_json::json;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::sync::atomic::{AtomicBool, Ordering};

#[test]
fn row_12_homes_elsewhere() {
    let homes = [
        "/",
        "/root",
        "/etc",
        "/home",
        "/home/../etc",
        "/home/a/",
        "//etc",
        "home/a",
        "",
    ];
    let cases = homes.map(|home| (json!({ "homeDirectory": home }), "invalid home"));
    skipped_fields(&cases);
    // In a directory, but in none where the image allows homes.
    for home in ["/home/a/b", "/etc/cron.d", "/root/a", "/srv/people/mallory"] {
        let words = ["skipped 'mallory': invalid home: the image allows none"];
        let tree = skipped(&words, |tree| {
            let more = json!({ "homeDirectory": home });
            tree.plant("mallory.json", &record("mallory", 20_000, &more));
        });
        assert_eq!(tree.line("etc/passwd", "mallory"), None);
        assert!(!tree.path(&home[1..]).exists());
    }
}

/// What the image allows is still made only where nobody but root can write.
#[test]
fn row_13_a_directory_of_homes_that_is_a_trap() {
    let mallory = json!({ "homeDirectory": "/srv/people/mallory" });
    let traps: [fn(&Tree); 4] = [
        |tree| symlink("/etc", tree.path("srv/people")).unwrap(),
        |tree| symlink(tree.path("etc"), tree.path("srv/people")).unwrap(),
        |tree| {
            fs::create_dir(tree.path("srv/people")).unwrap();
            chown(tree.path("srv/people"), Some(10_000), None).unwrap();
        },
        |tree| {
            fs::create_dir(tree.path("srv/people")).unwrap();
            fs::set_permissions(tree.path("srv"), fs::Permissions::from_mode(0o777)).unwrap();
        },
    ];
    for trap in traps {
        let tree = Tree::with(&["alice"]);
        tree.write("etc/occ/homes.allow", b"/srv/people\n", 0o644);
        fs::create_dir(tree.path("srv")).unwrap();
        trap(&tree);
        tree.plant("mallory.json", &record("mallory", 20_000, &mallory));
        let ran = tree.restore();
        ran.says(&["restored 2 accounts", "/srv/people'"]);
        assert!(!tree.path("etc/mallory").exists() && !tree.path("srv/people/mallory").exists());
        let purge = ["user", "remove", "--yes", "--purge-home", "mallory"];
        tree.run(&purge).ends(1);
    }
}

#[test]
fn row_13_a_home_that_is_a_link() {
    for to in ["/etc", "../etc", "../root", "nowhere", "."] {
        let tree = Tree::new();
        fs::create_dir(tree.path("root")).unwrap();
        let etc = fs::metadata(tree.path("etc")).unwrap();
        for (name, uid) in [("alice", 10_000), ("bob", 10_001)] {
            tree.plant(&format!("{name}.json"), &record(name, uid, &json!({})));
        }
        symlink(to, tree.path("home/alice")).unwrap();
        tree.restore()
            .says(&["restored 2 accounts", "'/home/alice' is not a directory"]);
        assert_eq!(
            fs::read_link(tree.path("home/alice")).unwrap().to_str(),
            Some(to)
        );
        assert_eq!(fs::metadata(tree.path("etc")).unwrap().uid(), etc.uid());
        assert!(!tree.path("etc/.bashrc").exists() && !tree.path("root/.bashrc").exists());
        assert!(tree.path("home/bob/.bashrc").exists());
        tree.run(&["user", "remove", "--yes", "--purge-home", "alice"]);
        assert!(tree.path("etc/passwd").exists());
    }
}

#[test]
fn row_13_a_parent_that_is_a_link() {
    let tree = Tree::new();
    tree.plant("alice.json", &record("alice", 10_000, &json!({})));
    fs::remove_dir(tree.path("home")).unwrap();
    symlink("etc", tree.path("home")).unwrap();
    tree.run(&["restore", "--boot"])
        .ends(0)
        .says(&["no homes are made", "restored 1 account"]);
    assert!(!tree.path("etc/alice").exists());
}

/// Swaps something in and out as fast as it can, until told to stop.
fn swapping<T>(swap: impl Fn() + Sync, run: impl FnOnce() -> T) -> T {
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                swap();
            }
        });
        let result = run();
        stop.store(true, Ordering::Relaxed);
        result
    })
}

#[test]
fn row_14_a_home_that_is_swapped_while_it_is_deleted() {
    let tree = Tree::with(&["alice", "bob"]);
    fs::create_dir(tree.path("treasure")).unwrap();
    fs::write(tree.path("treasure/crown"), "gold").unwrap();
    let home = tree.path("home/bob");
    for index in 0..200 {
        fs::create_dir(home.join(format!("{index}"))).unwrap();
        fs::write(home.join(format!("{index}/file")), "").unwrap();
    }
    chown(&home, Some(10_001), None).unwrap();
    // Bob, in his home, turns directories into links to what is root's.
    let swap = || {
        for index in 0..200 {
            let (old, new) = (home.join(format!("{index}")), home.join("away"));
            if fs::rename(&old, &new).is_ok() {
                let _ = symlink("../../treasure", &old);
                let _ = fs::remove_file(&old);
                let _ = fs::rename(&new, &old);
            }
        }
    };
    let ran = swapping(swap, || {
        tree.run(&["user", "remove", "--yes", "--purge-home", "bob"])
    });
    assert!((0..=1).contains(&ran.code), "{}", ran.err);
    assert_eq!(tree.read("treasure/crown"), b"gold");
    assert_eq!(tree.line("etc/passwd", "bob"), None);
    assert_eq!(tree.field("etc/shadow", "alice", 1), hash('a'));
}

#[test]
fn row_14_a_home_that_appears_while_it_is_made() {
    // Nobody but root can write to /home; but another container on the same
    // volume can make the same home at the same time.
    let tree = Tree::new();
    for uid in 10_000..10_040 {
        let name = format!("user_{uid}");
        tree.plant(&format!("{name}.json"), &record(&name, uid, &json!({})));
    }
    let swap = || {
        for uid in 10_000..10_040 {
            let home = tree.path(format!("home/user_{uid}"));
            if symlink("/etc", &home).is_ok() {
                let _ = fs::remove_file(&home);
            }
        }
    };
    let ran = swapping(swap, || tree.run(&["restore"]));
    ran.ends(0).says(&["restored 40 accounts"]);
    assert_eq!(fs::metadata("/etc").unwrap().uid(), 0);
    assert!(!tree.path("etc/.bashrc").exists());
    tree.restore();
    for uid in 10_000..10_040 {
        let home = fs::symlink_metadata(tree.path(format!("home/user_{uid}"))).unwrap();
        assert!(home.is_dir() && home.uid() == uid, "{uid}");
    }
}
