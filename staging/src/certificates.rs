//! Certificates by the `openssl` program.

use crate::program::run;
use std::fs;
use std::io;
use std::path::PathBuf;
use tempfile::TempDir;

/// A folder of certificates and keys, deleted when it is dropped.
#[derive(Debug)]
pub struct Certificates {
    folder: TempDir,
}

/// A certificate with its private key, as PEM files.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// The certificate.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
    /// Both in one file, as haproxy reads them.
    pub both: PathBuf,
}

const KEY: [&str; 5] = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

/// A period in the past, as `openssl ca` reads it.
const EXPIRED: [&str; 2] = ["240101000000Z", "240201000000Z"];
const CURRENT: [&str; 2] = ["240101000000Z", "491231000000Z"];

impl Certificates {
    /// Creates an empty folder.
    ///
    /// # Errors
    ///
    /// If it cannot be created.
    pub fn new() -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let configuration = "[ca]\ndefault_ca = any\n[any]\ndatabase = index\nnew_certs_dir = .\nrand_serial = yes\n\
                             default_md = sha256\npolicy = policy\nunique_subject = no\n\
                             [policy]\ncommonName = supplied\n";
        fs::write(folder.path().join("ca.cnf"), configuration)?;
        fs::write(folder.path().join("index"), "")?;
        Ok(Self { folder })
    }

    /// Creates a certificate authority.
    ///
    /// # Errors
    ///
    /// If `openssl` fails.
    pub async fn authority(&self, name: &str) -> io::Result<Certificate> {
        self.sign(name, None, CURRENT, "basicConstraints=critical,CA:TRUE\n").await
    }

    /// Creates a certificate as `openssl req -x509` makes it: its own authority. `alternative_names` are such as
    /// `IP:127.0.0.1`.
    ///
    /// # Errors
    ///
    /// If `openssl` fails.
    pub async fn self_signed(&self, name: &str, alternative_names: Option<&str>) -> io::Result<Certificate> {
        let [subject, key, pem] = [format!("/CN={name}"), format!("{name}.key"), format!("{name}.pem")];
        let mut arguments =
            vec!["req", "-x509", "-days", "30", "-subj", &subject, "-keyout", &key, "-out", &pem];
        arguments.extend(KEY);
        let extension = alternative_names.map(|names| format!("subjectAltName={names}"));
        arguments.extend(extension.iter().flat_map(|extension| ["-addext", extension]));
        run("openssl", &arguments, self.folder.path()).await?;
        self.files(name)
    }

    /// Creates a certificate that is its own authority and has expired.
    ///
    /// # Errors
    ///
    /// If `openssl` fails.
    pub async fn expired_self_signed(&self, name: &str, alternative_names: &str) -> io::Result<Certificate> {
        let extensions = format!("basicConstraints=critical,CA:TRUE\nsubjectAltName={alternative_names}\n");
        self.sign(name, None, EXPIRED, &extensions).await
    }

    /// Creates a certificate for servers and clients, signed by `authority`.
    ///
    /// # Errors
    ///
    /// If `openssl` fails.
    pub async fn signed(
        &self,
        authority: &Certificate,
        name: &str,
        alternative_names: &str,
    ) -> io::Result<Certificate> {
        let extensions = format!("basicConstraints=CA:FALSE\nsubjectAltName={alternative_names}\n");
        self.sign(name, Some(authority), CURRENT, &extensions).await
    }

    /// Creates a certificate that has expired, signed by `authority`.
    ///
    /// # Errors
    ///
    /// If `openssl` fails.
    pub async fn expired(
        &self,
        authority: &Certificate,
        name: &str,
        alternative_names: &str,
    ) -> io::Result<Certificate> {
        let extensions = format!("basicConstraints=CA:FALSE\nsubjectAltName={alternative_names}\n");
        self.sign(name, Some(authority), EXPIRED, &extensions).await
    }

    async fn sign(
        &self,
        name: &str,
        authority: Option<&Certificate>,
        period: [&str; 2],
        extensions: &str,
    ) -> io::Result<Certificate> {
        let path = |extension: &str| format!("{name}.{extension}");
        let (subject, key, csr, pem, ext) =
            (format!("/CN={name}"), path("key"), path("csr"), path("pem"), path("ext"));
        fs::write(self.folder.path().join(&ext), extensions)?;
        let request = ["req", "-new", "-subj", &subject, "-keyout", &key, "-out", &csr];
        run("openssl", &[&request[..], &KEY].concat(), self.folder.path()).await?;
        let [start, end] = period;
        let mut sign =
            vec!["ca", "-batch", "-notext", "-config", "ca.cnf", "-startdate", start, "-enddate", end];
        sign.extend(["-in", &csr, "-out", &pem, "-extfile", &ext]);
        let signer = authority
            .map(|authority| [&authority.certificate, &authority.key].map(|path| path.display().to_string()));
        match &signer {
            Some([certificate, key]) => sign.extend(["-cert", certificate, "-keyfile", key]),
            None => sign.extend(["-selfsign", "-keyfile", &key]),
        }
        run("openssl", &sign, self.folder.path()).await?;
        self.files(name)
    }

    fn files(&self, name: &str) -> io::Result<Certificate> {
        let path = |extension: &str| self.folder.path().join(format!("{name}.{extension}"));
        let (certificate, key, both) = (path("pem"), path("key"), path("both"));
        fs::write(&both, fs::read_to_string(&certificate)? + &fs::read_to_string(&key)?)?;
        Ok(Certificate { certificate, key, both })
    }
}
