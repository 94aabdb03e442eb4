//! The names under which this machine's ports are reached from elsewhere.

use std::net::{IpAddr, UdpSocket};

/// An address of our own and one of the documentation (RFC 5737, 3849) for each family.
/// No packet is sent there: only the way to it is asked for.
const FAR: [(&str, &str); 2] = [("0.0.0.0:0", "192.0.2.1:9"), ("[::]:0", "[2001:db8::1]:9")];

/// The addresses that this machine uses towards others; none without a network.
pub(crate) fn addresses() -> Vec<IpAddr> {
    let own = FAR.iter().filter_map(|(any, far)| {
        let socket = UdpSocket::bind(any).ok()?;
        socket.connect(far).ok()?;
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
