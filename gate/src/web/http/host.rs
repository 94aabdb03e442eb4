//! The Host of a request: read strictly, and held against the names that this
//! gate answers to. Pure.
//!
//! A page of a stranger whose name resolves to us (DNS rebinding) sends that
//! name as Host, and shares nothing with our origin then.

use std::net::{Ipv4Addr, Ipv6Addr};

use hyper::header::HOST;
use hyper::{HeaderMap, Uri};

/// Longest Host that is read: the longest DNS name and a port.
const LONGEST: usize = 253 + 6;

/// Host and port as the browser wrote them, in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Authority {
    text: String,
    host_length: usize,
}

/// Why a request has no authority.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BadHost {
    /// None, several, or none that could be a host.
    Unreadable,
    /// The target names one host and the header another.
    Contradiction,
}

impl Authority {
    /// The one Host of a request. A target in absolute form has to agree with it:
    /// whoever looks at only one of the two would see another request than we do.
    pub(crate) fn of(headers: &HeaderMap, target: &Uri) -> Result<Self, BadHost> {
        let mut hosts = headers.get_all(HOST).iter();
        let (Some(host), None) = (hosts.next(), hosts.next()) else {
            return Err(BadHost::Unreadable);
        };
        let host = host.to_str().map_err(|_| BadHost::Unreadable)?;
        let authority = Self::parse(host).ok_or(BadHost::Unreadable)?;
        match target.authority() {
            Some(named) if !named.as_str().eq_ignore_ascii_case(&authority.text) => {
                Err(BadHost::Contradiction)
            }
            _ => Ok(authority),
        }
    }

    /// `name`, `name:port`, `1.2.3.4:port`, `[::1]:port`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.len() > LONGEST {
            return None;
        }
        let host_length = match text.strip_prefix('[') {
            Some(rest) => {
                let end = rest.find(']')?;
                rest[..end].parse::<Ipv6Addr>().ok()?;
                end + 2
            }
            None => text.find(':').unwrap_or(text.len()),
        };
        let (host, port) = text.split_at(host_length);
        let named = host.starts_with('[') || is_name(host);
        let ported = match port.strip_prefix(':') {
            Some(digits) => {
                digits.bytes().all(|byte| byte.is_ascii_digit()) && digits.parse::<u16>().is_ok()
            }
            None => port.is_empty(),
        };
        (named && ported).then(|| Self {
            text: text.to_ascii_lowercase(),
            host_length,
        })
    }

    /// As it stands in an origin.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    fn host(&self) -> &str {
        &self.text[..self.host_length]
    }

    /// Whether we answer to it: this machine's own names, which nobody else's
    /// DNS can give out, and those that the administrator listed (`name` for
    /// every port, `name:port` for one).
    pub(crate) fn is_ours(&self, listed: &[String]) -> bool {
        let host = self.host();
        host == "localhost"
            || host.ends_with(".localhost")
            || host == "[::1]"
            || host.parse::<Ipv4Addr>().is_ok_and(|ip| ip.is_loopback())
            || listed.iter().any(|name| name == host || *name == self.text)
    }
}

fn is_name(host: &str) -> bool {
    !host.is_empty()
        && host.split('.').all(|label| {
            !label.is_empty()
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
        })
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    fn ours(host: &str, listed: &[&str]) -> Option<bool> {
        let listed: Vec<String> = listed.iter().map(ToString::to_string).collect();
        Authority::parse(host).map(|host| host.is_ours(&listed))
    }

    #[test]
    fn this_machines_names_are_ours() {
        for host in [
            "localhost",
            "LocalHost:3000",
            "opencode.localhost",
            "a.b.localhost:1",
            "127.0.0.1",
            "127.8.9.10:65535",
            "[::1]",
            "[::1]:3000",
        ] {
            assert_eq!(ours(host, &[]), Some(true), "{host}");
        }
    }

    #[test]
    fn names_of_others_are_not_ours() {
        for host in [
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "notlocalhost",
            "0.0.0.0",
            "10.0.0.1:3000",
            "[::2]",
            "[::ffff:127.0.0.1]",
            "2130706433",
            "0177.0.0.1",
        ] {
            assert_eq!(ours(host, &[]), Some(false), "{host}");
        }
    }

    #[test]
    fn listed_names_are_ours() {
        let listed = ["code.example.com", "10.0.0.5", "one.example.com:8443"];
        for (host, expected) in [
            ("code.example.com", true),
            ("CODE.example.com:444", true),
            ("10.0.0.5:3000", true),
            ("one.example.com:8443", true),
            ("one.example.com", false),
            ("sub.code.example.com", false),
            ("example.com", false),
        ] {
            assert_eq!(ours(host, &listed), Some(expected), "{host}");
        }
    }

    #[test]
    fn what_is_no_host_is_not_read() {
        for host in [
            "",
            ":",
            ":80",
            "a:",
            "a:b",
            "a:80:80",
            "a:99999",
            "a:+80",
            "a b",
            "a/b",
            "a@b",
            "a,b",
            "[::1",
            "::1",
            "[::1]x",
            "[x]",
            "a..b",
            ".a",
            "localhost.",
            "a\u{e9}",
            "a?b",
            "a#b",
        ] {
            assert_eq!(Authority::parse(host), None, "{host}");
        }
        assert_eq!(Authority::parse(&"a".repeat(300)), None);
    }

    #[test]
    fn a_request_has_one_host_and_its_target_agrees() {
        let target = |uri: &str| uri.parse::<Uri>().unwrap();
        let headers = |hosts: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for host in hosts {
                headers.append(HOST, HeaderValue::from_static(host));
            }
            headers
        };
        let of = |hosts, uri| Authority::of(&headers(hosts), &target(uri)).map(|host| host.text);
        assert_eq!(of(&["A:1"], "/"), Ok("a:1".to_owned()));
        assert_eq!(of(&["a:1"], "http://a:1/x"), Ok("a:1".to_owned()));
        assert_eq!(of(&["a:1"], "http://b:1/x"), Err(BadHost::Contradiction));
        assert_eq!(of(&["a"], "http://a:80/x"), Err(BadHost::Contradiction));
        assert_eq!(of(&["a"], "http://u@a/x"), Err(BadHost::Contradiction));
        assert_eq!(of(&[], "/"), Err(BadHost::Unreadable));
        assert_eq!(of(&["a", "a"], "/"), Err(BadHost::Unreadable));
    }
}
