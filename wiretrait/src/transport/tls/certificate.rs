//! The readable facts of a certificate, for messages.

use crate::error::one_line;
use rustls::pki_types::{CertificateDer, UnixTime};
use std::net::IpAddr;
use std::time::{Duration, UNIX_EPOCH};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;
use x509_parser::x509::{X509Name, X509Version};

/// The facts of a certificate.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    pub(crate) subject: String,
    pub(crate) issuer: String,
    /// The names and addresses in the subject alternative name.
    pub(crate) names: Vec<String>,
    pub(crate) common_name: Option<String>,
    /// Seconds since 1970.
    pub(crate) not_before: i64,
    pub(crate) not_after: i64,
    pub(crate) is_self_issued: bool,
    pub(crate) is_version_1: bool,
    /// True unless the certificate excludes that it signs others.
    pub(crate) may_sign: bool,
    /// The public key, as a DER-encoded `SubjectPublicKeyInfo`.
    pub(crate) public_key: Vec<u8>,
}

impl Facts {
    /// Reads a certificate. Returns `None` if it is malformed.
    pub(crate) fn of(certificate: &CertificateDer<'_>) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
        let alternatives = certificate.subject_alternative_name().ok().flatten();
        let alternatives = alternatives.map(|extension| &extension.value.general_names);
        let common_name = certificate.subject().iter_common_name().next();
        Some(Self {
            subject: name(certificate.subject()),
            issuer: name(certificate.issuer()),
            names: alternatives.into_iter().flatten().filter_map(alternative).collect(),
            common_name: common_name.and_then(|name| name.as_str().ok()).map(one_line),
            not_before: certificate.validity().not_before.timestamp(),
            not_after: certificate.validity().not_after.timestamp(),
            is_self_issued: certificate.subject().as_raw() == certificate.issuer().as_raw(),
            may_sign: certificate.basic_constraints().ok().flatten().is_none_or(|basic| basic.value.ca),
            is_version_1: certificate.version() == X509Version::V1,
            public_key: certificate.public_key().raw.to_vec(),
        })
    }

    /// Returns why the certificate is not valid at `now`; `None` if it is.
    pub(crate) fn wrong_time(&self, now: UnixTime) -> Option<String> {
        let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        if now > self.not_after {
            return Some(format!("expired at {}", date(self.not_after)));
        }
        let start = date(self.not_before);
        (now < self.not_before)
            .then(|| format!("is not valid before {start}, and the clock of this machine says {}", date(now)))
    }

    /// Returns what the certificate is for, as the end of a sentence that begins with the certificate.
    pub(crate) fn purpose(&self) -> String {
        const MAX: usize = 8;
        match (&self.names[..], &self.common_name) {
            ([], Some(name)) => format!("has only the common name `{name}`"),
            ([], None) => "has no name".to_owned(),
            (names, _) => {
                let quoted: Vec<_> = names.iter().take(MAX).map(|name| format!("`{name}`")).collect();
                let more = if names.len() > MAX { ", …" } else { "" };
                format!("is for {}{more}", quoted.join(", "))
            }
        }
    }
}

/// Returns the public key of a certificate, without its algorithm.
pub(super) fn key_of(certificate: &CertificateDer<'_>) -> Option<Vec<u8>> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    Some(certificate.public_key().subject_public_key.data.to_vec())
}

/// Returns a point in time as a date of HTTP, such as `Sun, 29 Nov 2026 08:00:00 GMT`.
pub(crate) fn date(seconds: i64) -> String {
    // The last second of the year 9999, which the format cannot exceed.
    const LAST: u64 = 253_402_300_799;
    let seconds = u64::try_from(seconds).unwrap_or(0).min(LAST);
    httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds))
}

fn name(name: &X509Name<'_>) -> String {
    match one_line(&name.to_string()) {
        name if name.is_empty() => "(empty)".to_owned(),
        name => name,
    }
}

fn alternative(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some(one_line(name)),
        GeneralName::IPAddress(bytes) => {
            let v4 = <[u8; 4]>::try_from(*bytes).map(IpAddr::from);
            let v6 = <[u8; 16]>::try_from(*bytes).map(IpAddr::from);
            v4.or(v6).ok().map(|address| address.to_string())
        }
        _ => None,
    }
}
