//! The account page's part about access tokens.

use maud::{Markup, html};

use super::{Account, Outcome, ago};
use crate::wire::{ACCESS_NAME_LIMIT, AccessEntry, Lifetime, Time};

const DAY: Time = 24 * 60 * 60;

pub(super) fn tokens(page: &Account, access: &[AccessEntry]) -> Markup {
    let failed = matches!(page.outcome, Some(Outcome::TokenFailed(_)));
    html! {
        section aria-labelledby="tokens" {
            h2 #tokens { "Tokens for programs" }
            p.fine {
                "A token lets " code { "opencode attach" } ", the SDK, an editor or a script use your opencode without your password. "
                "It does not open this page."
            }
            (notice(page))
            @if !access.is_empty() {
                ul.sessions { @for entry in access { (line(entry, page.now)) } }
            }
            form.narrow method="post" action="/_occ/account/token" {
                label for="token-name" { "Name of the new token" }
                input #token-name name="name" type="text" required maxlength=(ACCESS_NAME_LIMIT) placeholder="laptop"
                    autocomplete="off" autocapitalize="none" spellcheck="false" autofocus[failed];
                label for="token-days" { "Good for" }
                select #token-days name="days" {
                    @for days in Lifetime::CHOICES {
                        option value=(days) selected[days == Lifetime::DEFAULT] { (days) " days" }
                    }
                }
                button type="submit" { "Make a token" }
            }
        }
    }
}

fn notice(page: &Account) -> Markup {
    html! {
        @match (page.outcome, page.issued) {
            (Some(Outcome::TokenMade), Some(token)) => {
                div.notice.good role="status" {
                    p { "Your new token. Copy it now: it is not shown again." }
                    p { code.secret { (token) } }
                    p { "With opencode: " code.secret { "opencode attach -u " (page.user) " -p " (token) " " (for_programs(page.origin)) } }
                }
            }
            (Some(Outcome::TokenMade), None) => {
                p.notice.bad role="status" { "A token was made, and cannot be shown any more. Revoke it and make another one." }
            }
            (Some(Outcome::TokenRevoked), _) => {
                p.notice.good role="status" { "That token is revoked. What used it is cut off." }
            }
            (Some(Outcome::TokenFailed(why)), _) => { p.notice.bad role="alert" { (why) } }
            _ => {}
        }
    }
}

fn line(entry: &AccessEntry, now: Time) -> Markup {
    let name = entry.name.as_str();
    html! {
        li {
            div {
                strong { (name) }
                p.fine {
                    "made " (ago(entry.made, now)) " · ends " (ahead(entry.ends, now))
                    @match entry.last_use {
                        Some(used) => { " · last used " (ago(used.at, now)) " from " (used.address) }
                        None => { " · never used" }
                    }
                }
            }
            form method="post" action="/_occ/account/token-revoke" {
                input type="hidden" name="handle" value=(entry.handle.0);
                button.quiet type="submit" aria-label={ "Revoke " (name) } { "Revoke" }
            }
        }
    }
}

/// Our origin for programs: browsers know every name below localhost, and the resolver that
/// programs use may not.
fn for_programs(origin: &str) -> String {
    let (scheme, authority) = origin.split_once("://").unwrap_or(("http", origin));
    let (host, port) = authority.split_once(':').unwrap_or((authority, ""));
    if !host.ends_with(".localhost") {
        return origin.to_owned();
    }
    let colon = if port.is_empty() { "" } else { ":" };
    format!("{scheme}://localhost{colon}{port}")
}

/// A time to come as people say it.
fn ahead(then: Time, now: Time) -> String {
    match then.saturating_sub(now).div_ceil(DAY) {
        0 | 1 => "within a day".to_owned(),
        days => format!("in {days} days"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::pages::account::bare_page;
    use crate::wire::{AccessName, Handle, LastUse};

    fn page(outcome: Option<&Outcome>, issued: Option<&str>) -> String {
        let entry = |number, name: &str, last_use| AccessEntry {
            handle: Handle(number),
            name: AccessName::try_from(Box::from(name)).unwrap(),
            made: 1000,
            ends: 1000 + 90 * DAY,
            last_use,
        };
        let used = LastUse {
            at: 4000,
            address: [192, 0, 2, 9].into(),
        };
        let access = [entry(11, "laptop", Some(used)), entry(22, "<b>", None)];
        let page = Account {
            access: Some(&access),
            issued,
            outcome,
            ..bare_page()
        };
        tokens(&page, &access).0
    }

    #[test]
    fn each_token_has_its_line_and_its_button() {
        let html = page(None, None);
        for there in [
            "made 1 hour ago · ends in 90 days · last used 10 minutes ago from 192.0.2.9",
            "· never used",
            r#"name="handle" value="22""#,
            "&lt;b&gt;",
            r#"<option value="90" selected>90 days</option>"#,
        ] {
            assert!(html.contains(there), "{there}: {html}");
        }
        assert!(!html.contains("<b>") && !html.contains("role="), "{html}");
    }

    #[test]
    fn a_new_one_is_shown_with_what_to_type() {
        let html = page(Some(&Outcome::TokenMade), Some("occ_x"));
        let typed = "opencode attach -u alice -p occ_x http://localhost:3000";
        assert!(html.contains(typed), "{html}");
        let html = page(Some(&Outcome::TokenMade), None);
        assert!(html.contains("cannot be shown any more"), "{html}");
        let html = page(Some(&Outcome::TokenFailed("a & b".to_owned())), None);
        assert!(html.contains(r#"role="alert">a &amp; b"#), "{html}");
        assert!(page(Some(&Outcome::TokenRevoked), None).contains("That token is revoked."));
    }

    #[test]
    fn programs_get_a_name_that_resolves() {
        for (origin, shown) in [
            ("http://box.localhost:3000", "http://localhost:3000"),
            ("https://box.localhost", "https://localhost"),
            ("http://localhost:3000", "http://localhost:3000"),
            ("http://[::1]:3000", "http://[::1]:3000"),
            ("https://code.example.com", "https://code.example.com"),
        ] {
            assert_eq!(for_programs(origin), shown);
        }
    }

    #[test]
    fn times_to_come_are_told_in_days() {
        for (then, told) in [
            (0, "within a day"),
            (DAY, "within a day"),
            (DAY + 1, "in 2 days"),
        ] {
            assert_eq!(ahead(1000 + then, 1000), told);
        }
        assert_eq!(ahead(0, 1000), "within a day");
    }
}
