//! The page for the first account.

use maud::{Markup, html};
use serde::{Deserialize, Serialize};

use super::{frame, mark, span};

/// The notice above the form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum FirstNotice {
    WrongCode,
    /// The account was not made, and why.
    Rejected(String),
    /// Nothing was checked; so many seconds are left.
    SlowDown(u32),
    /// The monitor gives no answer.
    Unavailable,
}

/// The content of the form.
pub(crate) struct FirstForm<'a> {
    /// The host that the person asked for, to be recognised.
    pub(crate) host: &'a str,
    /// The name as typed before, or empty.
    pub(crate) user: &'a str,
    pub(crate) notice: Option<FirstNotice>,
}

pub(crate) fn first(form: &FirstForm) -> Markup {
    let described = form.notice.as_ref().map(|_| "notice");
    let is_code_wrong = form.notice == Some(FirstNotice::WrongCode);
    let content = html! {
        main.card {
            (mark())
            h1 { "Make the first account" }
            p.where { (form.host) }
            @if let Some(notice) = &form.notice { (notice_box(notice)) }
            p { "Nobody has an account here yet. The code is in the container's log, and "
                code { "occ start" } " shows it." }
            form method="post" action="/_occ/first" {
                label for="code" { "Code" }
                input #code name="code" type="text" required maxlength="32" placeholder="XXXX-XXXX-XXXX"
                    autocomplete="off" autocapitalize="characters" autocorrect="off" spellcheck="false"
                    aria-invalid=[is_code_wrong.then_some("true")] aria-describedby=[described] autofocus;
                label for="user" { "User name" }
                input #user name="user" type="text" value=(form.user) required maxlength="32"
                    autocomplete="username" autocapitalize="none" autocorrect="off" spellcheck="false";
                label for="password" { "Password" }
                input #password name="password" type="password" required maxlength="255"
                    autocomplete="new-password";
                label for="again" { "Password again" }
                input #again name="again" type="password" required maxlength="255"
                    autocomplete="new-password";
                button type="submit" { "Make the account" }
            }
        }
        footer.foot { "Administrators make more with " code { "occ user add" } "." }
    };
    frame("First account", None, &content)
}

fn notice_box(notice: &FirstNotice) -> Markup {
    let words = match notice {
        FirstNotice::WrongCode => {
            "That is not the code. Each start of the container has another one."
        }
        FirstNotice::Rejected(why) => &format!("The account was not made: {why}."),
        FirstNotice::SlowDown(seconds) => {
            &format!("Too many wrong codes. Try again in {}.", span(*seconds))
        }
        FirstNotice::Unavailable => "That is not possible right now. Try again in a moment.",
    };
    html! { p #notice .notice.bad role="alert" { (words) } }
}
