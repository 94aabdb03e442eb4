//! Connections to a person's opencode, and to nobody else's process.

use std::future::Future;
use std::io;
use std::net::Ipv4Addr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::Uri;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower_service::Service;

use crate::proc_net::{Listener, loopback_listener};

const TIMEOUT: Duration = Duration::from_secs(5);

/// Connects to one port of 127.0.0.1, if the person with this uid listens there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Loopback {
    pub(crate) port: u16,
    pub(crate) uid: u32,
}

impl Loopback {
    /// Looks whose the port is before and after: the same socket listened all
    /// the while, so it is the one that we are connected to.
    async fn connect(self) -> io::Result<TokioIo<TcpStream>> {
        let before = self.owner()?;
        let connecting = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
        let stream = tokio::time::timeout(TIMEOUT, connecting).await??;
        if self.owner()? != before {
            return Err(io::Error::other("the port changed hands"));
        }
        stream.set_nodelay(true)?;
        Ok(TokioIo::new(stream))
    }

    fn owner(self) -> io::Result<Listener> {
        loopback_listener(self.port)?
            .filter(|listener| listener.uid == self.uid)
            .ok_or_else(|| io::Error::other("the port is not the person's own"))
    }
}

impl Service<Uri> for Loopback {
    type Response = TokioIo<TcpStream>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        Box::pin(self.connect())
    }
}
