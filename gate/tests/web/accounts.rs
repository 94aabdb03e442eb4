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

#[test]
fn a_password_is_changed_or_the_page_says_why_not() {
    let gate = Gate::start();
    let (_, cookie) = gate.alice();
    let change = |form: &str| {
        let answer = gate.post("/_occ/account/password", form, &[&cookie]);
        (answer.status, answer.text())
    };
    for (form, status, words) in [
        (
            "old=secret&new=better&again=better",
            200,
            "Your password is changed.",
        ),
        (
            "old=wrong&new=better&again=better",
            422,
            "Your current password is wrong.",
        ),
        ("old=secret&new=short&again=short", 422, "too &lt;short&gt;"),
        (
            "old=secret&new=a&again=b",
            422,
            "The two new passwords differ.",
        ),
    ] {
        let (got, text) = change(form);
        assert_eq!(got, status, "{form}");
        assert!(text.contains(words), "{form}: {text}");
        assert!(!text.contains("better"), "a password is on the page");
    }
    assert_eq!(gate.monitor.times_asked("change-password"), 3);
}
