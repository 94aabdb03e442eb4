//! The page for the first account: there while there is none, and never after.

use super::harness::Gate;

const CODE: &str = "0123-4567-89AB";
const RIGHT: &str = "code=0123-4567-89AB&user=alice&password=a+long+password&again=a+long+password";

fn without_accounts() -> Gate {
    let gate = Gate::start();
    gate.monitor
        .set(|state| state.logins.first_code = Some(CODE));
    gate
}

#[test]
fn login_leads_there_while_nobody_has_an_account() {
    let gate = without_accounts();
    let login = gate.ask("GET /_occ/login", &[]);
    assert_eq!(
        (login.status, login.header("location")),
        (303, Some("/_occ/first"))
    );
    let page = gate.ask("GET /_occ/first", &[]);
    assert_eq!(page.status, 200);
    let text = page.text();
    for part in [
        r#"action="/_occ/first""#,
        r#"autocomplete="new-password""#,
        "occ start",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains(CODE));
    gate.monitor.set(|state| state.logins.first_code = None);
    assert_eq!(gate.ask("GET /_occ/login", &[]).status, 200);
    let closed = gate.ask("GET /_occ/first", &[]);
    assert_eq!(closed.header("location"), Some("/_occ/login"));
    let closed = gate.post("/_occ/first", RIGHT, &[]);
    assert_eq!(closed.header("location"), Some("/_occ/login"));
    assert!(closed.header_lines("set-cookie").is_empty());
}

#[test]
fn whoever_makes_it_is_logged_in() {
    let gate = without_accounts();
    let answer = gate.post("/_occ/first", RIGHT, &[]);
    assert_eq!((answer.status, answer.header("location")), (303, Some("/")));
    let cookie = format!("Cookie: {}", answer.cookie("occ_opencode").unwrap());
    assert_eq!(gate.ask("GET /", &[&cookie]).text(), "<h1>opencode</h1>");
    assert_eq!(
        gate.monitor.was_asked("make-first"),
        "make-first user='alice' address=127.0.0.1"
    );
}

#[test]
fn password_that_is_easy_to_guess_is_warned_about() {
    let gate = without_accounts();
    let weak = RIGHT.replace("a+long+password", "secret");
    let answer = gate.post("/_occ/first", &weak, &[]);
    assert_eq!(answer.header("location"), Some("/_occ/account"));
    let cookies = ["occ_opencode", "occ-flash_opencode"].map(|name| answer.cookie(name).unwrap());
    let page = gate.ask(
        "GET /_occ/account",
        &[&format!("Cookie: {}", cookies.join("; "))],
    );
    let text = page.text();
    assert!(text.contains("Warning: the password is short"), "{text}");
    assert!(!text.contains("Your password is changed"), "{text}");
}

#[test]
fn what_is_wrong_is_said_and_nothing_is_made() {
    let gate = without_accounts();
    let form = |code: &str, user: &str, password: &str, again: &str| {
        format!("code={code}&user={user}&password={password}&again={again}")
    };
    for (form, words) in [
        (
            form("WRONG", "alice", "secret", "secret"),
            "That is not the code.",
        ),
        (
            form("", "alice", "secret", "secret"),
            "That is not the code.",
        ),
        (
            form(CODE, "alice", "secret", "other"),
            "the two passwords are not the same",
        ),
        (
            form(CODE, "alice", "a%00b", "a%00b"),
            "the password is too long",
        ),
        (
            form(CODE, &"x".repeat(65), "secret", "secret"),
            "the user name is too long",
        ),
        (
            form(CODE, "root", "secret", "secret"),
            "&#39;root&#39; is &lt;taken&gt;.",
        ),
    ] {
        let answer = gate.post("/_occ/first", &form, &[]);
        let text = answer.text();
        assert_eq!(answer.status, 403, "{form}");
        let plain = text.replace("&#39;", "'");
        assert!(
            plain.contains(&words.replace("&#39;", "'")),
            "{form}: {text}"
        );
        assert!(answer.cookie("occ_opencode").is_none(), "{form}");
    }
    gate.monitor.set(|state| state.logins.slow_down = Some(9));
    let slow = gate.post("/_occ/first", RIGHT, &[]);
    assert_eq!((slow.status, slow.header("retry-after")), (429, Some("9")));
}

#[test]
fn another_site_and_another_method_do_nothing() {
    let gate = without_accounts();
    let evil = gate.post("/_occ/first", RIGHT, &["Origin: http://evil.example"]);
    assert_eq!(evil.status, 403);
    assert_eq!(gate.ask("OPTIONS /_occ/first", &[]).status, 405);
    assert_eq!(gate.monitor.times_asked("make-first"), 0);
}

/// A browser gets a 303, so that a reload sends nothing again.
#[test]
fn browser_sees_what_was_wrong_on_the_next_page() {
    let gate = without_accounts();
    let wrong = RIGHT.replace("0123", "9999");
    let browser = ["Sec-Fetch-Mode: navigate", "Sec-Fetch-Site: same-origin"];
    let answer = gate.post("/_occ/first", &wrong, &browser);
    assert_eq!(
        (answer.status, answer.header("location")),
        (303, Some("/_occ/first"))
    );
    let flash = answer.cookie("occ-flash_opencode").unwrap();
    let page = gate
        .ask("GET /_occ/first", &[&format!("Cookie: {flash}")])
        .text();
    assert!(page.contains("That is not the code."), "{page}");
    assert!(page.contains(r#"value="alice""#), "{page}");
}
