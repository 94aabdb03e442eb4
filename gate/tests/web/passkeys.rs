//! Passkeys at the web half: the pages that offer them, and what goes to the monitor. The
//! script is tried in a Chromium with an authenticator of its own.

use occ_gate::wire::{AddPasskeyReply, SecondView, Token};
use serde_json::{Value, json};

use super::browser::{Answer, ask};
use super::chromium::Chromium;
use super::harness::Gate;

/// A request to a name of this machine: an address has no passkeys.
fn send(gate: &Gate, request: &str, lines: &[&str], body: &str) -> Answer {
    let port = gate.address.port();
    let mut head = format!(
        "{request} HTTP/1.1\r\nHost: box.localhost:{port}\r\nConnection: close\r\nContent-Length: {}\r\n",
        body.len()
    );
    for line in lines {
        head += line;
        head += "\r\n";
    }
    ask(gate.address, format!("{head}\r\n{body}").as_bytes())
}

/// The same as our own page would.
fn post(gate: &Gate, path: &str, cookie: &str, body: &str) -> Answer {
    let origin = format!("Origin: http://box.localhost:{}", gate.address.port());
    let form = "Content-Type: application/x-www-form-urlencoded";
    let site = "Sec-Fetch-Site: same-origin";
    send(
        gate,
        &format!("POST {path}"),
        &[&origin, form, site, cookie],
        body,
    )
}

/// A challenge: the cookie that names it, and the options.
fn begin(gate: &Gate, path: &str, cookie: &str, body: &str) -> (String, Value) {
    let answer = post(gate, path, cookie, body);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let lines = answer.header_lines("set-cookie");
    assert!(
        lines.len() == 1 && lines[0].contains("; Path=/; HttpOnly; SameSite=Strict; Max-Age=120"),
        "{lines:?}"
    );
    let pair = answer.cookie("occ-passkey_opencode=").unwrap().to_owned();
    let options: Value = serde_json::from_slice(&answer.body).unwrap();
    assert!(!answer.text().contains(pair.split('=').nth(1).unwrap()));
    (pair, options)
}

const ADDING: &str = "/_occ/passkey/begin-adding";
const PROOF: &str = "credential=AAAA&proof=signature";

#[test]
fn pages_offer_passkeys_where_browsers_know_them() {
    let gate = Gate::start();
    let (_, cookie) = gate.alice();
    for (path, there) in [
        ("/_occ/login", "username webauthn"),
        ("/_occ/account", "id=\"passkey-add\""),
    ] {
        let lines: &[&str] = if path == "/_occ/login" {
            &[]
        } else {
            &[&cookie]
        };
        let page = send(&gate, &format!("GET {path}"), lines, "");
        let text = page.text();
        assert!(page.status == 200 && text.contains(there), "{text}");
        let policy = page.header("content-security-policy").unwrap();
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self'; connect-src 'self';")
                && policy.contains("frame-ancestors 'none'"),
            "{policy}"
        );
        let script = text.split("<script type=\"module\" src=\"").nth(1).unwrap();
        let script = script.split('"').next().unwrap();
        let script = gate.ask(&format!("GET {script}"), &[]);
        let kind = script.header("content-type");
        assert_eq!(
            (script.status, kind),
            (200, Some("text/javascript; charset=utf-8"))
        );
        // By an address there are none, and no script runs.
        let page = gate.ask(&format!("GET {path}"), lines);
        let text = page.text();
        assert!(
            !text.contains("<script") && !text.contains("passkey"),
            "{text}"
        );
    }
    let off = Gate::with(&["--passkeys=0"]);
    let page = send(&off, "GET /_occ/login", &[], "");
    assert!(!page.text().contains("passkey"), "{}", page.text());
}

#[test]
fn a_login_shows_the_challenge_of_its_own_browser() {
    let gate = Gate::start();
    gate.monitor
        .set(|state| state.passkeys.credential = Some("AAAA".to_owned()));
    let (pair, options) = begin(&gate, "/_occ/passkey/begin", "X: y", "");
    assert_eq!(options["publicKey"]["rpId"], "box.localhost");
    let port = gate.address.port();
    gate.monitor.was_asked(&format!(
        "begin-login http://box.localhost:{port} 127.0.0.1"
    ));
    // Without the cookie it is nobody's challenge; the monitor is not even asked.
    let refused = post(&gate, "/_occ/passkey", "X: y", PROOF);
    assert_eq!(refused.status, 403);
    assert_eq!(gate.monitor.times_asked("passkey-login"), 0);
    let cookie = format!("Cookie: {pair}");
    let logged_in = post(&gate, "/_occ/passkey", &cookie, &format!("{PROOF}&next=/a"));
    assert_eq!(
        (logged_in.status, logged_in.header("location")),
        (303, Some("/a"))
    );
    assert!(logged_in.cookie("occ_opencode=").is_some());
    gate.monitor.was_asked("passkey-login AAAA 127.0.0.1");
    let others = post(
        &gate,
        "/_occ/passkey",
        &cookie,
        "credential=BBBB&proof=signature",
    );
    assert!(
        others
            .text()
            .contains("That passkey does not log you in here.")
    );
    assert_eq!(others.cookie("occ_opencode="), None);
}

#[test]
fn bad_forms_and_other_sites_ask_nothing() {
    let gate = Gate::start();
    let (pair, _) = begin(&gate, "/_occ/passkey/begin", "X: y", "");
    let cookie = format!("Cookie: {pair}");
    let long = format!("credential=AAAA&proof={}", "x".repeat(6145));
    for form in [
        "",
        "credential=AAAA",
        "proof=x",
        "credential=%2B&proof=x",
        &long,
    ] {
        let answer = post(&gate, "/_occ/passkey", &cookie, form);
        assert_eq!(answer.status, 403, "{form}");
    }
    for path in ["/_occ/passkey/begin", "/_occ/passkey", ADDING] {
        let origin = "Origin: http://evil.example.com";
        let form = "Content-Type: application/x-www-form-urlencoded";
        let answer = send(
            &gate,
            &format!("POST {path}"),
            &[origin, form, &cookie],
            PROOF,
        );
        assert_eq!(answer.status, 403, "{path}");
    }
    assert_eq!(gate.monitor.times_asked("passkey-login"), 0);
    assert_eq!(gate.monitor.times_asked("begin-"), 1);
    assert_eq!(send(&gate, "GET /_occ/passkey/begin", &[], "").status, 405);
}

#[test]
fn a_person_adds_and_removes_their_own() {
    let gate = Gate::start();
    let (_, cookie) = gate.alice();
    let nobody = post(&gate, ADDING, "X: y", "password=secret");
    assert_eq!(nobody.status, 401);
    let (pair, _) = begin(&gate, ADDING, &cookie, "password=secret");
    let both = format!("{cookie}; {pair}");
    let form = "name=phone&credential=AAAA&proof=attestationObject";
    let told = |answer: &Answer| {
        assert_eq!(
            (answer.status, answer.header("location")),
            (303, Some("/_occ/account"))
        );
        let flash = answer.cookie("occ-flash_opencode=").unwrap();
        send(
            &gate,
            "GET /_occ/account",
            &[&format!("{cookie}; {flash}")],
            "",
        )
        .text()
    };
    let added = post(&gate, "/_occ/account/passkey", &both, form);
    assert!(told(&added).contains("The passkey is added."));
    gate.monitor.was_asked("add-passkey phone");
    let without = post(&gate, "/_occ/account/passkey", &cookie, form);
    assert!(told(&without).contains("The passkey was not added. Try again."));
    let nameless = post(
        &gate,
        "/_occ/account/passkey",
        &both,
        "name=+&credential=AAAA&proof=x",
    );
    assert!(told(&nameless).contains("Give the passkey a name"));
    for (refusal, words) in [
        (
            AddPasskeyReply::NotKept,
            "That device cannot keep passkeys.",
        ),
        (AddPasskeyReply::Twice, "That passkey is in use already."),
        (AddPasskeyReply::Full, "at most 10"),
        (AddPasskeyReply::TooOften, "Try again later."),
        (
            AddPasskeyReply::Unavailable,
            "An administrator finds the reason",
        ),
    ] {
        gate.monitor
            .set(|state| state.passkeys.refuses = Some(refusal.clone()));
        let answer = post(&gate, "/_occ/account/passkey", &both, form);
        let text = told(&answer);
        assert!(text.contains(words), "{words}: {text}");
    }
    let removed = post(&gate, "/_occ/account/passkey-remove", &cookie, "handle=55");
    assert!(told(&removed).contains("That passkey is removed."));
    gate.monitor.was_asked("remove-passkey 55");
    let kept = post(&gate, "/_occ/account/passkey-remove", &cookie, "handle=66");
    assert!(told(&kept).contains("The passkey is still good"));
}

#[test]
fn adding_one_needs_the_password_and_the_code() {
    let gate = Gate::start();
    let (_, cookie) = gate.alice();
    let page = |gate: &Gate| send(gate, "GET /_occ/account", &[&cookie], "").text();
    assert!(!page(&gate).contains("passkey-code"));
    let refused = |form: &str, status: u16, line: &str| {
        let answer = post(&gate, ADDING, &cookie, form);
        assert_eq!((answer.status, answer.text()), (status, line.to_owned()));
        assert_eq!(answer.cookie("occ-passkey_opencode="), None);
    };
    let long = format!("password={}", "x".repeat(256));
    for form in ["", "password=", "password=guess", &long] {
        refused(form, 403, "that password is wrong\n");
    }
    gate.monitor.set(|state| state.second.view = SecondView::On);
    assert!(page(&gate).contains("id=\"passkey-code\""));
    refused("password=secret", 403, "that password is wrong\n");
    let wrong = "that password or the code is wrong, or the code was used before\n";
    refused("password=secret&code=0", 403, wrong);
    begin(&gate, ADDING, &cookie, "password=secret&code=11111111");
    gate.monitor.set(|state| state.second.slow_down = Some(30));
    let slow = "too many failed attempts\nhint: try again in 30 seconds\n";
    refused("password=secret&code=11111111", 429, slow);
    let no_form = send(&gate, &format!("POST {ADDING}"), &[&cookie], "");
    assert_eq!(no_form.status, 403);
}

/// A page's address by a name: an address has no passkeys.
fn page(gate: &Gate, path: &str) -> String {
    format!("http://localhost:{}{path}", gate.address.port())
}

/// Alice's account page, in a browser of hers.
fn account_page(gate: &Gate) -> (Chromium, Token) {
    let (token, _) = gate.alice();
    let chromium = Chromium::start();
    chromium.open_as(&token, &page(gate, "/_occ/account"));
    (chromium, token)
}

/// An authenticator in the browser, as in a phone.
fn with_authenticator(chromium: &Chromium) {
    with_authenticator_that(chromium, true, true);
}

fn with_authenticator_that(chromium: &Chromium, keeps_passkeys: bool, knows_its_person: bool) {
    chromium.tell("WebAuthn.enable", &json!({}));
    let options = json!({
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": keeps_passkeys,
        "hasUserVerification": true, "isUserVerified": knows_its_person,
        "automaticPresenceSimulation": true,
    });
    chromium.tell(
        "WebAuthn.addVirtualAuthenticator",
        &json!({ "options": options }),
    );
}

/// Fills the form in and sends it.
fn filled_in(password: &str, code: &str) -> String {
    format!(
        "document.querySelector('#passkey-name').value = 'phone';
        document.querySelector('#passkey-password').value = '{password}';
        const code = document.querySelector('#passkey-code');
        if (code) code.value = '{code}';
        document.querySelector('#passkey-add button').click()"
    )
}

#[test]
fn a_browser_adds_a_passkey_and_logs_in_with_it() {
    let gate = Gate::start();
    let (chromium, token) = account_page(&gate);
    with_authenticator(&chromium);
    chromium.until(
        "the form",
        "return !!document.querySelector('#passkey-add')",
    );
    chromium.script(&filled_in("guess", ""));
    chromium.until(
        "the refusal, which keeps the name",
        "return document.querySelector('#passkey-trouble').innerText === 'That password is wrong.'
            && document.querySelector('#passkey-name').value === 'phone'",
    );
    assert_eq!(gate.monitor.times_asked("add-passkey"), 0);
    chromium.script(&filled_in("secret", ""));
    chromium.until(
        "the new passkey",
        "return document.body.innerText.includes('The passkey is added.')",
    );
    gate.monitor.end(&token);
    chromium.open(&page(&gate, "/_occ/login"));
    // By the button, or by the field before it: the authenticator answers both by itself.
    let button = "const button = document.querySelector('#passkey-login button');
        if (button && !button.form.hidden) button.click();
        return location.pathname === '/'";
    chromium.until("opencode", button);
    let asked = gate.monitor.was_asked("passkey-login");
    assert!(asked.ends_with(" 127.0.0.1"), "{asked}");
}

/// One that keeps no passkey could not name its person at the next login; one that refuses
/// to verify proves only that somebody has it.
#[test]
fn an_authenticator_that_keeps_none_or_does_not_verify_adds_none() {
    for (keeps_passkeys, knows_its_person) in [(false, true), (true, false)] {
        let gate = Gate::start();
        let (chromium, _) = account_page(&gate);
        with_authenticator_that(&chromium, keeps_passkeys, knows_its_person);
        chromium.script(&filled_in("secret", ""));
        chromium.until(
            "the trouble",
            "const told = document.querySelector('#passkey-trouble');
            return !told.hidden && told.innerText !== ''",
        );
        assert_eq!(gate.monitor.times_asked("add-passkey"), 0);
    }
}

#[test]
fn trouble_is_told_on_the_page() {
    let gate = Gate::start();
    gate.monitor.set(|state| state.second.view = SecondView::On);
    let (chromium, _) = account_page(&gate);
    chromium.script(
        "navigator.credentials.create = () => Promise.reject(new DOMException('no', 'InvalidStateError'))",
    );
    let says = |words: &str| {
        let there = format!(
            "const told = document.querySelector('#passkey-trouble');
            return !told.hidden && told.innerText.includes('{words}')"
        );
        chromium.until(words, &there);
    };
    chromium.script(&filled_in("secret", "0"));
    says("That password or the code is wrong, or the code was used before.");
    // A code is good once, so the field is empty again.
    let code = "return document.querySelector('#passkey-code').value";
    assert_eq!(chromium.script(code), "");
    chromium.script(&filled_in("secret", "11111111"));
    says("has a passkey of yours already");
    gate.monitor.set(|state| state.second.slow_down = Some(30));
    chromium.script(&filled_in("secret", "11111111"));
    says("Too many failed attempts. Try again in 30 seconds.");
    assert_eq!(gate.monitor.times_asked("add-passkey"), 0);
}
