//! A certificate authority for tests, and a certificate for loopback.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

use crate::sim::SimError;

/// Names that the certificate is good for: loopback, and those a proxy may answer for.
const NAMES: &[&str] = &[
    "localhost",
    "127.0.0.1",
    "::1",
    "graph.microsoft.com",
    "login.microsoftonline.com",
    "contoso-my.sharepoint.com",
];

/// The folder that holds `ca.pem`, `server.pem` and `server.key`; they are made when they are missing.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    pub folder: PathBuf,
}

impl TlsFiles {
    /// What a client must trust.
    pub fn authority(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// An acceptor for HTTP/1.1 and HTTP/2.
    ///
    /// # Errors
    ///
    /// `Tls` if the files cannot be read, written or used.
    pub fn acceptor(&self) -> Result<TlsAcceptor, SimError> {
        let (chain, key) = (self.folder.join("server.pem"), self.folder.join("server.key"));
        if !chain.exists() {
            self.make(&chain, &key)?;
        }
        let chain = CertificateDer::pem_file_iter(&chain).and_then(Iterator::collect).map_err(tls)?;
        let key = PrivateKeyDer::from_pem_file(&key).map_err(tls)?;
        let mut config =
            ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).map_err(tls)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }

    fn make(&self, chain: &Path, key: &Path) -> Result<(), SimError> {
        fs::create_dir_all(&self.folder).map_err(tls)?;
        let mut authority = CertificateParams::new(Vec::new()).map_err(tls)?;
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        authority.distinguished_name.push(DnType::CommonName, "graph-sim test authority");
        let authority_key = KeyPair::generate().map_err(tls)?;
        let authority_file = authority.self_signed(&authority_key).map_err(tls)?.pem();
        let issuer = Issuer::new(authority, authority_key);
        let mut server =
            CertificateParams::new(NAMES.iter().map(ToString::to_string).collect::<Vec<_>>()).map_err(tls)?;
        server.distinguished_name.push(DnType::CommonName, "graph-sim");
        server.use_authority_key_identifier_extension = true;
        let server_key = KeyPair::generate().map_err(tls)?;
        let server = server.signed_by(&server_key, &issuer).map_err(tls)?;
        fs::write(self.authority(), authority_file).map_err(tls)?;
        fs::write(key, server_key.serialize_pem()).map_err(tls)?;
        fs::write(chain, server.pem()).map_err(tls)
    }
}

fn tls(source: impl std::error::Error + Send + Sync + 'static) -> SimError {
    SimError::Tls { source: Box::new(source) }
}
