//! Answers of occ-init, whole, cut and of other versions.

use accounts::wire::{ImportReply, ListReply};

use super::*;

fn finished(code: i64, stdout: &str, stderr: &str) -> Finished {
    Finished {
        code,
        stdout: stdout.into(),
        stderr: stderr.into(),
    }
}

fn error(code: i64, stdout: &str, stderr: &str) -> Error {
    read::<ListReply>("opencode", &finished(code, stdout, stderr)).unwrap_err()
}

#[test]
fn a_document_with_code_0_is_the_answer() {
    let reply: ListReply = read(
        "opencode",
        &finished(0, "{\"schema\":1,\"accounts\":[],\"new\":{}}\n", "noise\n"),
    )
    .unwrap();
    assert!(reply.accounts.is_empty());
}

#[test]
fn an_image_without_occ_init_is_recognised_on_both_engines() {
    for said in ["OCI runtime exec failed: exec failed: no such file\r\n", ""] {
        for code in [126, 127] {
            let error = error(code, said, "");
            assert_eq!(
                error.to_string(),
                "container 'opencode' has no usable occ-init: '/usr/local/bin/occ-init' cannot be run"
            );
            assert_eq!(error.kind().exit_code(), 1);
        }
    }
}

#[test]
fn an_error_document_keeps_kind_and_hint() {
    let line = r#"{"schema":1,"error":{"kind":"conflict","message":"user 'a' was removed","hint":"use --restore"}}"#;
    let error = error(4, line, "");
    assert_eq!(error.kind().exit_code(), 4);
    assert_eq!(
        error.text(),
        "occ: user 'a' was removed\nhint: use --restore\n"
    );
}

#[test]
fn older_occ_init_is_named() {
    let line = r#"{"schema":1,"error":{"kind":"usage","message":"unrecognized subcommand 'save'","hint":"occ-init --help"}}"#;
    assert_eq!(
        error(2, line, "").text(),
        "occ: container 'opencode' has no usable occ-init: it does not know this command: \
         unrecognized subcommand 'save'\n\
         hint: the image is too old or not occ's: `occ update container`\n"
    );
}

#[test]
fn failed_lines_are_an_answer_and_errors_stay_errors() {
    let of = |code, line| {
        read_of_lines::<ImportReply>("opencode", &finished(code, line, "")).map(|_| ())
    };
    let reply = r#"{"schema":1,"changed":true,"results":[]}"#;
    assert!(of(0, reply).is_ok() && of(1, reply).is_ok());
    assert!(matches!(of(3, reply), Err(Error::BadReply(_))));
    let error = r#"{"schema":1,"error":{"kind":"failed","message":"m"}}"#;
    assert!(matches!(of(1, error), Err(Error::Remote(_))));
    assert!(matches!(of(1, "{\"schema\":1}"), Err(Error::BadReply(_))));
}

#[test]
fn cut_answers_are_failures() {
    assert!(matches!(
        error(0, "{\"schema\":1,\"acc", ""),
        Error::BadReply(_)
    ));
    assert!(matches!(
        error(0, "{\"schema\":2,\"accounts\":[]}", ""),
        Error::NewerReply(2)
    ));
    assert!(matches!(error(0, "", ""), Error::BadReply(_)));
    assert!(
        matches!(error(137, "", ""), Error::Failed { message, .. } if message == "occ-init was killed by signal 9")
    );
    assert!(matches!(error(1, "{\"schema\":1}", ""), Error::BadReply(_)));
}
