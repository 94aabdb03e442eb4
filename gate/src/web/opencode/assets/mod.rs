//! opencode's scripts and styles: compressed as they pass, because opencode sends
//! some 3 MB of them as they are, and kept by browsers for good, because their
//! names change with their content. The gate itself keeps nothing: one person's
//! opencode never answers for another's.

use std::io::Write as _;
use std::pin::Pin;
use std::task::{Context, Poll};

use flate2::Compression;
use flate2::write::GzEncoder;
use http_body_util::BodyExt as _;
use hyper::body::{Body as HttpBody, Bytes, Frame};
use hyper::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG,
    HeaderValue, VARY,
};
use hyper::{Method, Request, Response, StatusCode};

use crate::web::http::body::{Body, Broken};

/// Below this size, compressing costs more than it saves.
const SMALLEST: u64 = 1024;
/// Fast: most of what the best level saves, at a fraction of its time.
const LEVEL: Compression = Compression::fast();

/// Returns whether a request reads an asset.
pub(crate) fn is_asked_for<B>(request: &Request<B>) -> bool {
    matches!(*request.method(), Method::GET | Method::HEAD)
        && request.uri().path().starts_with("/assets/")
}

/// Makes an answer of opencode's one that browsers keep, if it is an asset and not
/// the page that opencode sends for paths it does not know; compressed if the
/// browser takes that.
pub(crate) fn answer(mut answer: Response<Body>, gzip: bool) -> Response<Body> {
    let kind = answer.headers().get(CONTENT_TYPE).cloned();
    let kind = kind.as_ref().and_then(|kind| kind.to_str().ok());
    let is_asset = kind.is_some_and(|kind| !kind.starts_with("text/html"));
    if answer.status() != StatusCode::OK || !is_asset {
        return answer;
    }
    let size = answer.body().size_hint().lower();
    let is_plain = !answer.headers().contains_key(CONTENT_ENCODING) && size >= SMALLEST;
    let headers = answer.headers_mut();
    let for_good = HeaderValue::from_static("private, max-age=31536000, immutable");
    headers.insert(CACHE_CONTROL, for_good);
    headers.append(VARY, HeaderValue::from_static("accept-encoding"));
    if !gzip || !is_plain || !kind.is_some_and(is_text) {
        return answer;
    }
    // All of these are about the bytes as opencode sent them.
    for name in [CONTENT_LENGTH, ETAG, ACCEPT_RANGES] {
        headers.remove(name);
    }
    headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    answer.map(|body| Gzip::new(body).boxed_unsync())
}

/// Returns whether content of a type shrinks; images and fonts are compressed
/// already.
fn is_text(kind: &str) -> bool {
    let kind = kind.split(';').next().unwrap_or_default();
    kind.starts_with("text/")
        || ["javascript", "json", "xml", "wasm"]
            .iter()
            .any(|word| kind.ends_with(word))
}

/// A body, compressed frame by frame.
struct Gzip {
    body: Body,
    /// `None` once all is sent.
    encoder: Option<GzEncoder<Vec<u8>>>,
}

impl Gzip {
    fn new(body: Body) -> Self {
        Self {
            body,
            encoder: Some(GzEncoder::new(Vec::new(), LEVEL)),
        }
    }
}

impl HttpBody for Gzip {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        while let Some(mut encoder) = self.encoder.take() {
            let frame = match Pin::new(&mut self.body).poll_frame(context) {
                Poll::Ready(frame) => frame,
                Poll::Pending => {
                    self.encoder = Some(encoder);
                    return Poll::Pending;
                }
            };
            let compressed = match frame {
                None => encoder.finish()?,
                Some(frame) => {
                    // Trailers have no place behind a compressed body.
                    let data = frame?.into_data().unwrap_or_default();
                    encoder.write_all(&data)?;
                    let compressed = std::mem::take(encoder.get_mut());
                    self.encoder = Some(encoder);
                    compressed
                }
            };
            if !compressed.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(compressed.into()))));
            }
        }
        Poll::Ready(None)
    }
}

#[cfg(test)]
mod tests;
