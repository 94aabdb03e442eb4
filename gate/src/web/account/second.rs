//! The forms for the second step of the login on the account page.

use std::time::Instant;

use hyper::Response;

use crate::web::http::body::Body;
use crate::web::http::flash::Flash;
use crate::web::http::form::Form;
use crate::web::http::reply;
use crate::web::monitor_client::NoReply;
use crate::web::pages::{self, Outcome, SecondSecret};
use crate::web::sessions::Session;
use crate::web::state::{AppState, RequestContext};
use crate::wire::{ConfirmReply, Gone, SecondReply, Secret, ask};

const UNAVAILABLE: &str =
    "Nothing was changed. Look at this page again, and ask an administrator if it says the same.";

fn field(form: &Form, name: &str) -> Option<Secret> {
    Secret::new(form.bytes(name)?.clone())
}

/// POST /_occ/account/second-begin
pub(super) async fn begin(
    gate: &AppState,
    context: &RequestContext,
    session: &Session,
    form: &Form,
) -> Response<Body> {
    let Some(password) = field(form, "password") else {
        return failed(gate, context, "Your password is wrong.".to_owned());
    };
    let token = session.token.clone();
    let outcome = match gate.monitor.ask(ask::BeginSecond { token, password }).await {
        Ok(Ok(SecondReply::Begun { key })) => {
            let now = Instant::now();
            let key = SecondSecret::Key(key);
            gate.issued_second.put(session.token.hash(), key, now);
            Outcome::SecondBegun
        }
        Ok(Ok(SecondReply::Wrong)) => Outcome::SecondFailed("Your password is wrong.".to_owned()),
        Ok(Ok(SecondReply::SlowDown { seconds })) => slow_down(seconds),
        Ok(Ok(_)) => Outcome::SecondFailed(UNAVAILABLE.to_owned()),
        Ok(Err(Gone)) => return reply::see_other("/_occ/login"),
        Err(NoReply) => return reply::unreached(),
    };
    told(gate, context, outcome)
}

/// POST /_occ/account/second-confirm
pub(super) async fn confirm(
    gate: &AppState,
    context: &RequestContext,
    session: &Session,
    form: &Form,
) -> Response<Body> {
    let code = field(form, "code").unwrap_or_default();
    let token = session.token.clone();
    let outcome = match gate.monitor.ask(ask::ConfirmSecond { token, code }).await {
        Ok(Ok(ConfirmReply::On { scratch })) => {
            let now = Instant::now();
            let scratch = SecondSecret::Scratch(scratch);
            gate.issued_second.put(session.token.hash(), scratch, now);
            Outcome::SecondOn
        }
        Ok(Ok(ConfirmReply::Wrong)) => Outcome::SecondFailed(
            "That code is wrong. Type the one that the phone shows now; its clock has to be right."
                .to_owned(),
        ),
        Ok(Ok(ConfirmReply::Over)) => {
            Outcome::SecondFailed("That took too long, or too many codes. Start again.".to_owned())
        }
        Ok(Ok(ConfirmReply::Unavailable)) => Outcome::SecondFailed(UNAVAILABLE.to_owned()),
        Ok(Err(Gone)) => return reply::see_other("/_occ/login"),
        Err(NoReply) => return reply::unreached(),
    };
    told(gate, context, outcome)
}

/// POST /_occ/account/second-end
pub(super) async fn end(
    gate: &AppState,
    context: &RequestContext,
    session: &Session,
    form: &Form,
) -> Response<Body> {
    const WRONG: &str = "Your password or the code is wrong, or the code was used before.";
    let (Some(password), Some(code)) = (field(form, "password"), field(form, "code")) else {
        return failed(gate, context, WRONG.to_owned());
    };
    let token = session.token.clone();
    let ask = ask::EndSecond {
        token,
        password,
        code,
    };
    let outcome = match gate.monitor.ask(ask).await {
        Ok(Ok(SecondReply::Ended)) => Outcome::SecondOff,
        Ok(Ok(SecondReply::Wrong)) => Outcome::SecondFailed(WRONG.to_owned()),
        Ok(Ok(SecondReply::SlowDown { seconds })) => slow_down(seconds),
        Ok(Ok(_)) => Outcome::SecondFailed(UNAVAILABLE.to_owned()),
        Ok(Err(Gone)) => return reply::see_other("/_occ/login"),
        Err(NoReply) => return reply::unreached(),
    };
    told(gate, context, outcome)
}

fn failed(gate: &AppState, context: &RequestContext, why: String) -> Response<Body> {
    told(gate, context, Outcome::SecondFailed(why))
}

/// Redirects to the account page's part about it, which is not to be seen without scrolling.
fn told(gate: &AppState, context: &RequestContext, outcome: Outcome) -> Response<Body> {
    let reply = reply::see_other("/_occ/account#second");
    Flash::Account(outcome).give(reply, &gate.cookies, context.secure)
}

fn slow_down(seconds: u32) -> Outcome {
    let span = pages::span(seconds);
    Outcome::SecondFailed(format!("Too many failed attempts. Try again in {span}."))
}
