//! A browser that says exactly what a test wants, byte by byte.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

pub(crate) use occ_gate_testing::PATIENCE;

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The one line with that name; several are an error of the test's.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.header_lines(name);
        assert!(lines.len() < 2, "several {name}: {lines:?}");
        lines.first().copied()
    }

    pub(crate) fn header_lines(&self, name: &str) -> Vec<&str> {
        let lines = self.headers.iter().filter(|(other, _)| other == name);
        lines.map(|(_, value)| value.as_str()).collect()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// `name=value` of the Set-Cookie line whose name starts so.
    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        let lines = self.header_lines("set-cookie");
        let line = lines.into_iter().find(|line| line.starts_with(name))?;
        line.split(';').next()
    }
}

/// Connects and sends; the rest is to be read.
pub(crate) fn send(to: SocketAddr, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(to).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    // The other end may refuse before it has read all.
    let _ = stream.write_all(bytes);
    stream
}

/// All that comes until the other end closes.
pub(crate) fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut buffer = vec![0; 65536];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return bytes,
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return bytes,
            Err(error) => panic!("{error}; so far: {}", String::from_utf8_lossy(&bytes)),
        }
    }
}

/// Reads until the bytes end with `end`, or panics.
pub(crate) fn read_until(stream: &mut TcpStream, end: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while !bytes.ends_with(end) {
        match stream.read(&mut byte) {
            Ok(1) => bytes.push(byte[0]),
            other => panic!("{other:?} after {}", String::from_utf8_lossy(&bytes)),
        }
    }
    bytes
}

/// Sends bytes that ask for the connection's end, and reads the one answer.
pub(crate) fn ask(to: SocketAddr, bytes: &[u8]) -> Answer {
    parse(&rest(&mut send(to, bytes)))
}

/// An answer out of bytes; chunks are put together.
pub(crate) fn parse(bytes: &[u8]) -> Answer {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
    let end = end.unwrap_or_else(|| panic!("no answer: {}", String::from_utf8_lossy(bytes)));
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let status = lines
        .next()
        .unwrap()
        .split(' ')
        .nth(1)
        .unwrap()
        .parse()
        .unwrap();
    let headers: Vec<(String, String)> = lines
        .map(|line| line.split_once(": ").unwrap_or((line, "")))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let body = &bytes[end + 4..];
    let chunked = headers.contains(&("transfer-encoding".to_owned(), "chunked".to_owned()));
    let body = if chunked {
        dechunk(body)
    } else {
        body.to_vec()
    };
    Answer {
        status,
        headers,
        body,
    }
}

fn dechunk(mut bytes: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    while let Some(end) = bytes.windows(2).position(|window| window == b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&bytes[..end]).unwrap(), 16).unwrap();
        let Some(chunk) = bytes.get(end + 2..end + 2 + size) else {
            break;
        };
        whole.extend_from_slice(chunk);
        bytes = bytes.get(end + 4 + size..).unwrap_or_default();
    }
    whole
}
