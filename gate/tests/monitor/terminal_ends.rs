//! How terminals end: with their session, with their page, with the web half; and what ends
//! with them.

use std::fs;
use std::time::{Duration, Instant};

use occ_gate::wire::{EnsureReply, Gone, Token, ask};

use crate::place::Place;
use crate::processes::{children, field};
use crate::takeover::Taken;
use crate::terminals::{ALICE, Screen, ask_for, nothing_runs, open, with_bash};
use occ_gate_testing::until;

/// Programs that try to outlive their terminal; each writes its pid.
const FORKERS: &str = "nohup sh -c 'echo $$ > ~/one; exec sleep 1000' >/dev/null 2>&1 & \
    setsid sh -c 'trap \"\" HUP TERM; echo $$ > ~/two; while :; do sleep 1000; done' >/dev/null 2>&1 & \
    (trap '' HUP TERM; sh -c 'echo $$ > ~/three; exec sleep 1000' &) >/dev/null 2>&1\n";

fn start_forkers(place: &Place, screen: &mut Screen) {
    screen.types(FORKERS);
    for name in ["one", "two", "three"] {
        let path = place.home("alice").join(name);
        until(name, || {
            fs::read_to_string(&path).is_ok_and(|pid| pid.ends_with('\n'))
        });
    }
}

#[test]
fn the_end_of_a_session_ends_all_that_its_terminal_started() {
    let place = with_bash(&["alice"]);
    let (monitor, mut web, alice) = place.start_with("alice");
    let mut screen = open(&mut web, &alice);
    start_forkers(&place, &mut screen);
    let begin = Instant::now();
    web.call(ask::End { token: alice }).unwrap();
    nothing_runs(&monitor, ALICE);
    screen.ends();
    assert!(
        begin.elapsed() < Duration::from_secs(30),
        "{:?}",
        begin.elapsed()
    );
    until("its temporary files to be gone", || {
        !place.path("run/occ/user/10000").exists()
    });
}

/// What is ended for the last time takes nothing along that a new session starts.
#[test]
fn a_login_right_after_the_last_logout_starts_opencode() {
    let place = with_bash(&["alice"]);
    let monitor = place.start();
    let mut web = monitor.take_over();
    for number in 1..=10 {
        let alice = web.log_in(&place, "alice", number);
        open(&mut web, &alice.token).until("$ ");
        web.call(ask::End { token: alice.token }).unwrap();
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_millis(60 * u64::from(number)) {
            web.listen(Duration::from_millis(1));
        }
        let again = web.log_in(&place, "alice", number);
        starts(&mut web, &again.token);
        assert_eq!(place.starts("alice"), usize::from(number), "one start each");
        web.call(ask::Idle {
            token: again.token.clone(),
        })
        .unwrap();
        nothing_runs(&monitor, ALICE);
        web.call(ask::End { token: again.token }).unwrap();
    }
}

/// Asks for opencode as the web half does: again and again.
fn starts(web: &mut Taken, token: &Token) {
    until("opencode to be ready", || {
        let token = token.clone();
        match web.call(ask::Ensure { token }) {
            Ok(EnsureReply::Ready { .. }) => true,
            Ok(EnsureReply::Starting | EnsureReply::Waiting { .. }) => false,
            other => panic!("no opencode: {other:?}"),
        }
    });
}

#[test]
fn a_disabled_account_loses_its_terminals() {
    let mut place = with_bash(&["alice"]);
    let (monitor, mut web, alice) = place.start_with("alice");
    let mut screen = open(&mut web, &alice);
    start_forkers(&place, &mut screen);
    place.person("alice").expire = "1";
    place.write_accounts();
    nothing_runs(&monitor, ALICE);
    screen.ends();
    assert!(matches!(ask_for(&mut web, &alice), Err(Gone)));
}

#[test]
fn a_terminal_ends_with_its_own_session_and_opencode_goes_on() {
    let place = with_bash(&["alice"]);
    let (monitor, mut web, alice) = place.start_with("alice");
    let other = web.log_in(&place, "alice", 1);
    web.ensure(&other.token, "alice");
    let mut ends = open(&mut web, &alice);
    let mut stays = open(&mut web, &other.token);
    ends.types("nohup sleep 1000 & echo $((6*7))\n");
    ends.until("42");
    web.call(ask::End { token: alice }).unwrap();
    ends.ends();
    // opencode, the other shell, and nothing more.
    until("one shell", || monitor.processes_of(ALICE).len() == 2);
    stays.types("echo $((6*7))\n");
    stays.until("42");
    assert_eq!(place.starts("alice"), 1);
}

#[test]
fn the_end_of_an_opencode_ends_no_terminal() {
    let place = with_bash(&["alice"]);
    let (monitor, mut web, alice) = place.start_with("alice");
    let mut screen = open(&mut web, &alice);
    screen.types("touch $TMPDIR/mine; sleep 1000 & echo $((6*7))\n");
    screen.until("42");
    web.ensure(&alice, "alice");
    web.call(ask::Idle {
        token: alice.clone(),
    })
    .unwrap();
    until("opencode to be gone", || {
        monitor.processes_of(ALICE).len() == 2
    });
    screen.types("ls $TMPDIR; jobs; echo $((7*7))\n");
    let said = screen.until("49");
    assert!(
        said.contains("mine") && said.contains("sleep 1000"),
        "{said}"
    );
    // What left opencode's tree ended with it; the terminal does with its session.
    web.call(ask::End { token: alice }).unwrap();
    nothing_runs(&monitor, ALICE);
}

#[test]
fn a_closed_terminal_hangs_up_and_leaves_what_nohup_started() {
    let place = with_bash(&["alice"]);
    let (monitor, mut web, alice) = place.start_with("alice");
    let mut screen = open(&mut web, &alice);
    start_forkers(&place, &mut screen);
    screen.types("trap '' HUP; exec sleep 1000\n");
    until("the shell to be a sleep", || {
        let shells = monitor.processes_of(ALICE);
        !shells.iter().any(|pid| field(*pid, "Name") == "bash")
    });
    drop(screen);
    let terminal = occ_gate::wire::TerminalId(1);
    let token = alice.clone();
    web.call(ask::CloseTerminal { token, terminal }).unwrap();
    // Even one that ignores HUP.
    until("the first process to be gone", || {
        children(monitor.pid)
            .iter()
            .all(|pid| field(*pid, "Name") != "sleep" || !is_leader(*pid))
    });
    let one = fs::read_to_string(place.home("alice").join("one")).unwrap();
    assert!(monitor.processes_of(ALICE).len() >= 3, "{one}");
    web.call(ask::End { token: alice }).unwrap();
    nothing_runs(&monitor, ALICE);
}

/// Returns whether a session (setsid(2)) has this pid.
fn is_leader(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let rest = stat.rsplit(')').next().unwrap_or_default();
    rest.split_ascii_whitespace().nth(3) == Some(&pid.to_string())
}

#[test]
fn a_web_half_that_ends_hangs_its_terminals_up() {
    use nix::sys::signal::{Signal, kill};
    let place = with_bash(&["alice"]);
    let (monitor, mut web, alice) = place.start_with("alice");
    let screen = open(&mut web, &alice);
    drop(screen);
    kill(nix::unistd::Pid::from_raw(web.pid), Signal::SIGKILL).unwrap();
    web.is_given_up();
    nothing_runs(&monitor, ALICE);
    let mut web = monitor.take_over();
    assert!(!web.is_gone(&alice));
    open(&mut web, &alice).until("$ ");
}
