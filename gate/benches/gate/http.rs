//! The browser's side of HTTP/1.1: one connection that stays open, one request
//! after the other.

use bench::{Error, io};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{HOST, HeaderMap};
use hyper::http::request::Builder;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use std::net::SocketAddr;
use tokio::net::TcpStream;
use tokio::runtime::Runtime;

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// A connection.
pub(crate) struct Connection {
    runtime: Runtime,
    sender: SendRequest<Full<Bytes>>,
    pub(crate) address: SocketAddr,
}

/// One thread.
pub(crate) fn runtime() -> Result<Runtime, Error> {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().map_err(io("epoll"))
}

impl Connection {
    pub(crate) fn open(address: SocketAddr) -> Result<Self, Error> {
        let runtime = runtime()?;
        let sender = runtime.block_on(async {
            let stream = TcpStream::connect(address).await;
            let stream = stream.map_err(io(address.to_string()))?;
            stream.set_nodelay(true).map_err(io(address.to_string()))?;
            let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(failed)?;
            tokio::spawn(connection);
            Ok::<_, Error>(sender)
        })?;
        Ok(Self {
            runtime,
            sender,
            address,
        })
    }

    /// Sends what the builder has, and reads the whole answer.
    pub(crate) fn ask(&mut self, request: Builder, body: &str) -> Result<Answer, Error> {
        let request = request
            .header(HOST, self.address.to_string())
            .body(Full::new(Bytes::from(body.to_owned())))
            .map_err(failed)?;
        let sender = &mut self.sender;
        self.runtime.block_on(async {
            sender.ready().await.map_err(failed)?;
            let answer = sender.send_request(request).await.map_err(failed)?;
            let (head, body) = answer.into_parts();
            Ok(Answer {
                status: head.status,
                headers: head.headers,
                body: body.collect().await.map_err(failed)?.to_bytes(),
            })
        })
    }

    /// The body of a page that must be there.
    pub(crate) fn get(&mut self, request: Builder) -> Result<Bytes, Error> {
        let answer = self.ask(request, "")?;
        match answer.status {
            StatusCode::OK => Ok(answer.body),
            status => Err(Error::Other(format!("'{}' answers {status}", self.address))),
        }
    }
}

/// GET of a path.
pub(crate) fn get(path: &str) -> Builder {
    Request::get(path)
}

pub(crate) fn failed(error: impl std::fmt::Display) -> Error {
    Error::Other(format!("http: {error}"))
}
