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

/// libsodium's own example: N = 2¹⁴, r = 8, p = 1.
const SCRYPT: &str = "$7$C6..../....SodiumChloride$kBGj9fHznVYFQMEn/qDCfrDevf9YDtcDdKvEqHJLV8D";

#[test]
fn scrypt_is_taken_up_to_the_limit() {
    let with = |from: &str, to: &str| PasswordHash::parse(&SCRYPT.replacen(from, to, 1));
    assert!(PasswordHash::parse(SCRYPT).is_ok());
    assert!(with("$7$C", "$7$F").is_ok(), "N = 2^17");
    for (from, to, error) in [
        ("$7$C", "$7$G", InvalidHash::Cost),
        ("$7$C", "$7$*", InvalidHash::Characters),
        ("C6....", "C.....", InvalidHash::Cost),
        ("C6....", "CV....", InvalidHash::Cost),
        ("C6....", "C6/...", InvalidHash::Cost),
        ("/....S", "0....S", InvalidHash::Cost),
        ("/....S", "-....S", InvalidHash::Cost),
        (
            "C6..../....SodiumChloride",
            "C6..../...",
            InvalidHash::Scheme,
        ),
        ("$kBGj", "$BGj", InvalidHash::Scheme),
        ("Chloride$", "Chloride", InvalidHash::Scheme),
    ] {
        assert_eq!(with(from, to), Err(error), "{from} {to}");
    }
}

#[test]
fn yescrypt_and_bcrypt_have_their_form() {
    let hash = "a".repeat(43);
    for (bad, error) in [
        (format!("$y$j9T${hash}"), InvalidHash::Scheme),
        (format!("$y$j9T$salt${hash}a"), InvalidHash::Scheme),
        (format!("$y$x9T$salt${hash}"), InvalidHash::Cost),
        (format!("$y$j9-$salt${hash}"), InvalidHash::Cost),
        (format!("$y$j9$salt${hash}"), InvalidHash::Cost),
        (format!("$y$j9T1$salt${hash}"), InvalidHash::Cost),
        (format!("$2b$12${hash}"), InvalidHash::Scheme),
        (format!("$2b$12$salt${hash}"), InvalidHash::Scheme),
        (format!("$2b$3${}", "a".repeat(53)), InvalidHash::Scheme),
        (format!("$2b$03${}", "a".repeat(53)), InvalidHash::Cost),
    ] {
        assert_eq!(PasswordHash::parse(&bad), Err(error), "{bad}");
    }
}

#[test]
fn a_hash_never_prints() {
    let hash = PasswordHash::parse(&sha512("")).unwrap();
    assert_eq!(format!("{hash:?}"), "PasswordHash($6$…)");
}
