//! Changes of a password: which one wins, and that nobody can hold up an
//! administrator.

use crate::harness::{Instance, Terminal, bar, docker, soon, until};
use std::time::Duration;

const FIRST: &str = "first of alice 1";
const OWN: &str = "alice chose it herself 2";
const RESET: &str = "an admin chose it 3";

/// alice changes her password with passwd(1), as she would.
#[track_caller]
fn alice_changes_it(instance: &Instance, old: &str, new: &str) {
    let passwd = docker(["exec", "-it", "--user", "alice", &instance.name, "passwd"]);
    let (code, screen) = Terminal::open(passwd)
        .asks("Current password: ")
        .types(old)
        .asks("New password: ")
        .types(new)
        .asks("Retype new password: ")
        .types(new)
        .ends();
    assert_eq!(code, 0, "{screen}");
}

/// alice's password is this one and none of the others, in a new container too.
#[track_caller]
fn it_is(instance: &Instance, password: &str) {
    assert_eq!(instance.login("alice", password).unwrap(), 10000);
    for other in [FIRST, OWN, RESET]
        .into_iter()
        .filter(|other| *other != password)
    {
        instance.shut_out("alice", other);
    }
}

#[test]
fn a_reset_by_an_administrator_is_never_undone() {
    let instance = Instance::started("reset");
    instance.add("alice", FIRST);
    alice_changes_it(&instance, FIRST, OWN);
    instance.user(
        ["passwd", "alice", "--password-stdin"],
        &format!("{RESET}\n"),
    );
    it_is(&instance, RESET);
    instance.exec(["occ-init", "restore"]).ok();
    instance.add("bob", "b b b");
    it_is(&instance, RESET);
    instance.occ(["restart"]).ok();
    it_is(&instance, RESET);
    instance.remove_container();
    instance.start();
    it_is(&instance, RESET);
}

#[test]
fn a_persons_own_change_is_taken_by_the_next_command_and_survives() {
    let instance = Instance::started("own");
    instance.add("alice", FIRST);
    alice_changes_it(&instance, FIRST, OWN);
    instance.add("bob", "b b b");
    it_is(&instance, OWN);
    instance.remove_container();
    instance.start();
    it_is(&instance, OWN);
}

#[test]
fn a_persons_own_change_is_taken_when_the_container_stops() {
    let instance = Instance::started("stopped");
    instance.add("alice", FIRST);
    alice_changes_it(&instance, FIRST, OWN);
    instance.occ(["stop"]).ok();
    instance.remove_container();
    instance.start();
    it_is(&instance, OWN);
}

#[test]
fn a_persons_own_change_is_taken_within_two_seconds() {
    let instance = Instance::alone("live");
    instance.add("alice", FIRST);
    let before = instance.accounts().hash("alice").to_owned();
    alice_changes_it(&instance, FIRST, OWN);
    soon("the record has the new hash", || {
        let record = instance.sh("cat /var/lib/opencode-users/alice.json");
        (!record.contains(&before)).then_some(())
    });
    // No moment to say goodbye.
    instance.crash();
    instance.remove_container();
    instance.start();
    it_is(&instance, OWN);
}

#[test]
fn nothing_is_taken_from_a_disabled_account_whenever_the_container_dies() {
    let instance = Instance::started("dies");
    instance.add("alice", FIRST);
    instance.user(["disable", "alice"], "");
    instance.crash();
    instance.remove_container();
    instance.start();
    instance.shut_out("alice", FIRST);
    // chpasswd(8) replaces the whole field, so the `!` is gone for a moment.
    instance
        .exec(["chpasswd"])
        .input(format!("alice:{OWN}\n"))
        .ok();
    instance.crash();
    instance.remove_container();
    instance.start();
    for password in [FIRST, OWN] {
        instance.shut_out("alice", password);
    }
    instance.user(["enable", "alice"], "");
    it_is(&instance, FIRST);
}

#[test]
fn a_lock_set_inside_is_a_disable_and_a_reset_keeps_an_account_disabled() {
    let instance = Instance::started("inside");
    instance.add("alice", FIRST);
    instance.exec(["usermod", "--lock", "alice"]).ok();
    instance.user(["add", "bob", "--no-password"], "");
    instance.shut_out("alice", FIRST);
    instance.user(["enable", "alice"], "");
    it_is(&instance, FIRST);
    instance.user(["disable", "alice"], "");
    instance.user(
        ["passwd", "alice", "--password-stdin"],
        &format!("{RESET}\n"),
    );
    instance.shut_out("alice", RESET);
    instance.user(["enable", "alice"], "");
    it_is(&instance, RESET);
}

/// A stopped passwd(1) of alice's, as the kernel sees it: real uid hers,
/// effective uid 0, a POSIX lock on .pwd.lock. In Perl, which Debian always has.
const HOLDER: &str = r#"
    use Fcntl;
    sysopen(my $lock, "/etc/.pwd.lock", O_RDWR | O_CREAT, 0600) or die "open: $!";
    my $whole = pack("s s x4 q q i x4", F_WRLCK, 0, 0, 0, 0);
    fcntl($lock, F_SETLK, $whole) or die "lock: $!";
    $< = 10000;
    die "still uid $<" unless $< == 10000 && $> == 0;
    kill "STOP", $$;
"#;

#[test]
fn a_stopped_passwd_of_a_person_delays_a_disable_by_two_seconds_at_most() {
    let instance = Instance::alone("holder");
    instance.add("alice", FIRST);
    instance.add("bob", "b b b");
    instance.add("carol", "c c c");
    let undisturbed = instance.user(["disable", "bob"], "").took;
    docker(["exec", "--detach", &instance.name, "perl", "-e", HOLDER]).ok();
    until("the holder is stopped with the lock", || {
        let holder = instance
            .exec(["pgrep", "-x", "perl", "--uid", "10000", "--runstates", "T"])
            .run();
        (holder.code == Some(0)).then_some(())
    });
    let disturbed = instance.user(["disable", "alice"], "").took;
    let delay = disturbed.saturating_sub(undisturbed);
    assert!(
        delay >= Duration::from_millis(500),
        "the lock was not held: {delay:?}"
    );
    assert!(delay <= bar(Duration::from_secs(2)), "delayed by {delay:?}");
    instance.shut_out("alice", FIRST);
    assert_eq!(
        instance.exec(["pgrep", "-x", "perl"]).run().code,
        Some(1),
        "the holder still runs"
    );
    instance.user(["disable", "carol"], "");
}

#[test]
fn a_holder_of_the_lock_that_is_no_persons_is_waited_for_and_left_alone() {
    let instance = Instance::alone("busy");
    instance.add("alice", FIRST);
    let root = HOLDER
        .replace("$< = 10000;", "")
        .replace("$< == 10000", "$< == 0");
    docker(["exec", "--detach", &instance.name, "perl", "-e", &root]).ok();
    until("the holder is stopped with the lock", || {
        (instance
            .exec(["pgrep", "-x", "perl", "--runstates", "T"])
            .run()
            .code
            == Some(0))
        .then_some(())
    });
    // Of which lock depends on whether PID 1, which looks after each change, holds
    // the store's meanwhile and waits for this one itself.
    let refused = instance
        .refused(["disable", "alice"], "", 8)
        .says(".lock' is locked by");
    assert!(refused.took >= Duration::from_secs(15), "{refused:#?}");
    instance.exec(["pgrep", "-x", "perl"]).ok();
    instance.login("alice", FIRST).unwrap();
}
