//! TLS of the network transports: one rustls configuration for all of them.

mod certificate;
mod client_auth;
mod failure;
mod pem;
mod roots;
mod verifier;

pub(super) use self::certificate::{Facts, date};
pub(crate) use self::client_auth::ClientAuth;
pub(super) use self::failure::{
    describe_handshake, describe_late_alert, handshake_advice, is_no_version, is_without_tls,
};

use self::verifier::{Unverified, Verifier};
use crate::config::TlsConfig;
use crate::error::{Error, ErrorKind};
use rustls::ClientConfig;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use std::sync::Arc;

/// The TLS settings of a transport.
#[derive(Clone)]
pub(crate) struct Tls {
    pub(crate) config: Arc<ClientConfig>,
    pub(crate) client_auth: Arc<ClientAuth>,
}

impl Tls {
    /// Reads the certificates of `settings`. The protocols of `alpn` are offered to the service.
    pub(crate) fn new(settings: &TlsConfig, alpn: &[&str]) -> Result<Self, Error> {
        let provider = provider();
        let client_auth = Arc::new(ClientAuth::new(settings.client_certificate(), &provider)?);
        let verifier: Arc<dyn ServerCertVerifier> = if settings.is_insecure() {
            tracing::warn!(
                target: "wiretrait",
                "the certificates of the service are not verified, so others can read and change the calls: \
                 never use `insecure` with real data"
            );
            Arc::new(Unverified::new(&provider))
        } else {
            Arc::new(Verifier::new(settings, &provider)?)
        };
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| unusable("cannot set up TLS", error))?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_client_cert_resolver(client_auth.clone());
        config.alpn_protocols = alpn.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        Ok(Self { config: Arc::new(config), client_auth })
    }

    /// Returns a copy that offers no protocols.
    pub(super) fn without_alpn(&self) -> Self {
        self.offering(vec![])
    }

    /// Returns a copy that offers only this protocol.
    pub(super) fn with_alpn(&self, protocol: &[u8]) -> Self {
        self.offering(vec![protocol.to_vec()])
    }

    fn offering(&self, protocols: Vec<Vec<u8>>) -> Self {
        let mut config = (*self.config).clone();
        config.alpn_protocols = protocols;
        Self { config: Arc::new(config), client_auth: self.client_auth.clone() }
    }

    /// Returns settings that trust no certificate, and need no certificate store: for a transport that never uses TLS,
    /// and to find out whether a service speaks it.
    pub(super) fn unused() -> Result<Self, Error> {
        let config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| unusable("cannot set up TLS", error))?
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth();
        Ok(Self { config: Arc::new(config), client_auth: Arc::default() })
    }
}

/// Returns the cryptography of the process: that of the application, or else aws-lc-rs.
fn provider() -> Arc<CryptoProvider> {
    let provider = CryptoProvider::get_default().cloned();
    provider.unwrap_or_else(|| Arc::new(aws_lc_rs::default_provider()))
}

fn unusable(what: impl std::fmt::Display, error: rustls::Error) -> Error {
    Error::new(ErrorKind::Config, format!("{what}: {error}")).with_source(error)
}
