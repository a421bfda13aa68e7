//! The verification of a service's certificate, with errors that name the certificate and the remedy.

use super::certificate::{Facts, key_of};
use super::roots::Roots;
use crate::config::TlsConfig;
use crate::error::Error;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
    verify_tls13_signature_with_raw_key,
};
use rustls::pki_types::{
    CertificateDer, ServerName, SignatureVerificationAlgorithm, SubjectPublicKeyInfoDer, UnixTime,
};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, OtherError, SignatureScheme};
use std::fmt;
use std::sync::Arc;

/// Verifies the chain, the name and the dates of a certificate. One that the user names is trusted without a
/// chain, even if it is its own authority, which webpki rejects.
#[derive(Debug)]
pub(super) struct Verifier {
    inner: Option<Arc<dyn ServerCertVerifier>>,
    named: Vec<CertificateDer<'static>>,
    /// The algorithms for signatures of handshakes.
    algorithms: WebPkiSupportedAlgorithms,
}

impl Verifier {
    pub(super) fn new(settings: &TlsConfig, provider: &Arc<CryptoProvider>) -> Result<Self, Error> {
        let Roots { verifier, named } = Roots::new(settings, provider)?;
        Ok(Self { inner: verifier, named, algorithms: provider.signature_verification_algorithms })
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let facts = Facts::of(end_entity);
        if let Some(facts) = &facts
            && self.named.iter().any(|named| **named == **end_entity)
        {
            return verify_named(end_entity, facts, server_name, now);
        }
        let verified = match &self.inner {
            Some(inner) => {
                inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
            }
            None => Err(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer)),
        };
        verified.map_err(|error| match (error, facts) {
            (rustls::Error::InvalidCertificate(error), Some(facts)) => {
                rejected(explain(&error, &facts, intermediates, server_name, now))
            }
            (error, _) => error,
        })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        if is_readable(cert) {
            return verify_tls12_signature(message, cert, dss, &self.algorithms);
        }
        let verifies = |key: Vec<u8>| {
            let (_, algorithms) = self.algorithms.mapping.iter().find(|(scheme, _)| *scheme == dss.scheme)?;
            let verifies = |algorithm: &&&dyn SignatureVerificationAlgorithm| {
                algorithm.verify_signature(&key, message, dss.signature()).is_ok()
            };
            algorithms.iter().find(verifies).map(drop)
        };
        let bad = rustls::Error::InvalidCertificate(CertificateError::BadSignature);
        key_of(cert).and_then(verifies).map(|()| HandshakeSignatureValid::assertion()).ok_or(bad)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let unreadable = if is_readable(cert) { None } else { Facts::of(cert) };
        match unreadable {
            Some(facts) => {
                let key = SubjectPublicKeyInfoDer::from(facts.public_key);
                verify_tls13_signature_with_raw_key(message, &key, dss, &self.algorithms)
            }
            None => verify_tls13_signature(message, cert, dss, &self.algorithms),
        }
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Verifies the dates and the name of a certificate that the user trusts.
fn verify_named(
    certificate: &CertificateDer<'_>,
    facts: &Facts,
    server_name: &ServerName<'_>,
    now: UnixTime,
) -> Result<ServerCertVerified, rustls::Error> {
    if let Some(why) = facts.wrong_time(now) {
        return Err(rejected(wrong_time(facts, server_name, &why)));
    }
    let is_name_right = match (&facts.names[..], &facts.common_name) {
        ([], Some(common_name)) => is_common_name_of(common_name, server_name),
        _ => ParsedCertificate::try_from(certificate)
            .is_ok_and(|certificate| verify_server_name(&certificate, server_name).is_ok()),
    };
    if is_name_right {
        Ok(ServerCertVerified::assertion())
    } else {
        Err(rejected(wrong_name(facts, server_name)))
    }
}

/// Returns whether a certificate without alternative names is for `server_name`.
fn is_common_name_of(common_name: &str, server_name: &ServerName<'_>) -> bool {
    let asked = server_name.to_str();
    let asked = asked.trim_end_matches('.');
    let matches_wildcard = || {
        let (label, domain) = asked.split_once('.')?;
        let of = common_name.strip_prefix("*.")?;
        Some(
            matches!(server_name, ServerName::DnsName(_))
                && !label.is_empty()
                && of.eq_ignore_ascii_case(domain),
        )
    };
    common_name.eq_ignore_ascii_case(asked) || matches_wildcard() == Some(true)
}

/// Returns the message for a certificate that webpki or the platform rejects.
fn explain(
    error: &CertificateError,
    facts: &Facts,
    intermediates: &[CertificateDer<'_>],
    server_name: &ServerName<'_>,
    now: UnixTime,
) -> String {
    let Facts { subject, issuer, .. } = facts;
    let name = server_name.to_str();
    if facts.is_version_1 && !facts.is_self_issued {
        return format!(
            "the certificate of `{name}` (subject `{subject}`) has the X.509 version 1, which has no names: issue \
             it again with the extension `subjectAltName=DNS:{name}`, or {TRUST}"
        );
    }
    match error {
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. } => {
            let chain = intermediates.iter().filter_map(Facts::of);
            let wrong = [facts.clone()].into_iter().chain(chain).find_map(|facts| {
                let why = facts.wrong_time(now)?;
                Some((facts, why))
            });
            match wrong {
                Some((wrong, why)) if wrong.subject == *subject => wrong_time(facts, server_name, &why),
                Some((wrong, why)) => format!(
                    "the certificate of an authority of `{name}` (subject `{}`) {why}: the service must renew it",
                    wrong.subject
                ),
                None => format!(
                    "a certificate in the chain of `{name}` is expired or not valid yet: the service, or the file \
                     of the trusted authority, must renew it"
                ),
            }
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            wrong_name(facts, server_name)
        }
        CertificateError::Revoked => format!(
            "the certificate of `{name}` (subject `{subject}`, issuer `{issuer}`) is revoked: the service must \
             replace it"
        ),
        _ if facts.is_self_issued => format!(
            "the certificate of `{name}` is not trusted: it is its own authority (subject and issuer `{subject}`); \
             {TRUST}"
        ),
        CertificateError::BadSignature => format!(
            "the certificate of `{name}` is not trusted: it (subject `{subject}`) is signed by another key than \
             that of the trusted certificate of its issuer `{issuer}`; {TRUST_ISSUER}"
        ),
        CertificateError::UnknownIssuer => format!(
            "the certificate of `{name}` is not trusted: its subject is `{subject}`, and its issuer `{issuer}` is \
             not a trusted authority; {TRUST_ISSUER}"
        ),
        error => format!(
            "the certificate of `{name}` is not trusted: its subject is `{subject}`, its issuer `{issuer}`, and \
             the reason is: {error}; {TRUST_ISSUER}"
        ),
    }
}

/// The ends of sentences: how to trust a certificate itself, and how to trust its issuer.
#[cfg(all(unix, not(target_os = "android"), not(target_vendor = "apple")))]
const TRUST: &str = "name this certificate with `credential.ssl_ca_file` or `TlsConfig::with_ca`, or in the file \
                     of SSL_CERT_FILE";
#[cfg(all(unix, not(target_os = "android"), not(target_vendor = "apple")))]
const TRUST_ISSUER: &str = "name the certificate of the issuer with `credential.ssl_ca_file` or \
                            `TlsConfig::with_ca`, or in the file of SSL_CERT_FILE";

#[cfg(not(all(unix, not(target_os = "android"), not(target_vendor = "apple"))))]
const TRUST: &str = "name this certificate with `credential.ssl_ca_file` or `TlsConfig::with_ca`";
#[cfg(any(windows, target_vendor = "apple"))]
const TRUST_ISSUER: &str = "name the certificate of the issuer with `credential.ssl_ca_file` or \
                            `TlsConfig::with_ca`, or add it to those of the system";
#[cfg(not(any(unix, windows, target_vendor = "apple")))]
const TRUST_ISSUER: &str =
    "name the certificate of the issuer with `credential.ssl_ca_file` or `TlsConfig::with_ca`";
#[cfg(target_os = "android")]
const TRUST_ISSUER: &str = "name the service's own certificate with `TlsConfig::with_ca`, or add that of the issuer \
                            to those of the system";

fn wrong_time(facts: &Facts, server_name: &ServerName<'_>, why: &str) -> String {
    let Facts { subject, issuer, .. } = facts;
    let name = server_name.to_str();
    format!(
        "the certificate of `{name}` {why}: the service must renew it (subject `{subject}`, issuer `{issuer}`)"
    )
}

fn wrong_name(facts: &Facts, server_name: &ServerName<'_>) -> String {
    let (name, purpose) = (server_name.to_str(), facts.purpose());
    let remedy = if facts.names.is_empty() {
        "issue it again with the name as its subjectAltName"
    } else {
        "use one of these names in the address, with `with_resolved` if it does not resolve, or issue the \
         certificate for this name too"
    };
    format!("the certificate of the service is not valid for `{name}`, since it {purpose}: {remedy}")
}

/// The reason why a certificate is rejected, as a message for people.
#[derive(Debug)]
pub(super) struct Rejected(String);

fn rejected(message: String) -> rustls::Error {
    rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(Rejected(message)))))
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Rejected {}

/// Accepts any certificate, but still verifies that the service has its key.
#[derive(Debug)]
pub(super) struct Unverified(WebPkiSupportedAlgorithms);

impl Unverified {
    pub(super) fn new(provider: &CryptoProvider) -> Self {
        Self(provider.signature_verification_algorithms)
    }
}

/// Returns whether webpki can read the certificate at all, which it cannot if that has the X.509 version 1.
fn is_readable(certificate: &CertificateDer<'_>) -> bool {
    ParsedCertificate::try_from(certificate).is_ok()
}

impl ServerCertVerifier for Unverified {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        if !is_readable(cert) {
            return Ok(HandshakeSignatureValid::assertion());
        }
        verify_tls12_signature(message, cert, dss, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        if !is_readable(cert) {
            return Ok(HandshakeSignatureValid::assertion());
        }
        verify_tls13_signature(message, cert, dss, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}
