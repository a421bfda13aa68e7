//! The service under load.
//!
//! Load on a service of other people is an attack, so that hosts other than this machine require `--yes`. The
//! service is called once before the run: goose would load any HTTP server, or an unreachable address, for
//! the whole run time.

use crate::error::LoadTestError;
use crate::metrics::ServiceInfo;
use serde::{Deserialize, Serialize};
use sessions_client::{
    ClientConfig, Error, ErrorKind, FilterParams, HyperTransport, ISessionsV1, PagingParams, Policies,
};
use sessions_service::{EmbeddedService, SessionStore};
use std::fmt;
use std::net::IpAddr;
use std::sync::OnceLock;
use std::time::Duration;
use wiretrait::http_api;

/// Hosts that need no `--yes`, separated by commas.
const ALLOWED_HOSTS: &str = "LOADTEST_ALLOWED_HOSTS";

/// An id that no service assigns.
const UNKNOWN_ID: &str = "loadtest";

/// The status operation of Pip.Services microservices.
#[http_api(client = AboutClient, module = about)]
trait About {
    /// Returns the status of the service.
    #[get("/status")]
    async fn status(&self) -> Result<Identity, Error>;
}

/// The part of the status that identifies a service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Identity {
    name: Option<String>,
    version: Option<String>,
}

/// The service under load.
#[derive(Debug)]
pub(crate) struct Service {
    /// The address without path and credentials.
    pub(crate) shown: String,
    /// The configuration of the typed clients.
    pub(crate) config: ClientConfig,
    /// The identity that it reported.
    identity: OnceLock<Identity>,
    /// The embedded service, which stops when this is dropped.
    embedded: Option<EmbeddedService>,
}

impl Service {
    /// Configures the service at an address, or starts an embedded one.
    pub(crate) async fn connect(
        host: Option<&str>,
        timeout: Option<Duration>,
    ) -> Result<Self, LoadTestError> {
        let embedded =
            match host {
                Some(_) => None,
                None => Some(EmbeddedService::start("127.0.0.1:0", SessionStore::new()).await.map_err(
                    |error| LoadTestError::Service(format!("the embedded service cannot start: {error}")),
                )?),
            };
        let url = match (&embedded, host) {
            (Some(embedded), _) => embedded.url(),
            (None, host) => host.unwrap_or_default().to_owned(),
        };
        let invalid = |error: Error| {
            // The client names its argument instead of the option.
            let reason = error.to_string().replace("`url`", "the address");
            LoadTestError::Option(format!("--host {}: {reason}", without_credentials(&url)))
        };
        // A retry would hide a failure, and its delay would be part of the latency.
        let mut config = ClientConfig::from_url(&url).map_err(invalid)?.with_retries(0);
        if let Some(timeout) = timeout {
            // Connecting may take as long as a response: thousands of users connect at once.
            config = config.with_timeout(timeout).with_connect_timeout(timeout);
        }
        let shown = HyperTransport::new(&config).map_err(invalid)?.origin().to_owned();
        Ok(Self { shown, config, identity: OnceLock::new(), embedded })
    }

    /// Checks whether the host may be loaded: it is this machine, or was explicitly allowed.
    pub(crate) fn check_allowed(&self, yes: bool) -> Result<(), LoadTestError> {
        let allowed = std::env::var(ALLOWED_HOSTS).unwrap_or_default();
        let host = host(&self.shown);
        if yes || is_loopback(host) || is_allowed(host, &allowed) {
            return Ok(());
        }
        Err(LoadTestError::Service(format!(
            "{host} is not this machine: add --yes if you may load it, or list it in {ALLOWED_HOSTS}"
        )))
    }

    /// Checks that a sessions service responds, by reading a session that does not exist and an empty list.
    pub(crate) async fn check_responds(&self, client: &impl ISessionsV1) -> Result<(), LoadTestError> {
        let filter = FilterParams::new().user_id(UNKNOWN_ID);
        let probe = async {
            client.get_session_by_id(None, UNKNOWN_ID).await?;
            client.get_sessions(None, Some(&filter), Some(&PagingParams::new().take(1))).await
        };
        let Err(error) = probe.await else { return Ok(()) };
        let responds =
            !matches!(error.kind(), ErrorKind::Connect | ErrorKind::Timeout | ErrorKind::Transport);
        let problem = if responds { "is not a working sessions service" } else { "does not respond" };
        Err(LoadTestError::Service(format!(
            "{} {problem}: {error}\n\
             Start the service, or set --host; without --host an embedded service is loaded.",
            self.shown
        )))
    }

    /// Requests the name and version of the service. Not every service has this operation, so errors are
    /// ignored.
    pub(crate) async fn identify(&self) {
        let Ok(transport) = HyperTransport::new(&self.config) else { return };
        // All workers of a run must get the same identity, and nothing is measured yet.
        let config = self.config.clone().with_retries(2);
        if let Ok(Identity { name, version }) =
            AboutClient::new(Policies::new(transport, &config)).status().await
        {
            let [name, version] = [name, version].map(|value| value.filter(|value| is_one_line(value)));
            let _ = self.identity.set(Identity { name, version });
        }
    }

    pub(crate) fn is_embedded(&self) -> bool {
        self.embedded.is_some()
    }

    /// The service in the results.
    pub(crate) fn info(&self) -> ServiceInfo {
        let Identity { name, version } = self.identity.get().cloned().unwrap_or_default();
        ServiceInfo { address: self.shown.clone(), embedded: self.is_embedded(), name, version }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.embedded {
            Some(_) => write!(f, "the embedded service ({})", self.shown),
            None => f.write_str(&self.shown),
        }
    }
}

/// Returns whether a string can be shown in the line of the address.
fn is_one_line(text: &str) -> bool {
    text.len() <= 100 && !text.chars().any(char::is_control)
}

/// The host of an address, without scheme and port.
fn host(shown: &str) -> &str {
    let authority = shown.split_once("://").map_or(shown, |(_, authority)| authority);
    match authority.split_once(']') {
        Some((host, _)) => host.trim_start_matches('['),
        None => authority.split_once(':').map_or(authority, |(host, _)| host),
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn is_allowed(host: &str, allowed: &str) -> bool {
    allowed.split(',').map(str::trim).filter(|allowed| !allowed.is_empty()).any(|allowed| {
        host.eq_ignore_ascii_case(allowed)
            || allowed.starts_with('.')
                && host.len() > allowed.len()
                && host.to_ascii_lowercase().ends_with(&allowed.to_ascii_lowercase())
    })
}

/// Removes name and password from an address that may not be a valid URL.
///
/// It may be invalid because the password contains a `/`, so that everything before the last `@` is removed.
fn without_credentials(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    match rest.rsplit_once('@') {
        Some((_, host)) if scheme.is_empty() => host.to_owned(),
        Some((_, host)) => format!("{}://{host}", scheme.rsplit('@').next().unwrap_or_default()),
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_service_is_identified_by_its_status() {
        let service = Service::connect(None, None).await.unwrap();
        assert_eq!(service.info().name, None);
        service.identify().await;
        assert_eq!(service.info().name.as_deref(), Some("service-sessions"));
    }

    #[tokio::test]
    async fn a_service_without_a_status_has_no_name() {
        let embedded = EmbeddedService::start("127.0.0.1:0", SessionStore::new()).await.unwrap();
        // There is no operation below this path.
        let service = Service::connect(Some(&format!("{}/below", embedded.url())), None).await.unwrap();
        service.identify().await;
        assert_eq!(service.info().name, None);
    }

    #[test]
    fn credentials_are_removed_from_addresses() {
        for (url, shown) in [
            ("https://me:secret@staging", "https://staging"),
            ("http://me:secret@", "http://"),
            ("http://me:se/cr@et@host:1/path", "http://host:1/path"),
            ("me:secret@host", "host"),
            ("localhost:8080", "localhost:8080"),
            ("http://localhost:8080", "http://localhost:8080"),
        ] {
            assert_eq!(without_credentials(url), shown);
        }
    }

    #[test]
    fn loopback_addresses_are_this_machine() {
        let is_local = |shown| is_loopback(host(shown));
        for shown in ["http://localhost:8080", "http://127.1.2.3", "https://[::1]:8080"] {
            assert!(is_local(shown), "{shown}");
        }
        for shown in [
            "http://10.0.0.1:8080",
            "http://localhost.example",
            "https://[fe80::1]",
            "http://127.0.0.1.nip.io",
        ] {
            assert!(!is_local(shown), "{shown}");
        }
    }

    #[test]
    fn hosts_are_allowed_by_name_and_by_domain() {
        let allowed = "staging.example, .test.example";
        for host in ["staging.example", "Staging.Example", "a.test.example", "a.b.test.example"] {
            assert!(is_allowed(host, allowed), "{host}");
        }
        for host in ["example", "x.staging.example", "test.example", "badtest.example", ""] {
            assert!(!is_allowed(host, allowed), "{host}");
        }
        assert!(!is_allowed("staging.example", ""));
    }
}
