//! What is loaded, and whether it may be.
//!
//! A load on somebody else's service is an attack, so that a host that is not this machine needs a word. What answers must be a
//! sessions service: goose would load any HTTP server, or an address where nothing listens, for the whole run time.

use super::CouldNotRun;
use crate::metrics;
use serde::{Deserialize, Serialize};
use sessions_client::server::EmbeddedService;
use sessions_client::{
    ClientConfig, Error, ErrorKind, FilterParams, HyperTransport, ISessionsV1, PagingParams, Policies,
    SessionsMemoryClientV1, http_api,
};
use std::fmt;
use std::net::IpAddr;
use std::sync::OnceLock;
use std::time::Duration;

/// Hosts that may be loaded without being asked, separated by commas.
const ALLOWED_HOSTS: &str = "LOADTEST_ALLOWED_HOSTS";

/// An id that no service gives out.
const NOBODY: &str = "loadtest";

/// What services of this kind say of themselves, beside what they are for.
#[http_api(client = AboutClient, module = about)]
trait About {
    /// How the service is.
    #[get("/status")]
    async fn status(&self) -> Result<Identity, Error>;
}

/// What a service says of itself, as far as it does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Identity {
    name: Option<String>,
    version: Option<String>,
}

/// What is loaded.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) url: String,
    /// The address without path and credentials, as the client shows it.
    pub(crate) shown: String,
    /// How the typed client reaches it.
    pub(crate) config: ClientConfig,
    /// What it says of itself, once it was asked.
    identity: OnceLock<Identity>,
    /// It stops when this is dropped.
    embedded: Option<EmbeddedService>,
}

impl Service {
    /// The service at an address, or one inside this program.
    pub(crate) async fn at(host: Option<&str>, timeout: Option<Duration>) -> Result<Self, CouldNotRun> {
        let embedded = match host {
            Some(_) => None,
            None => Some(
                EmbeddedService::start("127.0.0.1:0", SessionsMemoryClientV1::new())
                    .await
                    .map_err(|error| CouldNotRun(format!("the embedded service cannot start: {error}")))?,
            ),
        };
        let url = match (&embedded, host) {
            (Some(embedded), _) => embedded.url(),
            (None, host) => host.unwrap_or_default().to_owned(),
        };
        let cannot = |error: Error| {
            // The client names its argument, which nobody has typed here.
            let why = error.to_string().replace("`url`", "it");
            CouldNotRun(format!("--host {}: {why}", without_credentials(&url)))
        };
        // A repeat would hide a failure from the figures, and its pause would be in them.
        let mut config = ClientConfig::from_url(&url).map_err(cannot)?.with_retries(0);
        if let Some(timeout) = timeout {
            // Who waits for an answer for so long waits for a connection as long: thousands of users begin at once.
            config = config.with_timeout(timeout).with_connect_timeout(timeout);
        }
        let shown = HyperTransport::new(&config).map_err(cannot)?.origin().to_owned();
        Ok(Self { url, shown, config, identity: OnceLock::new(), embedded })
    }

    /// Whether it may be loaded: it is on this machine, or somebody has said so.
    pub(crate) fn consent(&self, yes: bool) -> Result<(), CouldNotRun> {
        let allowed = std::env::var(ALLOWED_HOSTS).unwrap_or_default();
        let host = host(&self.shown);
        if yes || is_loopback(host) || is_allowed(host, &allowed) {
            return Ok(());
        }
        Err(CouldNotRun(format!(
            "{host} is not this machine: say --yes if it may be loaded, or name it in {ALLOWED_HOSTS}"
        )))
    }

    /// Asks for a session that cannot be there, and for a list that must be empty.
    pub(crate) async fn must_answer(&self, client: &impl ISessionsV1) -> Result<(), CouldNotRun> {
        let filter = FilterParams::new().user_id(NOBODY);
        let asked = async {
            client.get_session_by_id(None, NOBODY).await?;
            client.get_sessions(None, Some(&filter), Some(&PagingParams::new().take(1))).await
        };
        let Err(error) = asked.await else { return Ok(()) };
        let answers = !matches!(error.kind(), ErrorKind::Connect | ErrorKind::Timeout | ErrorKind::Transport);
        let what = if answers { "is no sessions service, or a broken one" } else { "does not answer" };
        Err(CouldNotRun(format!(
            "what is at {} {what}: {error}\n\
             Start it, or give the address of another with --host; without --host an embedded one is loaded.",
            self.shown
        )))
    }

    /// Asks what the service calls itself. One that has no such page, or another in its place, is as good.
    pub(crate) async fn identify(&self) {
        let Ok(transport) = HyperTransport::new(&self.config) else { return };
        // Workers of one run are to hear the same; nothing is measured yet that a repeat could hide.
        let config = self.config.clone().with_retries(2);
        if let Ok(Identity { name, version }) =
            AboutClient::new(Policies::new(transport, &config)).status().await
        {
            let [name, version] = [name, version].map(|text| text.filter(|text| is_one_line(text)));
            let _ = self.identity.set(Identity { name, version });
        }
    }

    pub(crate) fn is_embedded(&self) -> bool {
        self.embedded.is_some()
    }

    /// What the record says of it.
    pub(crate) fn described(&self) -> metrics::Service {
        let Identity { name, version } = self.identity.get().cloned().unwrap_or_default();
        metrics::Service { address: self.shown.clone(), embedded: self.is_embedded(), name, version }
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

/// Whether it can be shown beside an address.
fn is_one_line(text: &str) -> bool {
    text.len() <= 100 && !text.chars().any(char::is_control)
}

/// The host of an address that the client has shown, without scheme and port.
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

/// An address that may be no URL, up to what may be a name and a password.
///
/// What is wrong with it may be that the password holds a `/`, so that the `@` is sought behind it as well.
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
    async fn a_service_is_called_what_it_calls_itself() {
        let service = Service::at(None, None).await.unwrap();
        assert_eq!(service.described().name, None);
        service.identify().await;
        assert_eq!(service.described().name.as_deref(), Some("service-sessions"));
    }

    #[tokio::test]
    async fn a_service_without_a_name_is_as_good() {
        let embedded = EmbeddedService::start("127.0.0.1:0", SessionsMemoryClientV1::new()).await.unwrap();
        // Nothing is below this path.
        let service = Service::at(Some(&format!("{}/below", embedded.url())), None).await.unwrap();
        service.identify().await;
        assert_eq!(service.described().name, None);
    }

    #[test]
    fn an_address_is_repeated_without_its_credentials() {
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
    fn this_machine_is_told_from_others() {
        let is_this = |shown| is_loopback(host(shown));
        for shown in ["http://localhost:8080", "http://127.1.2.3", "https://[::1]:8080"] {
            assert!(is_this(shown), "{shown}");
        }
        for shown in [
            "http://10.0.0.1:8080",
            "http://localhost.example",
            "https://[fe80::1]",
            "http://127.0.0.1.nip.io",
        ] {
            assert!(!is_this(shown), "{shown}");
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
