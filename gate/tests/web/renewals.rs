//! The page for a new password, after a login with one that has expired.

use super::browser::Answer;
use super::harness::Gate;

const SESSION: &str = "occ_opencode=";
const BROWSER: &str = "Sec-Fetch-Mode: navigate";
const LOGIN: &str = "user=alice&password=secret&next=%2Fx";

fn start() -> Gate {
    let gate = Gate::start();
    gate.monitor
        .set(|state| state.logins.needs_new_password = true);
    gate
}

/// Sends a form as a browser does; the path it is led to, and the page there.
fn posted(gate: &Gate, path: &str, form: &str) -> (String, Answer) {
    let answer = gate.post(path, form, &[BROWSER]);
    assert_eq!(answer.status, 303, "{form}");
    assert_eq!(answer.cookie(SESSION), None, "{form}");
    let flash = answer.cookie("occ-flash_opencode").unwrap().to_owned();
    let to = answer.header("location").unwrap().to_owned();
    let page = gate.ask(&format!("GET {to}"), &[&format!("Cookie: {flash}")]);
    (to, page)
}

fn form(new: &str, again: &str) -> String {
    format!("conversation=88&user=alice&new={new}&again={again}&next=%2Fx")
}

#[test]
fn new_password_is_asked_for_twice_and_logs_in() {
    let gate = start();
    let (to, page) = posted(&gate, "/_occ/login", LOGIN);
    assert_eq!((to.as_str(), page.status), ("/_occ/renew?next=/x", 200));
    let text = page.text();
    for part in [
        "Choose a new password",
        r#"name="conversation" value="88""#,
        r#"name="user" value="alice" autocomplete="username""#,
        r#"name="next" value="/x""#,
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert_eq!(text.matches(r#"autocomplete="new-password""#).count(), 2);
    assert!(!text.contains("role=\"alert\""), "{text}");

    let (to, page) = posted(&gate, "/_occ/renew", &form("one+long+word", "another"));
    assert_eq!(to, "/_occ/renew?next=/x");
    assert!(page.text().contains("The two new passwords differ."));
    let long = "x".repeat(256);
    let (_, page) = posted(&gate, "/_occ/renew", &form(&long, &long));
    assert!(page.text().contains("longer than 255 bytes"));
    assert_eq!(gate.monitor.times_asked("renew"), 0);

    let (to, page) = posted(&gate, "/_occ/renew", &form("short", "short"));
    assert_eq!(to, "/_occ/renew?next=/x");
    assert!(page.text().contains("too &lt;short&gt;"));

    let answer = gate.post(
        "/_occ/renew",
        &form("one+long+word", "one+long+word"),
        &[BROWSER],
    );
    assert_eq!(
        (answer.status, answer.header("location")),
        (303, Some("/x"))
    );
    assert!(answer.cookie(SESSION).is_some());
}

#[test]
fn password_that_is_easy_to_guess_is_warned_about() {
    let gate = start();
    let answer = gate.post("/_occ/renew", &form("abc", "abc"), &[BROWSER]);
    let to = answer.header("location");
    assert_eq!((answer.status, to), (303, Some("/_occ/account")));
    let session = answer.cookie(SESSION).unwrap();
    let flash = answer.cookie("occ-flash_opencode").unwrap();
    let page = gate.ask(
        "GET /_occ/account",
        &[&format!("Cookie: {session}; {flash}")],
    );
    assert!(
        page.text().contains("Warning: the password is short"),
        "{}",
        page.text()
    );
}

#[test]
fn login_that_is_over_starts_again() {
    let gate = start();
    for form in [
        "conversation=7&new=abc&again=abc",
        "new=abc&again=abc",
        "conversation=x",
    ] {
        let (to, page) = posted(&gate, "/_occ/renew", form);
        assert_eq!((to.as_str(), page.status), ("/_occ/login", 403));
        assert!(page.text().contains("Your password was not changed."));
    }
    // Nobody knows there which login it was.
    let page = gate.ask("GET /_occ/renew?next=/x", &[BROWSER]);
    let to = page.header("location");
    assert_eq!((page.status, to), (303, Some("/_occ/login?next=/x")));
}

#[test]
fn programs_get_the_page_at_once() {
    let gate = start();
    let answer = gate.post("/_occ/login", LOGIN, &[]);
    assert_eq!((answer.status, answer.cookie(SESSION)), (200, None));
    assert!(answer.text().contains(r#"action="/_occ/renew""#));
}

#[test]
fn another_sites_form_changes_no_password() {
    let gate = start();
    let lines = [
        "Origin: http://evil.example",
        "Content-Type: application/x-www-form-urlencoded",
    ];
    let answer = gate.ask_with("POST /_occ/renew", &lines, form("abc", "abc").as_bytes());
    assert_eq!(answer.status, 403);
    assert_eq!(gate.monitor.times_asked("renew"), 0);
}
