//! A browser's address and whether it speaks https: by the socket, or by a proxy
//! that the administrator trusts. Pure.

use std::net::IpAddr;

use hyper::HeaderMap;
use ipnet::IpNet;

/// The other side of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Peer {
    /// The browser's address, or the outermost trusted proxy's best word on it.
    pub(crate) address: IpAddr,
    /// True if the browser speaks https.
    pub(crate) secure: bool,
}

/// X-Forwarded-* counts only when the socket's other end is a trusted proxy.
/// Each proxy adds to the right, so we read from there, as far as we trust.
///
/// Nothing tells a proxy in this container from a person's program in it: it may say that
/// a request came by https, but not whose it is (`is_own_address`).
pub(crate) fn peer(
    socket: IpAddr,
    headers: &HeaderMap,
    trusted: &[IpNet],
    is_own_address: impl Fn(IpAddr) -> bool,
) -> Peer {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(&address));
    let mut address = socket.to_canonical();
    if !is_trusted(address) {
        let secure = false;
        return Peer { address, secure };
    }
    let secure = words(headers, "x-forwarded-proto").last() == Some(&"https");
    if is_own_address(address) {
        return Peer { address, secure };
    }
    for hop in words(headers, "x-forwarded-for").iter().rev() {
        let Ok(hop) = hop.parse::<IpAddr>() else {
            break;
        };
        address = hop.to_canonical();
        if !is_trusted(address) {
            break;
        }
    }
    Peer { address, secure }
}

fn words<'a>(headers: &'a HeaderMap, name: &str) -> Vec<&'a str> {
    let lines = headers.get_all(name).iter();
    lines
        .flat_map(|line| line.to_str().unwrap_or("?").split(','))
        .map(str::trim)
        .collect()
}

#[cfg(test)]
mod tests;
