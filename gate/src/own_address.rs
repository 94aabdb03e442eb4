//! The container's own addresses: people's programs inside can use each of them, and say
//! what they like in headers.

use std::net::IpAddr;

use nix::ifaddrs::getifaddrs;

/// Returns true for loopback and for an address of one of our interfaces.
pub(crate) fn is_own_address(address: IpAddr) -> bool {
    let address = address.to_canonical();
    address.is_loopback() || interfaces().any(|own| own == address)
}

fn interfaces() -> impl Iterator<Item = IpAddr> {
    // Without an answer of the kernel's only loopback is known.
    let all = getifaddrs().into_iter().flatten();
    all.filter_map(|interface| {
        let address = interface.address?;
        let v4 = address.as_sockaddr_in().map(|v4| IpAddr::V4(v4.ip()));
        v4.or_else(|| address.as_sockaddr_in6().map(|v6| IpAddr::V6(v6.ip())))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_and_our_interfaces_are_own() {
        let is_own_address = |text: &str| is_own_address(text.parse().unwrap());
        for own in ["127.0.0.1", "127.9.8.7", "::1", "::ffff:127.0.0.2"] {
            assert!(is_own_address(own), "{own}");
        }
        assert!(interfaces().all(super::is_own_address));
        for other in ["192.0.2.1", "2001:db8::1", "0.0.0.0"] {
            assert!(!is_own_address(other), "{other}");
        }
    }
}
