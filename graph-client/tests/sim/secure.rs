//! Over https: HTTP/2 for pages, a certificate for sign-in, an authority of one's own.

use std::fs;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::RsaKeyPair;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use graph_client::auth::Credential;
use graph_client::files::{DeltaFrom, DownloadOf};
use graph_client::model::ItemKind;
use graph_client::{Fault, Graph, GraphConfig, GraphError, Pace, UserFilter};
use graph_sim::{SimConfig, TlsFiles};

use crate::tenant::{assert_no_violations, settings, start};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trusted_service_is_spoken_to_and_a_stranger_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let tls = TlsFiles { folder: folder.path().to_owned() };
    let sim = start(SimConfig { tls: Some(tls.clone()), ..SimConfig::default() }, 500.0).await;
    let config = settings(&sim, Pace::unlimited());

    let stranger = Graph::new(config.clone()).unwrap().check_sign_in().await;
    assert!(matches!(stranger, Err(GraphError::Exhausted { source: Fault::Connect, .. })), "{stranger:?}");

    let extra_roots = Some(fs::read(tls.authority()).unwrap());
    let graph = Graph::new(GraphConfig { extra_roots, ..config }).unwrap();
    let sign_in = graph.check_sign_in().await.unwrap();
    assert!(sign_in.claims.permissions().iter().any(|role| role.starts_with("Files.")), "{sign_in:?}");
    let users = graph.users(&UserFilter::all()).unwrap().all().await.unwrap();
    let drive = graph.drive_of(&users[0]).await.unwrap().id;
    let page = graph.delta(&drive, DeltaFrom::Start).next().await.unwrap().unwrap();
    let file = page.items.iter().find(|item| item.kind() == ItemKind::File).unwrap();
    let mut download = graph.download(DownloadOf::item(&drive, file), 0).await.unwrap();
    while download.next().await.unwrap().is_some() {}
    assert_eq!(download.received().map(|received| Some(received.length)), Some(file.size_bytes()));
    assert_no_violations(&sim);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_signs_in() {
    let key = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let der = AsDer::<Pkcs8V1Der<'_>>::as_der(&key).unwrap();
    let pem = |label: &str, der: &[u8]| {
        format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
    };
    let certificate = certificate_of(der.as_ref());
    let mut config = SimConfig::default();
    config.app.certificates = vec![certificate.clone()];
    let sim = start(config, 100.0).await;
    let text = pem("CERTIFICATE", &certificate) + &pem("PRIVATE KEY", der.as_ref());
    let credential = Credential::Certificate { pem: text.into() };
    let graph = Graph::new(GraphConfig { credential, ..settings(&sim, Pace::unlimited()) }).unwrap();
    graph.check_sign_in().await.unwrap();

    let other = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let other = AsDer::<Pkcs8V1Der<'_>>::as_der(&other).unwrap();
    let text = pem("CERTIFICATE", &certificate) + &pem("PRIVATE KEY", other.as_ref());
    let credential = Credential::Certificate { pem: text.into() };
    let graph = Graph::new(GraphConfig { credential, ..settings(&sim, Pace::unlimited()) }).unwrap();
    let refused = graph.check_sign_in().await;
    assert!(matches!(refused, Err(GraphError::SignIn { code: Some(700_027), .. })), "{refused:?}");
}

/// A certificate of this key, signed by itself.
fn certificate_of(key: &[u8]) -> Vec<u8> {
    let key = rcgen::KeyPair::try_from(key).unwrap();
    let params = rcgen::CertificateParams::new(vec!["corso".to_owned()]).unwrap();
    params.self_signed(&key).unwrap().der().to_vec()
}
