//! The bar's script in opencode's page, and the question whether the session is there.

use std::io::Read as _;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::browser::{Answer, parse, read_until, rest, send};
use super::harness::Gate;

const POLICY: &str = "default-src 'self'; script-src 'self' 'sha256-x='; style-src 'self'";
const START: &str = "<!doctype html>\n<html lang=\"en\"><head>";
const END: &str =
    "<title>OpenCode</title><script>'</body><head>'</script></head><body></body></html>";
const NAVIGATES: [&str; 3] = [
    "Sec-Fetch-Mode: navigate",
    "Sec-Fetch-Dest: document",
    "Accept: text/html",
];

/// A page as opencode sends it, with lines of its head and its content.
fn page(lines: &str, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Security-Policy: {POLICY}\r\nContent-Type: text/html\r\nContent-Length: {length}\r\n{lines}\r\n"
    );
    [head.as_bytes(), content].concat()
}

fn whole(gate: &Gate) {
    gate.opencode
        .play("/", page("", format!("{START}{END}").as_bytes()), "");
}

/// The page as a browser that opens it gets it.
fn open(gate: &Gate, cookie: &str, lines: &[&str]) -> Answer {
    let all = [&[cookie], &NAVIGATES[..], lines].concat();
    gate.ask("GET /", &all)
}

/// The script's path in a page with nothing else changed.
fn script_of(text: &str) -> String {
    let rest = text.strip_prefix(START).unwrap_or_else(|| panic!("{text}"));
    let rest = rest
        .strip_prefix("<script src=\"")
        .unwrap_or_else(|| panic!("{text}"));
    let (path, rest) = rest.split_once("\" async></script>").unwrap();
    assert_eq!(rest, END);
    path.to_owned()
}

#[test]
fn script_is_in_opencodes_page_whose_policy_stays() {
    let gate = Gate::start();
    let (_, cookie) = gate.alice();
    whole(&gate);
    let answer = open(&gate, &cookie, &[]);
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-security-policy"), Some(POLICY));
    let length = answer.body.len().to_string();
    assert_eq!(answer.header("content-length"), Some(length.as_str()));
    let path = script_of(&answer.text());

    // Before the login, too: browsers keep it.
    let plain = gate.ask(&format!("GET {path}"), &[]);
    assert_eq!(plain.status, 200);
    assert_eq!(
        plain.header("cache-control"),
        Some("max-age=31536000, immutable")
    );
    assert_eq!(
        plain.header("content-type"),
        Some("text/javascript; charset=utf-8")
    );
    let small = gate.ask(&format!("GET {path}"), &["Accept-Encoding: gzip"]);
    assert_eq!(small.header("content-encoding"), Some("gzip"));
    let mut text = Vec::new();
    let mut decoder = flate2::read::GzDecoder::new(&small.body[..]);
    decoder.read_to_end(&mut text).unwrap();
    assert!(
        text == plain.body && small.body.len() < 5000,
        "{}",
        small.body.len()
    );
    let origin = format!("Origin: {}", gate.origin());
    assert_eq!(gate.ask(&format!("POST {path}"), &[&origin]).status, 405);
    assert_eq!(gate.ask("GET /_occ/assets/bar-0.js", &[]).status, 404);
}

#[test]
fn with_0_there_is_no_bar() {
    let gate = Gate::with(&["--bar=0"]);
    let (_, cookie) = gate.alice();
    whole(&gate);
    assert_eq!(open(&gate, &cookie, &[]).text(), format!("{START}{END}"));
}

#[test]
fn answers_that_are_no_pages_stay_as_they_are() {
    let gate = Gate::start();
    let (_, cookie) = gate.alice();
    let content = format!("{START}{END}");
    whole(&gate);
    let frame = [
        "Sec-Fetch-Mode: navigate",
        "Sec-Fetch-Dest: iframe",
        &cookie,
    ];
    assert_eq!(gate.ask("GET /", &frame).text(), content);
    assert_eq!(gate.ask("GET /", &[&cookie, "Accept: */*"]).text(), content);
    let length = content.len();
    for head in [
        format!("404 Not Found\r\nContent-Type: text/html\r\nContent-Length: {length}"),
        format!("200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}"),
        format!(
            "200 OK\r\nContent-Type: text/html\r\nContent-Disposition: attachment\r\nContent-Length: {length}"
        ),
        format!("200 OK\r\nContent-Length: {length}"),
    ] {
        let played = format!("HTTP/1.1 {head}\r\n\r\n{content}");
        gate.opencode.play("/", played, "");
        let answer = open(&gate, &cookie, &[]);
        assert_eq!(answer.text(), content, "{head}");
    }
}

#[test]
fn pages_without_a_head_stay_as_they_are() {
    let gate = Gate::start();
    let (_, cookie) = gate.alice();
    let comment = format!("<!--{}--><head>", " ".repeat(2_000_000));
    for content in [
        "<h1>opencode</h1>",
        "",
        "<html><body><head>",
        "<!-- no end",
        &comment,
    ] {
        gate.opencode.play("/", page("", content.as_bytes()), "");
        let answer = open(&gate, &cookie, &[]);
        assert!(answer.status == 200 && answer.text() == content);
    }
}

#[test]
fn tags_that_come_in_pieces_are_found() {
    let gate = Gate::start();
    let (_, cookie) = gate.alice();
    let content = format!("{START}{END}");
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n";
    let chunks = |size: usize| -> String {
        let chunks = content.as_bytes().chunks(size);
        let chunks = chunks.map(|chunk| {
            let text = std::str::from_utf8(chunk).unwrap();
            format!("{:x}\r\n{text}\r\n", chunk.len())
        });
        chunks.collect()
    };
    for size in [2, 7, 39, 40, 200] {
        gate.opencode
            .play("/", format!("{head}{}0\r\n\r\n", chunks(size)), "");
        let answer = open(&gate, &cookie, &[]);
        script_of(&answer.text());
    }
    // Each piece costs a look at all: a page that drips has no bar.
    gate.opencode
        .play("/", format!("{head}{}0\r\n\r\n", chunks(1)), "");
    assert_eq!(open(&gate, &cookie, &[]).text(), content);
}

#[test]
fn large_page_is_not_held_back() {
    const SIZE: usize = 50 * 1024 * 1024;
    let gate = Gate::start();
    let (_, cookie) = gate.alice();
    let filler = vec![b'x'; SIZE - START.len()];
    let content = [START.as_bytes(), &filler].concat();
    let all = page("", &content);
    let (first, second) = all.split_at(SIZE / 2);
    gate.opencode.play("/", first, second);
    let head = format!(
        "GET / HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{cookie}\r\n{}\r\n\r\n",
        gate.address,
        NAVIGATES.join("\r\n")
    );
    let mut stream = send(gate.address, head.as_bytes());
    // The second half has not been sent by then.
    let mut bytes = read_until(&mut stream, b"async></script>");
    let mut part = vec![0; SIZE / 4];
    stream.read_exact(&mut part).unwrap();
    gate.opencode.release();
    bytes.extend(part);
    bytes.extend(rest(&mut stream));
    let answer = parse(&bytes);
    let length = answer.body.len().to_string();
    assert_eq!(answer.header("content-length"), Some(length.as_str()));
    assert!(answer.body.ends_with(&filler) && answer.body.len() > SIZE);
}

#[test]
fn compressed_page_passes_and_is_not_asked_for() {
    let gate = Gate::start();
    let (_, cookie) = gate.alice();
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    std::io::Write::write_all(&mut encoder, format!("{START}{END}").as_bytes()).unwrap();
    let content = encoder.finish().unwrap();
    gate.opencode
        .play("/", page("Content-Encoding: gzip\r\n", &content), "");
    let answer = open(&gate, &cookie, &["Accept-Encoding: gzip, br"]);
    assert_eq!(answer.header("content-encoding"), Some("gzip"));
    assert!(answer.body == content);
    let head = gate.opencode.heads().remove(0).to_ascii_lowercase();
    assert_eq!(head.matches("accept-encoding: ").count(), 1, "{head}");
    assert!(head.contains("accept-encoding: identity\r\n"), "{head}");
}

#[test]
fn headers_tell_nothing_of_the_bytes_that_opencode_sent() {
    let gate = Gate::start();
    let (_, cookie) = gate.alice();
    let lines = "ETag: \"1\"\r\nLast-Modified: Mon, 01 Jan 2026 00:00:00 GMT\r\nAccept-Ranges: bytes\r\nDigest: x\r\n";
    gate.opencode
        .play("/", page(lines, format!("{START}{END}").as_bytes()), "");
    let conditions = [
        "If-None-Match: \"1\"",
        "Range: bytes=0-3",
        "If-Range: \"1\"",
    ];
    let answer = open(&gate, &cookie, &conditions);
    script_of(&answer.text());
    for name in ["etag", "last-modified", "accept-ranges", "digest"] {
        assert_eq!(answer.header(name), None, "{name}");
    }
    let asked = gate.opencode.heads().remove(0).to_ascii_lowercase();
    for name in ["if-none-match", "range", "if-range"] {
        assert!(!asked.contains(&format!("\r\n{name}:")), "{asked}");
    }
    // HEAD can't know the length without the page.
    let head =
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 7\r\nETag: \"1\"\r\n\r\n";
    gate.opencode.play("/", head, "");
    let all = [&[cookie.as_str()], &NAVIGATES[..]].concat();
    let answer = gate.ask("HEAD /", &all);
    assert_eq!((answer.status, answer.body.len()), (200, 0));
    assert_eq!(answer.header("content-type"), Some("text/html"));
    for name in ["etag", "content-length"] {
        assert_eq!(answer.header(name), None, "{name}");
    }
}

#[test]
fn page_that_breaks_off_before_its_head_is_asked_for_again() {
    let gate = Gate::start();
    let (_, cookie) = gate.alice();
    let broken = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n<html\r\nx";
    gate.opencode.play("/", broken, "");
    assert_eq!(open(&gate, &cookie, &[]).status, 502);
    assert_eq!(gate.opencode.heads().len(), 2);
}

/// Looking neither touches a session nor keeps an opencode.
#[test]
fn looking_whether_the_session_is_there_is_no_use_of_it() {
    // Touched at every use that is 250 ms after the last.
    let gate = Gate::with(&["--session-idle=1s", "--idle=1s"]);
    let (token, cookie) = gate.alice();
    let look = || gate.ask("GET /_occ/session", &[&cookie]);
    let answer = look();
    assert_eq!(
        (answer.status, answer.text().as_str()),
        (200, "{\"user\":\"alice\"}")
    );
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    gate.ask("GET /", &[&cookie]);
    let touched = gate.monitor.times_asked("touch");
    // It is idle all the same.
    occ_gate_testing::until("alice's opencode at rest", || {
        assert_eq!(look().status, 200);
        gate.monitor.times_asked("idle") > 0
    });
    assert_eq!(gate.monitor.times_asked("touch"), touched);
    assert_eq!(gate.ask("HEAD /_occ/session", &[&cookie]).body.len(), 0);
    gate.monitor.end(&token);
    occ_gate_testing::until("the session's end", || look().status == 401);
}

#[test]
fn nobody_elses_page_asks_whose_session_it_is() {
    let gate = Gate::start();
    let (_, cookie) = gate.alice();
    let ask = |lines: &[&str]| {
        let lines = [&[cookie.as_str()], lines].concat();
        gate.ask("GET /_occ/session", &lines).status
    };
    assert_eq!(
        ask(&["Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: cors"]),
        200
    );
    assert_eq!(
        ask(&["Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors"]),
        403
    );
    assert_eq!(
        ask(&["Sec-Fetch-Site: same-site", "Sec-Fetch-Mode: cors"]),
        403
    );
    assert_eq!(ask(&["Origin: http://evil.example"]), 403);
    assert_eq!(gate.ask("GET /_occ/session", &[]).status, 401);
    let origin = format!("Origin: {}", gate.origin());
    assert_eq!(
        gate.ask("POST /_occ/session", &[&cookie, &origin]).status,
        405
    );
}
