//! The second step of the login as it is shipped, in Chromium: turned on with a phone's
//! code, asked for at each login, kept by an update, turned off; and ended by an
//! administrator for somebody who lost the phone.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::harness::Instance;
use crate::harness::chromium::with_browsers;
use crate::login::page;
use crate::login::person::Person;

const WORD: &str = "correct horse 7 battery";

/// The code of a phone with this key, `ahead` steps of 30 s from now.
pub(super) fn code(key: &str, ahead: u64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let key = totp_rs::Secret::try_from_base32(key).unwrap();
    let phone = totp_rs::Builder::new().with_secret(key).build().unwrap();
    phone.generate(now.as_secs() + ahead * 30).to_string()
}

#[test]
fn second_step_is_turned_on_kept_by_an_update_and_turned_off() {
    let instance = Instance::shipped("second");
    instance.add("alice", WORD);
    let base = instance.origin();
    with_browsers(instance.port, async |browsers| {
        let alice = Person::at(&browsers, &base, "alice", WORD).await;
        alice.log_in(None).await;
        let (key, scratch) = alice.turn_second_step_on(|key| code(key, 0)).await;
        // Her own programs see nothing of it.
        let seen = instance.exec_as("alice", ["ls", "/var/lib/occ-gate"]).run();
        assert_ne!(seen.code, Some(0), "{seen:#?}");
        alice.log_out().await;
        // The code that turned it on is used; the phone's next one is good a little early.
        alice.log_in(Some(&code(&key, 1))).await;
        alice.log_out().await;
        instance.occ(["start", "--recreate"]).ok();
        alice.log_in(Some(&scratch[0])).await;
        alice.turn_second_step_off(&scratch[1]).await;
        alice.log_out().await;
        alice.log_in(None).await;
    });
}

#[test]
fn administrator_ends_it_for_somebody_who_lost_the_phone() {
    let instance = Instance::shipped("lost");
    instance.add("alice", WORD);
    let base = instance.origin();
    with_browsers(instance.port, async |browsers| {
        let alice = Person::at(&browsers, &base, "alice", WORD).await;
        alice.log_in(None).await;
        alice.turn_second_step_on(|key| code(key, 0)).await;
        // A wrong password is refused before anything is asked.
        let other = page::Browser::new(&instance);
        assert_eq!(other.log_in("alice", "wrong"), "403");
        alice.log_out().await;
        let ended = instance.occ(["user", "set", "alice", "--no-second-factor"]);
        ended.ok().prints("User 'alice' changed.");
        alice.log_in(None).await;
    });
}
