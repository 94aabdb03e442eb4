//! Two people at once, each with all that the login has: a passkey, a terminal, a restart, a
//! token for opencode's own program, the second step, and a session that is ended elsewhere.

use std::time::{Duration, Instant};

use crate::harness::chromium::{Browser, Browsers, with_browsers};
use crate::harness::{Instance, bar};
use crate::login::browser::{ENDED, reaches_opencode};
use crate::login::passkeys::{add_passkey, log_in_with_passkey, log_out};
use crate::login::second_step::{code, turn_off, turn_on};
use crate::login::terminal::{shows, types};
use crate::login::tokens::{CONFIG, Programs, start_model};

/// Somebody with an account.
struct Person<'a> {
    name: &'a str,
    password: &'a str,
    uid: u32,
    /// The model that the person's own opencode asks.
    programs: Programs,
}

#[test]
fn two_people_do_all_of_it_side_by_side() {
    let instance = Instance::shipped("side-by-side");
    start_model(&instance);
    let person = |name, password| {
        let uid = instance.add(name, password);
        configure(&instance, name);
        Person {
            name,
            password,
            uid,
            programs: Programs::get(),
        }
    };
    let alice = person("alice", "correct horse 7 battery");
    let bob = person("bob", "hunter2 hunter2 9");
    let base = format!("http://{}.localhost:{}", instance.name, instance.port);
    with_browsers(instance.port, async |browsers| {
        tokio::join!(
            all_of_it(&browsers, &base, &alice),
            all_of_it(&browsers, &base, &bob)
        );
    });
}
