//! A connection to the engine that is meant, speaking a version both know.

mod choose;
pub(crate) mod container;
mod context;
mod dial;
mod endpoint;
pub(crate) mod environment;
pub(crate) mod exec;
pub(crate) mod identity;
pub(crate) mod labels;
pub(crate) mod machine;
pub(crate) mod reached;
pub(crate) mod spec;
mod ssh;
mod tls;

use std::fmt::Write;
use std::io::ErrorKind;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bollard::{API_DEFAULT_VERSION, BollardRequest, Docker};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

use crate::error::{Error, Result, chain, plain};
pub(crate) use choose::{Chosen, EngineRequest, context_names};
use dial::Dialler;
use endpoint::Endpoint;

/// Answers after which the engine counts as unreachable; ssh logs in first.
const HELLO: Duration = Duration::from_secs(5);
const HELLO_BY_SSH: Duration = Duration::from_secs(60);
/// Response headers of a single call, in seconds; streams have no limit.
const CALL_SECONDS: u64 = 120;
/// Older versions lack calls that occ needs.
const OLDEST: Version = (1, 40);

/// A version of the API: major and minor.
pub(crate) type Version = (usize, usize);

/// Connects, and pins every later call to a version both sides know.
pub(crate) async fn connect(chosen: &Chosen) -> Result<Docker> {
    let version_seen = EngineVersion::default();
    let docker = client(chosen, &version_seen)?;
    let hello = match chosen.endpoint {
        Endpoint::Ssh(_) => HELLO_BY_SSH,
        _ => HELLO,
    };
    let (theirs, lowest) = tokio::time::timeout(hello, versions(&docker, chosen, &version_seen))
        .await
        .map_err(|_| {
            let cause = format!("it did not answer within {} s", hello.as_secs());
            unreachable_because(chosen, cause)
        })?
        .map_err(|error| unreachable_engine(chosen, &error))?;
    let agreed = agree(theirs, lowest).map_err(|(why, hint)| {
        let engine = &chosen.endpoint;
        let message = format!("the container engine at {engine} does not fit this occ: {why}");
        Error::failed(message, hint)
    })?;
    let spoken = match chosen.version {
        Some(asked) => wanted(asked, agreed, lowest)?,
        None => agreed,
    };
    Ok(pin(docker, spoken))
}

/// The version that an engine puts on top of every answer.
type EngineVersion = Arc<OnceLock<Version>>;

/// The highest and the lowest version that the engine speaks.
///
/// A ping tells the highest, at once. For the lowest the engine asks the programs
/// under it first, which takes a tenth of what a whole command does; it matters
/// where the engine may be too new, or somebody wants an old version.
async fn versions(
    docker: &Docker,
    chosen: &Chosen,
    version_seen: &EngineVersion,
) -> std::result::Result<(Option<Version>, Option<Version>), bollard::errors::Error> {
    if chosen.version.is_none() {
        docker.ping().await?;
        if let Some(&theirs) = version_seen.get()
            && theirs <= ours()
        {
            return Ok((Some(theirs), None));
        }
    }
    let version = docker.version().await?;
    let read = |text: Option<String>| api_version(&text?);
    Ok((read(version.api_version), read(version.min_api_version)))
}

fn ours() -> Version {
    (
        API_DEFAULT_VERSION.major_version,
        API_DEFAULT_VERSION.minor_version,
    )
}

/// The version that somebody wants, if both know it.
fn wanted(asked: Version, highest: Version, lowest: Option<Version>) -> Result<Version> {
    let lowest = lowest.unwrap_or(OLDEST).max(OLDEST);
    if (lowest..=highest).contains(&asked) {
        return Ok(asked);
    }
    Err(Error::ApiVersion {
        asked: word(asked),
        why: format!(
            "occ and the engine both speak {} to {}",
            word(lowest),
            word(highest)
        ),
    })
}

fn word((major, minor): Version) -> String {
    format!("{major}.{minor}")
}

/// Connections are kept for the next call: with ssh each is a login.
fn client(chosen: &Chosen, version_seen: &EngineVersion) -> Result<Docker> {
    let name_error = |why: String| Error::EngineName {
        what: format!("the engine '{}' ({})", chosen.endpoint, chosen.from),
        why,
    };
    let dialler = Dialler::new(chosen.endpoint.clone()).map_err(name_error)?;
    let client = Client::builder(TokioExecutor::new()).build(dialler);
    let (client, version_seen) = (Arc::new(client), Arc::clone(version_seen));
    let transport = move |request: BollardRequest| {
        let (client, version_seen) = (Arc::clone(&client), Arc::clone(&version_seen));
        Box::pin(async move {
            let answer = client.request(request).await?;
            let version = answer.headers().get("api-version");
            if let Some(version) = version.and_then(|text| api_version(text.to_str().ok()?)) {
                let _ = version_seen.set(version);
            }
            Ok(answer)
        })
    };
    let host = match &chosen.endpoint {
        Endpoint::Tcp(tcp) => tcp.authority(),
        Endpoint::Unix(_) | Endpoint::Ssh(_) => "localhost".to_owned(),
    };
    Docker::connect_with_custom_transport(
        transport,
        Some(format!("http://{host}")),
        CALL_SECONDS,
        API_DEFAULT_VERSION,
    )
    .map_err(|error| unreachable_engine(chosen, &error))
}

/// The highest version that both know.
fn agree(
    theirs: Option<Version>,
    lowest: Option<Version>,
) -> std::result::Result<Version, (String, &'static str)> {
    let ours = ours();
    let Some(theirs) = theirs else {
        let why = "it does not say which version of the API it speaks".to_owned();
        return Err((
            why,
            "is it Docker or Podman? `occ doctor` shows what answers",
        ));
    };
    if theirs < OLDEST {
        let (theirs, oldest) = (word(theirs), word(OLDEST));
        let why = format!("it speaks version {theirs} of the API, occ {oldest} and later");
        return Err((why, "update the engine: Docker 19.03, Podman 3, or newer"));
    }
    match lowest {
        Some(lowest) if lowest > ours => Err((
            format!(
                "it speaks version {} of the API and later, occ up to {}",
                word(lowest),
                word(ours)
            ),
            "install a newer occ",
        )),
        _ => Ok(theirs.min(ours)),
    }
}

/// bollard drops its version prefix when it joins URLs, so without this all
/// calls would be unversioned, which engines are about to refuse.
fn pin(docker: Docker, version: Version) -> Docker {
    docker.with_request_modifier(move |mut request| {
        let uri = request.uri();
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let prefixed = format!("/v{}{path}", word(version));
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

/// Returns true for a Docker that takes a hardware address only in a field that later
/// versions have dropped (API 1.44); to others an endpoint's is enough.
pub(crate) async fn forgets_hardware_addresses(docker: &Docker) -> Result<bool> {
    let version = docker
        .version()
        .await
        .map_err(Error::engine("tell its version"))?;
    let mut components = version.components.into_iter().flatten();
    let is_podman = components.any(|one| one.name.contains("Podman"));
    let theirs = version.api_version.as_deref().and_then(api_version);
    Ok(!is_podman && theirs.is_some_and(|theirs| theirs < (1, 44)))
}

fn api_version(text: &str) -> Option<Version> {
    let (major, minor) = text.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

fn unreachable_engine(chosen: &Chosen, error: &bollard::errors::Error) -> Error {
    let io = io_error(error);
    let kind = io.map(std::io::Error::kind);
    let is_socket = matches!(chosen.endpoint, Endpoint::Unix(_));
    if is_socket && kind == Some(ErrorKind::PermissionDenied) {
        return Error::Forbidden {
            endpoint: chosen.endpoint.to_string(),
            from: chosen.from.clone(),
        };
    }
    let cause = match io {
        Some(_) if is_socket && kind == Some(ErrorKind::NotFound) => {
            "there is no such socket".to_owned()
        }
        Some(io) => plain(io),
        None => chain(error),
    };
    unreachable_because(chosen, cause)
}

fn unreachable_because(chosen: &Chosen, cause: String) -> Error {
    Error::Unreachable {
        endpoint: chosen.endpoint.to_string(),
        from: chosen.from.clone(),
        cause,
        hint: unreachable_hint(&chosen.endpoint),
    }
}

fn unreachable_hint(endpoint: &Endpoint) -> String {
    match endpoint {
        Endpoint::Unix(_) => {
            "install and start an engine (`apt install docker.io`, then `systemctl start docker` or `dockerd`), \
             or name one with DOCKER_HOST or --host"
                .to_owned()
        }
        Endpoint::Tcp(_) => format!("try `docker --host {endpoint} version`"),
        Endpoint::Ssh(_) => format!(
            "occ asks nothing for ssh: log in by key or agent, so that `docker --host {endpoint} version` works"
        ),
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

/// Bytes as lower case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests;
