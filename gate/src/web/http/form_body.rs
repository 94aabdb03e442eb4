//! Reads a form that a browser sent: small, soon, and of the right type.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::header::CONTENT_TYPE;
use hyper::{Request, Response, StatusCode};
use zeroize::Zeroizing;

use crate::web::connections::Place;
use crate::web::http::body::Body;
use crate::web::http::form::Form;
use crate::web::http::reply;

/// Far more than a name, a password and a path take.
const LARGEST: usize = 8 * 1024;

/// The form, or the answer for who sent none.
pub(crate) async fn read(
    request: Request<Incoming>,
    time: Duration,
) -> Result<Form, Response<Body>> {
    let kind = request.headers().get(CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or("");
    let kind = kind.split(';').next().unwrap_or("").trim();
    if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        return Err(reply::text(status, "not a form\n"));
    }
    let announced = hyper::body::Body::size_hint(request.body()).lower();
    if announced > LARGEST as u64 {
        return Err(too_large());
    }
    let place = request.extensions().get::<Arc<Place>>().cloned();
    let _unfinished = place.as_ref().map(Place::unfinished);
    let body = tokio::time::timeout(time, collect(request.into_body())).await;
    let body =
        body.map_err(|_| reply::text(StatusCode::REQUEST_TIMEOUT, "the form took too long\n"))??;
    Form::parse(&body)
        .ok_or_else(|| reply::text(StatusCode::BAD_REQUEST, "a form that cannot be read\n"))
}

async fn collect(body: Incoming) -> Result<Zeroizing<Vec<u8>>, Response<Body>> {
    let mut body = Limited::new(body, LARGEST);
    let mut whole = Zeroizing::new(Vec::with_capacity(LARGEST));
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| too_large())?;
        if let Some(data) = frame.data_ref() {
            whole.extend_from_slice(data);
        }
    }
    Ok(whole)
}

fn too_large() -> Response<Body> {
    reply::text(StatusCode::PAYLOAD_TOO_LARGE, "the form is too large\n")
}
