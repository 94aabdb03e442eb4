//! Bodies of answers: none, those that are all there, and what a body holds.

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

/// The same body; it owns a value until it is sent or dropped.
pub(crate) fn holding(body: Body, held: impl Send + 'static) -> Body {
    let own = move |error: Broken| {
        let _ = &held;
        error
    };
    body.map_err(own).boxed_unsync()
}

fn never(error: Infallible) -> Broken {
    match error {}
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn a_held_value_lives_as_long_as_its_body() {
        let value = Arc::new(());
        let body = holding(empty(), Arc::clone(&value));
        assert_eq!(Arc::strong_count(&value), 2);
        drop(body);
        assert_eq!(Arc::strong_count(&value), 1);
    }
}
