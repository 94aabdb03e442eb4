//! Each person's opencode: started once, checked, ended with all it left behind.

use std::fs;
use std::net::TcpListener;

use occ_gate::wire::{EnsureReply, Event, Failure, Gone, Secret, Token, ask};

use crate::place::Place;
use crate::takeover::{Taken, logged_in};
use occ_gate_testing::until;

fn idle(web: &mut Taken, token: &Token) {
    assert!(matches!(
        web.call(ask::Idle {
            token: token.clone()
        }),
        Ok(())
    ));
    web.event(|event| matches!(event, Event::InstanceGone { .. }));
}

#[test]
fn twenty_people_at_once_and_none_twice() {
    let names: Vec<String> = (0..20).map(|number| format!("person{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let place = Place::with(&names);
    let monitor = place.start();
    let mut web = monitor.take_over();
    // All from one address, as behind a published port.
    let logins: Vec<_> = place
        .people
        .iter()
        .map(|person| web.send(crate::takeover::login(&person.name, &person.password, 1)))
        .collect();
    let tokens: Vec<_> = logins
        .into_iter()
        .map(|sent| logged_in(web.reply(sent)).token)
        .collect();
    let ensures: Vec<_> = tokens
        .iter()
        .flat_map(|token| std::iter::repeat_n(token, 3))
        .map(|token| {
            web.send(ask::Ensure {
                token: token.clone(),
            })
        })
        .collect();
    for id in ensures {
        assert!(matches!(
            web.reply(id),
            Ok(EnsureReply::Starting | EnsureReply::Waiting { .. } | EnsureReply::Ready { .. })
        ));
    }
    for (token, name) in tokens.iter().zip(&names) {
        web.ensure(token, name);
    }
    for name in &names {
        assert_eq!(place.starts(name), 1, "{name}");
    }
    let status: serde_json::Value =
        serde_json::from_slice(&fs::read(place.path("run/occ/gate.json")).unwrap()).unwrap();
    assert_eq!(status["instances"].as_array().unwrap().len(), 20);
    assert_eq!(status["instances"][3]["userName"], "person3");
    assert_eq!(status["instances"][3]["state"], "ready");
    assert_eq!(status["sessions"], 20);
}

#[test]
fn an_idle_one_stops_and_comes_back() {
    let place = Place::with(&["alice"]);
    place.behave("alice", "children");
    let (monitor, mut web, alice) = place.start_with("alice");
    let (_, first) = web.ensure(&alice, "alice");
    until("her child", || monitor.processes_of(10_000).len() == 2);
    idle(&mut web, &alice);
    assert!(
        monitor.processes_of(10_000).is_empty(),
        "nor anything that left its session"
    );
    assert!(!place.path("run/occ/user/10000").exists());
    let (_, second) = web.ensure(&alice, "alice");
    assert_ne!(
        first.expose(),
        second.expose(),
        "a secret of its own each time"
    );
    assert_eq!(place.starts("alice"), 2);
}

#[test]
fn traps_in_the_temporary_directory_catch_nobody() {
    let place = Place::with(&["alice", "bob"]);
    let precious = place.home("bob").join("precious");
    fs::write(&precious, "kept").unwrap();
    place.behave("alice", "trap /home/bob");
    let (_monitor, mut web, alice) = place.start_with("alice");
    for _ in 0..2 {
        web.ensure(&alice, "alice");
        idle(&mut web, &alice);
        assert!(!place.path("run/occ/user/10000").exists());
        assert_eq!(fs::read_dir(place.path("run/occ/wipe")).unwrap().count(), 0);
    }
    assert_eq!(fs::read_to_string(precious).unwrap(), "kept");
}

#[test]
fn what_an_earlier_monitor_left_is_wiped() {
    let place = Place::with(&["alice"]);
    let left = place.path("run/occ/user/10000/tmp/deep");
    fs::create_dir_all(&left).unwrap();
    fs::write(left.join("file"), "").unwrap();
    let _monitor = place.start();
    until("it to be wiped", || {
        !place.path("run/occ/user/10000").exists()
    });
}

#[test]
fn a_port_of_somebody_else_is_not_hers() {
    let place = Place::with(&["alice", "bob"]);
    let monitor = place.start();
    let mut web = monitor.take_over();
    let bob = web.log_in(&place, "bob", 2).token;
    let (bobs, _) = web.ensure(&bob, "bob");
    let roots = TcpListener::bind("127.0.0.1:0").unwrap();
    let nobodys = {
        let closed = TcpListener::bind("127.0.0.1:0").unwrap();
        closed.local_addr().unwrap().port()
    };
    let alice = web.log_in(&place, "alice", 1).token;
    for port in [bobs, roots.local_addr().unwrap().port(), nobodys] {
        place.behave("alice", &format!("squat {port}"));
        let (reply, _) = until_failed(&mut web, &alice);
        assert!(matches!(reply, Failure::Port), "{port}: {reply:?}");
    }
    assert!(monitor.processes_of(10_000).is_empty());
}

/// Asks until it may start, and then until it has failed: why, and its last lines.
pub(crate) fn until_failed(web: &mut Taken, token: &Token) -> (Failure, Vec<String>) {
    until("a start", || {
        matches!(
            web.call(ask::Ensure {
                token: token.clone()
            }),
            Ok(EnsureReply::Starting)
        )
    });
    web.event(|event| matches!(event, Event::InstanceGone { .. }));
    match web.call(ask::Ensure {
        token: token.clone(),
    }) {
        Ok(EnsureReply::Failed {
            reason,
            retry_seconds,
            output,
        }) => {
            assert!(retry_seconds >= 1);
            let lines = output.iter().map(|line| line.as_str().to_owned());
            (reason, lines.collect())
        }
        other => panic!("it did not fail: {other:?}"),
    }
}

#[test]
fn failures_have_a_reason() {
    let place = Place::with(&["alice"]);
    let (_monitor, mut web, alice) = place.start_with("alice");
    place.behave("alice", "exit");
    assert_eq!(until_failed(&mut web, &alice).0, Failure::Ended);
    fs::remove_file(place.path("bin/opencode")).unwrap();
    assert_eq!(until_failed(&mut web, &alice).0, Failure::Program);
    fs::rename(place.home("alice"), place.home("elsewhere")).unwrap();
    assert_eq!(until_failed(&mut web, &alice).0, Failure::Home);
}

#[test]
fn a_crash_is_told_and_another_comes() {
    use nix::sys::signal::{Signal, kill};
    let place = Place::with(&["alice"]);
    let (monitor, mut web, alice) = place.start_with("alice");
    web.ensure(&alice, "alice");
    let opencode = monitor.processes_of(10_000)[0];
    kill(nix::unistd::Pid::from_raw(opencode), Signal::SIGKILL).unwrap();
    web.event(|event| matches!(event, Event::InstanceGone { user } if user.as_str() == "alice"));
    until("it to start again", || {
        matches!(
            web.call(ask::Ensure {
                token: alice.clone()
            }),
            Ok(EnsureReply::Starting | EnsureReply::Ready { .. })
        )
    });
    web.ensure(&alice, "alice");
    assert_eq!(place.starts("alice"), 2);
}

/// Killed soon after its start, it comes back for whoever asks, as it does later.
#[test]
fn one_killed_soon_after_its_start_comes_back() {
    use nix::sys::signal::{Signal, kill};
    let place = Place::with(&["alice"]);
    let (monitor, mut web, alice) = place.start_with("alice");
    for deaths in 1..=2 {
        web.ensure(&alice, "alice");
        let opencode = monitor.processes_of(10_000)[0];
        kill(nix::unistd::Pid::from_raw(opencode), Signal::SIGKILL).unwrap();
        web.event(|event| matches!(event, Event::InstanceGone { .. }));
        let token = alice.clone();
        let reply = web.call(ask::Ensure { token });
        assert!(matches!(reply, Ok(EnsureReply::Starting)), "{reply:?}");
        until("it to be back", || {
            let token = alice.clone();
            let reply = web.call(ask::Ensure { token });
            matches!(reply, Ok(EnsureReply::Ready { .. }))
        });
        assert_eq!(place.starts("alice"), deaths + 1);
    }
}

#[test]
fn without_a_session_it_stops_by_itself() {
    let place = Place::with(&["alice"]).set("OCC_GATE_IDLE", "1s");
    let (monitor, mut web, alice) = place.start_with("alice");
    web.ensure(&alice, "alice");
    assert!(matches!(web.call(ask::End { token: alice }), Ok(())));
    web.event(|event| matches!(event, Event::InstanceGone { .. }));
    assert!(monitor.processes_of(10_000).is_empty());
}

#[test]
fn one_that_works_outlives_the_last_session_and_one_at_rest_does_not() {
    let place = Place::with(&["alice", "bob"]).set("OCC_GATE_IDLE", "2s");
    let monitor = place.start();
    let mut web = monitor.take_over();
    let (alice, bob) = (
        web.log_in(&place, "alice", 1).token,
        web.log_in(&place, "bob", 2).token,
    );
    let (_, alices) = web.ensure(&alice, "alice");
    web.ensure(&bob, "bob");
    for token in [alice, bob] {
        assert!(matches!(web.call(ask::End { token }), Ok(())));
    }
    let works = |secret: &[u8]| ask::Works {
        secret: Secret::new(secret.to_vec().into()).unwrap(),
    };
    assert!(matches!(web.call(works(b"a guess")), Err(Gone)), "nobody's");
    until("bob's to stop", || {
        assert!(matches!(web.call(works(alices.expose())), Ok(())));
        monitor.processes_of(10_001).is_empty()
    });
    assert_eq!(monitor.processes_of(10_000).len(), 1, "alice's works");
    until("alice's to stop", || {
        monitor.processes_of(10_000).is_empty()
    });
    assert!(matches!(web.call(works(alices.expose())), Err(Gone)));
}

#[test]
fn those_who_hang_at_the_start_hold_nobody_up() {
    let names: Vec<String> = (0..20).map(|number| format!("person{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let place = Place::with(&names);
    let turns = 2 * std::thread::available_parallelism().unwrap().get();
    let hanging = turns.min(19);
    for name in &names[..hanging] {
        place.behave(name, "silent");
    }
    let monitor = place.start();
    let mut web = monitor.take_over();
    let tokens: Vec<Token> = (0..=hanging)
        .map(|number| {
            web.log_in(&place, names[number], u8::try_from(number).unwrap())
                .token
        })
        .collect();
    for token in &tokens {
        let token = token.clone();
        assert!(matches!(
            web.call(ask::Ensure { token }),
            Ok(EnsureReply::Starting | EnsureReply::Waiting { ahead: 0 })
        ));
    }
    let begin = std::time::Instant::now();
    web.ensure(&tokens[hanging], names[hanging]);
    let took = begin.elapsed();
    // They are given three minutes; she waits for a part of it.
    assert!(took < std::time::Duration::from_secs(30), "{took:?}");
    let starts: usize = names.iter().map(|name| place.starts(name)).sum();
    assert_eq!(starts, hanging + 1);
}
