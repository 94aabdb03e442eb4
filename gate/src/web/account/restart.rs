//! The form that starts a person's opencode anew: on the account page, and as "Try again"
//! where it did not start.

use hyper::Response;

use super::redirect_with;
use crate::web::http::body::Body;
use crate::web::http::form::Form;
use crate::web::http::{redirect, reply};
use crate::web::monitor_client::NoReply;
use crate::web::pages::Outcome;
use crate::web::sessions::Session;
use crate::web::state::{AppState, RequestContext};
use crate::wire::{Gone, RestartReply, ask};

/// POST /_occ/account/restart. `next`: the page that did not come.
pub(super) async fn submit(
    gate: &AppState,
    context: &RequestContext,
    session: &Session,
    form: &Form,
) -> Response<Body> {
    let token = session.token.clone();
    match gate.monitor.ask(ask::Restart { token }).await {
        Ok(Ok(RestartReply::Restarting)) => match form.text("next") {
            Some(next) => reply::see_other(redirect::local_path(next)),
            None => redirect_with(gate, context, Outcome::Restarted),
        },
        Ok(Ok(RestartReply::TooSoon)) => reply::restarted_before(),
        Ok(Err(Gone)) => reply::see_other("/_occ/login"),
        Err(NoReply) => reply::unreached(),
    }
}
