use std::io::Read as _;

use hyper::HeaderMap;

use super::*;
use crate::web::http::body;

fn sent(kind: &'static str, content: &[u8], gzip: bool) -> (HeaderMap, Vec<u8>) {
    let mut from = Response::new(body::whole(content.to_vec()));
    let kind = HeaderValue::from_static(kind);
    from.headers_mut().insert(CONTENT_TYPE, kind);
    from.headers_mut()
        .insert(ETAG, HeaderValue::from_static("\"x\""));
    let (head, body) = answer(from, gzip).into_parts();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let body = runtime.block_on(body.collect()).unwrap().to_bytes();
    (head.headers, body.to_vec())
}

#[test]
fn compressed_script_unpacks_to_itself() {
    let script = b"export const answer = 42;\n".repeat(10_000);
    let (headers, body) = sent("text/javascript;charset=utf-8", &script, true);
    assert_eq!(headers[CONTENT_ENCODING], "gzip");
    assert!(!headers.contains_key(ETAG));
    assert!(body.len() < script.len() / 10);
    let mut back = Vec::new();
    flate2::read::GzDecoder::new(&body[..])
        .read_to_end(&mut back)
        .unwrap();
    assert!(back == script);
}

#[test]
fn small_compressed_and_unwanted_content_stays_as_it_is() {
    let large = [b'a'; 4096];
    for (kind, content, gzip) in [
        ("text/javascript", &b"short"[..], true),
        ("font/woff2", &large, true),
        ("text/css", &large, false),
    ] {
        let (headers, body) = sent(kind, content, gzip);
        assert!(!headers.contains_key(CONTENT_ENCODING), "{kind}");
        assert_eq!(headers[ETAG], "\"x\"");
        assert_eq!(
            headers[CACHE_CONTROL],
            "private, max-age=31536000, immutable"
        );
        assert_eq!(body, content);
    }
}

#[test]
fn page_for_unknown_paths_is_not_kept() {
    let (headers, _) = sent("text/html", &[b'a'; 4096], true);
    assert!(!headers.contains_key(CACHE_CONTROL) && !headers.contains_key(CONTENT_ENCODING));
}

#[test]
fn only_assets_are_assets() {
    let asked = |method, path| {
        let mut request = Request::new(());
        (*request.method_mut(), *request.uri_mut()) = (method, hyper::Uri::from_static(path));
        is_asked_for(&request)
    };
    assert!(asked(Method::GET, "/assets/index-abc.js"));
    assert!(asked(Method::HEAD, "/assets/index-abc.js"));
    assert!(!asked(Method::POST, "/assets/index-abc.js"));
    assert!(!asked(Method::GET, "/assets"));
    assert!(!asked(Method::GET, "/session/assets/x"));
}
