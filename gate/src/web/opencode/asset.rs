//! Answers requests for opencode's scripts and styles: from a compressed copy that is kept,
//! or from opencode. Each is compressed once: compressed anew for each browser, 200 requests
//! a second took 350 MB, and half of them failed (bar in docs/benchmarks.md: 15 MB).

use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Limited};
use hyper::body::{Body as _, Bytes, Incoming};
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE};
use hyper::{HeaderMap, Method, Request, Response, StatusCode};

use crate::web::http::body::{self, Body};
use crate::web::http::headers;
use crate::web::opencode::assets::{self, CachedAsset};
use crate::web::opencode::proxy::ProxyRequest;
use crate::web::opencode::{Instance, Unreached};

/// For the bytes of an asset, which come from this machine.
const PATIENCE: Duration = Duration::from_secs(30);
/// With these opencode would send less than the whole asset as it is.
pub(super) const PARTIAL: [&str; 6] = [
    "accept-encoding",
    "range",
    "if-range",
    "if-none-match",
    "if-match",
    "if-modified-since",
];

impl ProxyRequest {
    /// Answers from the copy that is kept, or from opencode.
    pub(crate) async fn asset(
        &self,
        instance: &Arc<Instance>,
        request: Request<Body>,
    ) -> Result<Response<Body>, Unreached> {
        let path = request.uri().path_and_query();
        let path = path.map_or("/", |path| path.as_str()).to_owned();
        let known = instance.digests.get(&path);
        if let Some(answer) = known.and_then(|known| self.kept(&known, request.headers())) {
            return Ok(answer);
        }
        let browser = request.headers().clone();
        let mut request = instance.adapt(request)?;
        // Its answer to HEAD says nothing about the asset.
        *request.method_mut() = Method::GET;
        for name in PARTIAL {
            request.headers_mut().remove(name);
        }
        let answer = self.send(instance, request).await?;
        if !is_whole_asset(&answer) {
            return Ok(self.to_browser(answer));
        }
        // One at a time of each person: what is held here is as large as the asset.
        let _turn = instance.turn.acquire().await;
        let (known, bytes) = self.learn(answer).await?;
        instance.digests.insert(&path, known.clone());
        let answer = self.kept(&known, &browser);
        Ok(answer.unwrap_or_else(|| found(&known, false, bytes)))
    }

    fn kept(&self, known: &CachedAsset, browser: &HeaderMap) -> Option<Response<Body>> {
        if assets::is_unchanged(browser, &known.digest) {
            return Some(unchanged(known));
        }
        let copy = self.gate.copies.get(&known.digest);
        let copy = copy.filter(|_| headers::takes_gzip(browser))?;
        Some(found(known, true, copy))
    }

    /// Reads the asset, and sees to its compressed copy.
    async fn learn(&self, answer: Response<Incoming>) -> Result<(CachedAsset, Bytes), Unreached> {
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, assets::LARGEST).collect();
        let body = tokio::time::timeout(PATIENCE, body).await;
        let bytes = body.map_err(|_| Unreached)?.map_err(|_| Unreached)?;
        let bytes = bytes.to_bytes();
        let copies = self.gate.copies.clone();
        let keep = move || (copies.keep(&bytes), bytes);
        let kept = tokio::task::spawn_blocking(keep).await;
        let (digest, bytes) = kept.map_err(|_| Unreached)?;
        let headers = headers::to_browser(&head.headers, self.context.secure);
        Ok((CachedAsset::new(digest, &headers), bytes))
    }
}

/// Returns true if an answer may be cached for good: found, of a known and modest size,
/// not encoded, and not the page that opencode sends for paths it does not know.
fn is_whole_asset(answer: &Response<Incoming>) -> bool {
    let size = answer.body().size_hint().exact();
    let kind = answer.headers().get(CONTENT_TYPE);
    let is_page = kind.is_none_or(|kind| kind.as_bytes().starts_with(b"text/html"));
    answer.status() == StatusCode::OK
        && !is_page
        && !answer.headers().contains_key(CONTENT_ENCODING)
        && size.is_some_and(|size| size <= assets::LARGEST as u64)
}

fn unchanged(known: &CachedAsset) -> Response<Body> {
    let mut answer = Response::new(body::empty());
    *answer.status_mut() = StatusCode::NOT_MODIFIED;
    *answer.headers_mut() = assets::headers(known, false);
    answer
}

/// To HEAD the same: hyper leaves the bytes out and says how many they are.
fn found(known: &CachedAsset, compressed: bool, bytes: Bytes) -> Response<Body> {
    let mut answer = Response::new(body::whole(bytes));
    *answer.headers_mut() = assets::headers(known, compressed);
    answer
}
