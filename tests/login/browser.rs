//! People in front of the real thing: Chromium, the login, opencode's own page
//! and its terminal.

use std::time::{Duration, Instant};

use crate::harness::chromium::{Browser, with_browsers};
use crate::harness::{Instance, bar};
use crate::login::person::Person;

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

/// Types name and password, key by key, into the page that comes up.
async fn log_in(person: &Person<'_>, password: &str) {
    let browser = &person.browser;
    person.open("").await;
    browser.says("Log in to opencode").await;
    assert!(browser.client.current_url().await.unwrap().path() == "/_occ/login");
    let typed = [("#user", person.name), ("#password", password)];
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
async fn reaches_projects(person: &Person<'_>) {
    person.reaches_opencode().await;
    person.browser.says("Projects").await;
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
async fn open_session(person: &Person<'_>) {
    let Person {
        browser,
        base,
        name,
        ..
    } = person;
    let create = format!(
        "fetch('/session?directory=/home/{name}', {{
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
async fn terminal(person: &Person<'_>, command: &str, last: &str) -> String {
    let browser = &person.browser;
    browser.script(LISTEN).await;
    browser.until("a terminal's prompt", OPEN_TERMINAL).await;
    browser.until("the terminal's screen", CLICK_TERMINAL).await;
    person.types(command).await;
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
        let alice = Person::at(&browsers, &base, "alice", ALICE).await;
        let bob = Person::at(&browsers, &base, "bob", BOB).await;
        alice.open("").await;
        alice.browser.says("Log in to opencode").await;
        alice.browser.keep("login").await;
        log_in(&alice, "wrong").await;
        alice.browser.says("User name or password is wrong.").await;
        alice.browser.keep("login-failed").await;
        log_in(&alice, ALICE).await;
        log_in(&bob, BOB).await;
        reaches_projects(&alice).await;
        reaches_projects(&bob).await;

        in_their_terminals((&alice, alice_uid), (&bob, bob_uid)).await;
        shut_out(&instance, &alice.browser, &bob.browser).await;
        account_page(&bob).await;
        bob.open("").await;
        reaches_projects(&bob).await;
        instance.user(["passwd", "bob", "--password-stdin"], "changed 1 changed\n");
        let out = "return fetch('/session', { cache: 'no-store' }).then((answer) => answer.status === 401)";
        let begin = Instant::now();
        bob.browser.until("bob's logout", out).await;
        assert!(
            begin.elapsed() < bar(Duration::from_secs(1)),
            "{:?}",
            begin.elapsed()
        );

        instance.user(["enable", "alice"], "");
        instance.occ(["start", "--recreate"]).ok();
        log_in(&alice, ALICE).await;
        log_in(&bob, "changed 1 changed").await;
        reaches_projects(&alice).await;
        reaches_projects(&bob).await;
    });
}

/// Each is who they are there, in their own home, and alice's is shut to bob.
async fn in_their_terminals(alice: (&Person<'_>, u32), bob: (&Person<'_>, u32)) {
    let command = "clear; echo \"i am $(id -u) at $HOME\"; ls /home/alice; echo en\"\"d";
    open_session(alice.0).await;
    let shown = terminal(alice.0, command, "end\r\n").await;
    assert!(
        shown.contains(&format!("i am {} at /home/alice\r\n", alice.1)),
        "{shown}"
    );
    assert!(!shown.contains("Permission denied"), "{shown}");
    alice.0.browser.keep("terminal-alice").await;
    open_session(bob.0).await;
    let shown = terminal(bob.0, command, "end\r\n").await;
    assert!(
        shown.contains(&format!("i am {} at /home/bob\r\n", bob.1)),
        "{shown}"
    );
    assert!(
        shown.contains("'/home/alice': Permission denied"),
        "{shown}"
    );
    bob.0.browser.keep("terminal-bob").await;
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

async fn account_page(bob: &Person<'_>) {
    bob.open("/_occ/account").await;
    let bob = &bob.browser;
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
