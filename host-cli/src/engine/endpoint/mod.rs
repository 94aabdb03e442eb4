//! The address of an engine, read from the URLs that docker takes.

use std::fmt;
use std::path::PathBuf;

use url::{Host, Url};

/// The port of an engine without TLS, and with.
const PLAIN_PORT: u16 = 2375;
const TLS_PORT: u16 = 2376;

/// The address of an engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Unix(PathBuf),
    Tcp(Tcp),
    /// Another machine, where `docker system dial-stdio` is run by ssh.
    Ssh(Ssh),
}

/// A TCP port, with TLS where there is a `tls`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tcp {
    /// A name or an address literal, the latter without brackets.
    pub host: String,
    pub port: u16,
    /// `None` for no TLS.
    pub tls: Option<TlsFiles>,
}

/// The files that TLS needs; without any, the system's own trust holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct TlsFiles {
    /// Certificates that the engine's must lead to; `None`: the system's.
    pub ca: Option<PathBuf>,
    /// Our certificate and key; `None` if the engine asks for none.
    pub client: Option<(PathBuf, PathBuf)>,
}

/// The target of ssh.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ssh {
    /// A name, an address or an alias of the ssh configuration.
    pub host: String,
    /// `None` for what ssh's configuration says.
    pub user: Option<String>,
    /// `None` for what ssh's configuration says.
    pub port: Option<u16>,
    /// The engine's socket over there; `None` for docker's default.
    pub socket: Option<String>,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
            Self::Tcp(tcp) => write!(f, "tcp://{}", tcp.authority()),
            Self::Ssh(ssh) => write!(f, "ssh://{}", ssh.authority()),
        }
    }
}

impl Tcp {
    /// `host:port`, brackets around an IPv6 literal.
    pub(crate) fn authority(&self) -> String {
        format!("{}:{}", bracketed(&self.host), self.port)
    }
}

/// Brackets around an IPv6 literal.
fn bracketed(host: &str) -> String {
    if host.contains(':') {
        format!("[{host}]")
    } else {
        host.to_owned()
    }
}

impl Ssh {
    fn authority(&self) -> String {
        let user = self.user.as_ref().map(|user| format!("{user}@"));
        let port = self.port.map(|port| format!(":{port}"));
        let socket = self.socket.clone().unwrap_or_default();
        let (user, port) = (user.unwrap_or_default(), port.unwrap_or_default());
        format!("{user}{}{port}{socket}", bracketed(&self.host))
    }
}

/// Reads what docker takes for `--host`; `tls` is what the TLS variables ask for.
///
/// Errors: words for the reader. They never repeat the URL: it may hold a
/// password, which docker refuses as well.
pub(crate) fn parse(url: &str, tls: Option<&TlsFiles>) -> Result<Endpoint, String> {
    let (scheme, rest) = url.split_once("://").unwrap_or(("tcp", url));
    match scheme {
        "unix" => unix(rest),
        "tcp" | "http" => tcp(rest, tls.cloned()),
        "https" => tcp(rest, Some(tls.cloned().unwrap_or_default())),
        "ssh" => ssh(rest),
        other => Err(format!("unknown scheme '{other}'")),
    }
}

fn unix(path: &str) -> Result<Endpoint, String> {
    let path = PathBuf::from(path);
    if path.is_absolute() {
        Ok(Endpoint::Unix(path))
    } else {
        Err("the path of the socket has to be absolute".into())
    }
}

fn tcp(rest: &str, tls: Option<TlsFiles>) -> Result<Endpoint, String> {
    let url = authority_of(rest)?;
    if !matches!(url.path(), "" | "/") {
        return Err("an address is host:port, without a path".into());
    }
    if !url.username().is_empty() {
        return Err("an address is host:port, without a user".into());
    }
    let usual = if tls.is_some() { TLS_PORT } else { PLAIN_PORT };
    Ok(Endpoint::Tcp(Tcp {
        host: host_of(&url)?,
        port: url.port().unwrap_or(usual),
        tls,
    }))
}

fn ssh(rest: &str) -> Result<Endpoint, String> {
    let url = authority_of(rest)?;
    let host = host_of(&url)?;
    let user = url.username();
    if host.starts_with('-') || user.starts_with('-') {
        return Err("neither host nor user may start with '-'".into());
    }
    Ok(Endpoint::Ssh(Ssh {
        host,
        user: (!user.is_empty()).then(|| user.to_owned()),
        port: url.port(),
        socket: (!matches!(url.path(), "" | "/")).then(|| url.path().to_owned()),
    }))
}

/// The rest of a URL, read without a scheme's own rules.
fn authority_of(rest: &str) -> Result<Url, String> {
    let url = Url::parse(&format!("engine://{rest}"));
    let url = url.map_err(|error| format!("the address is not host:port ({error})"))?;
    if url.password().is_some() {
        return Err("a password in an address would be readable by everybody".into());
    }
    if url.port() == Some(0) || url.query().is_some() || url.fragment().is_some() {
        return Err("the address is not host:port".into());
    }
    Ok(url)
}

fn host_of(url: &Url) -> Result<String, String> {
    let host = match url.host() {
        Some(Host::Domain(name)) => name.to_owned(),
        Some(Host::Ipv4(address)) => address.to_string(),
        Some(Host::Ipv6(address)) => address.to_string(),
        None => String::new(),
    };
    let fine = !host.is_empty()
        && host
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b".-_:".contains(&byte));
    if fine {
        Ok(host)
    } else {
        Err("the address is not host:port".into())
    }
}

#[cfg(test)]
mod tests;
