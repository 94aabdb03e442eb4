use super::*;

#[test]
fn the_highest_version_that_both_know_is_spoken() {
    assert_eq!(agree(Some((1, 41)), Some((1, 12))), Ok((1, 41)));
    let ours = API_DEFAULT_VERSION.minor_version;
    assert_eq!(agree(Some((1, 99)), Some((1, 44))), Ok((1, ours)));
    assert!(agree(Some((1, 39)), None).unwrap_err().0.contains("1.39"));
    assert!(
        agree(Some((2, 9)), Some((2, 0)))
            .unwrap_err()
            .0
            .contains("2.0")
    );
    assert!(agree(None, None).is_err());
}

#[test]
fn requested_version_must_be_known_to_both() {
    let highest = agree(Some((1, 41)), Some((1, 12))).unwrap();
    let spoken = |asked| wanted(asked, highest, Some((1, 12)));
    assert_eq!(spoken((1, 40)).unwrap(), (1, 40));
    for asked in [(1, 39), (1, 42), (2, 0)] {
        let error = spoken(asked).unwrap_err();
        assert_eq!(error.kind().exit_code(), 9);
        assert!(error.to_string().contains("1.40 to 1.41"), "{error}");
    }
}
