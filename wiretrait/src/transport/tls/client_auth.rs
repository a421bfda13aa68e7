//! The certificate of the client, and whether the service has asked for one.

use super::certificate::{Facts, date};
use super::pem;
use crate::config::Pem;
use crate::error::{Error, ErrorKind};
use rustls::SignatureScheme;
use rustls::client::ResolvesClientCert;
use rustls::crypto::CryptoProvider;
use rustls::sign::CertifiedKey;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The certificate of the client, if there is one.
#[derive(Debug, Default)]
pub(crate) struct ClientAuth {
    certificate: Option<(Arc<CertifiedKey>, Facts)>,
    /// Distinguishes a missing certificate from other causes of the same alert.
    is_requested: AtomicBool,
}

impl ClientAuth {
    /// Reads a certificate and its key.
    pub(super) fn new(pems: Option<(&Pem, &Pem)>, provider: &CryptoProvider) -> Result<Self, Error> {
        let Some((certificate_pem, key_pem)) = pems else { return Ok(Self::default()) };
        let chain = pem::certificates("the client certificate", certificate_pem)?;
        let key = pem::private_key(key_pem)?;
        let key = provider.key_provider.load_private_key(key).map_err(|error| {
            let why = "cannot be used; make an RSA, ECDSA or Ed25519 key with `openssl genpkey`";
            Error::new(ErrorKind::Config, format!("the client key {key_pem} {why}: {error}"))
        })?;
        let Some(facts) = chain.first().and_then(Facts::of) else {
            return Err(pem::malformed("the client certificate", certificate_pem, 1));
        };
        if key.public_key().is_some_and(|public| public.as_ref() != facts.public_key) {
            let why = "the file must have the key of its first certificate, which is the client's own";
            let message = format!(
                "the client key {key_pem} does not belong to the certificate {certificate_pem}: {why}"
            );
            return Err(Error::new(ErrorKind::Config, message));
        }
        let certificate = Some((Arc::new(CertifiedKey::new(chain, key)), facts));
        Ok(Self { certificate, is_requested: AtomicBool::new(false) })
    }

    /// Returns whether the service has asked for a certificate.
    pub(crate) fn is_requested(&self) -> bool {
        self.is_requested.load(Ordering::Relaxed)
    }

    /// Returns the facts of the certificate for a message.
    pub(crate) fn description(&self) -> Option<String> {
        let (_, Facts { subject, issuer, not_after, .. }) = self.certificate.as_ref()?;
        Some(format!("subject `{subject}`, issuer `{issuer}`, valid until {}", date(*not_after)))
    }
}

impl ResolvesClientCert for ClientAuth {
    fn resolve(
        &self,
        _root_hint_subjects: &[&[u8]],
        _schemes: &[SignatureScheme],
    ) -> Option<Arc<CertifiedKey>> {
        self.is_requested.store(true, Ordering::Relaxed);
        self.certificate.as_ref().map(|(key, _)| key.clone())
    }

    fn has_certs(&self) -> bool {
        self.certificate.is_some()
    }
}
