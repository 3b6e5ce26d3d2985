//! The certificates this machine trusts, and those of a bundle beside them (`EXTRA_CA_FILE`), read once for all clients. A
//! bundle that cannot be read, or has none, fails the cold start: without it, whatever it is for would be unreachable.
//!
//! Left to themselves, the client for AWS and each HTTP client would read them again, which can be half of a
//! cold start.

use crate::StartError;
use aws_smithy_http_client::{
    Connector,
    proxy::ProxyConfig,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::http::{SharedHttpClient, SharedHttpConnector, http_client_fn};
use base64::{Engine, prelude::BASE64_STANDARD};
use reqwest::Certificate;
use rustls::{
    RootCertStore,
    pki_types::{
        CertificateDer,
        pem::{self, PemObject},
    },
};
use std::sync::OnceLock;

/// Names the bundle.
pub(crate) const EXTRA_CA_FILE: &str = "EXTRA_CA_FILE";

pub(crate) struct Trust(Vec<CertificateDer<'static>>);

impl Trust {
    /// `extra` is a PEM file of authorities that are trusted as this machine's are.
    pub fn load(extra: Option<&str>) -> Result<Self, StartError> {
        let found = rustls_native_certs::load_native_certs();
        for error in found.errors {
            tracing::warn!(%error, "one of this machine's certificates cannot be read");
        }
        // skip certificates that rustls cannot parse: clients would refuse to start with them
        let understood = |cert: &CertificateDer<'static>| RootCertStore::empty().add(cert.clone()).is_ok();
        let mut trusted: Vec<_> = found.certs.into_iter().filter(understood).collect();
        if let Some(file) = extra {
            trusted.extend(bundle(file).map_err(|error| StartError::Invalid {
                name: EXTRA_CA_FILE.to_owned(),
                value: file.to_owned(),
                what: comms::chain(&error),
            })?);
        }
        Ok(Self(trusted))
    }

    /// A client for every service but AWS.
    pub fn http(&self) -> Result<reqwest::ClientBuilder, StartError> {
        let certificates = self.0.iter().map(|cert| Certificate::from_der(cert));
        Ok(reqwest::Client::builder().tls_certs_only(certificates.collect::<Result<Vec<_>, _>>()?))
    }

    /// The client of every AWS service: as the SDK's own, but for where its trust comes from.
    pub fn aws(&self) -> Result<SharedHttpClient, StartError> {
        let store =
            self.0.iter().fold(TrustStore::empty(), |store, cert| store.with_pem_certificate(pem(cert)));
        let tls = TlsContext::builder()
            .with_trust_store(store)
            .build()
            .map_err(|error| StartError::Aws(error.into()))?;
        // one for all: they have the same time-outs
        let connector = OnceLock::new();
        Ok(http_client_fn(move |settings, components| {
            let make = || {
                let mut builder = Connector::builder();
                builder.set_connector_settings(Some(settings.clone()));
                builder.set_sleep_impl(components.sleep_impl());
                builder.set_proxy_config(Some(ProxyConfig::from_env()));
                let provider = Provider::Rustls(CryptoMode::AwsLc);
                SharedHttpConnector::new(builder.tls_provider(provider).tls_context(tls.clone()).build())
            };
            connector.get_or_init(make).clone()
        }))
    }
}

/// Why authorities cannot be taken from a file.
#[derive(Debug, thiserror::Error)]
enum BundleError {
    #[error("it cannot be read")]
    Unread(#[from] pem::Error),
    #[error("a certificate in it cannot be used")]
    Unusable(#[from] rustls::Error),
    #[error("no certificate is in it")]
    Empty,
}

/// The authorities in a file, all of which have to be usable.
fn bundle(file: &str) -> Result<Vec<CertificateDer<'static>>, BundleError> {
    let found = CertificateDer::pem_file_iter(file)?.collect::<Result<Vec<_>, _>>()?;
    let mut store = RootCertStore::empty();
    for cert in &found {
        store.add(cert.clone())?;
    }
    if found.is_empty() { Err(BundleError::Empty) } else { Ok(found) }
}

fn pem(cert: &[u8]) -> String {
    let text = BASE64_STANDARD.encode(cert);
    format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::{
        ServerConfig, ServerConnection, StreamOwned, crypto::aws_lc_rs, pki_types::PrivatePkcs8KeyDer,
    };
    use std::{
        io::{Read, Write},
        net::TcpListener,
        sync::Arc,
    };

    const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");

    fn authority() -> String {
        format!("{FOLDER}/authority.pem")
    }

    /// The port of a server whose certificate is of an authority that nobody knows. It answers one request.
    fn serve() -> u16 {
        let chain = bundle(&format!("{FOLDER}/server.pem")).unwrap();
        let key = PrivatePkcs8KeyDer::from(std::fs::read(format!("{FOLDER}/server.key.der")).unwrap());
        let provider = Arc::new(aws_lc_rs::default_provider());
        let config =
            ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = config.with_no_client_auth().with_single_cert(chain, key.into()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            let (socket, _) = listener.accept().unwrap();
            let mut stream = StreamOwned::new(ServerConnection::new(Arc::new(config)).unwrap(), socket);
            // the client that does not trust ends the handshake
            if stream.read(&mut [0; 1024]).is_ok_and(|bytes| bytes > 0) {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
            }
        });
        port
    }

    async fn connects(trust: &Trust) -> Result<(), String> {
        let client = trust
            .http()
            .unwrap()
            .no_proxy()
            .resolve("localhost", ([127, 0, 0, 1], 0).into())
            .build()
            .unwrap();
        let answer = client.get(format!("https://localhost:{}/", serve())).send().await;
        answer.map(|_| ()).map_err(|error| format!("{error:?}"))
    }

    #[tokio::test]
    async fn a_server_of_a_private_authority_is_reached_with_its_bundle_only() {
        connects(&Trust::load(Some(&authority())).unwrap()).await.unwrap();
        let refused = connects(&Trust::load(None).unwrap()).await.unwrap_err();
        assert!(refused.contains("UnknownIssuer"), "{refused}");
    }

    #[test]
    fn a_bundle_is_trusted_beside_the_machines_authorities() {
        let plain = Trust::load(None).unwrap().0.len();
        assert_eq!(Trust::load(Some(&authority())).unwrap().0.len(), plain + 1);
    }

    /// What the machine trusts is read when a process starts, so this runs itself again as a machine that trusts another one.
    #[test]
    fn a_server_of_an_authority_of_the_machine_is_reached() {
        let test = std::env::current_exe().unwrap();
        let mut child = std::process::Command::new(test);
        child.args(["--exact", "trust::tests::on_a_machine_that_trusts_the_authority", "--ignored"]);
        let ended = child.env("SSL_CERT_FILE", authority()).output().unwrap();
        let said = String::from_utf8_lossy(&ended.stdout);
        assert!(ended.status.success() && said.contains("1 passed"), "{said}");
    }

    #[tokio::test]
    #[ignore = "the test above runs it"]
    async fn on_a_machine_that_trusts_the_authority() {
        connects(&Trust::load(None).unwrap()).await.unwrap();
    }

    #[test]
    fn a_bundle_that_is_missing_empty_or_no_bundle_fails_the_start() {
        let key = format!("{FOLDER}/server.key.der");
        for file in ["/no/such/file.pem", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"), &key] {
            let Err(StartError::Invalid { name, value, .. }) = Trust::load(Some(file)) else {
                panic!("{file}")
            };
            assert_eq!((name.as_str(), value.as_str()), (EXTRA_CA_FILE, file));
        }
    }

    /// The store's text stands for the certificate that was read.
    #[test]
    fn a_certificate_survives_its_text() {
        let read = CertificateDer::from_pem_slice(pem(b"any bytes").as_bytes()).unwrap();
        assert_eq!(&*read, b"any bytes");
    }
}
