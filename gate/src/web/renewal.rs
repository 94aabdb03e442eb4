//! A new password at the login, in place of one that has expired or that an administrator
//! wants changed. Only whoever has just shown the right one gets here.

use accounts::account::weakness;
use hyper::Response;

use crate::web::attempt::Attempt;
use crate::web::http::body::Body;
use crate::web::pages::{Notice, Outcome};
use crate::wire::{Secret, ask};

/// POST /_occ/renew
pub(super) async fn submit(mut attempt: Attempt<'_>) -> Response<Body> {
    attempt.refused = Notice::NotRenewed;
    let Some(conversation) = attempt.conversation() else {
        return attempt.failed(Notice::NotRenewed);
    };
    let field = |name| attempt.form.bytes(name).cloned().unwrap_or_default();
    let (new, again) = (field("new"), field("again"));
    if new != again {
        return attempt.needed(conversation, "The two new passwords differ.");
    }
    attempt.warning = weakness(&new).map(|weakness| Outcome::Changed {
        weakness: Some(weakness.to_owned()),
    });
    let Some(new) = Secret::new(new) else {
        let why = "The new password is longer than 255 bytes.";
        return attempt.needed(conversation, why);
    };
    attempt.ask(ask::RenewPassword { conversation, new }).await
}
