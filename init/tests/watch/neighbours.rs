//! Two containers on one store: what is done in one arrives in the other.

use crate::container::{Container, Setup, Volume};
use crate::tree::hash;
use std::time::Duration;

#[test]
fn accounts_come_and_change_and_go_in_both() {
    let volume = Volume::new();
    let (one, two) = (Container::with(&volume, &[]), Setup::new().boot(&volume));
    one.add("alice", 'a');
    two.soon("alice is there", || two.shadow("alice") == hash('a'));
    two.add("bob", 'b');
    one.soon("bob is there", || one.shadow("bob") == hash('b'));
    one.occ(&format!(
        "echo '{}' | occ user passwd alice --password-hash-stdin",
        hash('r')
    ));
    two.soon("an administrator's reset", || {
        two.shadow("alice") == hash('r')
    });
    one.until_idle();
    two.until_idle();
    two.chpasswd("alice", 'n');
    one.soon("her own new password", || one.shadow("alice") == hash('n'));
    assert_eq!(volume.hash("alice"), hash('n'));
    one.occ("occ user remove --yes alice");
    // From passwd first, from shadow last.
    two.soon("alice is gone", || {
        ["etc/passwd", "etc/shadow"].map(|file| two.tree.line(file, "alice")) == [None, None]
    });
    one.stays_at_rest(&volume, Duration::from_secs(2));
    two.stays_at_rest(&volume, Duration::from_secs(2));
}

#[test]
fn whoever_is_shut_out_in_one_has_nothing_left_in_the_other() {
    let volume = Volume::new();
    let one = Container::with(&volume, &["alice", "bob", "carol"]);
    let two = Setup::new().boot(&volume);
    let mut processes: Vec<_> = (10000..10003).map(|uid| two.process_of(uid)).collect();
    one.occ("occ user disable alice");
    let locked = format!("!{}", hash('a'));
    two.soon("alice is locked", || two.shadow("alice") == locked);
    two.soon("her process is gone", || !two.runs(10000));
    one.occ("occ user remove --yes bob");
    two.soon("bob's process is gone", || !two.runs(10001));
    two.until_idle();
    assert!(two.runs(10002), "carol's stays");
    one.occ("occ user enable alice");
    two.soon("alice is back", || two.shadow("alice") == hash('a'));
    // Nothing about an account that was shut out long ago ends anything later.
    one.occ("occ user disable alice");
    two.soon("alice is locked", || two.shadow("alice") == locked);
    two.until_idle();
    processes.push(two.process_of(10000));
    one.add("dave", 'd');
    two.soon("dave is there", || two.shadow("dave") == hash('d'));
    two.until_idle();
    assert!(two.runs(10000), "root started it knowing that");
    drop(two);
    for mut process in processes {
        process.wait().unwrap();
    }
}

#[test]
fn a_record_that_vanishes_ends_nobody() {
    let volume = Volume::new();
    let container = Container::with(&volume, &["alice"]);
    let mut process = container.process_of(10000);
    let (path, aside) = (volume.path("alice.json"), volume.path("aside"));
    std::fs::rename(&path, &aside).unwrap();
    container.soon("alice is gone", || container.shadow("alice").is_empty());
    std::fs::rename(&aside, &path).unwrap();
    container.soon("alice is back", || container.shadow("alice") == hash('a'));
    assert!(container.runs(10000), "as while a backup is put back");
    drop(container);
    process.wait().unwrap();
}
