//! The second step of the login, on the account page.

use occ_gate::wire::SecondView;
use serde_json::json;

use super::chromium::Chromium;
use super::harness::Gate;

const KEY: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";

fn gate(view: SecondView) -> Gate {
    let gate = Gate::start();
    gate.monitor.set(|state| state.second.view = view);
    gate
}

/// Sends a form; the Cookie line for the page that tells its outcome.
fn sent(gate: &Gate, cookie: &str, path: &str, form: &str) -> String {
    let answer = gate.post(&format!("/_occ/account/{path}"), form, &[cookie]);
    let led = (answer.status, answer.header("location"));
    assert_eq!(led, (303, Some("/_occ/account#second")), "{form}");
    let flash = answer.cookie("occ-flash_opencode").unwrap();
    format!("{cookie}; {flash}")
}

fn page(gate: &Gate, cookie: &str) -> String {
    let page = gate.ask("GET /_occ/account", &[cookie]);
    assert_eq!(page.status, 200);
    page.text()
}

#[test]
fn key_and_scratch_codes_are_shown_once_to_the_session_that_made_them() {
    let gate = gate(SecondView::Off);
    let (_, cookie) = gate.alice();
    let (_, elsewhere) = gate.alice();
    assert!(page(&gate, &cookie).contains("Turn on"));
    let wrong = sent(&gate, &cookie, "second-begin", "password=guess");
    let wrong = page(&gate, &wrong);
    assert!(wrong.contains("Your password is wrong.") && !wrong.contains(KEY));
    let begun = sent(&gate, &cookie, "second-begin", "password=secret");
    let flash = begun.split_once("; ").unwrap().1;
    for (cookie, shown) in [
        (&format!("{elsewhere}; {flash}"), false),
        (&begun, true),
        (&begun, false),
    ] {
        let page = page(&gate, cookie);
        assert_eq!(page.contains(KEY), shown, "{page}");
        assert_eq!(page.contains("<svg"), shown, "{page}");
        assert!(page.contains("second-confirm"), "{page}");
    }
    let wrong = sent(&gate, &cookie, "second-confirm", "code=000000");
    assert!(page(&gate, &wrong).contains("That code is wrong."));
    let on = sent(&gate, &cookie, "second-confirm", "code=123456");
    for shown in [true, false] {
        let page = page(&gate, &on);
        assert_eq!(page.contains("11111111"), shown, "{page}");
        assert!(page.contains("Turn off"), "{page}");
    }
    let wrong = sent(&gate, &cookie, "second-end", "password=secret&code=0");
    assert!(page(&gate, &wrong).contains("the code is wrong"));
    let off = sent(
        &gate,
        &cookie,
        "second-end",
        "password=secret&code=11111111",
    );
    let off = page(&gate, &off);
    assert!(off.contains("The second step is off.") && off.contains("Turn on"));
}

#[test]
fn another_site_and_another_method_do_nothing() {
    let gate = gate(SecondView::Off);
    let (_, cookie) = gate.alice();
    for path in ["second-begin", "second-confirm", "second-end"] {
        let path = format!("/_occ/account/{path}");
        let evil = gate.ask_with(
            &format!("POST {path}"),
            &[
                &cookie,
                "Origin: https://evil.example",
                "Content-Type: application/x-www-form-urlencoded",
            ],
            b"password=secret&code=123456",
        );
        assert_eq!(evil.status, 403, "{path}");
        let link = gate.ask(&format!("GET {path}"), &[&cookie]);
        assert_eq!(link.header("location"), Some("/_occ/account"), "{path}");
        let nobody = gate.post(&path, "password=secret&code=123456", &[]);
        assert_eq!(nobody.header("location"), Some("/_occ/login"), "{path}");
    }
    for asked in ["begin-second", "confirm-second", "stop-second"] {
        assert_eq!(gate.monitor.times_asked(asked), 0, "{asked}");
    }
}

#[test]
fn too_many_guesses_are_told() {
    let gate = gate(SecondView::Off);
    let (_, cookie) = gate.alice();
    gate.monitor.set(|state| state.second.slow_down = Some(30));
    let told = sent(&gate, &cookie, "second-begin", "password=secret");
    assert!(page(&gate, &told).contains("Try again in 30 seconds."));
}

#[test]
fn page_has_no_second_step_where_there_is_none() {
    let gate = gate(SecondView::Unavailable);
    let (_, cookie) = gate.alice();
    assert!(!page(&gate, &cookie).contains("Second step"));
}

/// Fills a form of the account page in and sends it.
fn fill(chromium: &Chromium, form: &str, fields: &[(&str, &str)]) {
    let fields: Vec<String> = fields
        .iter()
        .map(|(name, value)| format!("form.elements['{name}'].value = '{value}';"))
        .collect();
    chromium.script(&format!(
        "const form = document.querySelector('form[action$=\"{form}\"]'); {} form.requestSubmit();",
        fields.concat()
    ));
}

/// Turned on and off at a phone's screen of 390 px: nothing is cut off or hangs out.
#[test]
fn all_of_it_fits_a_phones_screen() {
    const FITS: &str = "const wide = document.documentElement.scrollWidth;
        const out = [...document.querySelectorAll('section *')]
            .filter((element) => element.getBoundingClientRect().right > 390);
        return innerWidth === 390 && wide <= 390 && out.length === 0";
    let gate = gate(SecondView::Off);
    let (token, _) = gate.alice();
    let chromium = Chromium::start();
    let phone = json!({ "width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": true });
    chromium.tell("Emulation.setDeviceMetricsOverride", &phone);
    chromium.open_as(&token, &format!("{}/_occ/account", gate.origin()));
    let shows = |what: &str| {
        let there = format!("return !!document.querySelector('{what}')");
        chromium.until(what, &there);
        assert_eq!(chromium.script(FITS), true, "{what}");
    };
    shows("form[action$=second-begin]");
    fill(&chromium, "second-begin", &[("password", "secret")]);
    shows(".qr svg");
    let picture = "const box = document.querySelector('.qr svg').getBoundingClientRect();
        return box.width >= 220 && box.height === box.width && box.top > 0 && box.bottom < innerHeight";
    chromium.until("a picture in view, big enough for a camera", picture);
    fill(&chromium, "second-confirm", &[("code", "123456")]);
    shows(".notice .secret");
    let off = [("password", "secret"), ("code", "11111111")];
    fill(&chromium, "second-end", &off);
    shows("form[action$=second-begin]");
}
