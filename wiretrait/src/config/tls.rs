//! The certificates of a client.

use std::fmt;
use std::path::PathBuf;

/// Certificates: those that a client trusts in addition to the platform's, and its own.
///
/// ```
/// use wiretrait::{ClientConfig, Pem, TlsConfig};
///
/// let tls = TlsConfig::new()
///     .with_ca(Pem::file("/etc/staging/ca.pem"))
///     .with_client_certificate(Pem::file("/etc/staging/me.pem"), Pem::file("/etc/staging/me.key"));
/// let config = ClientConfig::from_url("https://books.staging")?.with_tls(tls);
/// # Ok::<_, wiretrait::Error>(())
/// ```
///
/// Files are read when a transport is created. On Android, an authority cannot be added with
/// [`with_ca`](Self::with_ca), which is an [`ErrorKind::Config`](crate::ErrorKind::Config); the certificate of a
/// service can. On Linux, the certificates of the platform are those of the
/// package `ca-certificates`, or those in the file of the variable `SSL_CERT_FILE`, which are trusted like those
/// of [`with_ca`](Self::with_ca). Without any, `http` still works, and `https` is an
/// [`ErrorKind::Config`](crate::ErrorKind::Config).
///
/// Errors of the handshake are [`ErrorKind::Tls`](crate::ErrorKind::Tls): an untrusted, expired or wrong
/// certificate, a missing client certificate, a service without TLS. Their messages name the certificate and the
/// remedy.
#[derive(Clone, Default)]
pub struct TlsConfig {
    ca: Vec<Pem>,
    client_certificate: Option<(Pem, Pem)>,
    is_insecure: bool,
}

impl TlsConfig {
    /// Creates a configuration that trusts the certificates of the platform.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Trusts the certificates in `pem` in addition: certificate authorities, and certificates of servers,
    /// which are trusted themselves even if they are their own authority, as `openssl req -x509` makes them.
    /// The name and the dates of a server's certificate are checked in any case.
    #[must_use]
    pub fn with_ca(mut self, pem: Pem) -> Self {
        self.ca.push(pem);
        self
    }

    /// Sets the certificate of the client, with the certificates that sign it, and its private key.
    #[must_use]
    pub fn with_client_certificate(mut self, certificates: Pem, key: Pem) -> Self {
        self.client_certificate = Some((certificates, key));
        self
    }

    /// Disables the verification of the server's certificate. **Other machines in the network can then read and
    /// change requests and responses.** A warning is logged when a transport is created.
    #[must_use]
    pub fn with_insecure(mut self, is_insecure: bool) -> Self {
        self.is_insecure = is_insecure;
        self
    }

    /// Returns the certificates that are trusted in addition to the platform's.
    #[must_use]
    pub fn ca(&self) -> &[Pem] {
        &self.ca
    }

    /// Returns the certificate of the client and its private key.
    #[must_use]
    pub fn client_certificate(&self) -> Option<(&Pem, &Pem)> {
        self.client_certificate.as_ref().map(|(certificates, key)| (certificates, key))
    }

    /// Returns whether the server's certificate is not verified.
    #[must_use]
    pub fn is_insecure(&self) -> bool {
        self.is_insecure
    }
}

impl fmt::Debug for TlsConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsConfig")
            .field("ca", &self.ca)
            .field("client_certificate", &self.client_certificate)
            .field("insecure", &self.is_insecure)
            .finish()
    }
}

/// Certificates or a key in PEM format: a file, or its content.
#[derive(Clone, PartialEq, Eq)]
pub struct Pem(Source);

#[derive(Clone, PartialEq, Eq)]
enum Source {
    File(PathBuf),
    Content(Vec<u8>),
}

impl Pem {
    /// Names a file, which is read when a transport is created.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self(Source::File(path.into()))
    }

    /// Takes the content of a file.
    pub fn content(pem: impl Into<Vec<u8>>) -> Self {
        Self(Source::Content(pem.into()))
    }

    /// Returns the content, or the reason why the file cannot be read.
    #[cfg(all(feature = "rustls", any(feature = "hyper", feature = "reqwest")))]
    pub(crate) fn read(&self) -> std::io::Result<std::borrow::Cow<'_, [u8]>> {
        match &self.0 {
            Source::File(path) => std::fs::read(path).map(Into::into),
            Source::Content(pem) => Ok(pem.into()),
        }
    }
}

/// Writes the path, or that the content was given directly.
impl fmt::Display for Pem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Source::File(path) => write!(f, "{}", path.display()),
            Source::Content(_) => f.write_str("the given PEM"),
        }
    }
}

/// Never shows the content.
impl fmt::Debug for Pem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pem({self})")
    }
}
