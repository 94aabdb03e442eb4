//! Passkeys on the login as it is shipped: real image, real PAM, the authenticator of a
//! Chromium.

use crate::harness::Instance;
use crate::harness::chromium::{Browser, with_browsers};

const ALICE: &str = "correct horse 7 battery";

async fn with_password(browser: &Browser, base: &str) {
    browser.open(&format!("{base}/_occ/login")).await;
    browser.says("Log in to opencode").await;
    let typed = format!(
        "document.querySelector('#user').value = 'alice';
        document.querySelector('#password').value = '{ALICE}';
        document.querySelector('form[action=\"/_occ/login\"]').submit()"
    );
    browser.script(&typed).await;
    let is_gone = "return !location.pathname.startsWith('/_occ/')";
    browser.until("the end of the login", is_gone).await;
}

/// Clicks until the page is another: the button is there once the script has run.
async fn with_passkey(browser: &Browser, base: &str) {
    browser.open(&format!("{base}/_occ/login")).await;
    let click = "
        const form = document.querySelector('#passkey-login');
        if (form && !form.hidden) form.querySelector('button').click();
        return !location.pathname.startsWith('/_occ/')";
    browser.until("the end of the login", click).await;
}

async fn add_with(browser: &Browser, password: &str) {
    let click = format!(
        "document.querySelector('#passkey-password').value = '{password}';
        document.querySelector('#passkey-add button').click()"
    );
    browser.script(&click).await;
}

async fn log_out(browser: &Browser, base: &str) {
    browser.open(&format!("{base}/_occ/account")).await;
    browser.says("Passkeys").await;
    let click = "document.querySelector('form[action=\"/_occ/logout\"] button').click()";
    browser.script(click).await;
    browser.says("You are logged out.").await;
}

#[test]
fn a_passkey_outlives_the_container_and_ends_with_its_removal() {
    let instance = Instance::shipped("passkeys");
    instance.add("alice", ALICE);
    let base = format!("http://{}.localhost:{}", instance.name, instance.port);
    with_browsers(instance.port, async |browsers| {
        let browser = browsers.open().await;
        browser.add_authenticator().await;
        with_password(&browser, &base).await;
        browser.open(&format!("{base}/_occ/account")).await;
        browser.says("Add a passkey").await;
        browser
            .script("document.querySelector('#passkey-name').value = 'phone'")
            .await;
        // The session alone adds none.
        add_with(&browser, "guess").await;
        browser.says("That password is wrong.").await;
        add_with(&browser, ALICE).await;
        browser.says("The passkey is added.").await;
        browser.keep("passkeys").await;
        log_out(&browser, &base).await;
        with_passkey(&browser, &base).await;
        log_out(&browser, &base).await;

        // The record has it, so a new container knows it.
        let listed = instance.occ(["user", "passkey", "list", "alice"]).ok();
        assert!(listed.stdout.contains("phone"), "{}", listed.stdout);
        instance.occ(["start", "--recreate"]).ok();
        with_passkey(&browser, &base).await;
        log_out(&browser, &base).await;

        // PAM decides whether the account is open.
        instance
            .occ(["user", "set", "alice", "--must-change-password"])
            .ok();
        browser.open(&format!("{base}/_occ/login")).await;
        let click = "
            if (document.body.innerText.includes('That passkey does not log you in here.')) return true;
            const form = document.querySelector('#passkey-login');
            if (form && !form.hidden) form.querySelector('button').click();
            return false";
        browser.until("the refusal", click).await;
        instance.user(
            ["passwd", "alice", "--password-stdin"],
            "another 1 word 2\n",
        );
        with_passkey(&browser, &base).await;
        log_out(&browser, &base).await;

        let ids = instance
            .occ(["user", "passkey", "list", "alice", "-q"])
            .ok();
        let id = ids.stdout.trim();
        instance
            .occ(["user", "passkey", "remove", "alice", id])
            .ok();
        browser.open(&format!("{base}/_occ/login")).await;
        browser.until("the refusal", click).await;
    });
}
