//! The certificates that a client trusts: those of the platform, and those that the user names.

use super::certificate::Facts;
use super::pem;
use crate::config::TlsConfig;
use crate::error::Error;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use std::sync::Arc;

/// The trusted certificates.
pub(super) struct Roots {
    /// Verifies chains of certificates. `None` if there are no authorities.
    pub(super) verifier: Option<Arc<dyn ServerCertVerifier>>,
    /// The certificates that the user names, which are trusted without a chain.
    pub(super) named: Vec<CertificateDer<'static>>,
}

impl Roots {
    pub(super) fn new(settings: &TlsConfig, provider: &Arc<CryptoProvider>) -> Result<Self, Error> {
        let mut named = Vec::new();
        for file in settings.ca() {
            named.extend(pem::certificates("the CA file", file)?);
        }
        platform(named, provider)
    }
}

/// Returns the certificates that become roots. That of a service must not become able to sign others.
fn roots<'n>(named: &'n [CertificateDer<'static>]) -> impl Iterator<Item = CertificateDer<'static>> + 'n {
    named.iter().filter(|named| Facts::of(named).is_some_and(|facts| facts.may_sign)).cloned()
}

/// Reads the certificates of the platform, which is where OpenSSL has them, or in the file of `SSL_CERT_FILE`.
#[cfg(all(unix, not(target_os = "android"), not(target_vendor = "apple")))]
fn platform(mut named: Vec<CertificateDer<'static>>, provider: &Arc<CryptoProvider>) -> Result<Roots, Error> {
    use crate::error::ErrorKind;
    use rustls::RootCertStore;
    use rustls::client::WebPkiServerVerifier;

    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(roots(&named));
    let native = rustls_native_certs::load_native_certs();
    if native.certs.is_empty() && named.is_empty() {
        let reason = match native.errors.first() {
            Some(error) => format!(" ({})", describe(error)),
            None => String::new(),
        };
        let message = format!(
            "no trusted certificates were found{reason}, so that no `https` service can be verified: install \
             the package `ca-certificates`, set SSL_CERT_FILE to a PEM file, or name one with \
             `credential.ssl_ca_file` or `TlsConfig::with_ca`"
        );
        return Err(Error::new(ErrorKind::Config, message));
    }
    if let Some(file) = std::env::var_os("SSL_CERT_FILE") {
        let mut content = std::fs::read(file).unwrap_or_default();
        content.push(b'\n');
        named.extend(in_file(&content));
    }
    store.add_parsable_certificates(native.certs);
    if store.is_empty() {
        return Ok(Roots { verifier: None, named });
    }
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider.clone()).build();
    let verifier = verifier.map_err(|error| {
        let message = format!("the trusted certificates cannot be used: {error}");
        Error::new(ErrorKind::Config, message)
    })?;
    Ok(Roots { verifier: Some(verifier), named })
}

/// Returns the certificates of a file that is allowed to have other sections and damaged ones.
#[cfg(all(unix, not(target_os = "android"), not(target_vendor = "apple")))]
fn in_file(content: &[u8]) -> impl Iterator<Item = CertificateDer<'static>> {
    use rustls::pki_types::pem::PemObject;

    CertificateDer::pem_slice_iter(content).filter_map(Result::ok).map(CertificateDer::into_owned)
}

#[cfg(all(unix, not(target_os = "android"), not(target_vendor = "apple")))]
fn describe(error: &rustls_native_certs::Error) -> String {
    use rustls_native_certs::ErrorKind;

    match &error.kind {
        ErrorKind::Io { inner, path } => format!("{}: {inner}", path.display()),
        _ => error.to_string(),
    }
}

#[cfg(not(all(unix, not(target_os = "android"), not(target_vendor = "apple"))))]
fn platform(named: Vec<CertificateDer<'static>>, provider: &Arc<CryptoProvider>) -> Result<Roots, Error> {
    use rustls_platform_verifier::Verifier;

    #[cfg(not(target_os = "android"))]
    let verifier = Verifier::new_with_extra_roots(roots(&named), provider.clone());
    // The platform does not take further roots there.
    #[cfg(target_os = "android")]
    let verifier = {
        if roots(&named).next().is_some() {
            let why = "names an authority, which Android only trusts if the system does: add it there, or name the \
                       certificate of the service";
            return Err(Error::config("with_ca", why));
        }
        Verifier::new(provider.clone())
    };
    let verifier =
        verifier.map_err(|error| super::unusable("the trusted certificates cannot be used", error))?;
    Ok(Roots { verifier: Some(Arc::new(verifier)), named })
}
