//! Pages that lead on by themselves, without scripts.

use maud::{Markup, html};

use super::card;
use crate::wire::Failure;

/// Shown in place of any page while opencode comes up; asks for it again. `ahead`: so many
/// others start before it.
pub(crate) fn starting(ahead: Option<u32>) -> Markup {
    let rest = html! {
        div.bar aria-hidden="true" { span {} }
        p role="status" { (place(ahead)) " The page goes on by itself." }
        p.aside { a href="/_occ/account" { "Your account" } }
    };
    card("Starting", "Starting your opencode…", Some((1, "")), &rest)
}

fn place(ahead: Option<u32>) -> String {
    match ahead {
        None => "This takes a few seconds.".to_owned(),
        Some(0) => "Many start right now. Yours is next.".to_owned(),
        Some(1) => "Many start right now. One starts before yours.".to_owned(),
        Some(ahead) => format!("Many start right now. {ahead} start before yours."),
    }
}

/// opencode can't be started.
pub(crate) fn not_started(reason: Failure, retry_seconds: u32) -> Markup {
    let rest = html! {
        p.notice.bad role="alert" { (words(reason)) }
        @if retry_seconds > 1 { p { "Wait " (retry_seconds) " seconds before you try again." } }
        a.button href="" { "Try again" }
        p.aside { a href="/_occ/terminal" { "Open a terminal" } " · " a href="/_occ/account" { "Your account" } }
    };
    card("Not started", "Your opencode did not start", None, &rest)
}

/// Leads on from a link on another site. A cookie that is SameSite=Strict does
/// not come with such a link; it does with the next step.
pub(crate) fn follow(path: &str) -> Markup {
    let rest = html! { p.aside { a href=(path) { "Go on" } } };
    card("Opening", "Opening your opencode…", Some((0, path)), &rest)
}

fn words(reason: Failure) -> &'static str {
    match reason {
        Failure::Home => "Your home directory is missing or is not yours. Ask your administrator.",
        Failure::Program => "The program can't be run. Ask your administrator.",
        Failure::Ended => {
            "It ended before it was ready. A broken configuration in your home may be why."
        }
        Failure::TimedOut => "It was not ready in time.",
        Failure::Port => "It could not be reached safely.",
        Failure::Resources => "This machine has no processes, memory or disk space left for it.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_lead_on() {
        let html = starting(None).0;
        assert!(html.contains(r#"http-equiv="refresh" content="1""#));
        assert!(
            html.contains("This takes a few seconds. The page"),
            "{html}"
        );
        assert!(starting(Some(0)).0.contains("Yours is next."));
        assert!(starting(Some(3)).0.contains("3 start before yours."));
        let html = follow("/a?b=1&c=\"2").0;
        assert!(
            html.contains(r#"content="0; url=/a?b=1&amp;c=&quot;2""#),
            "{html}"
        );
        assert!(!not_started(Failure::Home, 5).0.contains("http-equiv"));
    }
}
