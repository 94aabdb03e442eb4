//! An opencode that its owner made to harm the gate: whatever it is asked, it answers
//! something else.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use crate::damage::Damage;

/// Serves for ever.
pub fn serve(listener: &TcpListener, seed: u64) {
    for (number, stream) in (0..).zip(listener.incoming()) {
        let Ok(stream) = stream else { continue };
        let damage = Damage::new(seed.wrapping_add(number));
        // Out of threads, it is as if it had not answered.
        let _ = thread::Builder::new().spawn(move || converse(stream, damage));
    }
}

fn converse(mut stream: TcpStream, mut damage: Damage) {
    let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
    let mut request = vec![0; 64 * 1024];
    while let Ok(1..) = stream.read(&mut request) {
        let answer = answer(&mut damage);
        let answer = damage.of(&answer);
        if stream.write_all(&answer).is_err() || damage.next(8) == 0 {
            return;
        }
    }
}

fn answer(damage: &mut Damage) -> Vec<u8> {
    let long = "x".repeat(1 << damage.next(15));
    let lines = |count: usize, value: &str| {
        let lines = (0..count).map(|number| format!("X-{number}: {value}\r\n"));
        lines.collect::<Vec<_>>().concat()
    };
    let body = "b".repeat(damage.next(5000));
    let length = body.len();
    let text = match damage.next(17) {
        0 => format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}"),
        1 => format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
            length * 2 + 7
        ),
        2 => format!(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{length:x}\r\n{body}\r\n0\r\n\r\n"
        ),
        3 => format!(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n{body}"
        ),
        4 => format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/javascript\r\n{}Content-Length: {length}\r\n\r\n{body}",
            lines(90, &long)
        ),
        5 => format!(
            "HTTP/1.1 200 OK\r\n{}Content-Length: 0\r\n\r\n",
            lines(damage.next(4000), "y")
        ),
        6 => {
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nx"
                .to_owned()
        }
        7 => "HTTP/1.1 100 Continue\r\n\r\n".repeat(damage.next(2000)),
        8 => format!("HTTP/1.1 304 Not Modified\r\nContent-Length: {length}\r\n\r\n{body}"),
        9 => format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n{length:x}\r\n{body}\r\n"
        ),
        10 => format!(
            "HTTP/1.1 200 OK\r\nSet-Cookie: =occ_opencode=x\r\nSet-Cookie: {long}\r\nAlt-Svc: {long}\r\nContent-Length: 0\r\n\r\n"
        ),
        11 => format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/css\r\nContent-Encoding: gzip\r\nContent-Length: {length}\r\n\r\n{body}"
        ),
        12 => long,
        13 => format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\n\r\n<!--{body}--><html a='><head>'><head>{long}",
            length + long.len() + 31
        ),
        14 => format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n{}",
            "4\r\n<!--\r\n".repeat(damage.next(4000))
        ),
        _ => String::new(),
    };
    text.into_bytes()
}
