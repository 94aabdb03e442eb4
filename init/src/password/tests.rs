use super::*;

fn password(bytes: &[u8]) -> Result<Password, Error> {
    Password::new(Zeroizing::new(bytes.to_vec()))
}

#[test]
fn lengths_and_bytes() {
    assert!(password(b"x").is_ok());
    assert!(password(&[b'x'; 255]).is_ok());
    assert!(password("pässwörd mit Leerzeichen".as_bytes()).is_ok());
    for bad in [&b""[..], &[b'x'; 256], b"a\0b", b"a\nb"] {
        assert!(password(bad).is_err());
    }
}

#[test]
fn generated_passwords() {
    let first = Password::generate().unwrap().reveal();
    assert_eq!(first.len(), GENERATED);
    assert!(first.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    assert_ne!(*first, *Password::generate().unwrap().reveal());
}

#[test]
fn a_hash_has_the_salt_that_libc_reads() {
    let hash = password(b"correct horse").unwrap().hash().unwrap();
    let fields: Vec<&str> = hash.expose().split('$').collect();
    assert_eq!(fields[1..3], ["6", "rounds=500000"]);
    assert_eq!(fields[3].len(), 16);
    assert_eq!(fields[4].len(), 86);
}
