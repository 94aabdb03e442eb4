use super::*;

const TEXT: &[u8] = br#"{"schema":1,"created":5,"accounts":2,"homes":false}"#;

/// A stand-in for an archive: only its start and its end matter here.
fn sealed(body: &[u8]) -> Vec<u8> {
    let mut bytes = MANIFEST.as_bytes().to_vec();
    bytes.resize(BLOCK, 0);
    bytes.extend_from_slice(TEXT);
    bytes.resize(2 * BLOCK, 0);
    bytes.extend_from_slice(body);
    let mut seal = Seal::default();
    seal.update(&bytes);
    bytes.extend(seal.trailer());
    bytes
}

fn check(bytes: &[u8], step: usize) -> Result<Checked, Unusable> {
    let mut check = Check::default();
    for chunk in bytes.chunks(step) {
        check.update(chunk)?;
    }
    check.finish()
}

#[test]
fn whole_archives_pass_in_pieces_of_any_length() {
    let bytes = sealed(&[7; 5000]);
    for step in [1, 13, 512, 2048, 4096, 100_000] {
        let checked = check(&bytes, step).unwrap();
        assert_eq!(checked.bytes, bytes.len() as u64);
        assert_eq!(checked.manifest.accounts, 2);
        assert!(
            bytes
                .windows(DIGITS)
                .any(|part| part == checked.sha256.as_bytes())
        );
    }
}

#[test]
fn every_cut_every_flipped_bit_and_every_addition_is_found() {
    let bytes = sealed(&[7; 100]);
    for end in 0..bytes.len() {
        assert!(check(&bytes[..end], 512).is_err(), "cut at {end}");
    }
    for at in 0..bytes.len() {
        let mut bytes = bytes.clone();
        bytes[at] ^= 1;
        assert!(check(&bytes, 512).is_err(), "flipped at {at}");
    }
    let longer = [&bytes[..], &[0; 512]].concat();
    assert_eq!(check(&longer, 512), Err(Unusable::Short));
}

#[test]
fn what_is_wrong_is_named() {
    let mut bytes = sealed(&[7; 3000]);
    assert_eq!(check(b"", 512), Err(Unusable::Foreign));
    assert_eq!(check(b"PK\x03\x04", 512), Err(Unusable::Foreign));
    assert_eq!(
        check(b"\x1f\x8b\x08\0", 512),
        Err(Unusable::Compressed("gzip"))
    );
    assert_eq!(check(&bytes[..1000], 512), Err(Unusable::Short));
    bytes[600] ^= 1;
    assert_eq!(check(&bytes, 512), Err(Unusable::Damaged));
}

#[test]
fn a_manifest_of_a_newer_version_is_told_from_no_manifest() {
    let manifest = Manifest {
        schema: 1,
        created: 5,
        accounts: 2,
        homes: false,
    };
    let text = serde_json::to_string(&manifest).unwrap();
    assert_eq!(
        text,
        r#"{"schema":1,"created":5,"accounts":2,"homes":false}"#
    );
    assert_eq!(Manifest::parse(text.as_bytes()), Ok(manifest));
    assert_eq!(Manifest::parse(br#"{"schema":2}"#), Err(Unusable::Newer(2)));
    assert_eq!(Manifest::parse(b"{}"), Err(Unusable::Foreign));
}
