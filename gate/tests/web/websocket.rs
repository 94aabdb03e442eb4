//! A websocket's frames, as a test wants them (RFC 6455 §5).

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

pub(crate) const CONTINUATION: u8 = 0;
pub(crate) const TEXT: u8 = 1;
pub(crate) const BINARY: u8 = 2;
pub(crate) const CLOSE: u8 = 8;
pub(crate) const PING: u8 = 9;
pub(crate) const PONG: u8 = 10;

const MASKED: u8 = 0x80;
/// The length follows in two bytes, or in eight.
const SHORT: u8 = 0x7e;
const LONG: u8 = 0x7f;

/// A frame as browsers send it: masked, here with zeros.
pub(crate) fn frame(kind: u8, is_last: bool, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind | if is_last { 0x80 } else { 0 }];
    match payload.len() {
        length @ 0..126 => bytes.push(MASKED | u8::try_from(length).unwrap()),
        length @ 126..65536 => {
            bytes.push(MASKED | SHORT);
            bytes.extend_from_slice(&u16::try_from(length).unwrap().to_be_bytes());
        }
        length => {
            bytes.push(MASKED | LONG);
            bytes.extend_from_slice(&u64::try_from(length).unwrap().to_be_bytes());
        }
    }
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(payload);
    bytes
}

pub(crate) fn send(stream: &mut TcpStream, kind: u8, payload: &[u8]) {
    stream.write_all(&frame(kind, true, payload)).unwrap();
}

/// The next frame of the server: never masked, never in pieces.
pub(crate) fn receive(stream: &mut TcpStream) -> Option<(u8, Vec<u8>)> {
    let mut head = [0; 2];
    stream.read_exact(&mut head).ok()?;
    assert_eq!((head[0] & 0x80, head[1] & 0x80), (0x80, 0), "{head:?}");
    let length = match head[1] {
        SHORT => {
            let mut length = [0; 2];
            stream.read_exact(&mut length).ok()?;
            usize::from(u16::from_be_bytes(length))
        }
        LONG => {
            let mut length = [0; 8];
            stream.read_exact(&mut length).ok()?;
            usize::try_from(u64::from_be_bytes(length)).unwrap()
        }
        length => usize::from(length),
    };
    let mut payload = vec![0; length];
    stream.read_exact(&mut payload).ok()?;
    Some((head[0] & 0x0f, payload))
}

/// Reads until the server closes; the code of its last frame.
pub(crate) fn close_code(stream: &mut TcpStream) -> Option<u16> {
    while let Some((kind, payload)) = receive(stream) {
        if kind == CLOSE {
            let code = payload.first_chunk::<2>().copied();
            return code.map(u16::from_be_bytes);
        }
    }
    None
}
