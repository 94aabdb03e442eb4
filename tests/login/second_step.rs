//! The second step of the login as it is shipped, in Chromium: turned on with a phone's
//! code, asked for at each login, kept by an update, turned off; and ended by an
//! administrator for somebody who lost the phone.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::harness::Instance;
use crate::harness::chromium::{Browser, with_browsers};
use crate::login::page;

const WORD: &str = "correct horse 7 battery";
/// Secrets on the page.
const SECRETS: &str = "[...document.querySelectorAll('code.secret')]
    .map((code) => code.innerText).join(' ')";

/// The code of a phone with this key, `ahead` steps of 30 s from now.
fn code(key: &str, ahead: u64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let key = totp_rs::Secret::try_from_base32(key).unwrap();
    let phone = totp_rs::Builder::new().with_secret(key).build().unwrap();
    phone.generate(now.as_secs() + ahead * 30).to_string()
}

/// Fills the form of that address in and sends it.
async fn fill(browser: &Browser, action: &str, fields: &[(&str, &str)]) {
    let fields: Vec<String> = fields
        .iter()
        .map(|(name, value)| (name, serde_json::Value::from(*value)))
        .map(|(name, value)| format!("form.elements['{name}'].value = {value};"))
        .collect();
    let script = format!(
        "const form = document.querySelector('form[action=\"{action}\"]'); {} form.requestSubmit();",
        fields.concat()
    );
    browser.script(&script).await;
}

/// Types name and password, and what the page asks for then, if it is to ask.
async fn log_in(browser: &Browser, base: &str, asked: Option<&str>) {
    browser.open(base).await;
    browser.says("Log in to opencode").await;
    let typed = [("user", "alice"), ("password", WORD)];
    fill(browser, "/_occ/login", &typed).await;
    if let Some(code) = asked {
        browser.says("One more step").await;
        browser.keep("second-step-asked").await;
        fill(browser, "/_occ/prompt", &[("answer", code)]).await;
    }
    let opencode = "return document.title === 'OpenCode' && location.pathname === '/'";
    browser.until("opencode's page", opencode).await;
}

async fn log_out(browser: &Browser, base: &str) {
    browser.open(&format!("{base}/_occ/account")).await;
    browser.says("Your account").await;
    fill(browser, "/_occ/logout", &[]).await;
    browser.says("Log in to opencode").await;
}

/// The key and the scratch codes.
async fn turn_on(browser: &Browser, base: &str) -> (String, Vec<String>) {
    browser.open(&format!("{base}/_occ/account")).await;
    let password = [("password", WORD)];
    fill(browser, "/_occ/account/second-begin", &password).await;
    let key = format!("return !!document.querySelector('.qr svg') && {SECRETS}");
    let key = browser.until("a key", &key).await;
    let key = key.as_str().unwrap().to_owned();
    browser.keep("second-step-key").await;
    let typed = [("code", code(&key, 0))];
    let typed = typed.each_ref().map(|(name, code)| (*name, code.as_str()));
    fill(browser, "/_occ/account/second-confirm", &typed).await;
    browser.says("The second step is on.").await;
    browser.keep("second-step-on").await;
    let scratch = browser.script(&format!("return {SECRETS}")).await;
    let scratch = scratch.as_str().unwrap();
    let scratch: Vec<String> = scratch.split(' ').map(str::to_owned).collect();
    assert_eq!((key.len(), scratch.len()), (32, 5), "{scratch:?}");
    (key, scratch)
}

#[test]
fn second_step_is_turned_on_kept_by_an_update_and_turned_off() {
    let instance = Instance::shipped("second");
    instance.add("alice", WORD);
    let base = format!("http://{}.localhost:{}", instance.name, instance.port);
    with_browsers(instance.port, async |browsers| {
        let alice = browsers.open().await;
        log_in(&alice, &base, None).await;
        let (key, scratch) = turn_on(&alice, &base).await;
        // Her own programs see nothing of it.
        let seen = instance.exec_as("alice", ["ls", "/var/lib/occ-gate"]).run();
        assert_ne!(seen.code, Some(0), "{seen:#?}");
        log_out(&alice, &base).await;
        // The code that turned it on is used; the phone's next one is good a little early.
        log_in(&alice, &base, Some(&code(&key, 1))).await;
        log_out(&alice, &base).await;
        instance.occ(["start", "--recreate"]).ok();
        log_in(&alice, &base, Some(&scratch[0])).await;
        alice.open(&format!("{base}/_occ/account")).await;
        let off = [("password", WORD), ("code", &scratch[1])];
        fill(&alice, "/_occ/account/second-end", &off).await;
        alice.says("The second step is off.").await;
        log_out(&alice, &base).await;
        log_in(&alice, &base, None).await;
    });
}

#[test]
fn administrator_ends_it_for_somebody_who_lost_the_phone() {
    let instance = Instance::shipped("lost");
    instance.add("alice", WORD);
    let base = format!("http://{}.localhost:{}", instance.name, instance.port);
    with_browsers(instance.port, async |browsers| {
        let alice = browsers.open().await;
        log_in(&alice, &base, None).await;
        turn_on(&alice, &base).await;
        // A wrong password is refused before anything is asked.
        let other = page::Browser::new(&instance);
        assert_eq!(other.log_in("alice", "wrong"), "403");
        log_out(&alice, &base).await;
        let ended = instance.occ(["user", "set", "alice", "--no-second-factor"]);
        ended.ok().prints("User 'alice' changed.");
        log_in(&alice, &base, None).await;
    });
}
