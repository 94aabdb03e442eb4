//! The login page, and the page for what PAM asks after the password.

use maud::{Markup, html};
use serde::{Deserialize, Serialize};

use super::{card, frame_with, mark};
use crate::web::files::FILES;

/// The notice above the form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Notice {
    /// The one text for every failure.
    Refused,
    /// Nothing was checked; so many seconds are left.
    SlowDown(u32),
    /// The accounts can't be asked.
    Unavailable,
    /// Logged out, just now.
    LoggedOut,
    /// A new password was needed, and is not set.
    NotRenewed,
    /// The one text for every failure of a passkey.
    PasskeyRefused,
}

/// The content of the login form.
pub(crate) struct LoginForm<'a> {
    /// The host that the person asked for, to be recognised.
    pub(crate) host: &'a str,
    /// The path to go to afterwards, one of ours.
    pub(crate) next: &'a str,
    /// The name as typed before, or empty.
    pub(crate) user: &'a str,
    pub(crate) notice: Option<Notice>,
    /// Passkeys are offered.
    pub(crate) passkeys: bool,
}

/// A question of PAM's.
pub(crate) struct PromptForm<'a> {
    pub(crate) conversation: u64,
    pub(crate) next: &'a str,
    /// PAM's words.
    pub(crate) text: &'a str,
    /// True if the answer may be shown as it is typed.
    pub(crate) echo: bool,
}

pub(crate) fn login(form: &LoginForm) -> Markup {
    let failed = matches!(form.notice, Some(Notice::Refused | Notice::SlowDown(_)));
    let described = form.notice.map(|_| "notice");
    let known = !form.user.is_empty();
    let content = html! {
        main.card {
            (mark())
            h1 { "Log in to opencode" }
            p.where { (form.host) }
            @if let Some(notice) = form.notice { (notice_box(notice)) }
            form method="post" action="/_occ/login" {
                input type="hidden" name="next" value=(form.next);
                label for="user" { "User name" }
                input #user name="user" type="text" value=(form.user) required maxlength="64"
                    autocomplete=(if form.passkeys { "username webauthn" } else { "username" }) autocapitalize="none" autocorrect="off" spellcheck="false"
                    aria-invalid=[failed.then_some("true")] aria-describedby=[described] autofocus[!known];
                label for="password" { "Password" }
                input #password name="password" type="password" required maxlength="255"
                    autocomplete="current-password"
                    aria-invalid=[failed.then_some("true")] aria-describedby=[described] autofocus[known];
                button type="submit" { "Log in" }
            }
            @if form.passkeys { (passkey(form)) }
        }
        footer.foot { "Everyone works in an opencode of their own, with their own files." }
    };
    let head = html! { @if form.passkeys { (script()) } };
    frame_with("Log in", None, &head, &content)
}

/// The script of the pages with passkeys.
pub(super) fn script() -> Markup {
    html! { script type="module" src=(FILES.passkey.path) {} }
}

/// The form that the script shows and fills in.
fn passkey(form: &LoginForm) -> Markup {
    html! {
        form #passkey-login method="post" action="/_occ/passkey" hidden {
            input type="hidden" name="next" value=(form.next);
            input type="hidden" name="credential";
            input type="hidden" name="proof";
            button.quiet type="submit" { "Log in with a passkey" }
        }
        p #passkey-trouble .notice.bad role="alert" hidden {}
    }
}

fn notice_box(notice: Notice) -> Markup {
    let words = match notice {
        Notice::LoggedOut => {
            return html! { p #notice .notice.good role="status" { "You are logged out." } };
        }
        Notice::Refused => "User name or password is wrong.",
        Notice::PasskeyRefused => "That passkey does not log you in here. Use your password.",
        Notice::NotRenewed => {
            "Your password was not changed. Log in again with the one that you have."
        }
        Notice::SlowDown(seconds) => {
            &format!("Too many failed attempts. Try again in {}.", span(seconds))
        }
        Notice::Unavailable => "Logging in is not possible right now. Try again in a moment.",
    };
    html! { p #notice .notice.bad role="alert" { (words) } }
}

/// The page for what PAM asks next.
pub(crate) fn prompt(form: &PromptForm) -> Markup {
    let label = form.text.trim().trim_end_matches(':');
    let label = if label.is_empty() {
        "One-time code"
    } else {
        label
    };
    let rest = html! {
        form method="post" action="/_occ/prompt" {
            input type="hidden" name="next" value=(form.next);
            input type="hidden" name="conversation" value=(form.conversation);
            label for="answer" { (label) }
            input #answer name="answer" type=(if form.echo { "text" } else { "password" }) required maxlength="255"
                autocomplete="one-time-code" autocapitalize="none" autocorrect="off" spellcheck="false" autofocus;
            button type="submit" { "Continue" }
        }
        p.aside { a href="/_occ/login" { "Start again" } }
    };
    card("One more step", "One more step", None, &rest)
}

/// Seconds as people say them.
pub(crate) fn span(seconds: u32) -> String {
    match seconds {
        0 | 1 => "one second".to_owned(),
        2..=90 => format!("{seconds} seconds"),
        _ => format!("{} minutes", seconds.div_ceil(60)),
    }
}

#[cfg(test)]
mod tests;
