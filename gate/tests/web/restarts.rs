//! An opencode that does not start, and starting it anew.

use super::harness::Gate;

const POST_RESTART: &str = "POST /_occ/account/restart";

#[test]
fn its_owner_sees_why_it_did_not_start_and_may_try_again() {
    let gate = Gate::start();
    let (_, cookie) = gate.alice();
    gate.monitor.set(|state| {
        state.opencodes.all.remove("alice");
        state.opencodes.output = vec!["Error: <b>bad</b> config".to_owned()];
    });
    let page = gate.ask("GET /session?x=1&y=2", &[&cookie, "Accept: text/html"]);
    assert_eq!(page.status, 503);
    let text = page.text();
    for part in [
        "Error: &lt;b&gt;bad&lt;/b&gt; config\n</pre>",
        r#"name="next" value="/session?x=1&amp;y=2""#,
        r#"href="/_occ/terminal""#,
        "Try again",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let program = gate.ask("GET /session", &[&cookie, "Accept: application/json"]);
    assert_eq!(program.header("retry-after"), Some("30"));
    assert!(!program.text().contains("config"), "{}", program.text());
    let form = "next=%2Fsession%3Fx%3D1%26y%3D2";
    let answer = gate.post("/_occ/account/restart", form, &[&cookie]);
    let led = (answer.status, answer.header("location"));
    assert_eq!(led, (303, Some("/session?x=1&y=2")));
    gate.monitor.was_asked("restart");
    for elsewhere in ["%2F%2Fevil.example", "https%3A%2F%2Fevil.example", ""] {
        let form = format!("next={elsewhere}");
        let answer = gate.post("/_occ/account/restart", &form, &[&cookie]);
        assert_eq!(answer.header("location"), Some("/"), "{elsewhere}");
    }
    gate.monitor.set(|state| state.opencodes.too_soon = true);
    let answer = gate.post(
        "/_occ/account/restart",
        form,
        &[&cookie, "Accept: text/html"],
    );
    assert_eq!(answer.status, 429);
    assert!(answer.text().contains("a moment ago"), "{}", answer.text());
}

#[test]
fn the_account_page_restarts_and_tells_of_a_login_shell_that_failed() {
    let gate = Gate::start();
    let (_, cookie) = gate.alice();
    let page = gate.ask("GET /_occ/account", &[&cookie]).text();
    assert!(page.contains("Restart my opencode") && !page.contains("~/.profile. Correct"));
    gate.monitor
        .set(|state| state.opencodes.output = vec!["profile: <oops>".to_owned()]);
    let answer = gate.post("/_occ/account/restart", "", &[&cookie]);
    assert_eq!(answer.header("location"), Some("/_occ/account"));
    let flash = answer.cookie("occ-flash_opencode").unwrap();
    let page = gate
        .ask("GET /_occ/account", &[&format!("{cookie}; {flash}")])
        .text();
    assert!(page.contains("Your opencode is starting anew."), "{page}");
    assert!(page.contains("profile: &lt;oops&gt;\n</pre>"), "{page}");
}

#[test]
fn nobody_else_restarts_it() {
    let gate = Gate::start();
    let (_, cookie) = gate.alice();
    let own = format!("Origin: {}", gate.origin());
    for (lines, status) in [
        (vec![cookie.as_str()], 403),
        (vec![cookie.as_str(), "Origin: http://evil.example"], 403),
        (
            vec![cookie.as_str(), &own, "Sec-Fetch-Site: cross-site"],
            403,
        ),
        (vec![own.as_str()], 303),
    ] {
        let answer = gate.ask(POST_RESTART, &lines);
        assert_eq!(answer.status, status, "{lines:?}");
    }
    let answer = gate.ask("GET /_occ/account/restart", &[&cookie]);
    assert_eq!(answer.header("location"), Some("/_occ/account"));
    assert_eq!(gate.monitor.times_asked("restart"), 0);
}
