//! The owner of a listening TCP port, from /proc/net/tcp and tcp6 (proc(5)).
//!
//! A person's opencode may end at any time, and another person's process take
//! the port: the next request with their secret would reach it.

use std::io;

/// A listening socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Listener {
    pub(crate) uid: u32,
    pub(crate) inode: u64,
}

/// 127.0.0.1 as the kernel prints it: a number of the machine's own byte order.
const LOOPBACK: u32 = u32::from_ne_bytes([127, 0, 0, 1]);
/// TCP_LISTEN in the kernel's tcp_states.h.
const LISTEN: &str = "0A";

/// The one listener at exactly 127.0.0.1 and the port. Returns `None` if there is
/// none, or more than one (SO_REUSEPORT).
pub(crate) fn loopback_listener(port: u16) -> io::Result<Option<Listener>> {
    let table = std::fs::read_to_string("/proc/net/tcp")?;
    Ok(only_at_loopback(&table, port))
}

fn only_at_loopback(table: &str, port: u16) -> Option<Listener> {
    let address = format!("{LOOPBACK:08X}");
    let mut found = listeners(table, port).filter(|(at, _)| *at == address);
    match (found.next(), found.next()) {
        (Some((_, listener)), None) => Some(listener),
        _ => None,
    }
}

/// Each listener at a port, with its address as the kernel prints it.
fn listeners(table: &str, port: u16) -> impl Iterator<Item = (&str, Listener)> {
    let port = format!("{port:04X}");
    table
        .lines()
        .filter_map(row)
        .filter_map(move |(address, listener)| {
            let (address, of) = address.rsplit_once(':')?;
            (of == port).then_some((address, listener))
        })
}

/// `sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode …`
fn row(line: &str) -> Option<(&str, Listener)> {
    let mut words = line.split_ascii_whitespace().skip(1);
    let address = words.next()?;
    (words.nth(1)? == LISTEN).then_some(())?;
    let uid = words.nth(3)?.parse().ok()?;
    let inode = words.nth(1)?.parse().ok()?;
    Some((address, Listener { uid, inode }))
}

#[cfg(test)]
mod tests;
