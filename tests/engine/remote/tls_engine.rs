//! The engine behind TLS that asks for a client's certificate, as dockerd with
//! `--tlsverify` does.

use crate::harness::engine_socket;
use rcgen::{CertificateParams, CertifiedIssuer, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;
use tokio::net::{TcpListener, UnixStream};
use tokio_rustls::TlsAcceptor;

/// Listens until the test ends.
pub(super) struct TlsEngine {
    directory: TempDir,
    port: u16,
}

struct Pair {
    certificate: String,
    key: String,
}

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn issue(&self, name: &str) -> Pair {
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        Pair {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        }
    }
}

fn write(directory: &Path, ca: &Authority, client: Option<&Pair>) {
    std::fs::write(directory.join("ca.pem"), ca.0.pem()).unwrap();
    if let Some(client) = client {
        std::fs::write(directory.join("cert.pem"), &client.certificate).unwrap();
        std::fs::write(directory.join("key.pem"), &client.key).unwrap();
    }
}

fn server_config(ca: &Authority) -> ServerConfig {
    let own = ca.issue("localhost");
    let mut roots = RootCertStore::empty();
    let root = CertificateDer::from_pem_slice(ca.0.pem().as_bytes()).unwrap();
    roots.add(root).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let clients =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
            .build()
            .unwrap();
    let chain = vec![CertificateDer::from_pem_slice(own.certificate.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(own.key.as_bytes()).unwrap();
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(clients)
        .with_single_cert(chain, key)
        .unwrap()
}

/// Carries bytes both ways, and the end of either direction.
async fn serve(listener: TcpListener, acceptor: TlsAcceptor) {
    while let Ok((client, _)) = listener.accept().await {
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            let Ok(mut client) = acceptor.accept(client).await else {
                return;
            };
            let mut engine = UnixStream::connect(engine_socket()).await.unwrap();
            let _ = tokio::io::copy_bidirectional(&mut client, &mut engine).await;
        });
    }
}

impl TlsEngine {
    pub(super) fn new() -> Self {
        let ca = Authority::new();
        let acceptor = TlsAcceptor::from(Arc::new(server_config(&ca)));
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                serve(TcpListener::from_std(listener).unwrap(), acceptor).await;
            });
        });
        let engine = Self {
            directory: tempfile::tempdir().unwrap(),
            port,
        };
        std::fs::create_dir(engine.certificates()).unwrap();
        write(&engine.certificates(), &ca, Some(&ca.issue("person")));
        engine
    }

    pub(super) fn directory(&self) -> &Path {
        self.directory.path()
    }

    pub(super) fn certificates(&self) -> PathBuf {
        self.directory().join("certificates")
    }

    pub(super) fn url(&self) -> String {
        format!("tcp://localhost:{}", self.port)
    }

    /// The engine's address and keys, for `docker context create --docker`.
    pub(super) fn endpoint(&self) -> String {
        let file = |name: &str| self.certificates().join(name).display().to_string();
        let (ca, cert, key) = (file("ca.pem"), file("cert.pem"), file("key.pem"));
        format!("host={},ca={ca},cert={cert},key={key}", self.url())
    }

    /// Files of somebody who trusts another authority.
    pub(super) fn with_another_ca(&self) -> TempDir {
        let directory = self.without_client_certificate();
        let other = Authority::new();
        write(directory.path(), &other, Some(&other.issue("person")));
        directory
    }

    /// Files of somebody who can't say who they are.
    pub(super) fn without_client_certificate(&self) -> TempDir {
        let directory = tempfile::tempdir().unwrap();
        let ca = self.certificates().join("ca.pem");
        std::fs::copy(ca, directory.path().join("ca.pem")).unwrap();
        directory
    }
}
