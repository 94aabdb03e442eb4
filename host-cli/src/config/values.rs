//! What a value of the configuration or of a flag may be.

use std::net::IpAddr;

/// A value of `bind`: an address literal.
pub(crate) fn parse_bind(value: &str) -> std::result::Result<IpAddr, String> {
    value
        .parse()
        .map_err(|_| "an IP address is needed, such as 127.0.0.1 or 0.0.0.0".to_owned())
}

/// A name that the engine takes for a container and its volumes.
pub(crate) fn check_container(name: &str) -> std::result::Result<(), String> {
    let fine = name.len() >= 2
        && name.len() <= 100
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte));
    if fine {
        Ok(())
    } else {
        Err("2 to 100 letters, digits, '_', '.', '-', starting with a letter or digit".into())
    }
}

/// An image reference as engines read it: `[host[:port]/]path[:tag][@digest]`.
pub(crate) fn check_image(name: &str) -> std::result::Result<(), String> {
    let (rest, digest) = match name.split_once('@') {
        Some((rest, digest)) => (rest, Some(digest)),
        None => (name, None),
    };
    // A colon before the last slash is that of a port.
    let (path, tag) = match rest.rsplit_once(':') {
        Some((path, tag)) if !tag.contains('/') => (path, Some(tag)),
        _ => (rest, None),
    };
    let fine = name.len() <= 512
        && is_repository(path)
        && tag.is_none_or(is_tag)
        && digest.is_none_or(is_digest);
    if fine {
        Ok(())
    } else {
        Err("an image is written like debian:bookworm-slim or host:5000/name:tag".into())
    }
}

fn is_repository(path: &str) -> bool {
    let (first, rest) = path.split_once('/').unwrap_or(("", path));
    let is_host = first.contains(['.', ':']) || first == "localhost" || has_upper(first);
    let (host, path) = if is_host { (first, rest) } else { ("", path) };
    (host.is_empty() || is_host_and_port(host)) && path.split('/').all(is_component)
}

fn has_upper(word: &str) -> bool {
    word.bytes().any(|byte| byte.is_ascii_uppercase())
}

fn is_host_and_port(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    };
    let v6 = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    let is_label = |label: &str| {
        let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        !label.is_empty()
            && label.bytes().all(inner)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let is_host = match v6 {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => host.split('.').all(is_label),
    };
    is_host && port.is_none_or(|port| port.parse::<u16>().is_ok())
}

/// Lower case letters and digits, between them `.`, `_`, `__` or any `-`.
fn is_component(word: &str) -> bool {
    let is_own = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let parts = word.split(|c: char| c.is_ascii() && is_own(c as u8));
    let ends = word.bytes().next().is_some_and(is_own) && word.bytes().last().is_some_and(is_own);
    let is_separator =
        |part: &str| matches!(part, "" | "." | "_" | "__") || part.bytes().all(|byte| byte == b'-');
    ends && parts.into_iter().all(is_separator)
}

fn is_tag(tag: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    (1..=128).contains(&tag.len())
        && tag.bytes().next().is_some_and(is_word)
        && tag
            .bytes()
            .all(|byte| is_word(byte) || b".-".contains(&byte))
}

/// `sha256:` and others alike, with at least 128 bits.
fn is_digest(text: &str) -> bool {
    let Some((algorithm, hex)) = text.split_once(':') else {
        return false;
    };
    let named = algorithm
        .bytes()
        .next()
        .is_some_and(|byte| byte.is_ascii_alphabetic());
    let length = if algorithm == "sha256" {
        hex.len() == 64
    } else {
        hex.len() >= 32
    };
    named && length && hex.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_what_engines_take_for_one() {
        let digest = format!("debian@sha256:{}", "0".repeat(64));
        for fine in [
            "debian",
            "debian:bookworm-slim",
            "0123456789ab",
            "a/b__c/d-e--f.g:T_1.x-y",
            "registry:5000/img:tag",
            "registry:5000/img",
            "localhost/img",
            "Registry.example/img:1",
            "ghcr.io/some/one:1",
            "[2001:db8::1]:5000/img:1",
            &digest,
            &digest.replace('@', ":1@"),
        ] {
            assert_eq!(check_image(fine), Ok(()), "{fine}");
        }
        for wrong in [
            "",
            "Foo:bar",
            "foo::bar",
            "foo:",
            "foo/",
            "/foo",
            "a//b",
            "foo:-x",
            "foo bar",
            "foo@",
            "foo@sha256:zz",
            "foo@sha256:00",
            "-x",
            "--privileged",
            "a..b",
            "a___b",
            "a_",
            "host:port/img",
            "host:99999/img",
            "ä",
            "a;b",
            "$(x)",
            &"x:".repeat(300),
            &format!("x:{}", "t".repeat(129)),
        ] {
            assert!(check_image(wrong).is_err(), "{wrong}");
        }
    }
}
