use expect_test::expect;

use super::*;

#[test]
fn capitalised_sentences_have_no_prefix() {
    assert_eq!(
        Error::NotRunning.text(),
        "Container not running. Start with `occ start` first.\n"
    );
    assert_eq!(Error::NotRunning.kind().exit_code(), 7);
    assert_eq!(
        Error::LastAccount.text(),
        "Cannot remove last user. Add another user first or use --force.\n"
    );
    assert_eq!(Error::LastAccount.kind().exit_code(), 5);
}

#[test]
fn error_of_occ_init_keeps_its_code_and_text() {
    let error = Error::Remote(ErrorBody::new(
        ErrorKind::Busy,
        "another command holds the store".into(),
        "try again".into(),
    ));
    assert_eq!(error.kind().exit_code(), 8);
    expect![[r"
        occ: another command holds the store
        hint: try again
    "]]
    .assert_eq(&error.text());
    expect![[
        r#"{"schema":1,"error":{"kind":"busy","message":"another command holds the store","hint":"try again","retryable":true}}"#
    ]]
    .assert_eq(&serde_json::to_string(&error.reply()).unwrap());
}

#[test]
fn missing_input_names_the_flag() {
    let error = Error::NeedsInput {
        what: "a password",
        give: "--password-stdin or --generate",
    };
    assert_eq!(error.kind().exit_code(), 2);
    expect![[r"
        occ: a password is needed, and there is no terminal to ask on
        hint: give --password-stdin or --generate
    "]]
    .assert_eq(&error.text());
}
