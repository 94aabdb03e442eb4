//! Requests whose end or target two readers could see differently.

use super::browser::{self, rest, send};
use super::harness::Gate;

/// Sends bytes with `{host}` and `{cookie}` filled in; the statuses of all answers.
fn statuses(gate: &Gate, raw: &str) -> Vec<u16> {
    let (_, cookie) = gate.alice();
    let raw = raw
        .replace("{host}", &gate.address.to_string())
        .replace("{cookie}", &cookie)
        .replace("{origin}", &gate.origin());
    let mut stream = send(gate.address, raw.as_bytes());
    let bytes = String::from_utf8_lossy(&rest(&mut stream)).into_owned();
    bytes
        .split("HTTP/1.")
        .skip(1)
        .map(|answer| answer[2..5].parse().unwrap())
        .collect()
}

const HEAD: &str =
    "POST /body HTTP/1.1\r\nHost: {host}\r\n{cookie}\r\nOrigin: {origin}\r\nConnection: close\r\n";

#[test]
fn two_lengths_of_one_body_reach_nobody() {
    let gate = Gate::start();
    for framing in [
        "Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde",
        "Content-Length: 4, 5\r\n\r\nabcde",
        "Content-Length: +4\r\n\r\nabcd",
        "Content-Length: 4 \r\nContent-Length: 0\r\n\r\nabcd",
        "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
        "Content-Length: 0x4\r\n\r\nabcd",
        "Content-Length: -1\r\n\r\n",
        "Content-Length: \r\n\r\n",
        "X: a\r\n b\r\nContent-Length: 0\r\n\r\n",
        "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
        "Content-Length: 4\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ] {
        let seen = statuses(&gate, &format!("{HEAD}{framing}"));
        assert!(
            seen.iter().all(|status| *status == 400) && seen.len() <= 1,
            "{framing:?}: {seen:?}"
        );
        assert!(
            gate.opencode.heads().is_empty(),
            "{framing:?}: {:?}",
            gate.opencode.heads()
        );
    }
}

#[test]
fn nothing_follows_a_body_that_two_may_see_differently() {
    let gate = Gate::start();
    for coding in [
        "gzip, chunked",
        "chunked, chunked",
        "chunked\r\nTransfer-Encoding: chunked",
    ] {
        let head = HEAD.replace("Connection: close\r\n", "");
        let next = format!(
            "GET /smuggled HTTP/1.1\r\nHost: {}\r\n{{cookie}}\r\n\r\n",
            gate.address
        );
        let raw = format!("{head}Transfer-Encoding: {coding}\r\n\r\n0\r\n\r\n{next}");
        assert_eq!(statuses(&gate, &raw), [400], "{coding}");
    }
    assert!(gate.opencode.heads().is_empty());
}

#[test]
fn of_a_length_and_chunks_the_length_is_gone() {
    let gate = Gate::start();
    for framing in [
        "Content-Length: 4\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 4",
        "Transfer-Encoding: chunked\r\nContent-Length: 4\r\nContent-Length: 7",
    ] {
        let smuggled = format!("GET /smuggled HTTP/1.1\r\nHost: {}\r\n\r\n", gate.address);
        let seen = statuses(
            &gate,
            &format!("{HEAD}{framing}\r\n\r\n2\r\nab\r\n0\r\n\r\n{smuggled}"),
        );
        assert!(seen == [200] || seen == [400], "{framing:?}: {seen:?}");
    }
    for (head, body) in gate.opencode.heads().iter().zip(gate.opencode.bodies()) {
        assert!(head.starts_with("POST /body ") && body == b"ab", "{head}");
        assert!(
            !head.to_ascii_lowercase().contains("content-length"),
            "{head}"
        );
    }
}

#[test]
fn a_body_is_framed_anew() {
    let gate = Gate::start();
    let chunked =
        format!("{HEAD}Transfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
    assert_eq!(statuses(&gate, &chunked), [200]);
    let plain = format!("{HEAD}Content-Length: 5\r\n\r\nabcdeGET /smuggled HTTP/1.1\r\n\r\n");
    assert_eq!(statuses(&gate, &plain), [200]);
    assert_eq!(
        gate.opencode.bodies(),
        [b"abcde".to_vec(), b"abcde".to_vec()]
    );
    assert!(
        gate.opencode
            .heads()
            .iter()
            .all(|head| head.starts_with("POST /body "))
    );
}

#[test]
fn chunks_that_cannot_be_read_are_the_browsers_fault() {
    let gate = Gate::start();
    let long = format!("2;{}\r\nab\r\n0\r\n\r\n", "x".repeat(70_000));
    for chunks in [
        "zz\r\nab\r\n0\r\n\r\n",
        "-2\r\nab\r\n0\r\n\r\n",
        "0x2\r\nab\r\n0\r\n\r\n",
        "fffffffffffffffff\r\nab\r\n0\r\n\r\n",
        "2\nab\n0\n\n",
        "2;x\nab\r\n0\r\n\r\n",
        "2\r\nabXX0\r\n\r\n",
        long.as_str(),
    ] {
        let head = HEAD.replace("Connection: close\r\n", "");
        let smuggled = format!("GET /smuggled HTTP/1.1\r\nHost: {}\r\n\r\n", gate.address);
        let seen = statuses(
            &gate,
            &format!("{head}Transfer-Encoding: chunked\r\n\r\n{chunks}{smuggled}"),
        );
        assert_eq!(seen, [400], "{chunks:.40?}");
    }
    assert!(
        gate.opencode
            .heads()
            .iter()
            .all(|head| head.starts_with("POST /body "))
    );
    // That is no reason to doubt her opencode.
    assert_eq!(gate.monitor.times_asked("ensure"), 1);
}

#[test]
fn methods_that_nobody_uses_reach_nobody() {
    let gate = Gate::start();
    for method in ["get", "PROPFIND", "TRACE", "X"] {
        let seen = statuses(
            &gate,
            &format!(
                "{method} /x HTTP/1.1\r\nHost: {{host}}\r\n{{cookie}}\r\nOrigin: {{origin}}\r\nConnection: close\r\n\r\n"
            ),
        );
        assert_eq!(seen, [501], "{method}");
    }
    assert!(gate.opencode.heads().is_empty());
}

#[test]
fn hosts_that_contradict_are_refused() {
    let gate = Gate::start();
    for raw in [
        "GET http://evil.example/x HTTP/1.1\r\nHost: {host}\r\n{cookie}\r\nConnection: close\r\n\r\n",
        "GET http://{host}/x HTTP/1.1\r\nHost: evil.example\r\n{cookie}\r\nConnection: close\r\n\r\n",
        "GET /x HTTP/1.1\r\nHost: {host}\r\nHost: {host}\r\n{cookie}\r\nConnection: close\r\n\r\n",
        "GET /x HTTP/1.1\r\n{cookie}\r\nConnection: close\r\n\r\n",
        "GET /x HTTP/1.1\r\nHost:\r\n{cookie}\r\nConnection: close\r\n\r\n",
        "GET /x HTTP/1.0\r\n{cookie}\r\nConnection: close\r\n\r\n",
        "CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: {host}\r\n{cookie}\r\nConnection: close\r\n\r\n",
        "TRACE / HTTP/1.1\r\nHost: {host}\r\n{cookie}\r\nOrigin: {origin}\r\nConnection: close\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: {host}\r\n{cookie}\r\nOrigin: {origin}\r\nConnection: close\r\n\r\n",
    ] {
        let seen = statuses(&gate, raw);
        assert!(
            seen.iter()
                .all(|status| matches!(status, 400 | 403 | 421 | 501))
                && !seen.is_empty(),
            "{raw:?}: {seen:?}"
        );
        assert!(
            gate.opencode.heads().is_empty(),
            "{raw:?}: {:?}",
            gate.opencode.heads()
        );
    }
    let absolute = "GET http://{host}/absolute HTTP/1.1\r\nHost: {host}\r\n{cookie}\r\nConnection: close\r\n\r\n";
    assert_eq!(statuses(&gate, absolute), [200]);
    let heads = gate.opencode.heads();
    assert!(
        heads[0].starts_with("GET /absolute HTTP/1.1\r\n"),
        "{heads:?}"
    );
}

#[test]
fn bytes_that_are_no_header_are_refused() {
    let gate = Gate::start();
    for line in ["X: a\rSet-Cookie: b", "X: a\0b", "X y: z", ": z", "X"] {
        let seen = statuses(
            &gate,
            &format!("GET /x HTTP/1.1\r\nHost: {{host}}\r\n{{cookie}}\r\n{line}\r\n\r\n"),
        );
        assert!(
            seen.iter().all(|status| *status == 400),
            "{line:?}: {seen:?}"
        );
    }
    assert!(gate.opencode.heads().is_empty());
    // Latin-1 in a value and raw bytes in a path are other people's business: they
    // pass as they are or are refused, and nothing falls over.
    let mut raw = format!(
        "GET /x HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nX: ",
        gate.address
    )
    .into_bytes();
    raw.extend_from_slice(b"\xff\xfe\r\n\r\n");
    assert_eq!(browser::ask(gate.address, &raw).status, 401);
    assert_eq!(gate.ask("GET /_occ/health", &[]).status, 200);
}

#[test]
fn nothing_is_written_into_our_own_headers() {
    let gate = Gate::start();
    let page = ["Accept: text/html"];
    for path in [
        "/a%0d%0aSet-Cookie:x=y",
        "//evil.example/",
        "/%5cevil.example",
        "/x?next=%0d%0aX:y",
    ] {
        let answer = gate.ask(&format!("GET {path}"), &page);
        let location = answer.header("location").unwrap().to_owned();
        assert!(
            location == "/_occ/login" || location.starts_with("/_occ/login?next=/"),
            "{location}"
        );
        assert!(!location.contains("//"), "{location}");
        assert!(answer.header_lines("set-cookie").is_empty());
    }
}
