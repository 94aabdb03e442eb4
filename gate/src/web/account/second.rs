//! The forms for the second step of the login on the account page.

use std::time::Instant;

use super::{Ended, or_answer, slow_down};
use crate::web::http::form::Form;
use crate::web::pages::{Outcome, SecondSecret};
use crate::web::sessions::Session;
use crate::web::state::AppState;
use crate::wire::{ConfirmSecondReply, SecondReply, Secret, ask};

const UNAVAILABLE: &str =
    "Nothing was changed. Look at this page again, and ask an administrator if it says the same.";

fn field(form: &Form, name: &str) -> Option<Secret> {
    Secret::new(form.bytes(name)?.clone())
}

/// POST /_occ/account/second-begin
pub(super) async fn begin(gate: &AppState, session: &Session, form: &Form) -> Ended {
    const WRONG: &str = "Your password is wrong.";
    let Some(password) = field(form, "password") else {
        return Ok(failed(WRONG));
    };
    let token = session.token.clone();
    let ask = ask::BeginSecond { token, password };
    Ok(match or_answer(gate.monitor.ask(ask)).await? {
        SecondReply::Begun { key } => {
            let key = SecondSecret::Key(key);
            (gate.issued_second).put(session.token.hash(), key, Instant::now());
            Outcome::SecondBegun
        }
        SecondReply::Wrong => failed(WRONG),
        SecondReply::SlowDown { seconds } => failed(slow_down(seconds)),
        SecondReply::Ended | SecondReply::Unavailable => failed(UNAVAILABLE),
    })
}

/// POST /_occ/account/second-confirm
pub(super) async fn confirm(gate: &AppState, session: &Session, form: &Form) -> Ended {
    let code = field(form, "code").unwrap_or_default();
    let token = session.token.clone();
    let ask = ask::ConfirmSecond { token, code };
    Ok(match or_answer(gate.monitor.ask(ask)).await? {
        ConfirmSecondReply::On { scratch } => {
            let scratch = SecondSecret::Scratch(scratch);
            (gate.issued_second).put(session.token.hash(), scratch, Instant::now());
            Outcome::SecondOn
        }
        ConfirmSecondReply::Wrong => failed(
            "That code is wrong. Type the one that the phone shows now; its clock has to be right.",
        ),
        ConfirmSecondReply::Over => failed("That took too long, or too many codes. Start again."),
        ConfirmSecondReply::Unavailable => failed(UNAVAILABLE),
    })
}

/// POST /_occ/account/second-end
pub(super) async fn end(gate: &AppState, session: &Session, form: &Form) -> Ended {
    const WRONG: &str = "Your password or the code is wrong, or the code was used before.";
    let (Some(password), Some(code)) = (field(form, "password"), field(form, "code")) else {
        return Ok(failed(WRONG));
    };
    let token = session.token.clone();
    let ask = ask::EndSecond {
        token,
        password,
        code,
    };
    Ok(match or_answer(gate.monitor.ask(ask)).await? {
        SecondReply::Ended => Outcome::SecondOff,
        SecondReply::Wrong => failed(WRONG),
        SecondReply::SlowDown { seconds } => failed(slow_down(seconds)),
        SecondReply::Begun { .. } | SecondReply::Unavailable => failed(UNAVAILABLE),
    })
}

fn failed(why: impl Into<String>) -> Outcome {
    Outcome::SecondFailed(why.into())
}
