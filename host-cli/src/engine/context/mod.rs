//! docker's own configuration: the current context, and where contexts lead.
//!
//! Only read, never written. A file that can't be read is an error: going on
//! without it would pick another engine than docker does.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use super::endpoint::TlsFiles;

/// The directory of docker's configuration, usually `~/.docker`.
#[derive(Debug, Clone)]
pub(crate) struct DockerFiles(pub PathBuf);

/// The engine of a context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Context {
    /// An address as for `--host`; empty for the default socket.
    pub host: String,
    pub tls: Option<TlsFiles>,
}

#[derive(Deserialize)]
struct ConfigFile {
    #[serde(rename = "currentContext", default)]
    current_context: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct MetaFile {
    name: String,
    endpoints: Endpoints,
}

#[derive(Deserialize)]
struct Endpoints {
    docker: Option<DockerEndpoint>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DockerEndpoint {
    #[serde(default)]
    host: String,
    #[serde(rename = "SkipTLSVerify", default)]
    skip_tls_verify: bool,
}

impl DockerFiles {
    /// The context that `docker context use` chose; `None` for the default.
    pub(crate) fn current_context(&self) -> Result<Option<String>, String> {
        let file: Option<ConfigFile> = read(&self.0.join("config.json"))?;
        Ok(file
            .map(|file| file.current_context)
            .filter(|name| !name.is_empty()))
    }

    /// The context of that name.
    pub(crate) fn context(&self, name: &str) -> Result<Context, String> {
        let id = id(name);
        let path = self.0.join("contexts/meta").join(&id).join("meta.json");
        let missing = || "there is no such context; `docker context ls` shows all".to_owned();
        let meta: MetaFile = read(&path)?.ok_or_else(missing)?;
        if meta.name != name {
            return Err(format!("'{}' is about another context", path.display()));
        }
        let endpoint = meta
            .endpoints
            .docker
            .ok_or_else(|| "it has no endpoint for docker".to_owned())?;
        if endpoint.skip_tls_verify {
            return Err("it does not verify who answers (SkipTLSVerify)".into());
        }
        let tls = self.0.join("contexts/tls").join(&id).join("docker");
        Ok(Context {
            host: endpoint.host,
            tls: tls_files(&tls)?,
        })
    }
}

/// The names of all contexts that can be read.
pub(crate) fn names(files: &DockerFiles) -> Vec<String> {
    let entries = std::fs::read_dir(files.0.join("contexts/meta"));
    let metas = entries.into_iter().flatten().filter_map(|entry| {
        let path = entry.ok()?.path().join("meta.json");
        read::<MetaFile>(&path).ok()?
    });
    metas.map(|meta| meta.name).collect()
}

/// docker names the directory of a context by the digest of its name.
fn id(name: &str) -> String {
    super::hex(&Sha256::digest(name.as_bytes()))
}

/// The files of a directory that are there; `None` if none is.
fn tls_files(directory: &Path) -> Result<Option<TlsFiles>, String> {
    let there = |name: &str| Some(directory.join(name)).filter(|path| path.exists());
    match (there("ca.pem"), there("cert.pem"), there("key.pem")) {
        (None, None, None) => Ok(None),
        (ca, None, None) => Ok(Some(TlsFiles { ca, client: None })),
        (ca, Some(cert), Some(key)) => Ok(Some(TlsFiles {
            ca,
            client: Some((cert, key)),
        })),
        _ => Err(format!(
            "'{}' holds only one of cert.pem and key.pem",
            directory.display()
        )),
    }
}

/// The files that docker's TLS variables name: a directory with ca.pem, and
/// cert.pem and key.pem where the engine wants to know who we are.
pub(crate) fn tls_of_environment(directory: &Path) -> Result<TlsFiles, String> {
    let found = tls_files(directory)?;
    found
        .filter(|files| files.ca.is_some())
        .ok_or_else(|| format!("there is no '{}'", directory.join("ca.pem").display()))
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, String> {
    let wrong = |why: String| format!("cannot read '{}': {why}", path.display());
    match std::fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|error| wrong(error.to_string())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(wrong(error.to_string().to_lowercase())),
    }
}

#[cfg(test)]
mod tests;
