use super::*;

fn sha512(rounds: &str) -> String {
    format!("$6${rounds}saltsaltsaltsalt${}", "x".repeat(86))
}

#[test]
fn hashes_that_libc_writes() {
    let yescrypt = format!("$y$j9T$saltsaltsalt${}", "a".repeat(43));
    let bcrypt = format!("$2b$12${}", "a".repeat(53));
    for good in [
        &sha512(""),
        &sha512("rounds=500000$"),
        &sha512("rounds=2000000$"),
        &yescrypt,
        &bcrypt,
    ] {
        assert!(PasswordHash::parse(good).is_ok(), "{good}");
    }
    assert!(PasswordHash::parse(&format!("$5$s${}", "a".repeat(43))).is_ok());
}

#[test]
fn the_gate() {
    let cases = [
        (String::new(), InvalidHash::Empty),
        ("x".repeat(129), InvalidHash::TooLong(129)),
        ("*".into(), InvalidHash::Characters),
        (format!("!{}", sha512("")), InvalidHash::Characters),
        (format!("{}:0", sha512("")), InvalidHash::Characters),
        (format!("{}\n", sha512("")), InvalidHash::Characters),
        ("x".into(), InvalidHash::Scheme),
        ("hunter2".into(), InvalidHash::Scheme),
        ("$1$salt$hash".into(), InvalidHash::Scheme),
        ("$6$".into(), InvalidHash::Scheme),
        ("$6$salt$short".into(), InvalidHash::Scheme),
        (format!("$6$salt${}", "x".repeat(43)), InvalidHash::Scheme),
        (format!("$5$salt${}", "x".repeat(86)), InvalidHash::Scheme),
        (sha512("rounds=999999999$"), InvalidHash::Cost),
        (sha512("rounds=2000001$"), InvalidHash::Cost),
        (sha512("rounds=999$"), InvalidHash::Cost),
        (sha512("rounds=$"), InvalidHash::Cost),
        (sha512("rounds=+5000$"), InvalidHash::Cost),
        (sha512("rounds=05000$"), InvalidHash::Cost),
        (sha512("rounds=99999999999$"), InvalidHash::Cost),
        (format!("$2b$+9${}", "a".repeat(53)), InvalidHash::Cost),
        (format!("$2b$15${}", "a".repeat(53)), InvalidHash::Cost),
        (format!("$y$jzT$salt${}", "a".repeat(43)), InvalidHash::Cost),
    ];
    for (hash, error) in cases {
        assert_eq!(PasswordHash::parse(&hash), Err(error), "{hash}");
    }
}

#[test]
fn yescrypt_at_the_limit() {
    // log2(N) − 1 = 16 is 'E'; 17 is 'F'.
    assert!(PasswordHash::parse(&format!("$y$jET$salt${}", "a".repeat(43))).is_ok());
    assert_eq!(
        PasswordHash::parse(&format!("$y$jFT$salt${}", "a".repeat(43))),
        Err(InvalidHash::Cost)
    );
}

#[test]
fn a_hash_never_prints() {
    let hash = PasswordHash::parse(&sha512("")).unwrap();
    assert_eq!(format!("{hash:?}"), "PasswordHash($6$…)");
}
