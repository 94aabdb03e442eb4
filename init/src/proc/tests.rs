use super::*;

#[test]
fn name_may_hold_brackets_and_blanks() {
    let rest = "1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 4711 99";
    let stat = Stat::parse(&format!("12 (a) Z (b) S 7 {rest}"));
    let expected = Stat {
        pid: 12,
        name: "a) Z (b".to_owned(),
        state: 'S',
        parent: 7,
        has_terminal: false,
        start_ticks: 4711,
    };
    assert_eq!(stat, Some(expected));
    for odd in ["", "12 (a", "12 (a) S", "12 (a) S 7 1 2 3"] {
        assert_eq!(Stat::parse(odd), None, "{odd}");
    }
}

#[test]
fn own_process_is_read() {
    let own = own_pid();
    assert!(!Stat::read(own).unwrap().has_ended());
    let now = i64::try_from(crate::clock::now_usec() / 1_000_000).unwrap();
    let started = Stat::read(own).unwrap().started().unwrap();
    assert!((now - 3600..=now + 2).contains(&started), "{started} {now}");
    assert!(Process::read(own).unwrap().resident_bytes > 0);
    assert!(pids().any(|pid| pid == own));
}

#[test]
fn lacking_capabilities_are_those_without_their_bit() {
    assert_eq!(lacking("Name:\tx\nCapEff:\t00000000000000eb\n"), [""; 0]);
    assert_eq!(lacking("CapEff:\t00000000000000ea\n"), ["CHOWN"]);
    assert_eq!(lacking("CapEff:\t0000000000000000\n").len(), NEEDED.len());
    for unknown in ["", "CapEff:\tnone\n"] {
        assert_eq!(lacking(unknown), [""; 0], "{unknown}");
    }
}

#[test]
fn programs_are_known_by_their_note() {
    // The tests' own program has it, as it is the same crate.
    let own = head(OWN_PROGRAM).unwrap();
    assert!(has_note(&own));
    assert!(!has_note(&head("/bin/sh").unwrap()));
    assert_eq!(is_own_program(own_pid()), Some(true));
    assert_eq!(head("/no/such"), None);
}
