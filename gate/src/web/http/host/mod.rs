//! The Host of a request: read strictly, and held against the names that this
//! gate answers to. Pure.
//!
//! A page of a stranger whose name resolves to us (DNS rebinding) sends that
//! name as Host, and shares nothing with our origin then.

use std::net::{Ipv4Addr, Ipv6Addr};

use hyper::header::HOST;
use hyper::{HeaderMap, Uri};

use crate::web::http::only;

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
        let host = only(headers.get_all(HOST).iter()).and_then(|host| host.to_str().ok());
        let authority = host.and_then(Self::parse).ok_or(BadHost::Unreadable)?;
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
        // Of a number, only that parser takes a plus sign.
        let is_port = |digits: &str| !digits.starts_with('+') && digits.parse::<u16>().is_ok();
        let ported = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
        (named && ported).then(|| Self {
            text: text.to_ascii_lowercase(),
            host_length,
        })
    }

    /// The text for an origin.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    fn host(&self) -> &str {
        &self.text[..self.host_length]
    }

    /// Returns whether the gate answers to it: this machine's own names, which
    /// nobody else's DNS can give out, and those that the administrator listed
    /// (`name` for every port, `name:port` for one).
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
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    host.split('.')
        .all(|label| !label.is_empty() && label.bytes().all(fits))
}

#[cfg(test)]
mod tests;
