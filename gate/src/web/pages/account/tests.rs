use super::*;
use crate::wire::{Agent, Handle, Line};

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

fn page(outcome: Option<&Outcome>) -> String {
    let entry = |number: u64, current| SessionEntry {
        handle: Handle(number),
        created: 1000,
        last_seen: 4000,
        agent: Agent::cut(if current { FIREFOX } else { "<script>" }),
        address: "192.0.2.1".parse().unwrap(),
        current,
    };
    let sessions = [entry(11, true), entry(22, false)];
    account(&Account {
        display_name: "Alice <A>",
        sessions: &sessions,
        outcome,
        opencode: &OpencodeView {
            without_login_shell: outcome.is_some().then(|| vec![Line::cut("line <1>")]),
        },
        ..bare_page()
    })
    .0
}

#[test]
fn others_can_be_revoked_and_this_one_is_marked() {
    let html = page(None);
    assert!(html.contains("Firefox on Linux") && html.contains("this browser"));
    assert!(
        html.contains(r#"name="handle" value="22""#) && !html.contains(r#"value="11""#),
        "{html}"
    );
    assert!(html.contains("last used 10 minutes ago"));
    assert!(
        !html.contains("<script") && html.contains("Alice &lt;A&gt;"),
        "{html}"
    );
    assert!(!html.contains("outcome"));
}

#[test]
fn outcomes_are_told() {
    let changed = |weakness: Option<&str>| {
        let weakness = weakness.map(str::to_owned);
        page(Some(&Outcome::Changed { weakness }))
    };
    let html = changed(None);
    assert!(html.contains(r#"role="status">Your password is changed."#));
    assert!(!html.contains("Warning"));
    assert!(changed(Some("it is short")).contains("Warning: it is short."));
    let html = page(Some(&Outcome::Failed("Too short & simple".to_owned())));
    assert!(html.contains(r#"role="alert">Too short &amp; simple"#));
    let html = page(Some(&Outcome::Restarted));
    assert!(html.contains("Your opencode is starting anew."));
    assert!(html.contains("without the settings of your login shell"));
    assert!(html.contains("line &lt;1&gt;\n</pre>"), "{html}");
    let html = page(None);
    assert!(html.contains("Restart my opencode") && !html.contains("login shell"));
    let html = page(Some(&Outcome::SessionEnded));
    assert!(html.contains(r#"role="status">That browser is logged out."#));
}

#[test]
fn browsers_have_names() {
    for (agent, name) in [
        (FIREFOX, "Firefox on Linux"),
        (
            "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0",
            "Edge on Windows",
        ),
        (
            "Mozilla/5.0 (Linux; Android 15) Chrome/140.0 Mobile Safari/537.36",
            "Chrome on Android",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1",
            "Safari on iPhone",
        ),
        ("curl/8.0", "curl"),
        ("", "Unknown browser"),
    ] {
        assert_eq!(browser(agent), name);
    }
}

#[test]
fn times_are_told_roughly() {
    for (seconds, told) in [
        (0, "just now"),
        (60, "1 minute ago"),
        (7199, "1 hour ago"),
        (200_000, "2 days ago"),
    ] {
        assert_eq!(ago(1000, 1000 + seconds), told);
    }
    assert_eq!(ago(2000, 1000), "just now");
}
