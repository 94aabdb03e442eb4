//! Scripts and styles: compressed, kept by browsers, and never somebody else's.

use std::io::Read as _;

use super::harness::Gate;
use occ_gate_testing::opencode::{FakeOpencode, script};

const PATH: &str = "GET /assets/app.js";

#[test]
fn assets_are_compressed_once_and_kept_for_good() {
    let gate = Gate::start();
    let (_, cookie) = gate.alice();
    let mut etag = String::new();
    for _ in 0..3 {
        let answer = gate.ask(PATH, &[&cookie, "Accept-Encoding: gzip, br"]);
        assert_eq!(answer.status, 200);
        assert_eq!(
            answer.header("cache-control"),
            Some("private, max-age=31536000, immutable")
        );
        assert_eq!(answer.header("content-encoding"), Some("gzip"));
        assert_eq!(answer.header("content-type"), Some("text/javascript"));
        assert_eq!(answer.header("vary"), Some("accept-encoding"));
        assert_eq!(
            answer.header("content-length").unwrap(),
            answer.body.len().to_string()
        );
        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(&answer.body[..])
            .read_to_end(&mut plain)
            .unwrap();
        assert!(plain == script());
        assert!(answer.body.len() * 3 < plain.len());
        etag = answer.header("etag").unwrap().to_owned();
    }
    assert_eq!(gate.opencode.heads().len(), 1, "asked once");
    let answer = gate.ask(PATH, &[&cookie, &format!("If-None-Match: {etag}")]);
    assert_eq!((answer.status, answer.body.len()), (304, 0));
    let head = gate.ask("HEAD /assets/app.js", &[&cookie, "Accept-Encoding: gzip"]);
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(gate.opencode.heads().len(), 1);
    assert_eq!(
        gate.ask(PATH, &[&format!("If-None-Match: {etag}")]).status,
        401,
        "not without a session"
    );
}

#[test]
fn head_says_what_get_would() {
    let (plain, gzip) = ("Accept-Encoding: identity", "Accept-Encoding: gzip");
    for coding in [plain, gzip] {
        let gate = Gate::start();
        let (_, cookie) = gate.alice();
        // Before the asset is known, and after.
        for _ in 0..2 {
            let head = gate.ask("HEAD /assets/app.js", &[&cookie, coding]);
            let get = gate.ask(PATH, &[&cookie, coding]);
            let without_date = |headers: &[(String, String)]| {
                let mut lines = headers.to_vec();
                lines.retain(|(name, _)| name != "date");
                lines
            };
            assert_eq!(without_date(&head.headers), without_date(&get.headers));
            assert!(head.body.is_empty() && !get.body.is_empty());
        }
    }
}

#[test]
fn what_a_browser_has_is_not_sent_by_a_new_opencode_either() {
    let gate = Gate::start();
    let (_, cookie) = gate.alice();
    let etag = gate
        .ask(PATH, &[&cookie])
        .header("etag")
        .unwrap()
        .to_owned();
    gate.monitor.tell(occ_gate::wire::Event::InstanceGone {
        user: occ_gate::wire::User::cut("alice"),
    });
    let answer = gate.ask(PATH, &[&cookie, &format!("If-None-Match: {etag}")]);
    assert_eq!((answer.status, answer.body.len()), (304, 0));
}

#[test]
fn who_takes_no_gzip_gets_the_asset_as_it_is() {
    let gate = Gate::start();
    let (_, cookie) = gate.alice();
    for lines in [
        vec![cookie.as_str()],
        vec![
            cookie.as_str(),
            "Accept-Encoding: gzip;q=0",
            "Range: bytes=0-3",
        ],
    ] {
        let answer = gate.ask(PATH, &lines);
        assert_eq!(
            (answer.status, answer.header("content-encoding")),
            (200, None)
        );
        assert!(answer.body == script());
    }
}

#[test]
fn the_page_for_unknown_paths_is_not_kept() {
    let gate = Gate::start();
    let (_, cookie) = gate.alice();
    let answer = gate.ask(
        "GET /assets/missing.js",
        &[&cookie, "Accept-Encoding: gzip"],
    );
    assert_eq!(
        (answer.status, answer.header("cache-control")),
        (200, Some("no-store"))
    );
    assert_eq!(answer.header("content-encoding"), None);
}

#[test]
fn nobody_gets_a_script_that_somebody_elses_opencode_sent() {
    let gate = Gate::start();
    let bobs = FakeOpencode::start("bobs");
    let ready = Some((bobs.port, bobs.secret.to_owned()));
    gate.monitor
        .set(|state| drop(state.opencodes.all.insert("bob".into(), ready)));
    let (_, alice) = gate.alice();
    let bob = format!(
        "Cookie: occ_opencode={}",
        gate.monitor.session("bob").expose().as_str()
    );
    gate.ask(PATH, &[&alice, "Accept-Encoding: gzip"]);
    gate.ask(PATH, &[&bob, "Accept-Encoding: gzip"]);
    assert_eq!(bobs.heads().len(), 1, "bob's own opencode was asked");
}
