use super::*;

fn policy(is_pid1: bool, grace: u64) -> Policy {
    Policy {
        is_pid1,
        shares_group: false,
        grace: Duration::from_secs(grace),
        rewrite: Vec::new(),
        remap_exit: Vec::new(),
    }
}

const fn received(signal: u8) -> Received {
    Received {
        signal,
        by_kernel: false,
        by_us: false,
    }
}

fn sent(signal: u8) -> Event {
    Event::Signal(received(signal))
}

const RUNNING: Phase = Phase::START;
const EXIT_3: Event = Event::Command(Change::Exited(3));
const ENDED: Phase = Phase::Ended { status: 3 };

const fn draining(stops: u8) -> Phase {
    Phase::Draining { status: 3, stops }
}

#[test]
fn every_signal_is_forwarded_but_three_and_what_the_kernel_or_we_ourselves_caused() {
    for signal in 1..=signals::HIGHEST {
        let by_other = received(signal);
        let by_kernel = Received {
            by_kernel: true,
            ..by_other
        };
        let by_us = Received {
            by_us: true,
            ..by_other
        };
        let never = matches!(signal, CHLD | KILL | STOP);
        for (received, kept) in [
            (by_other, never),
            (by_kernel, never || matches!(signal, TTIN | TTOU)),
            (
                by_us,
                never || matches!(signal, signals::PIPE | signals::XFSZ),
            ),
        ] {
            let (_, action) = step(RUNNING, Event::Signal(received), &policy(true, 3));
            let expected = if kept {
                Action::Nothing
            } else {
                Action::Forward(signal)
            };
            assert_eq!(action, expected, "{received:?}");
        }
    }
}

#[test]
fn rewriting_replaces_or_drops_and_the_last_pair_wins() {
    let policy = Policy {
        rewrite: vec![(TERM, 3), (1, 0), (TERM, INT)],
        ..policy(true, 3)
    };
    assert_eq!(step(RUNNING, sent(TERM), &policy).1, Action::Forward(INT));
    assert_eq!(step(RUNNING, sent(1), &policy).1, Action::Nothing);
    assert_eq!(step(RUNNING, sent(10), &policy).1, Action::Forward(10));
}

#[test]
fn the_end_in_order() {
    let policy = policy(false, 3);
    let killed = Phase::Killed { status: 3 };
    for (phase, event, expected) in [
        (RUNNING, EXIT_3, (draining(0), Action::Terminate)),
        (draining(0), Event::TimeOver, (killed, Action::Kill)),
        (draining(0), Event::Alone, (ENDED, Action::Nothing)),
        (killed, Event::Alone, (ENDED, Action::Nothing)),
        (killed, Event::TimeOver, (ENDED, Action::Nothing)),
    ] {
        assert_eq!(step(phase, event, &policy), expected, "{phase:?} {event:?}");
    }
    let limit = draining(0).limit(&policy);
    assert_eq!(limit, Some(Duration::from_secs(3)));
}

#[test]
fn pid1_ends_with_its_kill_and_without_grace_at_once() {
    let over = step(draining(0), Event::TimeOver, &policy(true, 3));
    assert_eq!(over, (ENDED, Action::Kill));
    for is_pid1 in [true, false] {
        let exited = step(RUNNING, EXIT_3, &policy(is_pid1, 0));
        assert_eq!(exited, (ENDED, Action::Nothing));
    }
}

#[test]
fn a_second_stop_cuts_the_grace_short() {
    let policy = policy(true, 3);
    for (first, second) in [(TERM, TERM), (INT, INT), (TERM, INT)] {
        let (running, _) = step(RUNNING, sent(first), &policy);
        assert_eq!(step(running, EXIT_3, &policy).0, draining(1));
        let stopped = step(draining(1), sent(second), &policy);
        assert_eq!(stopped, (ENDED, Action::Kill));
    }
    let once = (draining(1), Action::Nothing);
    assert_eq!(step(draining(0), sent(TERM), &policy), once);
    let other = step(draining(1), sent(10), &policy);
    assert_eq!(other, once, "other signals have nobody to go to");
}

#[test]
fn a_request_is_the_end_unless_command_never_sees_it() {
    let end = |rewrite, signal| {
        let policy = Policy {
            rewrite,
            ..policy(true, 3)
        };
        is_stop_request(received(signal), &policy)
    };
    assert!(end(vec![], TERM));
    assert!(end(vec![(TERM, 3)], TERM), "COMMAND's own way to end");
    assert!(!end(vec![(TERM, 0)], TERM));
    for signal in 1..=signals::HIGHEST {
        let asks = matches!(signal, INT | signals::QUIT | TERM | signals::HALT);
        assert_eq!(end(vec![], signal), asks, "{signal}");
    }
}

#[test]
fn stops_are_counted_without_overflow() {
    let full = Phase::Running { stops: u8::MAX };
    assert_eq!(step(full, sent(TERM), &policy(true, 3)).0, full);
}

#[test]
fn a_stopped_command_stops_us_only_below_a_shell() {
    for (signal, is_pid1, expected) in [
        (TSTP, false, Action::Suspend),
        (TTIN, false, Action::LendOrSuspend),
        (TTOU, false, Action::LendOrSuspend),
        (TSTP, true, Action::Continue),
        (TTIN, true, Action::Lend),
        (TTOU, true, Action::Lend),
        (STOP, false, Action::Nothing),
    ] {
        let event = Event::Command(Change::Stopped(signal));
        let next = step(RUNNING, event, &policy(is_pid1, 3));
        assert_eq!(next, (RUNNING, expected), "{signal} {is_pid1}");
    }
}

#[test]
fn statuses_are_decoded_for_all_64_signals_and_256_exits() {
    for status in 0..=255u8 {
        assert_eq!(Change::of(i32::from(status) << 8), Change::Exited(status));
    }
    for signal in 1..=signals::HIGHEST {
        for core in [false, true] {
            let change = Change::of(i32::from(signal) | if core { 0x80 } else { 0 });
            assert_eq!(change, Change::Died { signal, core });
            assert_eq!(change.exit_status(), Some(128 + signal));
        }
    }
    assert_eq!(Change::of(0x137f), Change::Stopped(STOP));
    assert_eq!(Change::of(0x137f).exit_status(), None);
}

#[test]
fn remapping_is_of_the_status_that_docker_would_see() {
    let policy = Policy {
        remap_exit: vec![(143, 0), (3, 4)],
        ..policy(true, 0)
    };
    let died = Event::Command(Change::Died {
        signal: TERM,
        core: false,
    });
    assert_eq!(step(RUNNING, died, &policy).0, Phase::Ended { status: 0 });
    assert_eq!(step(RUNNING, EXIT_3, &policy).0, Phase::Ended { status: 4 });
}
