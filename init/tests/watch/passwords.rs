//! A password that somebody changes inside goes into the record as it happens.

use crate::container::{CONT, Container, STOP, Setup, Volume, hold_lock};
use crate::tree::hash;
use std::time::{Duration, Instant};

#[test]
fn chpasswd_inside_survives_a_crash_right_after() {
    let volume = Volume::new();
    let mut first = Container::with(&volume, &["alice", "bob"]);
    first.chpasswd("alice", 'n');
    first.soon("the record has it", || volume.hash("alice") == hash('n'));
    first.crash();
    let second = Setup::new().boot(&volume);
    assert_eq!(second.shadow("alice"), hash('n'));
    assert_eq!(second.shadow("bob"), hash('b'));
}

#[test]
fn the_next_change_is_seen_too_and_its_capture_starts_nothing() {
    let volume = Volume::new();
    let container = Container::with(&volume, &["alice"]);
    for letter in 'l'..'p' {
        let before = container.starts();
        container.swap_hash("alice", letter);
        container.soon("the record has it", || volume.hash("alice") == hash(letter));
        container.until_idle();
        assert_eq!(container.starts(), before + 1, "{}", container.said());
        assert_eq!(container.shadow("alice"), hash(letter));
    }
}

#[test]
fn a_program_that_writes_several_files_takes_two_restores_at_most() {
    let volume = Volume::new();
    let container = Container::with(&volume, &["alice"]);
    let before = container.starts();
    // Both passwd and shadow; the second when the first restore waits for its lock.
    container.chpasswd("alice", 'n');
    container.soon("the record has it", || volume.hash("alice") == hash('n'));
    container.until_idle();
    assert!(container.starts() <= before + 2, "{}", container.said());
}

#[test]
fn by_rename_without_a_lock_and_in_place() {
    let volume = Volume::new();
    let container = Container::with(&volume, &["alice"]);
    container.swap_hash("alice", 'n');
    container.soon("the record has it", || volume.hash("alice") == hash('n'));
    container.until_idle();
    let text = container
        .tree
        .text("etc/shadow")
        .replace(&hash('n'), &hash('m'));
    std::fs::write(container.tree.path("etc/shadow"), text).unwrap();
    container.soon("the record has it", || volume.hash("alice") == hash('m'));
}

#[test]
fn in_place_where_the_file_is_a_mount_point() {
    let volume = Volume::new();
    let elsewhere = "cp -a /etc/shadow /run/shadow; mount --bind /run/shadow /etc/shadow";
    let container = Setup::new().before(elsewhere).boot(&volume);
    container.add("alice", 'a');
    container.until_idle();
    let path = container.tree.path("run/shadow");
    for (old, new) in [('a', 'n'), ('n', 'm')] {
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replace(&hash(old), &hash(new))).unwrap();
        container.soon("the record has it", || volume.hash("alice") == hash(new));
        container.until_idle();
    }
}

#[test]
fn nothing_of_a_disabled_account_is_taken() {
    let volume = Volume::new();
    let container = Container::with(&volume, &["alice"]);
    container.occ("occ user disable alice");
    container.until_idle();
    container.swap_hash("alice", 'n');
    let locked = format!("!{}", hash('a'));
    container.soon("the line is as before", || {
        container.shadow("alice") == locked
    });
    container.until_idle();
    assert_eq!(volume.hash("alice"), hash('a'));
}

#[test]
fn an_administrators_newer_record_wins() {
    let volume = Volume::new();
    let container = Container::with(&volume, &["alice"]);
    // Both happen before anybody can look.
    container.signal(STOP);
    container.swap_hash("alice", 'n');
    let path = volume.path("alice.json");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace(&hash('a'), &hash('r'))).unwrap();
    container.signal(CONT);
    container.soon("the record has won", || {
        container.shadow("alice") == hash('r')
    });
    container.until_idle();
    assert_eq!(volume.hash("alice"), hash('r'));
}

#[test]
fn a_burst_is_few_restores_and_settles() {
    let volume = Volume::new();
    let container = Container::with(&volume, &["alice", "bob"]);
    let (before, start) = (container.starts(), Instant::now());
    for turn in 0..100 {
        let letter = if turn % 2 == 0 { 'x' } else { 'y' };
        container.swap_hash("alice", letter);
        container.swap_hash("bob", letter);
    }
    container.swap_hash("bob", 'z');
    container.soon("the last change is recorded", || {
        volume.hash("bob") == hash('z')
    });
    container.until_idle();
    let seconds = usize::try_from(start.elapsed().as_secs()).unwrap();
    let starts = container.starts() - before;
    assert!(
        (1..=seconds + 1).contains(&starts),
        "{starts} in {seconds} s"
    );
    assert_eq!(volume.hash("alice"), container.shadow("alice"));
    container.stays_at_rest(&volume, Duration::from_secs(3));
}

#[test]
fn a_lock_that_is_held_for_long_is_waited_for_without_a_word() {
    let volume = Volume::new();
    let container = Container::with(&volume, &["alice"]);
    let before = container.starts();
    let lock = hold_lock(&volume);
    container.swap_hash("alice", 'n');
    container.until("the first has given up, the next has started", || {
        container.starts() == before + 2
    });
    assert_eq!(volume.hash("alice"), hash('a'));
    drop(lock);
    container.soon("the record has it", || volume.hash("alice") == hash('n'));
    assert!(!container.said().contains("lock"), "{}", container.said());
}
