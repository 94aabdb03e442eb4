//! TLS towards an engine. Who answers is always verified.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;

use super::endpoint::TlsFiles;

/// Reads the files, once for all connections. Errors name the file.
pub(super) fn connector(files: &TlsFiles) -> Result<TlsConnector, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots(files.ca.as_deref())?);
    let config = match &files.client {
        None => builder.with_no_client_auth(),
        Some((cert, key)) => {
            let chain = certificates(cert)?;
            let secret = PrivateKeyDer::from_pem_file(key).map_err(|error| unusable(key, error))?;
            let config = builder.with_client_auth_cert(chain, secret);
            config.map_err(|error| unusable(key, error))?
        }
    };
    Ok(TlsConnector::from(Arc::new(config)))
}

fn roots(ca: Option<&Path>) -> Result<RootCertStore, String> {
    let mut store = RootCertStore::empty();
    let Some(path) = ca else {
        let system = rustls_native_certs::load_native_certs();
        store.add_parsable_certificates(system.certs);
        if store.is_empty() {
            return Err("this system trusts nobody: it has no CA certificates".into());
        }
        return Ok(store);
    };
    for certificate in certificates(path)? {
        store
            .add(certificate)
            .map_err(|error| unusable(path, error))?;
    }
    Ok(store)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let list: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path)
        .map_err(|error| unusable(path, error))?
        .collect();
    let list = list.map_err(|error| unusable(path, error))?;
    if list.is_empty() {
        return Err(unusable(path, "it holds no certificate"));
    }
    Ok(list)
}

fn unusable(path: &Path, why: impl std::fmt::Display) -> String {
    format!("cannot use '{}': {why}", path.display())
}

/// The name that the engine's certificate has to have.
pub(super) fn server_name(host: &str) -> Result<ServerName<'static>, String> {
    ServerName::try_from(host.to_owned())
        .map_err(|_| format!("'{host}' is no name that a certificate can have"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(files: &TlsFiles) -> String {
        connector(files).err().unwrap()
    }

    #[test]
    fn a_file_that_is_no_certificate_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ca.pem");
        let files = TlsFiles {
            ca: Some(path.clone()),
            client: None,
        };
        assert!(refused(&files).contains("ca.pem"));
        std::fs::write(&path, "no certificate").unwrap();
        assert!(refused(&files).contains("holds no certificate"));
    }
}
