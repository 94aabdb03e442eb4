//! A browser's body on its way to opencode: bounded, and where it breaks off it is
//! known whose fault that was.

use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use http_body_util::{LengthLimitError, Limited};
use hyper::body::{Body as HttpBody, Bytes, Frame, Incoming, SizeHint};
use hyper::{Response, StatusCode};

use crate::web::http::body::{Body, Broken};
use crate::web::http::reply;

/// Most bytes of one request: prompts carry pictures.
pub(crate) const LARGEST: usize = 256 * 1024 * 1024;

/// The fault of a body, once there is one.
#[derive(Clone, Default)]
pub(crate) struct Fault(Arc<OnceLock<StatusCode>>);

impl Fault {
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
}

/// The body; tells of its fault.
pub(crate) struct Upload {
    body: Limited<Incoming>,
    fault: Fault,
}

impl Upload {
    pub(crate) fn new(body: Incoming, fault: Fault) -> Self {
        Self {
            body: Limited::new(body, LARGEST),
            fault,
        }
    }
}

impl HttpBody for Upload {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if let Poll::Ready(Some(Err(error))) = &polled {
            let status = if error.is::<LengthLimitError>() {
                StatusCode::PAYLOAD_TOO_LARGE
            } else {
                StatusCode::BAD_REQUEST
            };
            let _ = self.fault.0.set(status);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
