//! Passkeys on the login as it is shipped: real image, real PAM, the authenticator of a
//! Chromium.

use crate::harness::Instance;
use crate::harness::chromium::with_browsers;
use crate::login::person::Person;

/// An authenticator that is pressed whenever it is asked tries again on the page of the
/// refusal, until there were too many attempts.
const REFUSED: &str = "['That passkey does not log you in here.', 'Too many failed attempts']
    .some((words) => document.body.innerText.includes(words))";
const ASKED: &str = "document.body.innerText.includes('Choose a new password')";

#[test]
fn a_passkey_outlives_the_container_and_ends_with_its_removal() {
    let instance = Instance::shipped("passkeys");
    let mut alice_has = "correct horse 7 battery";
    instance.add("alice", alice_has);
    let base = instance.origin();
    with_browsers(instance.port, async |browsers| {
        let alice = Person::at(&browsers, &base, "alice", alice_has).await;
        alice.browser.add_authenticator().await;
        alice.log_in(None).await;
        // The session alone adds none.
        alice.ask_for_passkey("phone", "guess").await;
        alice.browser.says("That password is wrong.").await;
        alice.add_passkey("phone").await;
        alice.log_out().await;
        alice.log_in_with_passkey().await;
        alice.log_out().await;

        // The record has it, so a new container knows it.
        let listed = instance.occ(["user", "passkey", "list", "alice"]).ok();
        listed.prints("phone");
        instance.occ(["start", "--recreate"]).ok();
        alice.log_in_with_passkey().await;
        alice.log_out().await;

        // PAM decides whether the account is open: a password that must be changed is
        // asked for anew.
        let forced = instance.occ(["user", "set", "alice", "--must-change-password"]);
        forced.ok();
        alice.show_passkey(ASKED).await;
        alice_has = "another 1 word 2";
        let new = [("new", alice_has), ("again", alice_has)];
        alice.fill("/_occ/renew", &new).await;
        alice.reaches_opencode().await;
        alice.log_out().await;

        instance.user(["disable", "alice"], "");
        alice.show_passkey(REFUSED).await;
        instance.user(["enable", "alice"], "");
        alice.log_in_with_passkey().await;
        alice.log_out().await;
        remove_it(&instance);
        alice.show_passkey(REFUSED).await;
    });
    instance.login("alice", alice_has).unwrap();
}

/// An authenticator counts its signatures; a copy of its passkey goes on from an older count.
#[test]
fn a_copy_of_a_passkey_is_refused_once_the_passkey_was_used() {
    let instance = Instance::shipped("copy");
    let word = "correct horse 7 battery";
    instance.add("alice", word);
    let base = instance.origin();
    with_browsers(instance.port, async |browsers| {
        let alice = Person::at(&browsers, &base, "alice", word).await;
        alice.browser.add_authenticator().await;
        alice.log_in(None).await;
        alice.add_passkey("phone").await;
        let copies = alice.browser.copy_passkeys().await;
        for _ in 0..2 {
            alice.log_out().await;
            alice.log_in_with_passkey().await;
        }
        alice.log_out().await;
        alice.browser.replace_passkeys(&copies).await;
        alice.show_passkey(REFUSED).await;
    });
    let log = instance.logs();
    assert!(log.contains("somebody has a copy of it"), "{log}");
}

fn remove_it(instance: &Instance) {
    let ids = instance
        .occ(["user", "passkey", "list", "alice", "-q"])
        .ok();
    let id = ids.stdout.trim();
    let removed = instance.occ(["user", "passkey", "remove", "alice", id]);
    removed.ok();
}
