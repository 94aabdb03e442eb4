//! Passkeys on the login as it is shipped: real image, real PAM, the authenticator of a
//! Chromium.

use crate::harness::Instance;
use crate::harness::chromium::with_browsers;
use crate::login::person::Person;

const REFUSED: &str = "document.body.innerText.includes('That passkey does not log you in here.')";
const ASKED: &str = "document.body.innerText.includes('Choose a new password')";

#[test]
fn a_passkey_outlives_the_container_and_ends_with_its_removal() {
    let instance = Instance::shipped("passkeys");
    let mut alice_has = "correct horse 7 battery";
    instance.add("alice", alice_has);
    let base = format!("http://{}.localhost:{}", instance.name, instance.port);
    with_browsers(instance.port, async |browsers| {
        let alice = Person {
            browser: browsers.open().await,
            base: &base,
            name: "alice",
            password: alice_has,
        };
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

fn remove_it(instance: &Instance) {
    let ids = instance
        .occ(["user", "passkey", "list", "alice", "-q"])
        .ok();
    let id = ids.stdout.trim();
    let removed = instance.occ(["user", "passkey", "remove", "alice", id]);
    removed.ok();
}
