//! The page for whatever could not be done.

use hyper::StatusCode;
use maud::{Markup, html};

use super::card;

/// The page: the trouble in a line and maybe a `hint: ` after it, and the way out.
pub(crate) fn trouble(status: StatusCode, said: &str) -> Markup {
    let heading = heading(status);
    let mut lines = said.lines();
    let first = lines.next().unwrap_or_default();
    let what = sentence(first.strip_prefix("refused: ").unwrap_or(first));
    let hint = lines.next();
    let hint = hint.map(|line| sentence(line.strip_prefix("hint: ").unwrap_or(line)));
    let is_passing = status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED;
    let rest = html! {
        // The heading says it already.
        @if status != StatusCode::NOT_FOUND { p.notice.bad role="alert" { (what) } }
        @if let Some(hint) = hint { p { (hint) } }
        @if is_passing {
            a.button href="" { "Try again" }
            p.aside { a href="/_occ/account" { "Your account" } }
        } @else if status != StatusCode::MISDIRECTED_REQUEST {
            a.button href="/" { "Open opencode" }
        }
    };
    card(heading, heading, None, &rest)
}

fn heading(status: StatusCode) -> &'static str {
    match status {
        StatusCode::UNAUTHORIZED => "You are not logged in",
        StatusCode::FORBIDDEN => "Refused",
        StatusCode::NOT_FOUND => "No such page",
        StatusCode::MISDIRECTED_REQUEST => "Not this address",
        StatusCode::BAD_GATEWAY => "No answer",
        StatusCode::SERVICE_UNAVAILABLE => "Not ready",
        _ => "That did not work",
    }
}

/// A line of the kind that programs get, for people: `cannot x: y` → `Cannot x: y.`
fn sentence(line: &str) -> String {
    let mut sentence = format!("{line}.");
    if let Some(first) = sentence.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    sentence
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trouble_is_told_in_sentences_with_a_way_out() {
        let html = trouble(
            StatusCode::MISDIRECTED_REQUEST,
            "this server does not answer\nhint: ask <them>\n",
        )
        .0;
        assert!(html.contains("<h1>Not this address</h1>"), "{html}");
        assert!(html.contains(r#"role="alert">This server does not answer.<"#));
        assert!(html.contains("<p>Ask &lt;them&gt;.</p>") && !html.contains("href=\"/\""));
        let html = trouble(StatusCode::BAD_GATEWAY, "x").0;
        assert!(html.contains("Try again") && html.contains("/_occ/account"));
        let html = trouble(StatusCode::FORBIDDEN, "refused: it\n").0;
        assert!(html.contains(">It.<"), "{html}");
        assert!(html.contains("href=\"/\"") && !html.contains("Try again"));
        let html = trouble(StatusCode::NOT_FOUND, "nothing is here\nhint: look there\n").0;
        assert!(
            html.contains("<p>Look there.</p>") && !html.contains("alert"),
            "{html}"
        );
    }
}
