//! The options that describe the connection to the service, in the words of curl.
//!
//! They are a layer over the file of `--config` and the variables `SESSIONS_…`, whose keys they set.

use super::parse_time;
use clap::Args;
use std::convert::Infallible;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// The maximum time to wait for a service.
const MAX_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

/// The connection to the service
///
/// Options replace variables, and variables replace the file. The variable for the key `options.timeout` is
/// `SESSIONS_OPTIONS_TIMEOUT`.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Service")]
pub struct ServiceOptions {
    /// Description of the service: a YAML, JSON or TOML file
    ///
    /// The keys are those of the client, such as connection.uri and headers.x-api-key. The variables
    /// SESSIONS_… replace them.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Header of all requests; repeatable
    ///
    /// Other users of this machine can read a literal value. Write a reference instead, in single quotes:
    /// '${NAME}' is a variable. The documentation of --config lists references to files and commands.
    #[arg(long, value_name = "NAME: VALUE")]
    pub header: Vec<Hidden>,
    /// Bearer token, as a reference such as '${TOKEN}'
    ///
    /// Other users of this machine could read a literal value, so that it is rejected.
    #[arg(long, value_name = "REFERENCE")]
    pub token: Option<Hidden>,
    /// File with the bearer token, which is read again when it changes
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<String>,
    /// Command of the shell that prints the bearer token
    #[arg(long, value_name = "COMMAND")]
    pub token_command: Option<String>,
    /// Certificates to trust in addition to those of the platform: a PEM file
    ///
    /// Also the certificate of the service itself.
    #[arg(long, value_name = "FILE")]
    pub cacert: Option<String>,
    /// Certificate of the client: a PEM file
    #[arg(long, value_name = "FILE")]
    pub cert: Option<String>,
    /// Private key of --cert: a PEM file
    #[arg(long, value_name = "FILE")]
    pub key: Option<String>,
    /// Accept any certificate of the service, for tests
    ///
    /// Others in the network can then read and change everything. Every report says so.
    #[arg(long, short = 'k')]
    pub insecure: bool,
    /// Proxy, such as <http://proxy:3128>, or none [default: that of `HTTP_PROXY`, `HTTPS_PROXY` or `ALL_PROXY`]
    #[arg(long, value_name = "URL")]
    pub proxy: Option<Hidden>,
    /// Address in place of that of the name service, as curl has it; repeatable
    #[arg(long, value_name = "HOST:PORT:ADDRESS")]
    pub resolve: Vec<String>,
    /// Speak HTTP/2
    #[arg(long)]
    pub http2: bool,
    /// Protocol of the service: http, grpc or commandable-grpc [default: http]
    ///
    /// The address is that of the protocol's port. gRPC needs a build with the feature grpc.
    #[arg(long, value_name = "PROTOCOL", value_parser = ["http", "grpc", "commandable-grpc"], hide_possible_values = true)]
    pub protocol: Option<String>,
    /// Wait until the service responds, at most this long
    #[arg(long, value_name = "TIME", value_parser = wait)]
    pub wait: Option<Duration>,
    /// Print each setting, without secrets, with its origin, and exit
    #[arg(long)]
    pub print_config: bool,
}

/// A value that may be a secret, and is omitted from `Debug`.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Hidden(pub(crate) String);

impl FromStr for Hidden {
    type Err = Infallible;

    fn from_str(value: &str) -> Result<Self, Infallible> {
        Ok(Self(value.to_owned()))
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// An option with the key that it sets, and its value.
pub(crate) type Flag = (&'static str, String, String);

impl ServiceOptions {
    /// Returns the keys that the options set. The error names the option.
    pub(crate) fn flags(&self) -> Result<Vec<Flag>, String> {
        let mut flags = Vec::new();
        for Hidden(header) in &self.header {
            let (name, value) = header
                .split_once(':')
                .ok_or("--header must be a name and a value, such as 'x-tenant: acme'")?;
            flags.push(("--header", format!("headers.{}", name.trim()), value.trim().to_owned()));
        }
        let token = self.token.as_ref().map(|Hidden(token)| token);
        if token.is_some_and(|token| !(token.starts_with("${") && token.ends_with('}'))) {
            return Err(
                "--token would show the token to other users of this machine: use --token-file, or a \
                        reference such as --token '${TOKEN}'"
                    .to_owned(),
            );
        }
        let proxy = self.proxy.as_ref().map(|Hidden(url)| url);
        for (flag, key, value) in [
            ("--token", "credential.token", token),
            ("--token-file", "credential.token_file", self.token_file.as_ref()),
            ("--token-command", "credential.token_command", self.token_command.as_ref()),
            ("--cacert", "credential.ssl_ca_file", self.cacert.as_ref()),
            ("--cert", "credential.ssl_crt_file", self.cert.as_ref()),
            ("--key", "credential.ssl_key_file", self.key.as_ref()),
            ("--proxy", "proxy.url", proxy),
            ("--protocol", "kind", self.protocol.as_ref()),
        ] {
            flags.extend(value.map(|value| (flag, key.to_owned(), value.clone())));
        }
        if self.insecure {
            flags.push(("--insecure", "credential.insecure".to_owned(), true.to_string()));
        }
        if !self.resolve.is_empty() {
            flags.push(("--resolve", "connection.resolve".to_owned(), self.resolve.join(" ")));
        }
        if self.http2 {
            flags.push(("--http2", "options.http_version".to_owned(), 2.to_string()));
        }
        Ok(flags)
    }
}

fn wait(text: &str) -> Result<Duration, String> {
    parse_time(text)
        .filter(|wait| *wait <= MAX_WAIT)
        .ok_or_else(|| "expected a time up to 24 hours, such as 60s or 2m".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_may_be_secrets_are_not_shown() {
        let options = ServiceOptions {
            header: vec![Hidden("x-api-key: s3cret".to_owned())],
            proxy: Some(Hidden("http://me:s3cret@proxy".to_owned())),
            ..ServiceOptions::default()
        };
        assert!(!format!("{options:?}").contains("s3cret"), "{options:?}");
    }

    #[test]
    fn a_header_without_a_value_is_an_error_that_does_not_quote_it() {
        let header = vec![Hidden("s3cret".to_owned())];
        let error = ServiceOptions { header, ..ServiceOptions::default() }.flags().unwrap_err();
        assert_eq!(error, "--header must be a name and a value, such as 'x-tenant: acme'");
    }

    #[test]
    fn a_literal_token_is_rejected_without_being_shown() {
        let flags = |token: &str| {
            ServiceOptions { token: Some(Hidden(token.to_owned())), ..ServiceOptions::default() }.flags()
        };
        assert!(flags("s3cret").unwrap_err().starts_with("--token would show the token to other users"));
        assert!(!flags("s3cret").unwrap_err().contains("s3cret"));
        assert_eq!(flags("${TOKEN}").unwrap()[0].1, "credential.token");
    }

    #[test]
    fn options_set_the_keys_of_the_client() {
        let options = ServiceOptions {
            header: vec![Hidden("X-Tenant:acme".to_owned())],
            cacert: Some("ca.pem".to_owned()),
            insecure: true,
            resolve: vec!["h:80:::1".to_owned(), "i:80:::2".to_owned()],
            http2: true,
            protocol: Some("grpc".to_owned()),
            ..ServiceOptions::default()
        };
        let flags = options.flags().unwrap();
        let shown: Vec<_> = flags.iter().map(|(flag, key, value)| format!("{flag} {key} {value}")).collect();
        assert_eq!(
            shown,
            [
                "--header headers.X-Tenant acme",
                "--cacert credential.ssl_ca_file ca.pem",
                "--protocol kind grpc",
                "--insecure credential.insecure true",
                "--resolve connection.resolve h:80:::1 i:80:::2",
                "--http2 options.http_version 2",
            ]
        );
    }
}
