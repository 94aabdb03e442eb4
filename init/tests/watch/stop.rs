//! The end of a container: what changed last is kept, and nobody waits for it
//! longer than a second.

use crate::container::{CONT, Container, STOP, Setup, TERM, Volume, hold_lock};
use crate::support::BUSY;
use crate::tree::hash;
use std::time::Duration;

/// A second on a quiet machine: people notice more.
const QUICK: Duration = Duration::from_secs(1).saturating_mul(BUSY);

#[test]
fn a_change_right_before_stop_is_kept() {
    let volume = Volume::new();
    let mut container = Container::with(&volume, &["alice"]);
    container.swap_hash("alice", 'm');
    container.soon("the record has it", || volume.hash("alice") == hash('m'));
    // Within its second, so this one has to wait; and then comes the end.
    container.swap_hash("alice", 'n');
    container.signal(TERM);
    let (code, took) = container.end();
    assert_eq!((code, volume.hash("alice")), (143, hash('n')), "{took:?}");
    assert!(took < QUICK, "{took:?}");
}

#[test]
fn a_change_and_stop_at_the_same_moment() {
    let volume = Volume::new();
    let mut container = Container::with(&volume, &["alice"]);
    container.signal(STOP);
    container.swap_hash("alice", 'n');
    container.signal(TERM);
    container.signal(CONT);
    assert_eq!(container.end().0, 143);
    assert_eq!(volume.hash("alice"), hash('n'));
}

#[test]
fn the_last_act_of_command_is_kept() {
    for options in ["-v", "-v --grace 0"] {
        let volume = Volume::new();
        let mut first = Container::with(&volume, &["alice"]);
        first.crash();
        let script = format!(
            "sed 's|^alice:[^:]*|alice:{}|' /etc/shadow > /etc/new; mv /etc/new /etc/shadow; exit 7",
            hash('n').replace('$', "\\$")
        );
        let setup = Setup::new().options(options).command(&script);
        let mut second = setup.boot(&volume);
        assert_eq!(second.end().0, 7, "{}", second.said());
        assert_eq!(
            volume.hash("alice"),
            hash('n'),
            "{options}: {}",
            second.said()
        );
    }
}

#[test]
fn what_those_change_who_are_told_to_end_is_kept_too() {
    let volume = Volume::new();
    let mut first = Container::with(&volume, &["alice"]);
    first.crash();
    let change = format!(
        "sleep 1.5; sed 's|^alice:[^:]*|alice:{}|' /etc/shadow > /etc/new; mv /etc/new /etc/shadow",
        hash('n').replace('$', "\\$")
    );
    let script = format!(
        "(trap \"{change}; exit\" TERM; : > /run/trapped; while :; do sleep 0.05; done) &
        until [ -e /run/trapped ]; do sleep 0.05; done; exit 7"
    );
    let mut second = Setup::new().command(&script).boot(&volume);
    assert_eq!(second.end().0, 7, "{}", second.said());
    assert_eq!(volume.hash("alice"), hash('n'), "{}", second.said());
}

#[test]
fn with_nothing_new_the_end_is_quick_and_starts_nothing() {
    let volume = Volume::new();
    let mut container = Container::with(&volume, &["alice"]);
    let before = container.starts();
    container.signal(TERM);
    let (code, took) = container.end();
    assert_eq!((code, container.starts()), (143, before));
    assert!(took < QUICK, "{took:?}");
    // A boot writes everything; that is no reason to do it again.
    let mut short = Setup::new().command("exit 0").boot(&volume);
    assert_eq!((short.end().0, short.starts()), (0, 0), "{}", short.said());
    assert_eq!(short.shadow("alice"), hash('a'));
}

#[test]
fn whoever_holds_the_lock_does_not_hold_the_end() {
    let volume = Volume::new();
    let mut container = Container::with(&volume, &["alice"]);
    let lock = hold_lock(&volume);
    container.swap_hash("alice", 'n');
    container.signal(TERM);
    let (code, took) = container.end();
    assert_eq!(code, 143);
    assert!(took < QUICK * 3 / 2, "{took:?}");
    assert!(
        container.said().contains("not taken in"),
        "{}",
        container.said()
    );
    drop(lock);
    assert_eq!(volume.hash("alice"), hash('a'));
}
