//! Bodies of answers: none, and those that are all there.

use std::convert::Infallible;

use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Empty, Full};
use hyper::body::Bytes;

/// An error in the middle of a body; it closes the connection.
pub(crate) type Broken = Box<dyn std::error::Error + Send + Sync>;
/// The body of an answer to a browser.
pub(crate) type Body = UnsyncBoxBody<Bytes, Broken>;

pub(crate) fn empty() -> Body {
    Empty::new().map_err(never).boxed_unsync()
}

pub(crate) fn whole(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(never).boxed_unsync()
}

fn never(error: Infallible) -> Broken {
    match error {}
}
