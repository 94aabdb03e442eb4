//! Connections to an engine, all kinds alike for the HTTP client above them.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::Uri;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;
use tower_service::Service;

use super::endpoint::{Endpoint, Tcp};
use super::{ssh, tls};

/// A machine that is not there does not answer; others take far less.
const CONNECT: Duration = Duration::from_secs(10);

/// A connection, whatever it runs over.
pub(super) trait DaemonStream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> DaemonStream for T {}

impl Connection for Box<dyn DaemonStream> {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

/// Makes connections to one engine.
#[derive(Clone)]
pub(super) struct Dialler {
    endpoint: Endpoint,
    tls: Option<TlsConnector>,
}

impl Dialler {
    /// Reads what TLS needs; makes no connection yet.
    pub(super) fn new(endpoint: Endpoint) -> Result<Self, String> {
        let tls = match &endpoint {
            Endpoint::Tcp(Tcp {
                tls: Some(files), ..
            }) => Some(tls::connector(files)?),
            _ => None,
        };
        Ok(Self { endpoint, tls })
    }

    async fn dial(self) -> io::Result<Box<dyn DaemonStream>> {
        Ok(match &self.endpoint {
            Endpoint::Unix(path) => Box::new(UnixStream::connect(path).await?),
            Endpoint::Ssh(target) => Box::new(ssh::dial(target)?),
            Endpoint::Tcp(tcp) => {
                let stream = in_time(TcpStream::connect((tcp.host.as_str(), tcp.port))).await?;
                stream.set_nodelay(true)?;
                match self.tls {
                    None => Box::new(stream),
                    Some(tls) => {
                        let name = tls::server_name(&tcp.host).map_err(io::Error::other)?;
                        Box::new(in_time(tls.connect(name, stream)).await?)
                    }
                }
            }
        })
    }
}

async fn in_time<T>(work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    let late = || io::Error::new(io::ErrorKind::TimedOut, "it cannot be reached in time");
    tokio::time::timeout(CONNECT, work)
        .await
        .map_err(|_| late())?
}

impl Service<Uri> for Dialler {
    type Response = TokioIo<Box<dyn DaemonStream>>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<TokioIo<Box<dyn DaemonStream>>>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// The address in the request is only for its Host header.
    fn call(&mut self, _: Uri) -> Self::Future {
        let dialler = self.clone();
        Box::pin(async move { dialler.dial().await.map(TokioIo::new) })
    }
}
