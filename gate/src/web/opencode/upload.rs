//! A browser's body on its way to opencode: bounded, and where it breaks off it is
//! known whose fault that was.

use std::sync::{Arc, OnceLock};

use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::{Incoming, SizeHint};
use hyper::{Response, StatusCode};

use crate::web::http::body::Body;
use crate::web::http::reply;

/// Most bytes of one request: prompts carry pictures.
pub(crate) const LARGEST: usize = 256 * 1024 * 1024;

/// The fault of a body, once there is one.
#[derive(Clone, Default)]
pub(crate) struct UploadError(Arc<OnceLock<StatusCode>>);

impl UploadError {
    pub(crate) fn is_there(&self) -> bool {
        self.0.get().is_some()
    }

    /// The browser's answer, if it is to blame.
    pub(crate) fn answer(&self) -> Option<Response<Body>> {
        let line = match *self.0.get()? {
            StatusCode::PAYLOAD_TOO_LARGE => "the request is too large\n",
            _ => "the request cannot be read to its end\n",
        };
        Some(reply::text(*self.0.get()?, line))
    }

    /// A body that says beforehand that it is too large.
    pub(crate) fn announced(&self, size: &SizeHint) {
        if size.lower() > LARGEST as u64 {
            let _ = self.0.set(StatusCode::PAYLOAD_TOO_LARGE);
        }
    }

    /// The body, no longer than it may be; its fault is kept here.
    pub(crate) fn watch(&self, body: Incoming) -> Body {
        let fault = Arc::clone(&self.0);
        let watched = Limited::new(body, LARGEST).map_err(move |error| {
            let status = if error.is::<LengthLimitError>() {
                StatusCode::PAYLOAD_TOO_LARGE
            } else {
                StatusCode::BAD_REQUEST
            };
            let _ = fault.set(status);
            error
        });
        watched.boxed_unsync()
    }
}
