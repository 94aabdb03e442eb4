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

/// A setting of the login; the login itself says what is wrong with its value.
pub(crate) fn parse_setting(value: &str) -> Result<String, String> {
    if value.is_empty() || value.contains(char::is_control) {
        return Err("a value on one line is needed".into());
    }
    Ok(value.to_owned())
}

/// A name that browsers may ask for, with or without a port.
pub(crate) fn parse_host(name: &str) -> Result<String, String> {
    let is_fine = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
    if name.is_empty() || !name.bytes().all(is_fine) {
        return Err("a host name is written like code.example.com or 192.0.2.7:3000".into());
    }
    Ok(name.to_ascii_lowercase())
}

/// A variable of the environment, `NAME=VALUE`; NAME alone takes the value that it has
/// here, as with docker.
pub(crate) fn parse_variable(text: &str) -> Result<String, String> {
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name, Some(value.to_owned())),
        None => (text, std::env::var(text).ok()),
    };
    if name.is_empty() || name.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err("a variable is written NAME=VALUE".into());
    }
    let value = value.ok_or_else(|| format!("{name} is not set here; write {name}=VALUE"))?;
    if value.contains('\0') {
        return Err("a value holds no NUL".into());
    }
    Ok(format!("{name}={value}"))
}

/// A mount in docker's short form.
pub(crate) fn parse_volume(text: &str) -> Result<String, String> {
    let wrong = || "a volume is written SOURCE:/TARGET or SOURCE:/TARGET:ro".to_owned();
    let parts: Vec<&str> = text.split(':').collect();
    match parts.as_slice() {
        [source, target] | [source, target, "ro" | "rw" | "z" | "Z" | "ro,z" | "ro,Z"]
            if !source.is_empty() && target.starts_with('/') =>
        {
            Ok(text.to_owned())
        }
        _ => Err(wrong()),
    }
}
