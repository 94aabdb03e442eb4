//! The account page's part about the second step of the login.

use maud::{Markup, PreEscaped, html};
use qrcode::render::svg;
use qrcode::{EcLevel, QrCode};
use zeroize::Zeroizing;

use super::{Account, Outcome};
use crate::web::http::percent;
use crate::wire::{SecondView, Secret};

/// Shown once, by the page that follows.
pub(crate) enum SecondSecret {
    /// The key for the phone, in base32.
    Key(Secret),
    Scratch(Vec<Secret>),
}

pub(super) fn second(page: &Account) -> Markup {
    if page.second == SecondView::Unavailable {
        return html! {};
    }
    html! {
        section aria-labelledby="second" {
            h2 #second { "Second step" }
            p.fine {
                "With it on, each login asks for your password and then for a code from your phone. "
                "Browsers that are logged in go on without"
                @if page.access.is_some() { ", and so do tokens" }
                "."
            }
            (notice(page))
            @match page.second {
                SecondView::Unavailable => {}
                SecondView::Off => (begin(page)),
                SecondView::Begun => (confirm(page)),
                SecondView::On => (end(page)),
            }
        }
    }
}

fn notice(page: &Account) -> Markup {
    html! {
        @match (page.outcome, page.issued_second) {
            (Some(Outcome::SecondOn), Some(SecondSecret::Scratch(codes))) => {
                div.notice.good role="status" {
                    p { "The second step is on. Keep these codes where your phone is not: each is good for one login. They are not shown again." }
                    @for code in codes { p { code.secret { (words(code).as_str()) } } }
                }
            }
            (Some(Outcome::SecondOn), _) => {
                p.notice.good role="status" { "The second step is on. Its scratch codes cannot be shown any more: turn it off and on for others." }
            }
            (Some(Outcome::SecondOff), _) => {
                p.notice.good role="status" { "The second step is off. Delete the entry in your phone." }
            }
            (Some(Outcome::SecondFailed(why)), _) => { p #second-outcome .notice.bad role="alert" { (why) } }
            _ => {}
        }
    }
}

fn begin(page: &Account) -> Markup {
    html! {
        form.narrow method="post" action="/_occ/account/second-begin" {
            (password(page))
            button type="submit" { "Turn on" }
        }
    }
}

fn confirm(page: &Account) -> Markup {
    html! {
        @if let Some(SecondSecret::Key(key)) = page.issued_second {
            @let key = words(key);
            p { "Scan this with an authenticator app:" }
            @if let Some(picture) = picture(&address(page, &key)) { div.qr role="img" aria-label="QR code of the key below" { (picture) } }
            p { "Or type the key: " code.secret { (key.as_str()) } }
        } @else {
            p { "The key is shown once. Type a code from your phone, or start again for another key." }
        }
        form.narrow method="post" action="/_occ/account/second-confirm" {
            (code("Code from your phone"))
            button type="submit" { "Confirm" }
        }
        details {
            summary { "Start again" }
            (begin(page))
        }
    }
}

fn end(page: &Account) -> Markup {
    html! {
        form.narrow method="post" action="/_occ/account/second-end" {
            (password(page))
            (code("Code from your phone, or a scratch code"))
            button.danger type="submit" { "Turn off" }
        }
    }
}

fn password(page: &Account) -> Markup {
    html! {
        // For password managers: whose password it is.
        input type="text" name="user" value=(page.user) autocomplete="username" hidden readonly;
        label for="second-password" { "Your password" }
        input #second-password name="password" type="password" required maxlength="255" autocomplete="current-password";
    }
}

fn code(label: &str) -> Markup {
    html! {
        label for="second-code" { (label) }
        input #second-code name="code" type="text" inputmode="numeric" required maxlength="20" autocomplete="one-time-code"
            autocapitalize="none" autocorrect="off" spellcheck="false";
    }
}

/// ASCII, as the monitor makes them.
fn words(secret: &Secret) -> Zeroizing<String> {
    Zeroizing::new(String::from_utf8_lossy(secret.expose()).into_owned())
}

/// The address that authenticator apps read: an account of a service, and its key.
fn address(page: &Account, key: &str) -> Zeroizing<String> {
    let host = page.origin.split_once("://").map_or("", |(_, host)| host);
    let account = format!("{}@{host}", page.user);
    let account = percent::encode(&account);
    Zeroizing::new(format!(
        "otpauth://totp/opencode:{account}?secret={key}&issuer=opencode"
    ))
}

/// Black on white whatever the page's colours: many readers know no other.
fn picture(text: &str) -> Option<Markup> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
    let mut picture = code.render::<svg::Color<'_>>();
    let svg = picture.min_dimensions(220, 220).build();
    // Without the XML declaration, which HTML has no place for.
    let from = svg.find("<svg")?;
    Some(PreEscaped(svg.get(from..)?.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::pages::account::bare_page;

    fn page(view: SecondView, outcome: Option<&Outcome>, issued: Option<&SecondSecret>) -> String {
        let page = Account {
            outcome,
            second: view,
            issued_second: issued,
            ..bare_page()
        };
        second(&page).0
    }

    #[test]
    fn each_state_has_its_form() {
        for (view, form) in [
            (SecondView::Off, "second-begin"),
            (SecondView::Begun, "second-confirm"),
            (SecondView::On, "second-end"),
        ] {
            let html = page(view, None, None);
            assert!(html.contains(&format!("/_occ/account/{form}")), "{html}");
            assert!(!html.contains("svg") && !html.contains("role="), "{html}");
        }
        assert_eq!(page(SecondView::Unavailable, None, None), "");
    }

    #[test]
    fn key_is_a_picture_and_a_text() {
        let key = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
        let issued = SecondSecret::Key(Secret::from_text(key).unwrap());
        let html = page(
            SecondView::Begun,
            Some(&Outcome::SecondBegun),
            Some(&issued),
        );
        assert!(html.contains(key) && html.contains("<svg"), "{html}");
        assert!(
            !html.contains("<?xml") && !html.contains("<script"),
            "{html}"
        );
    }

    #[test]
    fn address_is_what_apps_read() {
        let page = Account {
            user: "al-ice",
            ..bare_page()
        };
        assert_eq!(
            address(&page, "KEY").as_str(),
            "otpauth://totp/opencode:al-ice%40box.localhost%3A3000?secret=KEY&issuer=opencode"
        );
    }

    #[test]
    fn outcomes_are_told() {
        let codes = ["11111111", "22222222"].map(|code| Secret::from_text(code).unwrap());
        let issued = SecondSecret::Scratch(codes.into());
        let html = page(SecondView::On, Some(&Outcome::SecondOn), Some(&issued));
        assert!(
            html.contains("11111111") && html.contains("22222222"),
            "{html}"
        );
        let html = page(SecondView::On, Some(&Outcome::SecondOn), None);
        assert!(html.contains("cannot be shown any more"), "{html}");
        let html = page(SecondView::Off, Some(&Outcome::SecondOff), None);
        assert!(html.contains("The second step is off."), "{html}");
        let failed = Outcome::SecondFailed("a & b".to_owned());
        let html = page(SecondView::Off, Some(&failed), None);
        assert!(html.contains(r#"role="alert">a &amp; b"#), "{html}");
    }
}
