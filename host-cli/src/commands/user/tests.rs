use super::*;
use accounts::wire::ErrorKind;

#[test]
fn one_and_several_accounts_are_told_apart() {
    let account = r#"{"userName":"al","uid":10000,"gid":10000,"homeDirectory":"/home/al","shell":"/bin/sh","status":"disabled"}"#;
    let one: Changed = serde_json::from_str(&format!(
        r#"{{"schema":1,"changed":false,"account":{account}}}"#
    ))
    .unwrap();
    assert!(!one.parts().0);
    let several: Changed = serde_json::from_str(&format!(
        r#"{{"schema":1,"changed":true,"accounts":[{account},{account}]}}"#
    ))
    .unwrap();
    assert_eq!(several.parts().1.len(), 2);
}

#[test]
fn unknown_user_suggests_nearest() {
    let known = ["alice".to_owned(), "bob".to_owned()];
    let answer = |name: &str, code| {
        with_nearest(
            Error::Remote(ErrorBody {
                code,
                name: Some(name.into()),
                ..ErrorBody::new(ErrorKind::NotFound, "theirs".into(), "theirs".into())
            }),
            &known,
        )
    };
    let missing = Some(ErrorCode::NoSuchAccount);
    let near = answer("alcie", missing);
    assert_eq!(
        near.text(),
        "occ: no such account 'alcie'\nhint: did you mean 'alice'? `occ user list` shows all\n"
    );
    assert_eq!(near.kind().exit_code(), 3);
    assert_eq!(answer("zzz", missing).hint(), "`occ user list` shows all");
    assert_eq!(answer("alcie", None).hint(), "theirs");
}

#[test]
fn ids_are_eight_digits() {
    assert!(checked_id("token", "0a1b2c3d").is_ok());
    let bad = ["", "0A1B2C3D", "0a1b2c3", "--all", "0a1b2c3d4", "../../.."];
    for bad in bad {
        let error = checked_id("token", bad).unwrap_err();
        assert_eq!(error.kind().exit_code(), 9, "{bad}");
    }
}

#[test]
fn a_name_that_looks_like_an_option_never_gets_to_occ_init() {
    let error = check_names(&["alice".into(), "--root=/".into()]).unwrap_err();
    assert_eq!(error.kind().exit_code(), 9);
}
