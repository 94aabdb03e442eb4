//! People in front of the real thing: Chromium, the login, opencode's own page
//! and its terminal.

use std::time::{Duration, Instant};

use crate::harness::Instance;
use crate::harness::chromium::{Browser, with_browsers};

const ALICE: &str = "correct horse 7 battery";
const BOB: &str = "hunter2 hunter2";

/// Keeps what comes through websockets, and when the last one ended.
const LISTEN: &str = "
    const Plain = window.WebSocket;
    window.shown = ''; window.cut = false;
    window.WebSocket = class extends Plain {
        constructor(...rest) {
            super(...rest);
            this.addEventListener('message', async (event) => {
                const data = event.data;
                window.shown += typeof data === 'string' ? data : await new Response(data).text();
            });
            this.addEventListener('close', () => { window.cut = true; });
        }
    };";

fn base(instance: &Instance) -> String {
    format!("http://{}.localhost:{}", instance.name, instance.port)
}

/// Types name and password into the page that comes up.
async fn log_in(browser: &Browser, base: &str, name: &str, password: &str) {
    browser.open(base).await;
    browser.says("Log in to opencode").await;
    assert!(browser.client.current_url().await.unwrap().path() == "/_occ/login");
    let typed = [("#user", name), ("#password", password)];
    for (field, text) in typed {
        let field = browser
            .client
            .find(fantoccini::Locator::Css(field))
            .await
            .unwrap();
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }
    browser
        .client
        .find(fantoccini::Locator::Css("button[type=submit]"))
        .await
        .unwrap()
        .click()
        .await
        .unwrap();
}

/// opencode's own page of the person.
async fn reaches_opencode(browser: &Browser) {
    browser
        .until(
            "opencode's page",
            "return document.title === 'OpenCode' && location.pathname === '/'",
        )
        .await;
    browser.says("Projects").await;
}

/// Opens a session in the person's home, and its terminal; what the terminal
/// shows after a command was typed.
async fn terminal(browser: &Browser, base: &str, home: &str, command: &str, last: &str) -> String {
    let create = format!(
        "fetch('/session?directory={home}', {{ method: 'POST', headers: {{ 'content-type': 'application/json' }}, body: '{{}}' }})
            .then((answer) => answer.json()).then((session) => done(session.id), (error) => done(String(error)))"
    );
    let session = browser.script_until_done(&create).await;
    let session = session.as_str().expect("a session").to_owned();
    let server = browser.script("return btoa(location.origin).replace(/=+$/, '').replace(/\\+/g, '-').replace(/\\//g, '_')").await;
    browser
        .open(&format!(
            "{base}/server/{}/session/{session}",
            server.as_str().unwrap()
        ))
        .await;
    browser
        .until(
            "the prompt",
            "return !!document.querySelector('[contenteditable=true]')",
        )
        .await;
    browser.script(LISTEN).await;
    // The shortcut does nothing until the page has all of its parts.
    let toggle = "window.dispatchEvent(new KeyboardEvent('keydown', { key: '`', code: 'Backquote', ctrlKey: true, bubbles: true }))";
    let opened = format!("if (window.shown.includes('$ ')) return true;
        if (!document.querySelector('[aria-label=\"New terminal\"]') && !window.toggled) {{ document.{0}; window.toggled = true; setTimeout(() => {{ window.toggled = false; }}, 5000); }}
        return false;", toggle.strip_prefix("window.").unwrap());
    browser.until("a terminal's prompt", &opened).await;
    browser.until("the terminal's screen", "const screen = document.querySelector('[data-component=terminal] canvas, canvas'); if (screen) { screen.click(); return true; } return false").await;
    let keys = fantoccini::actions::KeyActions::new("keyboard".to_owned());
    let keys = command.chars().chain(['\u{e007}']).fold(keys, |keys, key| {
        use fantoccini::actions::{InputSource as _, KeyAction};
        keys.then(KeyAction::Down { value: key })
            .then(KeyAction::Up { value: key })
    });
    browser.client.perform_actions(keys).await.unwrap();
    browser
        .until(
            last,
            &format!(
                "return window.shown.includes({})",
                serde_json::Value::from(last)
            ),
        )
        .await;
    // A frame later it is painted, too.
    browser
        .script_until_done("requestAnimationFrame(() => requestAnimationFrame(() => done(true)))")
        .await;
    browser
        .script("return window.shown")
        .await
        .as_str()
        .unwrap()
        .to_owned()
}

#[test]
fn two_people_work_side_by_side_until_they_are_shut_out() {
    let instance = Instance::shipped("browser");
    let alice_uid = instance.add("alice", ALICE);
    let bob_uid = instance.add("bob", BOB);
    let base = base(&instance);
    with_browsers(instance.port, async |browsers| {
        let (alice, bob) = (browsers.open().await, browsers.open().await);
        alice.open(&base).await;
        alice.says("Log in to opencode").await;
        alice.keep("login").await;
        log_in(&alice, &base, "alice", "wrong").await;
        alice.says("User name or password is wrong.").await;
        alice.keep("login-failed").await;
        log_in(&alice, &base, "alice", ALICE).await;
        log_in(&bob, &base, "bob", BOB).await;
        reaches_opencode(&alice).await;
        reaches_opencode(&bob).await;

        let command = "clear; echo \"i am $(id -u) at $HOME\"; ls /home/alice; echo en\"\"d";
        let shown = terminal(&alice, &base, "/home/alice", command, "end\r\n").await;
        assert!(
            shown.contains(&format!("i am {alice_uid} at /home/alice\r\n")),
            "{shown}"
        );
        assert!(!shown.contains("Permission denied"), "{shown}");
        alice.keep("terminal-alice").await;
        let shown = terminal(&bob, &base, "/home/bob", command, "end\r\n").await;
        assert!(
            shown.contains(&format!("i am {bob_uid} at /home/bob\r\n")),
            "{shown}"
        );
        assert!(
            shown.contains("'/home/alice': Permission denied"),
            "{shown}"
        );
        bob.keep("terminal-bob").await;

        shut_out(&instance, &alice, &bob).await;
        account_page(&bob, &base).await;
        bob.open(&base).await;
        reaches_opencode(&bob).await;
        instance.user(["passwd", "bob", "--password-stdin"], "changed 1 changed\n");
        let out = "return fetch('/session', { cache: 'no-store' }).then((answer) => answer.status === 401)";
        let begin = Instant::now();
        bob.until("bob's logout", out).await;
        assert!(
            begin.elapsed() < Duration::from_secs(1),
            "{:?}",
            begin.elapsed()
        );

        instance.user(["enable", "alice"], "");
        instance
            .occ(["start", "--recreate"])
            .within(Duration::from_secs(300))
            .ok();
        log_in(&alice, &base, "alice", ALICE).await;
        log_in(&bob, &base, "bob", "changed 1 changed").await;
        reaches_opencode(&alice).await;
        reaches_opencode(&bob).await;
    });
}

/// `occ user disable` ends her terminal and her page within a second.
async fn shut_out(instance: &Instance, alice: &Browser, bob: &Browser) {
    assert_eq!(alice.script("return window.cut").await, false);
    instance.user(["disable", "alice"], "");
    let begin = Instant::now();
    alice
        .until("the end of alice's terminal", "return window.cut")
        .await;
    let page =
        "return fetch('/session', { cache: 'no-store' }).then((answer) => answer.status === 401)";
    alice.until("the end of alice's page", page).await;
    assert!(
        begin.elapsed() < Duration::from_secs(1),
        "{:?}",
        begin.elapsed()
    );
    assert_eq!(bob.script("return window.cut").await, false, "bob works on");
    let left = instance.sh("pgrep -u alice -l || true");
    assert_eq!(left, "", "alice's processes");
    alice.client.refresh().await.unwrap();
    alice.says("Log in to opencode").await;
}

async fn account_page(bob: &Browser, base: &str) {
    bob.open(&format!("{base}/_occ/account")).await;
    bob.says("Where you are logged in").await;
    bob.says("Chrome on Linux").await;
    bob.says("this browser").await;
    assert_eq!(
        bob.script("return document.querySelector('h1').innerText")
            .await,
        "Your account"
    );
    bob.keep("account").await;
}
