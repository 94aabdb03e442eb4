//! Which container engine, and a connection to it that speaks its version.
//!
//! An engine that occ can't reach is an error: another one is never taken
//! silently, because a command would then change the wrong machine.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bollard::{API_DEFAULT_VERSION, Docker};

use crate::error::{Error, Result, chain};

/// Answers after which the engine counts as unreachable.
const HELLO: Duration = Duration::from_secs(5);
/// Response headers of a single call, in seconds; streams have no limit.
const CALL_SECONDS: u64 = 120;
const DEFAULT_SOCKET: &str = "/var/run/docker.sock";

/// Where an engine listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// A unix socket.
    Unix(PathBuf),
    /// `host:port`, without TLS.
    Tcp(String),
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
            Self::Tcp(address) => write!(f, "tcp://{address}"),
        }
    }
}

/// What decides which engine is meant; filled from flags and environment.
#[derive(Debug, Clone, Default)]
pub(crate) struct Asked {
    /// `--host`.
    pub host: Option<String>,
    /// `--context`.
    pub context: Option<String>,
    /// `DOCKER_HOST`.
    pub env_host: Option<String>,
    /// `DOCKER_CONTEXT`.
    pub env_context: Option<String>,
    /// `currentContext` of docker's own configuration.
    pub current_context: Option<String>,
    /// `DOCKER_TLS_VERIFY` is set to something.
    pub tls: bool,
}

/// An endpoint and the words for where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chosen {
    /// Where to connect.
    pub endpoint: Endpoint,
    /// "--host", "DOCKER_HOST", "the default".
    pub from: String,
}

impl Asked {
    /// What the flags, the environment and docker's configuration ask for.
    pub(crate) fn from_environment(host: Option<String>, context: Option<String>) -> Self {
        let env = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        Self {
            host,
            context,
            env_host: env("DOCKER_HOST"),
            env_context: env("DOCKER_CONTEXT"),
            current_context: current_context(env("DOCKER_CONFIG").map(PathBuf::from)),
            tls: env("DOCKER_TLS_VERIFY").is_some(),
        }
    }

    /// The same precedence as the docker command has.
    pub(crate) fn choose(&self) -> Result<Chosen> {
        if let Some(host) = &self.host {
            return self.parse(host, "--host");
        }
        if let Some(context) = &self.context {
            return named_context(context, "--context");
        }
        if let Some(host) = &self.env_host {
            return self.parse(host, "DOCKER_HOST");
        }
        if let Some(context) = &self.env_context {
            return named_context(context, "DOCKER_CONTEXT");
        }
        match &self.current_context {
            Some(context) => named_context(context, "docker's current context"),
            None => Ok(default_endpoint()),
        }
    }

    fn parse(&self, url: &str, from: &str) -> Result<Chosen> {
        let unsupported = |why: &str| {
            Err(Error::Unsupported {
                what: format!("the engine '{url}' ({from})"),
                why: why.to_owned(),
            })
        };
        let endpoint = match url.split_once("://") {
            Some(("unix", path)) if Path::new(path).is_absolute() => {
                Endpoint::Unix(PathBuf::from(path))
            }
            Some(("unix", _)) => return unsupported("the path of the socket has to be absolute"),
            Some(("tcp" | "http", _)) if self.tls => {
                return unsupported("DOCKER_TLS_VERIFY is set, and TLS is not supported yet");
            }
            Some(("tcp" | "http", address)) => Endpoint::Tcp(with_port(address)),
            Some(("ssh", _)) => return unsupported("ssh is not supported yet"),
            Some(("https", _)) => return unsupported("TLS is not supported yet"),
            Some((scheme, _)) => return unsupported(&format!("unknown scheme '{scheme}'")),
            None => return unsupported("there is no scheme"),
        };
        if matches!(&endpoint, Endpoint::Tcp(address) if !is_address(address)) {
            return unsupported("the address is not host:port");
        }
        Ok(Chosen {
            endpoint,
            from: from.to_owned(),
        })
    }
}

fn default_endpoint() -> Chosen {
    Chosen {
        endpoint: Endpoint::Unix(PathBuf::from(DEFAULT_SOCKET)),
        from: "the default".to_owned(),
    }
}

/// Only docker's built-in context is known; the others need TLS or ssh.
fn named_context(name: &str, from: &str) -> Result<Chosen> {
    if name == "default" {
        return Ok(Chosen {
            from: format!("{from} 'default'"),
            ..default_endpoint()
        });
    }
    Err(Error::Unsupported {
        what: format!("the docker context '{name}' ({from})"),
        why: "contexts other than 'default' are not supported yet".to_owned(),
    })
}

fn with_port(address: &str) -> String {
    let address = address.trim_end_matches('/');
    let host_ends = address.rfind(']').map_or(0, |at| at + 1);
    if address[host_ends..].contains(':') {
        address.to_owned()
    } else {
        format!("{address}:2375")
    }
}

fn is_address(address: &str) -> bool {
    address.rsplit_once(':').is_some_and(|(host, port)| {
        !host.is_empty()
            && !host.contains(['/', '@', ' '])
            && port.parse::<u16>().is_ok_and(|port| port != 0)
    })
}

/// `currentContext` of `config.json`; a file that can't be read names none.
fn current_context(directory: Option<PathBuf>) -> Option<String> {
    let directory =
        directory.or_else(|| etcetera::home_dir().ok().map(|home| home.join(".docker")))?;
    let bytes = std::fs::read(directory.join("config.json")).ok()?;
    let document: serde_json::Value = serde_json::from_slice(&bytes).ok()?;
    document
        .get("currentContext")?
        .as_str()
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
}

/// Connects, and pins every later call to a version both sides know.
///
/// bollard drops its version prefix when it joins URLs, so without this all
/// calls would be unversioned, which engines are about to refuse.
pub(crate) async fn connect(chosen: &Chosen) -> Result<Docker> {
    let docker = match &chosen.endpoint {
        Endpoint::Unix(path) => {
            Docker::connect_with_unix(&path.to_string_lossy(), CALL_SECONDS, API_DEFAULT_VERSION)
        }
        Endpoint::Tcp(address) => {
            Docker::connect_with_http(address, CALL_SECONDS, API_DEFAULT_VERSION)
        }
    }
    .map_err(|error| unreachable_engine(chosen, &error))?;
    let version = tokio::time::timeout(HELLO, docker.version())
        .await
        .map_err(|_| late(chosen))?
        .map_err(|error| unreachable_engine(chosen, &error))?;
    let theirs = version
        .api_version
        .as_deref()
        .and_then(api_version)
        .unwrap_or((1, 41));
    let ours = (
        API_DEFAULT_VERSION.major_version,
        API_DEFAULT_VERSION.minor_version,
    );
    Ok(pin(docker, theirs.min(ours)))
}

fn pin(docker: Docker, (major, minor): (usize, usize)) -> Docker {
    docker.with_request_modifier(move |mut request| {
        let uri = request.uri();
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let prefixed = format!("/v{major}.{minor}{path}");
        let mut parts = uri.clone().into_parts();
        if let Ok(path) = prefixed.parse() {
            parts.path_and_query = Some(path);
            if let Ok(uri) = parts.try_into() {
                *request.uri_mut() = uri;
            }
        }
        request
    })
}

fn api_version(text: &str) -> Option<(usize, usize)> {
    let (major, minor) = text.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

fn late(chosen: &Chosen) -> Error {
    Error::Unreachable {
        endpoint: chosen.endpoint.to_string(),
        from: chosen.from.clone(),
        cause: format!("it did not answer within {} s", HELLO.as_secs()),
    }
}

fn unreachable_engine(chosen: &Chosen, error: &bollard::errors::Error) -> Error {
    let (endpoint, from) = (chosen.endpoint.to_string(), chosen.from.clone());
    if io_kind(error) == Some(std::io::ErrorKind::PermissionDenied) {
        return Error::Forbidden { endpoint, from };
    }
    let cause = match error {
        bollard::errors::Error::SocketNotFoundError(_) => "there is no such socket".to_owned(),
        other => io_text(other).unwrap_or_else(|| chain(other)),
    };
    Error::Unreachable {
        endpoint,
        from,
        cause,
    }
}

fn io_error<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a std::io::Error> {
    let mut next = Some(error);
    let mut found = None;
    while let Some(cause) = next {
        found = cause.downcast_ref::<std::io::Error>().or(found);
        next = cause.source();
    }
    found
}

fn io_kind(error: &bollard::errors::Error) -> Option<std::io::ErrorKind> {
    io_error(error).map(std::io::Error::kind)
}

fn io_text(error: &bollard::errors::Error) -> Option<String> {
    io_error(error).map(|error| error.to_string().to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_host(host: &str) -> Asked {
        Asked {
            env_host: Some(host.to_owned()),
            ..Asked::default()
        }
    }

    #[test]
    fn reads_endpoints_as_docker_does() {
        let endpoint = |host: &str| {
            with_host(host)
                .choose()
                .map(|chosen| chosen.endpoint.to_string())
        };
        assert_eq!(
            endpoint("unix:///run/d.sock").unwrap(),
            "unix:///run/d.sock"
        );
        assert_eq!(
            endpoint("tcp://127.0.0.1:4243").unwrap(),
            "tcp://127.0.0.1:4243"
        );
        assert_eq!(endpoint("tcp://engine").unwrap(), "tcp://engine:2375");
        assert_eq!(endpoint("tcp://[::1]").unwrap(), "tcp://[::1]:2375");
        assert_eq!(endpoint("http://[::1]:99/").unwrap(), "tcp://[::1]:99");
        for refused in [
            "ssh://me@there",
            "unix://d.sock",
            "https://there",
            "npipe:////./pipe/d",
            "there",
            "tcp://",
            "tcp://a:b",
            "tcp://a:0",
        ] {
            let error = with_host(refused).choose().unwrap_err();
            assert_eq!(error.kind().exit_code(), 6, "{refused}");
            assert!(error.to_string().contains(refused), "{error}");
        }
    }

    #[test]
    fn a_flag_beats_the_environment_and_nothing_falls_back_silently() {
        let asked = Asked {
            host: Some("unix:///flag".into()),
            context: Some("prod".into()),
            env_host: Some("unix:///env".into()),
            env_context: Some("prod".into()),
            current_context: Some("prod".into()),
            tls: false,
        };
        let from = |asked: &Asked| asked.choose().map(|chosen| chosen.from);
        assert_eq!(from(&asked).unwrap(), "--host");
        let asked = Asked {
            host: None,
            ..asked
        };
        assert_eq!(from(&asked).unwrap_err().kind().exit_code(), 6);
        let asked = Asked {
            context: None,
            ..asked
        };
        assert_eq!(from(&asked).unwrap(), "DOCKER_HOST");
        let asked = Asked {
            env_host: None,
            ..asked
        };
        assert!(
            from(&asked)
                .unwrap_err()
                .to_string()
                .contains("DOCKER_CONTEXT")
        );
        let asked = Asked {
            env_context: None,
            ..asked
        };
        assert!(
            from(&asked)
                .unwrap_err()
                .to_string()
                .contains("current context")
        );
        let asked = Asked {
            current_context: None,
            ..asked
        };
        assert_eq!(from(&asked).unwrap(), "the default");
    }

    #[test]
    fn tls_that_is_asked_for_is_never_left_out() {
        let asked = Asked {
            tls: true,
            ..with_host("tcp://there:2376")
        };
        assert_eq!(asked.choose().unwrap_err().kind().exit_code(), 6);
    }
}
