//! The page for a new password, at a login with one that has expired.

use maud::{Markup, html};

use super::card;

/// The content of the form.
pub(crate) struct RenewalForm<'a> {
    pub(crate) conversation: u64,
    pub(crate) next: &'a str,
    /// The name as typed before.
    pub(crate) user: &'a str,
    /// Why the one before was not taken, or empty.
    pub(crate) text: &'a str,
}

pub(crate) fn renewal(form: &RenewalForm) -> Markup {
    let failed = !form.text.is_empty();
    let described = if failed { "reason notice" } else { "reason" };
    let invalid = failed.then_some("true");
    let rest = html! {
        p #reason { "Your password has to be changed. Choose a new one to log in." }
        @if failed { p #notice .notice.bad role="alert" { (form.text) } }
        form method="post" action="/_occ/renew" {
            input type="hidden" name="next" value=(form.next);
            input type="hidden" name="conversation" value=(form.conversation);
            // For password managers: whose password it is.
            input type="text" name="user" value=(form.user) autocomplete="username" hidden readonly;
            label for="new" { "New password" }
            input #new name="new" type="password" required maxlength="255" autocomplete="new-password"
                aria-invalid=[invalid] aria-describedby=(described) autofocus;
            label for="again" { "New password, again" }
            input #again name="again" type="password" required maxlength="255" autocomplete="new-password"
                aria-invalid=[invalid] aria-describedby=(described);
            button type="submit" { "Change password and log in" }
        }
        p.aside { a href="/_occ/login" { "Start again" } }
    };
    card("New password", "Choose a new password", None, &rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(text: &str) -> String {
        renewal(&RenewalForm {
            conversation: 7,
            next: "/",
            user: "\"><script>",
            text,
        })
        .0
    }

    #[test]
    fn page_asks_twice_and_says_why_not() {
        let html = page("");
        assert_eq!(html.matches("autocomplete=\"new-password\"").count(), 2);
        assert!(!html.contains("current-password") && !html.contains("role=\"alert\""));
        assert!(!html.contains("<script"), "{html}");
        let html = page("too <short>");
        assert!(html.contains("role=\"alert\">too &lt;short&gt;<"), "{html}");
    }
}
