//! Pages that lead on by themselves, without scripts.

use maud::{Markup, html};

use super::{RESTART_PATH, TERMINAL_PATH, card};
use crate::wire::{Failure, Line};

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

/// opencode can't be started. `output`: the last lines that it wrote. `path`: the page that
/// was asked for.
pub(crate) fn not_started(reason: Failure, output: &[Line], path: &str) -> Markup {
    let rest = html! {
        p.notice.bad role="alert" { (words(reason)) }
        (last_lines(output))
        form method="post" action=(RESTART_PATH) {
            input type="hidden" name="next" value=(path);
            button type="submit" { "Try again" }
        }
        p.aside {
            a href=(TERMINAL_PATH) { "Open a terminal" } " · "
            a href="/_occ/account" { "Your account" }
        }
    };
    card("Not started", "Your opencode did not start", None, &rest)
}

/// Lines of a program's output, if there are any.
pub(crate) fn last_lines(output: &[Line]) -> Markup {
    html! {
        @if !output.is_empty() {
            p.fine #output { "The last lines of its output:" }
            // Reached by keyboard, so that it can be scrolled.
            pre.output role="region" aria-labelledby="output" tabindex="0" {
                @for line in output { (line) "\n" }
            }
        }
    }
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
        Failure::HomeFull => {
            "Your home directory is full: no more can be written there. Delete what you don't need, in a terminal, or ask your administrator for more space."
        }
        Failure::HomeReadOnly => {
            "Your home directory is read-only: nothing can be written there. Ask your administrator."
        }
        Failure::Session => {
            "The system's session rules (PAM) refuse to start it. Ask your administrator."
        }
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
        let html = not_started(Failure::Home, &[], "/").0;
        assert!(!html.contains("http-equiv") && !html.contains("<pre"));
    }

    #[test]
    fn its_owner_sees_what_it_wrote_and_ways_on() {
        let lines = ["Error: <config> is \"bad\"", "at line 1"].map(Line::cut);
        let html = not_started(Failure::Ended, &lines, "/a?b=1&c=\"").0;
        for part in [
            "Error: &lt;config&gt; is &quot;bad&quot;\nat line 1\n</pre>",
            r#"method="post" action="/_occ/account/restart""#,
            r#"name="next" value="/a?b=1&amp;c=&quot;""#,
            r#"href="/_occ/terminal""#,
            r#"href="/_occ/account""#,
        ] {
            assert!(html.contains(part), "{part}: {html}");
        }
        for (reason, word) in [
            (Failure::HomeFull, "is full"),
            (Failure::HomeReadOnly, "is read-only"),
            (Failure::Session, "PAM"),
        ] {
            let html = not_started(reason, &[], "/").0;
            assert!(html.contains(word), "{word}: {html}");
        }
    }
}
