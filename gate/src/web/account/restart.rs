//! The form that starts a person's opencode anew: on the account page, and as "Try again"
//! where it did not start.

use super::{Ended, or_answer};
use crate::web::http::form::Form;
use crate::web::http::{redirect, reply};
use crate::web::pages::Outcome;
use crate::web::sessions::Session;
use crate::web::state::AppState;
use crate::wire::{RestartReply, ask};

/// POST /_occ/account/restart. `next`: the page that did not come.
pub(super) async fn submit(gate: &AppState, session: &Session, form: &Form) -> Ended {
    let token = session.token.clone();
    match or_answer(gate.monitor.ask(ask::Restart { token })).await? {
        RestartReply::Restarting => match form.text("next") {
            Some(next) => Err(reply::see_other(redirect::local_path(next))),
            None => Ok(Outcome::Restarted),
        },
        RestartReply::TooSoon => Err(reply::restarted_before()),
    }
}
