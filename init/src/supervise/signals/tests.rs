use super::*;

#[test]
fn every_name_reads_back_as_its_number() {
    for number in (1..=HIGHEST).filter(|n| !(32..34).contains(n)) {
        assert_eq!(parse(&name(number)), Some(number), "{}", name(number));
        assert_eq!(parse(&number.to_string()), Some(number));
    }
}

#[test]
fn names_are_those_of_kill() {
    let table = [
        ("TERM", 15),
        ("sigterm", 15),
        ("SIGUSR1", 10),
        ("RTMIN", 34),
        ("SIGRTMIN+1", 35),
        ("RTMAX", 64),
        ("RTMAX-1", 63),
        ("KILL", 9),
        ("64", 64),
    ];
    for (text, number) in table {
        assert_eq!(parse(text), Some(number), "{text}");
    }
}

#[test]
fn anything_else_is_no_signal() {
    for text in [
        "", "0", "65", "+5", "-1", "TERMX", "SIG", "RTMIN+31", "RTMAX-31", "RTMIN-1", "256",
    ] {
        assert_eq!(parse(text), None, "{text}");
    }
}
