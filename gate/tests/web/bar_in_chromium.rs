//! The bar as people use it: in a Chromium, with opencode's own policy on its page.

use std::time::{Duration, Instant};

use occ_gate::wire::Token;
use serde_json::Value;

use super::chromium::Chromium;
use super::harness::Gate;

const PAGE: &str = "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>OpenCode</title></head><body><input id=prompt><script src=\"/assets/app.js\" type=\"module\"></script></body></html>";
const POLICY: &str = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; connect-src * data: blob:";
const ENTER: &str = "\u{e007}";
const ESCAPE: &str = "\u{e00c}";
const DOWN: &str = "\u{e015}";
const UP: &str = "\u{e013}";

/// The bar's element of that selector.
fn in_bar(selector: &str) -> String {
    format!("document.querySelector('occ-bar')?.shadowRoot.querySelector('{selector}')")
}

/// A page of alice's opencode, with the bar in it.
fn open(gate: &Gate) -> (Chromium, Token) {
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Security-Policy: {POLICY}\r\nContent-Type: text/html\r\nContent-Length: {}\r\n\r\n{PAGE}",
        PAGE.len()
    );
    gate.opencode.play("/", head, "");
    let (token, _) = gate.alice();
    let chromium = Chromium::start();
    chromium.open_as(&token, &format!("{}/", gate.origin()));
    chromium.until("the bar", &format!("return !!{}", in_bar("#handle")));
    (chromium, token)
}

fn notice() -> String {
    let notice = in_bar("#notice");
    format!("{notice}.matches(':popover-open') && {notice}.innerText")
}

#[test]
fn end_of_the_session_is_told_within_two_seconds() {
    let gate = Gate::start();
    let (chromium, token) = open(&gate);
    chromium.script("document.querySelector('#prompt').focus()");
    // The shortest of some: a busy machine makes others longer.
    chromium.until(
        "questions that are less than two seconds apart",
        "const asked = performance.getEntriesByType('resource')
            .filter((entry) => entry.name.endsWith('/_occ/session'))
            .map((entry) => entry.startTime);
        return asked.slice(2).some((start, at) => start - asked[at + 1] > 1000
            && start - asked[at + 1] < 1900);",
    );
    gate.monitor.end(&token);
    let told = format!("return !!({})", notice());
    chromium.until("the notice", &told);
    let words = chromium.script(&format!("return {}", notice()));
    let words = words.as_str().unwrap();
    assert!(words.contains("Your session has ended."), "{words}");
    let role = format!("return {}.getAttribute('role')", in_bar("#notice > div"));
    assert_eq!(chromium.script(&role), "alert");
    assert_eq!(
        chromium.script("return document.activeElement.id"),
        "prompt",
        "the focus stays where it is"
    );
    chromium.script(&format!("{}.click()", in_bar("#notice a")));
    chromium.until("the login", "return location.pathname === '/_occ/login'");
}

#[test]
fn another_session_is_told_and_the_same_persons_is_no_end() {
    let gate = Gate::start();
    let (chromium, token) = open(&gate);
    let url = format!("{}/", gate.origin());
    let told = |text: &str| {
        let quoted = Value::from(text);
        format!("return !!({0}) && ({0}).includes({quoted})", notice())
    };
    gate.monitor.end(&token);
    chromium.until("the notice", &told("Your session has ended."));
    let again = gate.monitor.session("alice");
    chromium.set_session(&url, &again);
    chromium.until("no notice", &format!("return !({})", notice()));
    let bobs = gate.monitor.session("bob");
    chromium.set_session(&url, &bobs);
    chromium.until("the notice", &told("You are logged in as bob now."));
}

#[test]
fn keyboard_opens_the_menu_and_logs_out() {
    let gate = Gate::start();
    let (chromium, _) = open(&gate);
    let active = "return document.querySelector('occ-bar').shadowRoot.activeElement?.textContent";
    let is_open = format!(
        "return {}.matches(':popover-open') && {}.getAttribute('aria-expanded') === 'true'",
        in_bar("#menu"),
        in_bar("#handle")
    );
    let is_closed = format!("return !{}.matches(':popover-open')", in_bar("#menu"));
    chromium.script(&format!("{}.focus()", in_bar("#handle")));
    chromium.press(ENTER);
    chromium.until("the menu", &is_open);
    assert_eq!(chromium.script(active), "Account");
    for (key, item) in [
        (DOWN, "Restart my opencode"),
        (DOWN, "Terminal"),
        (UP, "Restart my opencode"),
        (UP, "Account"),
        (UP, "Log out"),
        (DOWN, "Account"),
    ] {
        chromium.press(key);
        assert_eq!(chromium.script(active), item);
    }
    chromium.press(ESCAPE);
    chromium.until("the menu's end", &is_closed);
    let focused = "return document.querySelector('occ-bar').shadowRoot.activeElement?.id";
    assert_eq!(chromium.script(focused), "handle");
    chromium.press(UP);
    chromium.until("the menu", &is_open);
    assert_eq!(chromium.script(active), "Log out");
    chromium.press(ENTER);
    chromium.until("the login", "return location.pathname === '/_occ/login'");
    assert_eq!(gate.monitor.times_asked("end-one"), 1);
}

#[test]
fn bar_outlives_what_the_page_does() {
    let gate = Gate::start();
    let (chromium, _) = open(&gate);
    for change in [
        "document.body.replaceWith(document.createElement('body'))",
        "document.body.replaceChildren()",
        "document.querySelector('occ-bar').remove()",
        "document.documentElement.replaceChildren()",
    ] {
        chromium.script(change);
        let there = "return document.querySelectorAll('occ-bar').length === 1";
        chromium.until(change, there);
    }
}

/// A tab that nobody sees doesn't ask.
#[test]
fn hidden_tab_asks_when_it_is_seen() {
    let gate = Gate::start();
    let (chromium, token) = open(&gate);
    let hide = "Object.defineProperty(document, 'hidden', { value: true, configurable: true });
        document.dispatchEvent(new Event('visibilitychange'))";
    chromium.script(hide);
    // What is under way comes to its end.
    chromium.script(
        "window.asked = 0; new PerformanceObserver((list) => {
        window.asked += list.getEntries().length }).observe({ type: 'resource' })",
    );
    gate.monitor.end(&token);
    let shown = format!("return !!({})", notice());
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(4) {
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(chromium.script(&shown), false);
    assert!(chromium.script("return window.asked").as_u64().unwrap() < 2);
    chromium
        .script("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))");
    chromium.until("the notice", &shown);
}
