//! The rules for values of the configuration and of flags.

use std::net::IpAddr;

/// A value of `bind`: an address literal.
pub(crate) fn parse_bind(value: &str) -> Result<IpAddr, String> {
    value
        .parse()
        .map_err(|_| "an IP address is needed, such as 127.0.0.1 or 0.0.0.0".to_owned())
}

/// A value of `port`.
pub(crate) fn parse_port(value: &str) -> Result<u16, String> {
    let port = value.parse().ok().filter(|port| *port > 0);
    port.ok_or_else(|| "a port is 1 to 65535".to_owned())
}

/// A name that the engine takes for a container and its volumes.
pub(crate) fn parse_container(name: &str) -> Result<String, String> {
    let fine = name.len() >= 2
        && name.len() <= 100
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte));
    if fine {
        Ok(name.to_owned())
    } else {
        Err("2 to 100 letters, digits, '_', '.', '-', starting with a letter or digit".into())
    }
}

/// The name of an image; whether it is one, only the engine tells.
pub(crate) fn parse_image(name: &str) -> Result<String, String> {
    if name.is_empty() {
        return Err("an image is written like debian:bookworm-slim or host:5000/name:tag".into());
    }
    Ok(name.to_owned())
}
