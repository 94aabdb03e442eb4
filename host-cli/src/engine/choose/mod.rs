//! Which engine is meant: the same precedence as the docker command has, then
//! the sockets of Podman.
//!
//! An engine that is named and can't be used is an error: another one is never
//! taken silently, because a command would then change the wrong machine.

use std::path::{Path, PathBuf};

use super::context::{self, DockerFiles};
use super::endpoint::{self, Endpoint, TlsFiles};
use super::{Version, api_version};
use crate::error::{Error, Result};

/// The sockets of Docker and of Podman as root.
const DOCKER: &str = "/var/run/docker.sock";
const PODMAN: &str = "/run/podman/podman.sock";
/// The engine that docker takes for TLS when none is named.
const TLS_DEFAULT: &str = "tcp://localhost:2376";
/// Nobody named an engine.
const DEFAULT: &str = "the default";

/// Everything that decides which engine is meant; filled from flags and environment.
#[derive(Debug, Clone, Default)]
pub(crate) struct EngineRequest {
    /// `--host`.
    pub host: Option<String>,
    /// `--context`.
    pub context: Option<String>,
    /// `DOCKER_HOST`.
    pub env_host: Option<String>,
    /// `DOCKER_CONTEXT`.
    pub env_context: Option<String>,
    /// The directory of docker's own configuration; `None` without a home.
    pub docker: Option<DockerFiles>,
    /// `DOCKER_TLS_VERIFY` is set: an address is spoken to by TLS.
    pub tls_verify: bool,
    /// `DOCKER_TLS` is set: TLS that verifies nobody.
    pub tls: bool,
    /// `DOCKER_CERT_PATH`.
    pub certificates: Option<PathBuf>,
    /// `DOCKER_API_VERSION`.
    pub version: Option<String>,
    /// `XDG_RUNTIME_DIR`, where the socket of one's own Podman is; after `su` and in a cron
    /// job it is not set, and the directory is there.
    pub runtime: Option<PathBuf>,
}

/// An endpoint and the words for where it came from.
type Named = (Endpoint, String);

/// The engine that is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chosen {
    pub endpoint: Endpoint,
    /// "--host", "DOCKER_HOST", "the default".
    pub from: String,
    /// The version of the API that DOCKER_API_VERSION names; `None`: the highest that
    /// both know.
    pub version: Option<Version>,
}

impl Chosen {
    /// The engine's name, unless it is the one that is used when none is named.
    pub(crate) fn elsewhere(&self) -> Option<String> {
        let usual =
            self.from.starts_with(DEFAULT) || self.endpoint == Endpoint::Unix(DOCKER.into());
        (!usual).then(|| self.endpoint.to_string())
    }

    /// Returns true if the engine runs on this machine, as far as the name tells.
    pub(crate) fn is_here(&self) -> bool {
        matches!(self.endpoint, Endpoint::Unix(_))
    }
}

/// The names of docker's contexts.
pub(crate) fn context_names() -> Vec<String> {
    let docker = EngineRequest::from_environment(None, None).docker;
    docker.as_ref().map(context::names).unwrap_or_default()
}

impl EngineRequest {
    /// Reads the flags, the environment and docker's configuration.
    pub(crate) fn from_environment(host: Option<String>, context: Option<String>) -> Self {
        let env = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let path = |name: &str| env(name).map(PathBuf::from);
        let home = || etcetera::home_dir().ok().map(|home| home.join(".docker"));
        Self {
            host,
            context,
            env_host: env("DOCKER_HOST"),
            env_context: env("DOCKER_CONTEXT"),
            docker: path("DOCKER_CONFIG").or_else(home).map(DockerFiles),
            tls_verify: env("DOCKER_TLS_VERIFY").is_some(),
            tls: env("DOCKER_TLS").is_some(),
            certificates: path("DOCKER_CERT_PATH"),
            version: env("DOCKER_API_VERSION"),
            runtime: path("XDG_RUNTIME_DIR").or_else(own_runtime),
        }
    }

    /// The engine. `is_there` tells whether a socket exists: without a word from
    /// anybody, Podman's is taken where Docker has none.
    pub(crate) fn choose(&self, is_there: impl Fn(&Path) -> bool) -> Result<Chosen> {
        let (endpoint, from) = self.engine(is_there)?;
        let version = self.version.as_deref().map(|text| {
            let known = api_version(text.trim_start_matches('v'));
            known.ok_or_else(|| Error::ApiVersion {
                asked: text.to_owned(),
                why: "a version is written like 1.41".into(),
            })
        });
        Ok(Chosen {
            endpoint,
            from,
            version: version.transpose()?,
        })
    }

    fn engine(&self, is_there: impl Fn(&Path) -> bool) -> Result<Named> {
        if let Some(host) = &self.host {
            return self.host(host, "--host");
        }
        if let Some(context) = &self.context {
            return self.context(context, "--context", is_there);
        }
        if let Some(host) = &self.env_host {
            return self.host(host, "DOCKER_HOST");
        }
        if let Some(context) = &self.env_context {
            return self.context(context, "DOCKER_CONTEXT", is_there);
        }
        let current = self.docker.as_ref().map(DockerFiles::current_context);
        let unreadable = |why| Error::EngineName {
            what: "docker's configuration".into(),
            why,
        };
        match current.transpose().map_err(unreadable)?.flatten() {
            Some(context) => self.context(&context, "docker's current context", is_there),
            None => self.unnamed(is_there),
        }
    }

    fn host(&self, url: &str, from: &str) -> Result<Named> {
        let tls = self.tls_files(url);
        let endpoint = tls.and_then(|tls| endpoint::parse(url, tls.as_ref()));
        let what = format!("the engine '{}'", printable(url));
        named(endpoint, from.to_owned(), &what)
    }

    /// The variables of TLS are about addresses only.
    fn tls_files(&self, url: &str) -> std::result::Result<Option<TlsFiles>, String> {
        if url.starts_with("unix://") || url.starts_with("ssh://") {
            return Ok(None);
        }
        if self.tls && !self.tls_verify {
            return Err("DOCKER_TLS verifies nobody; set DOCKER_TLS_VERIFY instead".into());
        }
        if !self.tls_verify {
            return Ok(None);
        }
        let docker = self.docker.as_ref().map(|files| &files.0);
        let directory = self.certificates.as_ref().or(docker);
        let directory = directory.ok_or("DOCKER_TLS_VERIFY needs DOCKER_CERT_PATH")?;
        context::tls_of_environment(directory).map(Some)
    }

    /// `default` is what holds without contexts, as with docker.
    fn context(&self, name: &str, from: &str, is_there: impl Fn(&Path) -> bool) -> Result<Named> {
        if name == "default" {
            return match &self.env_host {
                Some(host) => self.host(host, "DOCKER_HOST"),
                None => self.unnamed(is_there),
            };
        }
        let found = match &self.docker {
            Some(docker) => docker.context(name),
            None => Err("there is no home directory to look for it".into()),
        };
        let endpoint = found.and_then(|context| match context.host.as_str() {
            "" => Ok(self.nothing_said(is_there).0),
            host => endpoint::parse(host, context.tls.as_ref()),
        });
        let what = format!("the docker context '{}'", printable(name));
        named(endpoint, format!("{from} '{name}'"), &what)
    }

    /// TLS without a name means this machine's port for it and never the socket, as
    /// with docker.
    fn unnamed(&self, is_there: impl Fn(&Path) -> bool) -> Result<Named> {
        if self.tls || self.tls_verify {
            return self.host(TLS_DEFAULT, "DOCKER_TLS_VERIFY without DOCKER_HOST");
        }
        Ok(self.nothing_said(is_there))
    }

    /// The first socket that can be used: docker's, one's own, Podman's. Where none can,
    /// docker's, and the others are named.
    fn nothing_said(&self, is_usable: impl Fn(&Path) -> bool) -> Named {
        let own = |name: &str| Some(self.runtime.as_ref()?.join(name));
        let sockets: Vec<PathBuf> = [
            Some(DOCKER.into()),
            own("docker.sock"),
            own("podman/podman.sock"),
            Some(PODMAN.into()),
        ]
        .into_iter()
        .flatten()
        .collect();
        if let Some(found) = sockets.iter().find(|path| is_usable(path)) {
            return (Endpoint::Unix(found.clone()), DEFAULT.to_owned());
        }
        let others = sockets
            .iter()
            .skip(1)
            .map(|path| path.display().to_string());
        let others: Vec<String> = others.collect();
        let from = format!("{DEFAULT}; nor at {}", others.join(", "));
        (Endpoint::Unix(DOCKER.into()), from)
    }
}

/// The runtime directory that pam_systemd makes for this user.
fn own_runtime() -> Option<PathBuf> {
    let uid = rustix::process::getuid();
    (!uid.is_root()).then(|| format!("/run/user/{}", uid.as_raw()).into())
}

/// A URL in a message: without what may be a password.
fn printable(url: &str) -> String {
    let Some((user, host)) = url.rsplit_once('@') else {
        return url.to_owned();
    };
    let secret = user.rfind(':').filter(|&at| !user[at..].starts_with("://"));
    match secret {
        Some(at) => format!("{}:…@{host}", &user[..at]),
        None => url.to_owned(),
    }
}

fn named(
    endpoint: std::result::Result<Endpoint, String>,
    from: String,
    what: &str,
) -> Result<Named> {
    match endpoint {
        Ok(endpoint) => Ok((endpoint, from)),
        Err(why) => Err(Error::EngineName {
            what: format!("{what} ({from})"),
            why,
        }),
    }
}

#[cfg(test)]
mod tests;
