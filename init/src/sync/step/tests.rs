use super::*;

const WATCHING: State = State {
    is_watching: true,
    sees_etc: true,
    is_blind: false,
    is_restoring: false,
};

fn signal(signal: u8, by_kernel: bool) -> Event {
    Event::Signal(Received {
        signal,
        by_kernel,
        by_us: false,
    })
}

#[test]
fn only_the_kernels_word_of_a_change_is_kept_from_command() {
    let blind = State {
        is_watching: false,
        ..WATCHING
    };
    for (by_kernel, state, expected) in [
        (true, WATCHING, (&[Action::JudgeEvents][..], true)),
        (false, WATCHING, (&[], false)),
        (true, blind, (&[], false)),
    ] {
        assert_eq!(step(signal(READABLE, by_kernel), state), expected);
    }
    for number in 1..=64 {
        assert!(!step(signal(number, false), WATCHING).1, "{number}");
    }
}

#[test]
fn change_during_a_restore_is_judged_at_its_end() {
    let restoring = State {
        is_restoring: true,
        ..WATCHING
    };
    let read_alone = (&[Action::ReadEvents][..], true);
    assert_eq!(step(signal(IO, true), restoring), read_alone);
    let ended = Event::RestoreEnded { is_busy: false };
    assert_eq!(step(ended, restoring).0, [Action::JudgeEvents]);
}

#[test]
fn hangup_restores_only_where_changes_go_unseen() {
    let blind = State {
        is_blind: true,
        ..WATCHING
    };
    assert_eq!(step(signal(HUP, false), WATCHING), (&[][..], false));
    let request = (&[Action::Request][..], false);
    assert_eq!(step(signal(HUP, false), blind), request);
}

#[test]
fn end_restores_once_more_where_passwords_change_unseen() {
    let unseen = State {
        sees_etc: false,
        ..WATCHING
    };
    assert!(step(Event::End, WATCHING).0.is_empty());
    let (actions, _) = step(Event::End, unseen);
    assert_eq!(actions, [Action::Request, Action::CatchUp]);
}
