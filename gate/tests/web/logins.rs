//! Logging in and out, and what may go wrong with it.

use super::harness::Gate;

const SESSION: &str = "occ_opencode";
const DEVICE: &str = "occ-device_opencode";

#[test]
fn a_login_sets_cookies_that_nobody_else_reads() {
    let gate = Gate::start();
    let answer = gate.post(
        "/_occ/login",
        "user=+alice+&password=secret&next=%2Fserver%2Fx%3Fa%3Db",
        &["User-Agent: curl/8.0"],
    );
    assert_eq!(
        (answer.status, answer.header("location")),
        (303, Some("/server/x?a=b"))
    );
    let lines = answer.header_lines("set-cookie");
    assert_eq!(lines.len(), 2, "{lines:?}");
    for line in &lines {
        assert!(
            line.contains("; Path=/; HttpOnly; SameSite=Strict; Max-Age="),
            "{line}"
        );
        assert!(
            !line.contains("Domain") && !line.contains("Secure"),
            "{line}"
        );
    }
    let cookie = format!("Cookie: {}", answer.cookie(SESSION).unwrap());
    assert_eq!(gate.ask("GET /", &[&cookie]).text(), "<h1>opencode</h1>");
    let asked = gate.monitor.was_asked("authenticate");
    assert_eq!(
        asked,
        "authenticate user='alice' password=6 address=127.0.0.1 agent='curl/8.0' device=none"
    );
}

#[test]
fn every_failure_looks_the_same() {
    let gate = Gate::start();
    let long = "x".repeat(300);
    let page = |form: &str| {
        let mut answer = gate.post("/_occ/login", form, &[]);
        // The clock goes on.
        answer.headers.retain(|(name, _)| name != "date");
        (answer.status, answer.headers.clone(), answer.text())
    };
    let normal = page("user=alice&password=wrong");
    assert_eq!(normal.0, 403);
    assert!(
        normal
            .2
            .contains(r#"role="alert">User name or password is wrong."#)
    );
    for form in [
        "user=alice&password=".to_owned(),
        "user=alice".to_owned(),
        format!("user=alice&password={long}"),
        "user=alice&password=a%00b".to_owned(),
        "user=alice&password=%ff%fe".to_owned(),
        "user=alice&password=%77rong".to_owned(),
    ] {
        assert_eq!(page(&form), normal, "{form}");
    }
    // Each was asked, so each takes the monitor's time.
    assert_eq!(gate.monitor.times_asked("authenticate"), 7);
    let other = page("user=nobody&password=wrong");
    let named = other.2.replace("nobody", "alice");
    assert_ne!(named, other.2, "the form holds the name as typed");
    assert_eq!(named, normal.2);
    let unreadable = page("user=%ff%fe&password=secret");
    assert_eq!(
        (
            unreadable.0,
            unreadable.2.contains("User name or password is wrong.")
        ),
        (403, true)
    );
    assert_eq!(page(&format!("user={long}&password=secret")).0, 403);
    assert_eq!(gate.monitor.times_asked("authenticate"), 10);
}

#[test]
fn a_planted_session_is_not_taken_over() {
    let gate = Gate::start();
    let (planted, cookie) = gate.alice();
    let answer = gate.post("/_occ/login", "user=alice&password=secret", &[&cookie]);
    let new = answer.cookie(SESSION).unwrap();
    assert_ne!(new, cookie.strip_prefix("Cookie: ").unwrap());
    gate.monitor.was_asked("end-one");
    assert_eq!(gate.ask("GET /", &[&cookie]).status, 401);
    let unknown = format!("Cookie: {SESSION}={}", "A".repeat(43));
    let answer = gate.post("/_occ/login", "user=alice&password=secret", &[&unknown]);
    assert!(!answer.cookie(SESSION).unwrap().contains("AAAA"));
    drop(planted);
}

#[test]
fn two_cookies_of_one_name_are_none() {
    let gate = Gate::start();
    let (_, cookie) = gate.alice();
    let twice = format!("{cookie}; {}", cookie.strip_prefix("Cookie: ").unwrap());
    assert_eq!(gate.ask("GET /", &[&twice]).status, 401);
    for nonsense in ["", "x", "....", &"\u{e9}".repeat(43), &"A".repeat(44)] {
        assert_eq!(
            gate.ask("GET /", &[&format!("Cookie: {SESSION}={nonsense}")])
                .status,
            401,
            "{nonsense}"
        );
    }
}

#[test]
fn the_way_back_is_ours() {
    let gate = Gate::start();
    for next in [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "/%0d%0aX:y",
        "evil",
        "%00",
        "/_occ/logout",
    ] {
        let answer = gate.post(
            "/_occ/login",
            &format!("user=alice&password=secret&next={next}"),
            &[],
        );
        assert_eq!(
            (answer.status, answer.header("location")),
            (303, Some("/")),
            "{next}"
        );
    }
    let answer = gate.ask("GET /_occ/login?next=//evil.example", &[]);
    assert!(
        answer.text().contains(r#"name="next" value="/""#),
        "{}",
        answer.text()
    );
}

#[test]
fn a_browser_that_changes_hands_is_emptied() {
    let gate = Gate::start();
    let first = gate.post("/_occ/login", "user=alice&password=secret", &[]);
    assert_eq!(
        first.header("clear-site-data"),
        Some("\"cache\", \"storage\"")
    );
    let device = format!("Cookie: {}", first.cookie(DEVICE).unwrap());
    let again = gate.post("/_occ/login", "user=alice&password=secret", &[&device]);
    assert_eq!(again.header("clear-site-data"), None, "her drafts stay");
    assert!(
        gate.monitor.times_asked(
            "authenticate user='alice' password=6 address=127.0.0.1 agent='' device=device-of-alice"
        ) == 1
    );
    let bob = gate.post("/_occ/login", "user=bob&password=secret", &[&device]);
    assert_eq!(
        bob.header("clear-site-data"),
        Some("\"cache\", \"storage\"")
    );
}

#[test]
fn slowed_down_and_unavailable_are_told() {
    let gate = Gate::start();
    gate.monitor.set(|state| state.logins.slow_down = Some(8));
    let answer = gate.post("/_occ/login", "user=alice&password=secret", &[]);
    assert_eq!(
        (answer.status, answer.header("retry-after")),
        (429, Some("8"))
    );
    assert!(answer.text().contains("Try again in 8 seconds."));
    assert!(answer.header_lines("set-cookie").is_empty());
}

#[test]
fn pam_may_ask_for_more() {
    let gate = Gate::start();
    gate.monitor.set(|state| state.logins.asks_for_code = true);
    let answer = gate.post("/_occ/login", "user=alice&password=secret&next=%2Fx", &[]);
    assert_eq!(answer.status, 200);
    assert!(
        answer.header_lines("set-cookie").is_empty(),
        "not logged in yet"
    );
    let text = answer.text();
    assert!(
        text.contains("Verification code</label>")
            && text.contains(r#"name="conversation" value="77""#),
        "{text}"
    );
    for wrong in [
        "conversation=77&answer=0",
        "conversation=78&answer=123456",
        "answer=123456",
        "conversation=x&answer=123456",
        "conversation=77",
    ] {
        let answer = gate.post("/_occ/prompt", wrong, &[]);
        assert_eq!(answer.status, 403, "{wrong}");
        assert!(answer.text().contains("User name or password is wrong."));
    }
    let answer = gate.post(
        "/_occ/prompt",
        "conversation=77&answer=123456&next=%2Fx",
        &[],
    );
    assert_eq!(
        (answer.status, answer.header("location")),
        (303, Some("/x"))
    );
    assert!(answer.cookie(SESSION).is_some());
}

/// A reload after a failure sends no password again.
#[test]
fn a_browser_is_led_on_after_every_form() {
    let gate = Gate::start();
    let browser = "Sec-Fetch-Mode: navigate";
    let posted = |path: &str, form: &str| {
        let answer = gate.post(path, form, &[browser]);
        assert_eq!(answer.status, 303, "{form}");
        let flash = answer.cookie("occ-flash_opencode").unwrap().to_owned();
        let to = answer.header("location").unwrap().to_owned();
        let page = gate.ask(&format!("GET {to}"), &[&format!("Cookie: {flash}")]);
        (to, page)
    };
    let (to, page) = posted("/_occ/login", "user=alice&password=wrong&next=%2Fx");
    assert_eq!((to.as_str(), page.status), ("/_occ/login?next=/x", 403));
    let text = page.text();
    assert!(text.contains("User name or password is wrong."), "{text}");
    assert!(text.contains(r#"value="alice""#) && text.contains(r#"value="/x""#));
    let taken = page.header("set-cookie").unwrap();
    assert!(taken.starts_with("occ-flash_opencode=;"), "{taken}");
    gate.monitor.set(|state| state.logins.asks_for_code = true);
    let (to, page) = posted("/_occ/login", "user=alice&password=secret&next=%2Fx");
    assert_eq!((to.as_str(), page.status), ("/_occ/prompt?next=/x", 200));
    assert!(page.text().contains(r#"name="conversation" value="77""#));
    let (to, page) = posted("/_occ/prompt", "conversation=77&answer=0&next=%2Fx");
    assert_eq!((to.as_str(), page.status), ("/_occ/login?next=/x", 403));
    let form = "conversation=77&answer=123456&next=%2Fx";
    let answer = gate.post("/_occ/prompt", form, &[browser]);
    let led = (answer.status, answer.header("location"));
    assert_eq!(led, (303, Some("/x")));
    assert!(answer.cookie(SESSION).is_some());
}

/// Nobody checks a password for whom nobody waits.
#[test]
fn a_browser_that_goes_away_is_forgotten() {
    let gate = Gate::start();
    gate.monitor.set(|state| state.silent = true);
    let form = "user=alice&password=secret";
    let head = format!(
        "POST /_occ/login HTTP/1.1\r\nHost: {0}\r\nOrigin: http://{0}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {1}\r\n\r\n{form}",
        gate.address,
        form.len()
    );
    let stream = super::browser::send(gate.address, head.as_bytes());
    gate.monitor.was_asked("authenticate");
    drop(stream);
    gate.monitor.was_asked("forget ");
}

#[test]
fn logging_out_ends_the_session_and_empties_the_browser() {
    let gate = Gate::start();
    let (_, cookie) = gate.alice();
    assert_eq!(
        gate.ask("GET /_occ/logout", &[&cookie]).status,
        303,
        "a link does not log out"
    );
    assert_eq!(gate.ask("GET /", &[&cookie]).status, 200);
    let answer = gate.post("/_occ/logout", "", &[&cookie]);
    assert_eq!(
        answer.header("location"),
        Some("/_occ/login?notice=logged-out")
    );
    assert_eq!(
        answer.header("clear-site-data"),
        Some("\"cache\", \"storage\"")
    );
    assert_eq!(
        answer.header("set-cookie"),
        Some("occ_opencode=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0")
    );
    assert_eq!(gate.ask("GET /", &[&cookie]).status, 401);
    assert!(
        gate.ask("GET /_occ/login?notice=logged-out", &[])
            .text()
            .contains("You are logged out.")
    );
}

#[test]
fn who_is_logged_in_needs_no_login_page() {
    let gate = Gate::start();
    let (_, cookie) = gate.alice();
    let answer = gate.ask("GET /_occ/login?next=%2Fx", &[&cookie]);
    assert_eq!(
        (answer.status, answer.header("location")),
        (303, Some("/x"))
    );
}

#[test]
fn people_are_led_to_the_login_and_programs_are_told() {
    let gate = Gate::start();
    let answer = gate.ask("GET /session/1?x=%22", &["Accept: text/html"]);
    assert_eq!(
        (answer.status, answer.header("location")),
        (303, Some("/_occ/login?next=/session/1%3Fx%3D%2522"))
    );
    assert_eq!(
        gate.ask("GET /session", &["Accept: application/json"])
            .status,
        401
    );
    assert_eq!(gate.ask("GET /", &[]).header("www-authenticate"), None);
    let origin = format!("Origin: {}", gate.origin());
    assert_eq!(
        gate.ask(
            "GET /pty/1/connect",
            &["Upgrade: websocket", &origin, "Accept: text/html"]
        )
        .status,
        401
    );
    assert_eq!(gate.ask("DELETE /session/1", &[&origin]).status, 401);
    assert_eq!(
        gate.ask("GET /_occ/account", &["Accept: text/html"]).status,
        303
    );
    assert_eq!(gate.ask("GET /_occ/nothing", &[]).status, 404);
}
