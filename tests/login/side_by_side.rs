//! Two people at once, each with all that the login has: a passkey, a terminal, a restart, a
//! token for opencode's own program, the second step, and a session that is ended elsewhere.

use std::time::{Duration, Instant};

use crate::harness::chromium::{Browsers, with_browsers};
use crate::harness::{Instance, bar};
use crate::login::browser::ENDED;
use crate::login::person::Person;
use crate::login::second_step::code;
use crate::login::tokens::{Programs, start_model, use_model};

/// Where the two meet.
struct Stage<'a> {
    instance: &'a Instance,
    browsers: &'a Browsers,
    base: &'a str,
    programs: &'a Programs,
}

impl Stage<'_> {
    async fn all_of_it(&self, name: &str, password: &str, uid: u32) {
        let person = self.person(name, password).await;
        person.browser.add_authenticator().await;
        person.log_in(None).await;
        person.add_passkey("phone").await;
        person.log_out().await;
        person.log_in_with_passkey().await;
        person.reaches_opencode().await;
        self.terminal(&person, uid).await;
        self.restart(&person, uid).await;
        self.token(&person).await;

        let (key, scratch) = person.turn_second_step_on(|key| code(key, 0)).await;
        person.log_out().await;
        person.log_in(Some(&code(&key, 1))).await;
        person.turn_second_step_off(&scratch[0]).await;
        person.log_out().await;
        person.log_in(None).await;
        self.end_elsewhere(&person).await;
    }

    async fn person<'b>(&'b self, name: &'b str, password: &'b str) -> Person<'b> {
        Person::at(self.browsers, self.base, name, password).await
    }

    async fn terminal(&self, person: &Person<'_>, uid: u32) {
        person.open("/_occ/terminal").await;
        person.sees("$").await;
        person.types("clear; echo \"i am $(id -u) at $HOME\"").await;
        let own = format!("i am {uid} at /home/{}", person.name);
        person.sees(&own).await;
    }

    async fn restart(&self, person: &Person<'_>, uid: u32) {
        let which = || {
            self.instance
                .sh(&format!("pgrep -u {uid} -x opencode || true"))
        };
        let before = which();
        assert_ne!(before, "", "{}", person.name);
        person.open("/_occ/account").await;
        person.fill("/_occ/account/restart", &[]).await;
        person.browser.says("Your opencode is starting anew.").await;
        person.open("/").await;
        person.reaches_opencode().await;
        let after = which();
        assert!(!after.is_empty() && after != before, "{before} {after}");
    }

    async fn token(&self, person: &Person<'_>) {
        let token = person.make_token("laptop").await;
        let url = format!("http://127.0.0.1:{}", self.instance.port);
        self.programs.run(&url, person.name, &token).exits(0);
    }

    /// Another browser of the person's ends the session of the first.
    async fn end_elsewhere(&self, person: &Person<'_>) {
        let other = self.person(person.name, person.password).await;
        other.log_in(None).await;
        other.open("/_occ/account").await;
        other.browser.says("Where you are logged in").await;
        let begin = Instant::now();
        other.fill("/_occ/account/revoke", &[]).await;
        person.browser.until("the notice", ENDED).await;
        let took = begin.elapsed();
        assert!(took < bar(Duration::from_secs(2)), "{took:?}");
        other.browser.says("That browser is logged out.").await;
    }
}

#[test]
fn two_people_do_all_of_it_side_by_side() {
    let instance = Instance::shipped("side-by-side");
    start_model(&instance);
    let [alice, bob] = [
        ("alice", "correct horse 7 battery"),
        ("bob", "hunter2 hunter2 9"),
    ];
    let [alice_uid, bob_uid] = [alice, bob].map(|(name, password)| {
        let uid = instance.add(name, password);
        use_model(&instance, name);
        uid
    });
    let base = instance.origin();
    let programs = Programs::get();
    with_browsers(instance.port, async |browsers| {
        let stage = Stage {
            instance: &instance,
            browsers: &browsers,
            base: &base,
            programs: &programs,
        };
        tokio::join!(
            stage.all_of_it(alice.0, alice.1, alice_uid),
            stage.all_of_it(bob.0, bob.1, bob_uid),
        );
    });
}
