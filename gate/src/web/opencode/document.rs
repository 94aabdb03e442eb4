//! Passes opencode's pages on, with the bar's script in them. A page is read only up to its
//! `<head>` before it is sent on.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http_body_util::BodyExt as _;
use hyper::body::{Body as HttpBody, Bytes, Frame, SizeHint};
use hyper::header::{ACCEPT_ENCODING, CONTENT_ENCODING, HeaderValue};
use hyper::{Method, Request, Response};

use crate::log::ThrottledLog;
use crate::web::bar::prolog::{Prolog, find_head};
use crate::web::bar::{self, forget_bytes};
use crate::web::http::body::{Body, Broken};
use crate::web::opencode::asset::PARTIAL;
use crate::web::opencode::proxy::ProxyRequest;
use crate::web::opencode::{Instance, Unreached};

/// A page's `<head>` ends within so many bytes, and pieces: each piece costs a look at all.
const LONGEST_PROLOG: usize = 16 * 1024;
const MOST_PIECES: usize = 32;

static NO_HEAD: ThrottledLog = ThrottledLog::of(
    "a page of opencode's has no <head> at its beginning: it is sent without the bar",
);
static ENCODED: ThrottledLog = ThrottledLog::of(
    "a page of opencode's came compressed, which it was not asked for: it is sent without the bar",
);

impl ProxyRequest {
    /// Answers a browser that opens a page.
    pub(crate) async fn document(
        &self,
        instance: &Arc<Instance>,
        request: Request<Body>,
    ) -> Result<Response<Body>, Unreached> {
        let is_read = request.method() == Method::GET;
        let mut request = instance.adapt(request)?;
        // The bytes that the browser has, or wants a part of, are not opencode's.
        for name in PARTIAL {
            request.headers_mut().remove(name);
        }
        let plain = HeaderValue::from_static("identity");
        request.headers_mut().insert(ACCEPT_ENCODING, plain);
        let answer = self.send(instance, request).await?;
        let is_document = bar::is_document(answer.status(), answer.headers());
        let is_encoded = answer.headers().contains_key(CONTENT_ENCODING);
        let answer = self.to_browser(answer);
        if !is_document {
            return Ok(answer);
        }
        if is_encoded {
            ENCODED.write();
            return Ok(answer);
        }
        let (mut head, body) = answer.into_parts();
        forget_bytes(&mut head.headers);
        let body = if is_read { with_bar(body).await? } else { body };
        Ok(Response::from_parts(head, body))
    }
}

/// The page with the script's tag right after `<head>`; as it is if it has none.
async fn with_bar(mut body: Body) -> Result<Body, Unreached> {
    let mut read = Vec::new();
    let mut found = Prolog::Unfinished;
    let mut pieces = 0;
    while found == Prolog::Unfinished && read.len() < LONGEST_PROLOG && pieces < MOST_PIECES {
        let Some(frame) = body.frame().await else {
            break;
        };
        let frame = frame.map_err(|_| Unreached)?;
        read.extend_from_slice(frame.data_ref().map_or(&[], |data| &data[..]));
        found = find_head(&read);
        pieces += 1;
    }
    match found {
        Prolog::Head(at) => drop(read.splice(at..at, bar::tag().iter().copied())),
        Prolog::Unfinished | Prolog::NoHead => NO_HEAD.write(),
    }
    let first = Some(Bytes::from(read));
    Ok(Continued { first, rest: body }.boxed_unsync())
}

/// A body whose first bytes were read before.
struct Continued {
    first: Option<Bytes>,
    rest: Body,
}

impl HttpBody for Continued {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        match self.first.take().filter(|first| !first.is_empty()) {
            Some(first) => Poll::Ready(Some(Ok(Frame::data(first)))),
            None => Pin::new(&mut self.rest).poll_frame(context),
        }
    }

    fn size_hint(&self) -> SizeHint {
        let first = self.first.as_ref().map_or(0, |first| first.len() as u64);
        let mut hint = self.rest.size_hint();
        // The upper bound first: it must not fall below the lower one.
        if let Some(upper) = hint.upper() {
            hint.set_upper(upper.saturating_add(first));
        }
        hint.set_lower(hint.lower().saturating_add(first));
        hint
    }
}
