//! Many logins at once: who waits, and what the times tell.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use occ_gate::wire::{LoginReply, Secret, ask};

use crate::place::{Place, hash_with};
use crate::takeover::{Taken, logged_in, login};
use occ_gate_testing::turns;

/// The cost of people's passwords here.
const ROUNDS: u32 = 100_000;

fn costly(names: &[&str]) -> Place {
    let mut place = Place::with(names);
    for name in names {
        place.person(name).hash = hash_with(&format!("{name}'s word"), ROUNDS);
    }
    place.write_accounts();
    place
}

#[test]
fn a_flood_from_one_address_keeps_nobody_waiting() {
    turns::alone();
    let place = costly(&["alice"]);
    let monitor = place.start();
    let mut web = monitor.take_over();
    let flood: Vec<_> = (0..400)
        .map(|guess| web.send(login(&format!("u{guess}"), "guess", 1)))
        .collect();
    let started = Instant::now();
    web.log_in(&place, "alice", 2);
    let took = started.elapsed();
    assert!(took < Duration::from_secs(10), "{took:?}");
    // They do not all fit: the address with the most loses its own.
    let unavailable = |web: &mut Taken, sent| matches!(web.reply(sent), LoginReply::Unavailable);
    let dropped = flood[300..]
        .iter()
        .filter(|sent| unavailable(&mut web, **sent));
    assert!(dropped.count() > 0);
}

/// Behind a published port all have one address.
#[test]
fn a_flood_at_the_same_address_shuts_nobody_out() {
    turns::alone();
    let place = costly(&["alice", "bob"]);
    let monitor = place.start();
    let mut web = monitor.take_over();
    let known = web.log_in(&place, "bob", 1);
    let mut flood: Vec<_> = (0..70)
        .map(|guess| web.send(login(&format!("u{guess}"), "guess", 1)))
        .collect();
    flood.extend((0..70).map(|_| web.send(login("mallory", "guess", 1))));
    let started = Instant::now();
    // The browser that logged in before has places of its own.
    let again = ask::Authenticate {
        device: Some(known.device),
        ..login("bob", "bob's word", 1)
    };
    logged_in(web.call(again));
    let as_known = started.elapsed();
    assert!(as_known < Duration::from_secs(5), "{as_known:?}");
    // One that did not waits its turn, and is not refused.
    web.log_in(&place, "alice", 1);
    let took = started.elapsed();
    assert!(took < Duration::from_secs(30), "{took:?}");
    for sent in flood {
        let reply = web.reply(sent);
        assert!(!matches!(
            reply,
            LoginReply::Token(_) | LoginReply::Unavailable
        ));
    }
}

/// Programs inside can use every address of the container: they are one.
#[test]
fn addresses_inside_are_one() {
    let place = Place::with(&["alice"]);
    let monitor = place.start();
    let mut web = monitor.take_over();
    let from = |last: u8, password: &str| ask::Authenticate {
        address: [127, 1, 1, last].into(),
        ..login("alice", password, 1)
    };
    for guess in 0..4 {
        let reply = web.call(from(guess, "guess"));
        assert!(matches!(reply, LoginReply::Refused), "{reply:?}");
    }
    let reply = web.call(from(9, "guess"));
    assert!(matches!(reply, LoginReply::SlowDown { .. }), "{reply:?}");
    web.log_in(&place, "alice", 1);
}

#[test]
fn many_guesses_at_once_are_not_all_checked() {
    turns::alone();
    let place = costly(&["alice"]);
    let monitor = place.start();
    let mut web = monitor.take_over();
    let guesses: Vec<_> = (0..64)
        .map(|guess| web.send(login("alice", &format!("guess {guess}"), 1)))
        .collect();
    let replies: Vec<_> = guesses.into_iter().map(|sent| web.reply(sent)).collect();
    let checked = replies
        .iter()
        .filter(|reply| matches!(reply, LoginReply::Refused));
    assert_eq!(checked.count(), 4);
}

/// A login that nobody waits for any more is not checked, and answered all the same.
#[test]
fn a_forgotten_login_is_not_checked() {
    let place = costly(&["alice"]);
    let monitor = place.start();
    let mut web = monitor.take_over();
    let sent: Vec<_> = (0..3)
        .map(|_| web.send(login("alice", "alice's word", 1)))
        .collect();
    let call = sent[2].number();
    web.call(ask::Forget { call });
    assert!(matches!(web.reply(sent[2]), LoginReply::Unavailable));
    logged_in(web.reply(sent[0]));
    web.call(ask::Forget { call: 7 });
}

const RUNS: usize = 10;
const POSTS: u32 = 24;
/// One run does not disturb the next.
const APART: Duration = Duration::from_millis(900);

/// The mean time of each run's replies: many guesses at once at one name.
fn times(web: &mut Taken, names: &[&str; 3]) -> HashMap<String, Vec<f64>> {
    let mut open: HashMap<u64, (usize, Instant)> = HashMap::new();
    let mut means = vec![0.0; RUNS * names.len()];
    let begin = Instant::now();
    let mut started = 0;
    while started < means.len() || !open.is_empty() {
        let is_due = begin.elapsed() >= APART * u32::try_from(started).unwrap();
        if started < means.len() && is_due {
            let (name, number) = (names[started % 3], u8::try_from(started).unwrap());
            for _ in 0..POSTS {
                let sent = web.send(login(name, "guess", number));
                open.insert(sent.number(), (started, Instant::now()));
            }
            started += 1;
        }
        for id in web.listen(Duration::from_millis(2)) {
            if let Some((run, since)) = open.remove(&id) {
                means[run] += since.elapsed().as_secs_f64() / f64::from(POSTS);
            }
        }
        assert!(begin.elapsed() < Duration::from_secs(300), "no end");
    }
    let mut by_name = HashMap::new();
    for (run, mean) in means.into_iter().enumerate() {
        let times: &mut Vec<f64> = by_name.entry(names[run % 3].to_owned()).or_default();
        times.push(mean);
    }
    by_name
}

/// Two names without an account are the control: what tells an account from them may not
/// be more than what tells them from each other, and a thirtieth of the pace.
#[test]
fn times_do_not_tell_who_has_an_account() {
    turns::alone();
    let place = costly(&["alice", "bob"]);
    let monitor = place.start();
    let mut web = monitor.take_over();
    let times = times(&mut web, &["alice", "mallory", "trudy"]);
    let median = |name: &str| {
        let mut sorted = times[name].clone();
        sorted.sort_by(f64::total_cmp);
        f64::midpoint(sorted[RUNS / 2 - 1], sorted[RUNS / 2])
    };
    let (alice, mallory, trudy) = (median("alice"), median("mallory"), median("trudy"));
    let (apart, control) = ((alice - mallory).abs(), (mallory - trudy).abs());
    assert!(
        apart <= control + 0.1,
        "{alice} {mallory} {trudy}: {times:?}"
    );
}

#[test]
fn a_wrong_password_of_nobody_costs_a_check() {
    let place = costly(&["alice"]);
    let monitor = place.start();
    let mut web = monitor.take_over();
    let spent = |web: &mut Taken, name: &str, number| {
        let before = cpu_of_children(monitor.pid);
        let reply = web.call(ask::Authenticate {
            password: Secret::from_text("guess").unwrap(),
            ..login(name, "", number)
        });
        assert!(matches!(reply, LoginReply::Refused), "{reply:?}");
        cpu_of_children(monitor.pid) - before
    };
    let mut least = [u64::MAX; 3];
    for round in 0..3 {
        for (at, name) in ["alice", "nobody-at-all", "root"].into_iter().enumerate() {
            let number = u8::try_from(1 + 3 * round + at).unwrap();
            least[at] = least[at].min(spent(&mut web, name, number));
        }
    }
    let (most, fewest) = (least.iter().max().unwrap(), least.iter().min().unwrap());
    assert!(
        *fewest >= 2 && most - fewest <= most / 2 + 2,
        "{least:?} ticks"
    );
}

/// Clock ticks of all helpers that have ended: cutime and cstime of proc_pid_stat(5).
fn cpu_of_children(pid: i32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields = stat.rsplit_once(')').unwrap().1;
    let ticks = fields.split_ascii_whitespace().skip(13).take(2);
    ticks.map(|ticks| ticks.parse::<u64>().unwrap()).sum()
}
