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
                "Tokens and browsers that are logged in go on without."
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
