//! The names under which this machine's ports are reached from elsewhere.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};

/// Addresses of the documentation (RFC 5737, 3849), which no packet is sent to: only the
/// way to them is asked for.
const FAR: [(IpAddr, IpAddr); 2] = [
    (
        IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
    ),
    (
        IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)),
    ),
];

/// The addresses that this machine uses towards others; none without a network.
pub(crate) fn addresses() -> Vec<IpAddr> {
    let own = FAR.iter().filter_map(|(from, to)| {
        let socket = UdpSocket::bind((*from, 0)).ok()?;
        socket.connect((*to, 9)).ok()?;
        Some(socket.local_addr().ok()?.ip())
    });
    own.filter(|address| !address.is_loopback()).collect()
}

/// The host name; `None` for one that is nobody's.
pub(crate) fn name() -> Option<String> {
    let name = rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .to_ascii_lowercase();
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-.".contains(&byte);
    let is_fine = !name.is_empty() && name != "localhost" && name.bytes().all(is_name);
    is_fine.then_some(name)
}
