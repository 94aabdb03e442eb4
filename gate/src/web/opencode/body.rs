//! Bodies that end when their session does.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use hyper::body::{Body as HttpBody, Bytes, Frame, SizeHint};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use crate::web::http::body::Broken;
use crate::web::opencode::presence::Present;
use crate::web::sessions::Session;

/// Passes a body on, frame by frame as it comes, until its session is gone, or
/// for an endless one until the gate stops. While it lives, its person is present.
pub(crate) struct SessionBody<B> {
    body: B,
    gone: Pin<Box<WaitForCancellationFutureOwned>>,
    stop: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
    // Kept, so that the session is remembered and its end reaches us.
    _session: Arc<Session>,
    _present: Present,
}

impl<B> SessionBody<B> {
    /// `stop` is for a body that ends with the gate.
    pub(crate) fn new(
        body: B,
        session: Arc<Session>,
        present: Present,
        stop: Option<CancellationToken>,
    ) -> Self {
        let gone = Box::pin(session.gone.clone().cancelled_owned());
        Self {
            body,
            gone,
            stop: stop.map(|stop| Box::pin(stop.cancelled_owned())),
            _session: session,
            _present: present,
        }
    }
}

impl<B> HttpBody for SessionBody<B>
where
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: Into<Broken>,
{
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        if self.gone.as_mut().poll(context).is_ready() {
            return Poll::Ready(Some(Err("the session is gone".into())));
        }
        let stop = self.stop.as_mut().map(|stop| stop.as_mut().poll(context));
        if stop.is_some_and(|stop| stop.is_ready()) {
            return Poll::Ready(None);
        }
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
