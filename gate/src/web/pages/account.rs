//! The account page: password, sessions, logging out.

use maud::{Markup, html};

use super::frame;
use crate::wire::{SessionEntry, Time};

/// What the account page shows.
pub(crate) struct Account<'a> {
    pub(crate) user: &'a str,
    /// The person's name, or empty.
    pub(crate) display_name: &'a str,
    /// The latest first.
    pub(crate) sessions: &'a [SessionEntry],
    /// Seconds since 1970.
    pub(crate) now: Time,
    /// What came of changing the password.
    pub(crate) outcome: Option<Result<(), &'a str>>,
}

/// The account page.
pub(crate) fn account(page: &Account) -> Markup {
    let name = if page.display_name.is_empty() {
        page.user
    } else {
        page.display_name
    };
    frame(
        "Your account",
        None,
        &html! {
            main.wide {
                header.top {
                    div {
                        h1 { "Your account" }
                        p.where { (name) @if name != page.user { " · " (page.user) } }
                    }
                    div.actions {
                        a.button href="/" { "Open opencode" }
                        form method="post" action="/_occ/logout" { button.quiet type="submit" { "Log out" } }
                    }
                }
                section aria-labelledby="sessions" {
                    h2 #sessions { "Where you are logged in" }
                    ul.sessions { @for entry in page.sessions { (session(entry, page.now)) } }
                    form method="post" action="/_occ/account/end-all" {
                        button.danger type="submit" { "Log out everywhere" }
                    }
                }
                (password(page))
            }
        },
    )
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

fn password(page: &Account) -> Markup {
    let failed = matches!(page.outcome, Some(Err(_)));
    let described = failed.then_some("outcome");
    html! {
        section aria-labelledby="change" {
            h2 #change { "Change your password" }
            @match page.outcome {
                Some(Ok(())) => { p #outcome .notice.good role="status" { "Your password is changed. Your other browsers are logged out." } }
                Some(Err(why)) => { p #outcome .notice.bad role="alert" { (why) } }
                None => {}
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
        known
            .iter()
            .find(|(word, _)| agent.contains(word))
            .map(|(_, name)| *name)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Agent, Handle};

    const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

    fn page(outcome: Option<Result<(), &str>>) -> String {
        let entry = |number: u64, current| SessionEntry {
            handle: Handle(number),
            created: 1000,
            last_seen: 4000,
            agent: Agent::cut(if current { FIREFOX } else { "<script>" }),
            address: "192.0.2.1".parse().unwrap(),
            current,
        };
        let sessions = [entry(11, true), entry(22, false)];
        account(&Account {
            user: "alice",
            display_name: "Alice <A>",
            sessions: &sessions,
            now: 4600,
            outcome,
        })
        .0
    }

    #[test]
    fn others_can_be_revoked_and_this_one_is_marked() {
        let html = page(None);
        assert!(html.contains("Firefox on Linux") && html.contains("this browser"));
        assert!(
            html.contains(r#"name="handle" value="22""#) && !html.contains(r#"value="11""#),
            "{html}"
        );
        assert!(html.contains("last used 10 minutes ago"));
        assert!(
            !html.contains("<script") && html.contains("Alice &lt;A&gt;"),
            "{html}"
        );
        assert!(!html.contains("outcome"));
    }

    #[test]
    fn outcomes_are_told() {
        assert!(page(Some(Ok(()))).contains(r#"role="status">Your password is changed."#));
        assert!(
            page(Some(Err("Too short & simple")))
                .contains(r#"role="alert">Too short &amp; simple"#)
        );
    }

    #[test]
    fn browsers_have_names() {
        for (agent, name) in [
            (FIREFOX, "Firefox on Linux"),
            (
                "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (Linux; Android 15) Chrome/140.0 Mobile Safari/537.36",
                "Chrome on Android",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1",
                "Safari on iPhone",
            ),
            ("curl/8.0", "curl"),
            ("", "Unknown browser"),
        ] {
            assert_eq!(browser(agent), name);
        }
    }

    #[test]
    fn times_are_told_roughly() {
        for (seconds, told) in [
            (0, "just now"),
            (60, "1 minute ago"),
            (7199, "1 hour ago"),
            (200_000, "2 days ago"),
        ] {
            assert_eq!(ago(1000, 1000 + seconds), told);
        }
        assert_eq!(ago(2000, 1000), "just now");
    }
}
