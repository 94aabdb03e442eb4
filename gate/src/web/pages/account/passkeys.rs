//! The account page's part about passkeys.

use maud::{Markup, html};

use super::{Account, Outcome, ago};
use crate::wire::{PASSKEY_NAME_LIMIT, PasskeyEntry, SecondView, Time};

/// The list, and the form that the script fills in.
pub(super) fn passkeys(page: &Account, passkeys: &[PasskeyEntry]) -> Markup {
    html! {
        section aria-labelledby="passkeys" {
            h2 #passkeys { "Passkeys" }
            p.fine {
                "A passkey logs you in without your password: with the fingerprint, face or PIN of your device. "
                "It stays good when you change your password."
            }
            (notice(page.outcome))
            @if !passkeys.is_empty() {
                ul.sessions { @for entry in passkeys { (line(entry, page.now)) } }
            }
            form #passkey-add .narrow method="post" action="/_occ/account/passkey" {
                input type="hidden" name="credential";
                input type="hidden" name="proof";
                label for="passkey-name" { "Name of the new passkey" }
                input #passkey-name name="name" type="text" required maxlength=(PASSKEY_NAME_LIMIT) placeholder="phone"
                    autocomplete="off" autocapitalize="none" spellcheck="false";
                (proof_of_the_person(page))
                p #passkey-trouble .notice.bad role="alert" hidden {}
                button type="submit" { "Add a passkey" }
            }
            noscript { p.notice.bad { "Adding a passkey needs JavaScript. Allow it for this page." } }
        }
    }
}

/// The script asks for the challenge with these. They have no names, so that the form itself
/// is sent without them.
fn proof_of_the_person(page: &Account) -> Markup {
    html! {
        // For password managers: whose password it is.
        input type="text" value=(page.user) autocomplete="username" hidden readonly;
        label for="passkey-password" { "Your password" }
        input #passkey-password type="password" required maxlength="255" autocomplete="current-password";
        @if page.second == SecondView::On {
            label for="passkey-code" { "Code from your phone, or a scratch code" }
            input #passkey-code type="text" inputmode="numeric" required maxlength="20" autocomplete="one-time-code"
                autocapitalize="none" autocorrect="off" spellcheck="false";
        }
    }
}

fn notice(outcome: Option<&Outcome>) -> Markup {
    html! {
        @match outcome {
            Some(Outcome::PasskeyAdded) => { p.notice.good role="status" { "The passkey is added. The login page offers it." } }
            Some(Outcome::PasskeyRemoved) => {
                p.notice.good role="status" { "That passkey is removed. Delete it on your device too." }
            }
            Some(Outcome::PasskeyFailed(why)) => { p.notice.bad role="alert" { (why) } }
            _ => {}
        }
    }
}

fn line(entry: &PasskeyEntry, now: Time) -> Markup {
    let name = entry.name.as_str();
    html! {
        li {
            div {
                strong { (name) }
                p.fine {
                    "added " (ago(entry.made, now))
                    @match entry.last_use {
                        Some(at) => { " · last used " (ago(at, now)) }
                        None => { " · never used" }
                    }
                }
            }
            form method="post" action="/_occ/account/passkey-remove" {
                input type="hidden" name="handle" value=(entry.handle.0);
                button.quiet type="submit" aria-label={ "Remove " (name) } { "Remove" }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Handle, PasskeyName};

    #[test]
    fn each_passkey_has_its_line_and_its_button() {
        let entry = |number, name: &str, last_use| PasskeyEntry {
            handle: Handle(number),
            name: PasskeyName::try_from(Box::from(name)).unwrap(),
            made: 1000,
            last_use,
        };
        let html = [entry(11, "phone", Some(4000)), entry(22, "<b>", None)]
            .map(|entry| line(&entry, 4600).0)
            .concat();
        for there in [
            "added 1 hour ago · last used 10 minutes ago",
            "· never used",
            r#"name="handle" value="22""#,
            "&lt;b&gt;",
        ] {
            assert!(html.contains(there), "{there}: {html}");
        }
        assert!(!html.contains("<b>"), "{html}");
    }

    #[test]
    fn outcomes_are_told() {
        let why = Outcome::PasskeyFailed("a & b".to_owned());
        assert!(notice(Some(&why)).0.contains(r#"role="alert">a &amp; b"#));
        for outcome in [Outcome::PasskeyAdded, Outcome::PasskeyRemoved] {
            assert!(notice(Some(&outcome)).0.contains(r#"role="status""#));
        }
        assert_eq!(notice(Some(&Outcome::TokenRevoked)).0, "");
    }
}
