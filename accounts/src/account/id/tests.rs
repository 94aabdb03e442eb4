use super::*;

#[test]
fn numbers_that_are_nobodys() {
    let range = UidRange::from_login_defs(b"UID_MAX 200000\n");
    for bad in [
        0,
        1,
        999,
        65_534,
        65_535,
        200_001,
        u64::from(u32::MAX),
        1 << 32,
        (1 << 32) + 1000,
    ] {
        assert!(range.uid(bad).is_err(), "{bad}");
    }
    for good in [1000, 10_000, 65_533, 65_536, 200_000] {
        assert!(range.uid(good).is_ok(), "{good}");
    }
    assert!(UidRange::default().uid(60_000).is_err());
}

#[test]
fn login_defs() {
    assert_eq!(
        UidRange::from_login_defs(b"UID_MIN 1\nUID_MAX\t\t60000\n").max(),
        59_999
    );
    assert_eq!(
        UidRange::from_login_defs(b"# UID_MAX 70000\n").max(),
        59_999
    );
    assert_eq!(
        UidRange::from_login_defs(b"UID_MAX 4294967295\n").max(),
        59_999
    );
    assert_eq!(
        UidRange::from_login_defs(b"UID_MAX 150000 # many").max(),
        150_000
    );
}

#[test]
fn the_next_number() {
    let range = UidRange::default();
    let next = |used: &[u32]| {
        range
            .allocate(&used.iter().copied().collect())
            .map(Uid::get)
    };
    assert_eq!(next(&[]), Ok(10_000));
    assert_eq!(next(&[0, 1000, 65_534]), Ok(10_000));
    assert_eq!(next(&[10_000, 10_002]), Ok(10_003));
    assert_eq!(
        next(&[59_999]),
        Ok(1000),
        "a planted number at the top does not stop the rest"
    );
    assert_eq!(next(&[1000, 59_999]), Ok(1001));
}

#[test]
fn nobodys_numbers_do_not_push_people_up() {
    let range = UidRange::from_login_defs(b"UID_MAX 200000\n");
    let next = |used: &[u32]| {
        range
            .allocate(&used.iter().copied().collect())
            .map(Uid::get)
    };
    assert_eq!(next(&[0, 65_534]), Ok(10_000), "nobody of every image");
    assert_eq!(next(&[65_533]), Ok(65_536));
}

#[test]
fn none_left_is_an_error() {
    let range = UidRange::default();
    let all: BTreeSet<u32> = (UidRange::MIN..=range.max()).collect();
    assert!(
        range
            .allocate(&all)
            .unwrap_err()
            .to_string()
            .starts_with("no uid is left")
    );
}
