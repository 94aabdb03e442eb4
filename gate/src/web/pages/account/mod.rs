//! The account page: opencode, sessions, tokens, password, logging out.

mod passkeys;
mod tokens;

mod opencode;
mod second;

pub(crate) use self::second::SecondSecret;

use maud::{Markup, html};
use serde::{Deserialize, Serialize};

use super::login::script;
use super::{TERMINAL_PATH, frame_with};
use crate::wire::{AccessEntry, OpencodeView, PasskeyEntry, SecondView, SessionEntry, Time};

/// The content of the account page.
pub(crate) struct Account<'a> {
    pub(crate) user: &'a str,
    /// The person's name, or empty.
    pub(crate) display_name: &'a str,
    /// The latest first.
    pub(crate) sessions: &'a [SessionEntry],
    /// Access tokens, the latest first; `None` where there are to be none.
    pub(crate) access: Option<&'a [AccessEntry]>,
    /// Passkeys; `None` where there are to be none.
    pub(crate) passkeys: Option<&'a [PasskeyEntry]>,
    /// A token that was made a moment ago.
    pub(crate) issued: Option<&'a str>,
    /// Our own origin, for examples.
    pub(crate) origin: &'a str,
    /// Seconds since 1970.
    pub(crate) now: Time,
    pub(crate) outcome: Option<&'a Outcome>,
    pub(crate) opencode: &'a OpencodeView,
    pub(crate) second: SecondView,
    /// Its key or its scratch codes, made a moment ago.
    pub(crate) issued_second: Option<&'a SecondSecret>,
}

/// The result of a form of the page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Outcome {
    /// The password is another one; maybe it is easy to guess.
    Changed {
        weakness: Option<String>,
    },
    /// The account is new, and its password easy to guess.
    Weak(String),
    /// The password is what it was.
    Failed(String),
    /// Another session is over.
    SessionEnded,
    /// The person's opencode starts anew.
    Restarted,
    /// There is a new token, which the page shows.
    TokenMade,
    /// A token is over.
    TokenRevoked,
    /// Tokens are what they were, or an administrator has to know something.
    TokenFailed(String),
    /// The page shows the key of a second step, which does not count yet.
    SecondBegun,
    /// It counts; the page shows its scratch codes.
    SecondOn,
    SecondOff,
    /// The second step is as it was.
    SecondFailed(String),
    /// There is a new passkey.
    PasskeyAdded,
    /// A passkey is no way in any more.
    PasskeyRemoved,
    /// Passkeys are what they were.
    PasskeyFailed(String),
}

impl Outcome {
    /// Returns whether the page's part about the second step tells it.
    pub(crate) fn is_about_second(&self) -> bool {
        matches!(
            self,
            Self::SecondBegun | Self::SecondOn | Self::SecondOff | Self::SecondFailed(_)
        )
    }
}

pub(crate) fn account(page: &Account) -> Markup {
    let name = if page.display_name.is_empty() {
        page.user
    } else {
        page.display_name
    };
    let content = html! {
        main.wide {
            header.top {
                div {
                    h1 { "Your account" }
                    p.where { (name) @if name != page.user { " · " (page.user) } }
                }
                div.actions {
                    a.button href="/" { "Open opencode" }
                    a.button.quiet href=(TERMINAL_PATH) { "Open a terminal" }
                    form method="post" action="/_occ/logout" { button.quiet type="submit" { "Log out" } }
                }
            }
            (opencode::opencode(page.opencode, page.outcome == Some(&Outcome::Restarted)))
            section aria-labelledby="sessions" {
                h2 #sessions { "Where you are logged in" }
                @if let Some(Outcome::SessionEnded) = page.outcome {
                    p.notice.good role="status" { "That browser is logged out." }
                }
                ul.sessions { @for entry in page.sessions { (session(entry, page.now)) } }
                form method="post" action="/_occ/account/end-all" {
                    button.danger type="submit" { "Log out everywhere, here too" }
                }
                @if page.access.is_some_and(|access| !access.is_empty()) { p.fine { "That revokes your tokens as well." } }
            }
            @if let Some(access) = page.access { (tokens::tokens(page, access)) }
            @if let Some(passkeys) = page.passkeys { (passkeys::passkeys(page, passkeys)) }
            (password(page))
            (second::second(page))
        }
    };
    let head = html! { @if page.passkeys.is_some() { (script()) } };
    frame_with("Your account", None, &head, &content)
}

fn session(entry: &SessionEntry, now: Time) -> Markup {
    let name = browser(entry.agent.as_str());
    html! {
        li {
            div {
                strong title=(entry.agent) { (name) }
                @if entry.current { " " span.tag { "this browser" } }
                p.fine {
                    "from " (entry.address) " · logged in " (ago(entry.created, now))
                    @if !entry.current { " · last used " (ago(entry.last_seen, now)) }
                }
            }
            @if !entry.current {
                form method="post" action="/_occ/account/revoke" {
                    input type="hidden" name="handle" value=(entry.handle.0);
                    button.quiet type="submit" aria-label={ "Log out " (name) " from " (entry.address) } { "Log out" }
                }
            }
        }
    }
}

fn warning(weakness: &str) -> Markup {
    html! { p.notice.bad role="status" { "Warning: " (weakness) "." } }
}

fn password(page: &Account) -> Markup {
    let failed = matches!(page.outcome, Some(Outcome::Failed(_)));
    let described = failed.then_some("outcome");
    html! {
        section aria-labelledby="change" {
            h2 #change { "Change your password" }
            @match page.outcome {
                Some(Outcome::Changed { weakness }) => {
                    p #outcome .notice.good role="status" { "Your password is changed. Your other browsers are logged out; tokens stay good." }
                    @if let Some(weakness) = weakness { (warning(weakness)) }
                }
                Some(Outcome::Weak(weakness)) => { (warning(weakness)) }
                Some(Outcome::Failed(why)) => { p #outcome .notice.bad role="alert" { (why) } }
                _ => {}
            }
            form.narrow method="post" action="/_occ/account/password" {
                // For password managers: whose password it is.
                input type="text" name="user" value=(page.user) autocomplete="username" hidden readonly;
                label for="old" { "Current password" }
                input #old name="old" type="password" required maxlength="255" autocomplete="current-password" aria-describedby=[described] autofocus[failed];
                label for="new" { "New password" }
                input #new name="new" type="password" required maxlength="255" autocomplete="new-password" aria-describedby=[described];
                label for="again" { "New password, again" }
                input #again name="again" type="password" required maxlength="255" autocomplete="new-password" aria-describedby=[described];
                button type="submit" { "Change password" }
            }
        }
    }
}

/// A User-Agent as people say it: "Firefox on Linux".
fn browser(agent: &str) -> String {
    // The order matters: Edge says Chrome, Chrome says Safari, Android says Linux.
    const BROWSERS: [(&str, &str); 6] = [
        ("Edg", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
        ("curl/", "curl"),
    ];
    const SYSTEMS: [(&str, &str); 6] = [
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS", "macOS"),
        ("Linux", "Linux"),
    ];
    let find = |known: &[(&str, &'static str)]| {
        let found = known.iter().find(|(word, _)| agent.contains(word));
        found.map(|(_, name)| *name)
    };
    match (find(&BROWSERS), find(&SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(name), None) | (None, Some(name)) => name.to_owned(),
        (None, None) => "Unknown browser".to_owned(),
    }
}

/// A time in the past as people say it.
fn ago(then: Time, now: Time) -> String {
    let seconds = now.saturating_sub(then);
    let (count, unit) = match seconds {
        0..=59 => return "just now".to_owned(),
        60..=3599 => (seconds / 60, "minute"),
        3600..=86399 => (seconds / 3600, "hour"),
        _ => (seconds / 86400, "day"),
    };
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural} ago")
}

/// A person's page with nothing on it but what each has.
#[cfg(test)]
fn bare_page() -> Account<'static> {
    static OPENCODE: OpencodeView = OpencodeView {
        without_login_shell: None,
    };
    Account {
        user: "alice",
        display_name: "",
        sessions: &[],
        access: None,
        passkeys: None,
        issued: None,
        origin: "http://box.localhost:3000",
        now: 4600,
        outcome: None,
        opencode: &OPENCODE,
        second: SecondView::Off,
        issued_second: None,
    }
}

#[cfg(test)]
mod tests;
