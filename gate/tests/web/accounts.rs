//! The account page.

use super::harness::Gate;

#[test]
fn sessions_are_shown_and_ended() {
    let gate = Gate::start();
    let (_, cookie) = gate.alice();
    let page = gate.ask("GET /_occ/account", &[&cookie]);
    assert_eq!(page.status, 200);
    for word in [
        "Alice A. · alice",
        "Firefox on Linux",
        "this browser",
        r#"name="handle" value="2""#,
    ] {
        assert!(page.text().contains(word), "{word}: {}", page.text());
    }
    let answer = gate.post("/_occ/account/revoke", "handle=2", &[&cookie]);
    assert_eq!(answer.header("location"), Some("/_occ/account"));
    gate.monitor.was_asked("revoke 2");
    gate.post("/_occ/account/revoke", "handle=-1", &[&cookie]);
    assert_eq!(gate.monitor.times_asked("revoke"), 1);
    let answer = gate.post("/_occ/account/end-all", "", &[&cookie]);
    assert_eq!(
        answer.header("location"),
        Some("/_occ/login?notice=logged-out")
    );
    gate.monitor.was_asked("end-all");
    assert_eq!(
        gate.post("/_occ/account/end-all", "", &[&cookie])
            .header("location"),
        Some("/_occ/login")
    );
}

/// The page after a form; a reload of it says nothing and sends nothing.
fn told(gate: &Gate, cookie: &str, path: &str, form: &str) -> String {
    let answer = gate.post(path, form, &[cookie]);
    let led = (answer.status, answer.header("location"));
    assert_eq!(led, (303, Some("/_occ/account")), "{form}");
    let flash = answer.cookie("occ-flash_opencode").unwrap();
    let page = gate.ask("GET /_occ/account", &[&format!("{cookie}; {flash}")]);
    assert_eq!(page.status, 200);
    let taken = page.header("set-cookie").unwrap();
    assert!(taken.starts_with("occ-flash_opencode=;"), "{taken}");
    page.text()
}

#[test]
fn a_password_is_changed_or_the_page_says_why_not() {
    let gate = Gate::start();
    let (_, cookie) = gate.alice();
    for (form, words) in [
        (
            "old=secret&new=better+one&again=better+one",
            "Your password is changed.",
        ),
        (
            "old=secret&new=a&again=a",
            "Warning: the password is short; 12 characters or more are hard to guess.",
        ),
        (
            "old=wrong&new=better&again=better",
            "Your current password is wrong.",
        ),
        ("old=secret&new=short&again=short", "too &lt;short&gt;"),
        ("old=secret&new=a&again=b", "The two new passwords differ."),
    ] {
        let text = told(&gate, &cookie, "/_occ/account/password", form);
        assert!(text.contains(words), "{form}: {text}");
        assert!(!text.contains("better"), "a password is on the page");
    }
    assert_eq!(gate.monitor.times_asked("change-password"), 4);
    let text = told(&gate, &cookie, "/_occ/account/revoke", "handle=2");
    assert!(text.contains("That browser is logged out."));
    let page = gate.ask("GET /_occ/account", &[&cookie]).text();
    assert!(!page.contains("role=\"status\""), "said once: {page}");
}

#[test]
fn addresses_of_forms_lead_to_the_forms() {
    let gate = Gate::start();
    let (_, cookie) = gate.alice();
    let leads = |path: &str, lines: &[&str]| {
        let answer = gate.ask(&format!("GET {path}"), lines);
        assert_eq!(answer.status, 303, "{path}");
        answer.header("location").unwrap().to_owned()
    };
    for path in ["password", "revoke", "end-all"] {
        let path = format!("/_occ/account/{path}");
        assert_eq!(leads(&path, &[&cookie]), "/_occ/account");
    }
    assert_eq!(leads("/_occ/logout", &[&cookie]), "/_occ/account");
    assert_eq!(leads("/_occ/prompt", &[]), "/_occ/login");
    assert_eq!(gate.ask("GET /", &[&cookie]).status, 200, "logged in still");
}
