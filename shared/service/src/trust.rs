//! The certificates this machine trusts, read once for all clients.
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
use rustls::{RootCertStore, pki_types::CertificateDer};
use std::sync::OnceLock;

pub(crate) struct Trust(Vec<CertificateDer<'static>>);

impl Trust {
    pub fn load() -> Self {
        let found = rustls_native_certs::load_native_certs();
        for error in found.errors {
            tracing::warn!(%error, "one of this machine's certificates cannot be read");
        }
        // skip certificates that rustls cannot parse: clients would refuse to start with them
        let understood = |cert: &CertificateDer<'static>| RootCertStore::empty().add(cert.clone()).is_ok();
        Self(found.certs.into_iter().filter(understood).collect())
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

fn pem(cert: &[u8]) -> String {
    let text = BASE64_STANDARD.encode(cert);
    format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The store's text stands for the certificate that was read.
    #[test]
    fn a_certificate_survives_its_text() {
        use rustls::pki_types::pem::PemObject;
        let read = CertificateDer::from_pem_slice(pem(b"any bytes").as_bytes()).unwrap();
        assert_eq!(&*read, b"any bytes");
    }
}
