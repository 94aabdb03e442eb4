//! People in front of the real thing: Chromium, the login, opencode's own page
//! and its terminal.

use std::time::{Duration, Instant};

use crate::harness::chromium::{Browser, with_browsers};
use crate::harness::{Instance, bar};

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
pub(super) async fn reaches_opencode(browser: &Browser) {
    browser
        .until(
            "opencode's page",
            "return document.title === 'OpenCode' && location.pathname === '/'",
        )
        .await;
    browser.says("Projects").await;
}

/// Presses the page's shortcut for its terminal until one shows a prompt: it does
/// nothing until the page has all of its parts.
const OPEN_TERMINAL: &str = "
    if (window.shown.includes('$ ')) return true;
    if (document.querySelector('[aria-label=\"New terminal\"]') || window.pressed) return false;
    document.dispatchEvent(new KeyboardEvent('keydown',
        { key: '`', code: 'Backquote', ctrlKey: true, bubbles: true }));
    window.pressed = true;
    setTimeout(() => { window.pressed = false; }, 5000);
    return false;";
const CLICK_TERMINAL: &str = "
    const screen = document.querySelector('canvas');
    if (screen) screen.click();
    return !!screen;";

/// The notice of the bar, which is ours in opencode's page.
pub(super) const ENDED: &str = "
    const notice = document.querySelector('occ-bar').shadowRoot.querySelector('#notice');
    return notice.matches(':popover-open') && notice.innerText.includes('Your session has ended.');";

/// A session in the person's home, opened in the page.
async fn open_session(browser: &Browser, base: &str, home: &str) {
    let create = format!(
        "fetch('/session?directory={home}', {{
            method: 'POST', headers: {{ 'content-type': 'application/json' }}, body: '{{}}' }})
        .then((answer) => answer.json())
        .then((session) => done(session.id), (error) => done(String(error)))"
    );
    let session = browser.script_until_done(&create).await;
    let session = session.as_str().expect("a session").to_owned();
    let server = "return btoa(location.origin)
        .replace(/=+$/, '').replace(/\\+/g, '-').replace(/\\//g, '_')";
    let server = browser.script(server).await;
    let server = server.as_str().unwrap();
    let page = format!("{base}/server/{server}/session/{session}");
    browser.open(&page).await;
    let prompt = "return !!document.querySelector('[contenteditable=true]')";
    browser.until("the session's prompt", prompt).await;
}

/// Opens the page's terminal and types a command; all that it shows up to `last`.
async fn terminal(browser: &Browser, command: &str, last: &str) -> String {
    browser.script(LISTEN).await;
    browser.until("a terminal's prompt", OPEN_TERMINAL).await;
    browser.until("the terminal's screen", CLICK_TERMINAL).await;
    browser.types(command).await;
    let quoted = serde_json::Value::from(last);
    let shown = format!("return window.shown.includes({quoted}) && window.shown");
    let shown = browser.until(last, &shown).await;
    // A frame later it is painted, too.
    browser
        .script_until_done("requestAnimationFrame(() => requestAnimationFrame(() => done(true)))")
        .await;
    shown.as_str().unwrap().to_owned()
}

#[test]
fn two_people_work_side_by_side_until_they_are_shut_out() {
    let instance = Instance::shipped("browser");
    let alice_uid = instance.add("alice", ALICE);
    let bob_uid = instance.add("bob", BOB);
    let base = instance.origin();
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

        in_their_terminals(&base, (&alice, alice_uid), (&bob, bob_uid)).await;
        shut_out(&instance, &alice, &bob).await;
        account_page(&bob, &base).await;
        bob.open(&base).await;
        reaches_opencode(&bob).await;
        instance.user(["passwd", "bob", "--password-stdin"], "changed 1 changed\n");
        let out = "return fetch('/session', { cache: 'no-store' }).then((answer) => answer.status === 401)";
        let begin = Instant::now();
        bob.until("bob's logout", out).await;
        assert!(
            begin.elapsed() < bar(Duration::from_secs(1)),
            "{:?}",
            begin.elapsed()
        );

        instance.user(["enable", "alice"], "");
        instance.occ(["start", "--recreate"]).ok();
        log_in(&alice, &base, "alice", ALICE).await;
        log_in(&bob, &base, "bob", "changed 1 changed").await;
        reaches_opencode(&alice).await;
        reaches_opencode(&bob).await;
    });
}

/// Each is who they are there, in their own home, and alice's is shut to bob.
async fn in_their_terminals(base: &str, alice: (&Browser, u32), bob: (&Browser, u32)) {
    let command = "clear; echo \"i am $(id -u) at $HOME\"; ls /home/alice; echo en\"\"d";
    open_session(alice.0, base, "/home/alice").await;
    let shown = terminal(alice.0, command, "end\r\n").await;
    assert!(
        shown.contains(&format!("i am {} at /home/alice\r\n", alice.1)),
        "{shown}"
    );
    assert!(!shown.contains("Permission denied"), "{shown}");
    alice.0.keep("terminal-alice").await;
    open_session(bob.0, base, "/home/bob").await;
    let shown = terminal(bob.0, command, "end\r\n").await;
    assert!(
        shown.contains(&format!("i am {} at /home/bob\r\n", bob.1)),
        "{shown}"
    );
    assert!(
        shown.contains("'/home/alice': Permission denied"),
        "{shown}"
    );
    bob.0.keep("terminal-bob").await;
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
        begin.elapsed() < bar(Duration::from_secs(1)),
        "{:?}",
        begin.elapsed()
    );
    alice.until("the notice", ENDED).await;
    assert!(
        begin.elapsed() < bar(Duration::from_secs(2)),
        "{:?}",
        begin.elapsed()
    );
    alice.keep("session-ended").await;
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
