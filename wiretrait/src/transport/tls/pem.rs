//! Certificates and keys from PEM files, with errors that name the file and the remedy.

use super::certificate::Facts;
use crate::config::Pem;
use crate::error::{Error, ErrorKind};
use crate::runtime::without_mark;
use rustls::pki_types::pem::{PemObject, SectionKind};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::fmt;

/// Reads all certificates of a file. `what` describes the file in messages.
pub(super) fn certificates(what: &str, pem: &Pem) -> Result<Vec<CertificateDer<'static>>, Error> {
    let content = read(what, pem)?;
    let mut certificates = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(&content) {
        let number = certificates.len() + 1;
        let certificate = certificate.map_err(|_| malformed(what, pem, number))?.into_owned();
        if Facts::of(&certificate).is_none() {
            return Err(malformed(what, pem, number));
        }
        certificates.push(certificate);
    }
    if certificates.is_empty() {
        return Err(missing(what, pem, &content, "certificate"));
    }
    Ok(certificates)
}

/// Reads the first private key of a file.
pub(super) fn private_key(pem: &Pem) -> Result<PrivateKeyDer<'static>, Error> {
    const WHAT: &str = "the client key";
    let content = read(WHAT, pem)?;
    let text = String::from_utf8_lossy(&content);
    if text.contains("BEGIN ENCRYPTED PRIVATE KEY") || text.contains("Proc-Type: 4,ENCRYPTED") {
        let why = format!("is encrypted: decrypt it with `openssl pkey -in {pem} -out decrypted.key`");
        return Err(invalid(WHAT, pem, why));
    }
    for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(&content) {
        let (kind, der) = section.map_err(|_| invalid(WHAT, pem, "is damaged: copy the whole file again"))?;
        if let Some(key) = PrivateKeyDer::from_pem(kind, der) {
            return Ok(key);
        }
    }
    Err(missing(WHAT, pem, &content, "private key"))
}

/// Returns the error for a certificate that cannot be parsed.
pub(super) fn malformed(what: &str, pem: &Pem, number: usize) -> Error {
    let why = format!("has a damaged certificate (number {number} in it): copy the whole file again");
    invalid(what, pem, why)
}

fn read(what: &str, pem: &Pem) -> Result<Vec<u8>, Error> {
    let content = pem.read().map_err(|error| {
        let why = format!("cannot be read: {error}; name an existing file that this user may read");
        invalid(what, pem, why)
    })?;
    if content.trim_ascii().is_empty() {
        return Err(invalid(what, pem, "is empty: write the PEM into it"));
    }
    if content.starts_with(b"\xff\xfe") || content.starts_with(b"\xfe\xff") {
        return Err(invalid(what, pem, "is UTF-16: save it as UTF-8"));
    }
    Ok(with_separate_sections(&content))
}

/// Returns the content with each section at the start of a line. The parser skips all others without a report, such as
/// one behind a byte order mark or blanks, or the second of two files that were joined without a line end.
fn with_separate_sections(content: &[u8]) -> Vec<u8> {
    const BEGIN: &[u8] = b"-----BEGIN ";
    let mut separate = Vec::with_capacity(content.len() + 1);
    for line in content.split(|byte| matches!(byte, b'\n' | b'\r')) {
        let line = without_mark(line).trim_ascii();
        let mut begin = 0;
        if line.starts_with(b"-----END ") {
            begin = memchr::memmem::find(line, BEGIN).unwrap_or(0);
            separate.extend_from_slice(&line[..begin]);
            separate.push(b'\n');
        }
        separate.extend_from_slice(&line[begin..]);
        separate.push(b'\n');
    }
    separate
}

/// Returns the error for a file without the wanted object, according to what it has instead.
fn missing(what: &str, pem: &Pem, content: &[u8], wanted: &str) -> Error {
    let text = String::from_utf8_lossy(content);
    let mut labels: Vec<&str> = text
        .split("-----BEGIN ")
        .skip(1)
        .filter_map(|rest| rest.split_once("-----"))
        .map(|(label, _)| label)
        .filter(|label| {
            label.len() < 40
                && label.bytes().all(|b| b.is_ascii_uppercase() || b == b' ' || b.is_ascii_digit())
        })
        .collect();
    labels.dedup();
    let why = if labels.iter().any(|label| label.ends_with("CERTIFICATE") && *label != "CERTIFICATE") {
        format!("has a {}: convert it with `openssl x509 -in {pem} -out plain.pem`", labels[0])
    } else if !labels.is_empty() {
        format!("has no {wanted}, but {}: name the file with the {wanted}", labels.join(", "))
    } else if content.starts_with(b"\x30") {
        let command = if wanted == "certificate" { "x509" } else { "pkey" };
        format!(
            "is binary (DER or PKCS#12), not PEM: convert it with `openssl {command} -inform der -in {pem} -out \
             new.pem`, or `openssl pkcs12 -in {pem} -nodes -out new.pem`"
        )
    } else {
        format!(
            "is not PEM: it must have a section that begins with `-----BEGIN {}-----`",
            wanted.to_uppercase()
        )
    };
    invalid(what, pem, why)
}

fn invalid(what: &str, pem: &Pem, why: impl fmt::Display) -> Error {
    Error::new(ErrorKind::Config, format!("{what} {pem} {why}"))
}
