//! The page for the first account: there while there is no account at all, for whoever has
//! the code from the container's log. Whoever made it is logged in by the same form.

use accounts::account::weakness;
use hyper::{Request, Response, StatusCode};

use super::attempt::Attempt;
use super::login;
use super::pages::{FirstForm, FirstNotice, Outcome};
use crate::web::http::body::Body;
use crate::web::http::csrf::keeps_history;
use crate::web::http::flash::Flash;
use crate::web::http::form::Form;
use crate::web::http::reply;
use crate::web::pages;
use crate::web::state::{AppState, RequestContext};
use crate::wire::{MakeFirstReply, Secret, User, ask};

pub(super) const PATH: &str = "/_occ/first";

/// Returns true while the first account can be made here.
pub(super) async fn is_open(gate: &AppState) -> bool {
    gate.monitor.ask(ask::IsFirst {}).await.unwrap_or(false)
}

/// GET /_occ/first
pub(super) async fn page<B>(
    gate: &AppState,
    context: &RequestContext,
    request: &Request<B>,
) -> Response<Body> {
    if !is_open(gate).await {
        return reply::see_other("/_occ/login");
    }
    match Flash::of(request.headers(), &gate.cookies, context.secure) {
        Some(Flash::First { notice, user }) => {
            let page = form(context, &user, Some(notice));
            Flash::taken(page, &gate.cookies, context.secure)
        }
        _ => form(context, "", None),
    }
}

fn form(context: &RequestContext, user: &str, notice: Option<FirstNotice>) -> Response<Body> {
    let status = match &notice {
        None => StatusCode::OK,
        Some(FirstNotice::SlowDown(_)) => StatusCode::TOO_MANY_REQUESTS,
        Some(FirstNotice::Unavailable) => StatusCode::SERVICE_UNAVAILABLE,
        Some(_) => StatusCode::FORBIDDEN,
    };
    let form = FirstForm {
        host: context.authority.as_str(),
        user,
        notice,
    };
    reply::page(status, &pages::first(&form))
}

/// POST /_occ/first
pub(super) async fn submit(mut attempt: Attempt<'_>) -> Response<Body> {
    let weakness = attempt
        .form
        .bytes("password")
        .and_then(|password| weakness(password));
    attempt.warning = weakness.map(|weakness| Outcome::Weak(weakness.to_owned()));
    let order = match order(&attempt.form, attempt.typed(), attempt.context) {
        Ok(order) => order,
        Err(notice) => return failed(&attempt, notice),
    };
    match attempt.gate.monitor.ask(order).await {
        Ok(MakeFirstReply::Made) => login::with_password(&attempt).await,
        Ok(MakeFirstReply::Closed) => reply::see_other("/_occ/login"),
        Ok(MakeFirstReply::WrongCode) => failed(&attempt, FirstNotice::WrongCode),
        Ok(MakeFirstReply::Rejected { text }) => {
            failed(&attempt, FirstNotice::Rejected(text.as_str().to_owned()))
        }
        Ok(MakeFirstReply::SlowDown { seconds }) => {
            reply::again_in(seconds, failed(&attempt, FirstNotice::SlowDown(seconds)))
        }
        Err(_) => failed(&attempt, FirstNotice::Unavailable),
    }
}

fn order(form: &Form, user: &str, context: &RequestContext) -> Result<ask::MakeFirst, FirstNotice> {
    let rejected = |why: &str| FirstNotice::Rejected(why.to_owned());
    let secret = |field| form.bytes(field).cloned().and_then(Secret::new);
    let code = secret("code").ok_or(FirstNotice::WrongCode)?;
    let user = User::new(user).ok_or_else(|| rejected("the user name is too long"))?;
    let password = secret("password").ok_or_else(|| rejected("the password is too long"))?;
    if form.bytes("again").map(|again| again.as_slice()) != Some(password.expose()) {
        return Err(rejected("the two passwords are not the same"));
    }
    Ok(ask::MakeFirst {
        code,
        user,
        password,
        address: context.address,
    })
}

fn failed(attempt: &Attempt<'_>, notice: FirstNotice) -> Response<Body> {
    if keeps_history(&attempt.headers) {
        let user = attempt.name();
        return attempt.redirect_with(PATH, &Flash::First { notice, user });
    }
    form(attempt.context, attempt.typed(), Some(notice))
}
