//! Asks an address as a browser would: one request with the name that is in the URL.

use std::io::{Error, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// A port that does not answer within this does not answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// Bytes of an answer up to its status.
const STATUS_LINE: usize = 12;

/// The answer to one request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// A page, or the way to it.
    Page,
    /// The login does not take requests under that name.
    WrongName,
    /// An error of the server.
    Failed(u16),
    /// Something that is not HTTP.
    Other,
}

/// Asks `address` for the first page of `host`.
///
/// Errors: nobody listens, or says anything. The engine's own proxy takes every
/// connection and drops at once what nobody in the container takes.
pub(crate) fn ask(address: SocketAddr, host: &str) -> std::io::Result<Answer> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let request =
        format!("GET / HTTP/1.1\r\nHost: {host}\r\nAccept: text/html\r\nConnection: close\r\n\r\n");
    let sent = stream.write_all(request.as_bytes());
    let mut head = Vec::new();
    let mut piece = [0; STATUS_LINE];
    while head.len() < STATUS_LINE {
        match stream.read(&mut piece) {
            Ok(0) if head.is_empty() => return Err(nobody()),
            Ok(0) => break,
            Ok(got) => head.extend_from_slice(&piece[..got]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                return Err(Error::new(
                    ErrorKind::TimedOut,
                    "it takes connections, and says nothing",
                ));
            }
            Err(error) if is_dropped(&error) => return Err(nobody()),
            Err(error) => return Err(sent.err().unwrap_or(error)),
        }
    }
    Ok(answer(&head))
}

/// Returns true for a connection that the other side has closed on us; with our request
/// still unread that is a reset.
fn is_dropped(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe
    )
}

fn nobody() -> Error {
    Error::new(ErrorKind::UnexpectedEof, "nothing in the container listens")
}

fn answer(head: &[u8]) -> Answer {
    let head = String::from_utf8_lossy(head);
    let status = head
        .strip_prefix("HTTP/1.")
        .and_then(|rest| rest.get(2..5)?.parse().ok());
    match status {
        None => Answer::Other,
        Some(421) => Answer::WrongName,
        Some(status @ 500..) => Answer::Failed(status),
        Some(_) => Answer::Page,
    }
}

/// The host and port of a URL of ours.
pub(crate) fn host_of(url: &str) -> &str {
    url.trim_start_matches("http://")
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn answers_are_told_apart() {
        assert_eq!(answer(b"HTTP/1.1 303 See"), Answer::Page);
        assert_eq!(answer(b"HTTP/1.1 401 Una"), Answer::Page);
        assert_eq!(answer(b"HTTP/1.1 421 Mis"), Answer::WrongName);
        assert_eq!(answer(b"HTTP/1.0 503 Ser"), Answer::Failed(503));
        assert_eq!(answer(b"SSH-2.0-Open"), Answer::Other);
        assert_eq!(answer(b"HTTP/1.1"), Answer::Other);
    }

    #[test]
    fn a_request_names_the_host_of_the_url() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || {
            let (mut client, _) = listener.accept().unwrap();
            let mut bytes = vec![0; 1024];
            let got = client.read(&mut bytes).unwrap();
            client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
            String::from_utf8_lossy(&bytes[..got]).into_owned()
        });
        let host = host_of("http://box.localhost:3000");
        assert_eq!(ask(address, host).unwrap(), Answer::Page);
        assert!(
            server
                .join()
                .unwrap()
                .contains("\r\nHost: box.localhost:3000\r\n")
        );
        assert!(ask(address, host).is_err(), "nobody listens any more");
    }

    /// Docker's proxy drops connections to a container that does not listen.
    #[test]
    fn a_connection_that_is_dropped_is_no_answer() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || drop(listener.accept()));
        let error = ask(address, "localhost").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof, "{error}");
        server.join().unwrap();
    }
}
