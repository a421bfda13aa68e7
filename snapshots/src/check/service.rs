//! The connection to the service under test: its transport, and the wait until it responds.

use super::connections::Connections;
use super::secrets::{CurrentSecrets, Secrets, TokenWatch};
use crate::cassette::NOT_RECORDED;
use contract_tests::Recorder;
use contract_tests::suite::ContractRoutes;
use http::Uri;
use serde::de::IgnoredAny;
use sessions_client::doctor::explain;
use sessions_client::{
    ClientConfig, Error, ErrorKind, FilterParams, ISessionsV1, Policies, SessionsHttpClientV1,
    SessionsNetworkTransportV1, Transport,
};
use std::collections::BTreeSet;
use std::fmt;
use std::time::{Duration, Instant};

/// Returns a transport without retries, which would hide failures. See [`Connections`].
///
/// # Errors
///
/// If the configuration is invalid.
pub fn transport(config: &ClientConfig) -> Result<impl Transport + Clone + 'static + use<>, Error> {
    watched_transport(config, CurrentSecrets::of(config))
}

/// Returns the [`transport`] of a check, which adds the tokens that it sends to `secrets`.
pub(super) fn watched_transport(
    config: &ClientConfig,
    secrets: CurrentSecrets,
) -> Result<impl Transport + Clone + 'static + use<>, Error> {
    let config = config.clone().with_retries(0);
    let transport = TokenWatch::new(SessionsNetworkTransportV1::new(&config)?, secrets);
    Ok(ContractRoutes::new(Policies::new(Connections::new(transport), &config)))
}

/// Returns the address of the service with its path and its base route, as far as both are set, and without
/// credentials.
///
/// # Errors
///
/// If the configuration is invalid.
pub fn service_address(config: &ClientConfig) -> Result<String, Error> {
    let origin = transport(config)?.peer().to_owned();
    let path = config.base_url().and_then(|url| url.parse::<Uri>().ok());
    let path = path.map(|url| url.path().trim_end_matches('/').to_owned()).unwrap_or_default();
    let base_route = config.base_route().map_or("", |base| base.as_str());
    Ok(origin + &path + base_route)
}

/// The time that the deadline of a probe ends after its limit for a connection, also on a busy machine.
const GRACE: Duration = Duration::from_millis(500);

/// The pause between two attempts to reach a service that is starting.
const WAIT_INTERVAL: Duration = Duration::from_millis(500);

/// Waits until the service responds, at most for the given time. Adds the tokens that it sends to `secrets`.
///
/// # Errors
///
/// With the reason and the remedy in one line, if it does not respond or requires other credentials.
pub(super) async fn wait_for_service(
    config: &ClientConfig,
    wait: Option<Duration>,
    secrets: &CurrentSecrets,
) -> Result<(), Refusal> {
    let deadline = wait.map(|wait| Instant::now() + wait);
    // A service that accepts connections but never responds must not take longer than one that is unreachable.
    let limit = config.connect_timeout().min(config.timeout());
    // The error of a connection that is not made in time says more than that of the deadline.
    let late = limit.saturating_add(GRACE);
    let config = config.clone().with_timeout(late).with_connect_timeout(limit).with_deadline(late);
    let transport = watched_transport(&config, secrets.clone());
    let transport = transport.map_err(|error| Refusal::final_one(error.to_string()))?;
    let probe = Recorder::new(transport);
    let sent = credential_headers(&config);
    let mut rejections = 0;
    let may_wait = || deadline.is_some_and(|deadline| Instant::now() + WAIT_INTERVAL < deadline);
    // A service that is starting may still speak something else.
    let limit_of_questions = || if may_wait() { Duration::ZERO } else { limit };
    while let Err(refusal) = probe_service(&probe, &config, limit_of_questions()).await {
        let pause = match refusal.retry_after {
            Some(pause) if rejections < MAX_REJECTIONS && pause <= limit => {
                rejections += 1;
                pause
            }
            _ => {
                if !(refusal.may_start && may_wait()) {
                    return Err(refusal.after(wait).with_headers(&sent));
                }
                WAIT_INTERVAL
            }
        };
        tokio::time::sleep(pause).await;
    }
    Ok(())
}

/// Returns the names of the headers with credentials that the client sends.
fn credential_headers(config: &ClientConfig) -> Vec<String> {
    let headers = config.headers().iter().filter(|(_, value)| value.is_sensitive());
    let mut names: BTreeSet<String> = headers.map(|(name, _)| name.to_string()).collect();
    if config.tokens().is_some() || config.base_url().is_some_and(|url| url.contains('@')) {
        names.insert("authorization".to_owned());
    }
    names.into_iter().collect()
}

/// The number of times that a gateway may reject the first request because of its rate limit.
const MAX_REJECTIONS: u32 = 3;

/// The reason why a service cannot be tested, worded to follow its address.
#[derive(Clone, Debug)]
pub struct Refusal {
    why: String,
    /// True if the service may be starting.
    may_start: bool,
    /// True if the service refuses the credentials.
    is_of_credentials: bool,
    /// The requested delay of a rate limit.
    retry_after: Option<Duration>,
}

impl Refusal {
    /// A reason that waiting does not change.
    fn final_one(why: String) -> Self {
        Self { why, may_start: false, is_of_credentials: false, retry_after: None }
    }

    /// States how long the service was waited for, if waiting could have helped.
    fn after(mut self, wait: Option<Duration>) -> Self {
        if let Some(wait) = wait.filter(|_| self.may_start) {
            self.why = format!("{} (after waiting {})", self.why, humantime::format_duration(wait));
        }
        self
    }

    /// Names the headers with credentials that were sent, if the service refuses them.
    fn with_headers(mut self, sent: &[String]) -> Self {
        if self.is_of_credentials {
            let sent = if sent.is_empty() { "none".to_owned() } else { sent.join(", ") };
            self.why = format!("{}; headers with credentials that were sent: {sent}", self.why);
        }
        self
    }

    /// Hides secrets that the service may have returned.
    pub(super) fn hide(&mut self, secrets: &Secrets) {
        secrets.hide(&mut self.why);
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

/// Reads a session that does not exist. A response of the service itself is not a refusal, even if it is an
/// error: the cases compare it. A service that certainly speaks another protocol is recognized within `limit`.
async fn probe_service<T: Transport + Clone>(
    probe: &Recorder<T>,
    config: &ClientConfig,
    limit: Duration,
) -> Result<(), Refusal> {
    const CREDENTIALS: &str = ": set SESSIONS_HEADERS_X_API_KEY, SESSIONS_CREDENTIAL_TOKEN_FILE or another key of the \
                               client, or SESSIONS_CONFIG";
    let started = Instant::now();
    let client = SessionsHttpClientV1::new(probe.clone());
    let Err(error) = client.get_session_by_id(None, UNKNOWN).await else { return Ok(()) };
    let (error, speaks_other) = match explain(config, error, limit.saturating_sub(started.elapsed())).await {
        Ok(explained) => (explained, true),
        Err(unchanged) => (unchanged, false),
    };
    let status = error.status().map(|status| status.as_u16());
    let is_foreign = error.kind() == ErrorKind::Service && error.service().is_none();
    let (problem, remedy, may_start) = match (error.kind(), status) {
        (ErrorKind::ConcurrencyLimit, _) => ("was not called", ": raise `options.concurrency_limit`", false),
        _ if error.is_local_limit() => ("was not called", "", false),
        _ if error.is_proxy_failure() => {
            let is_starting = error.is_retryable() || matches!(status, Some(502..=504));
            ("cannot be reached through the proxy", "", is_starting)
        }
        (ErrorKind::Tls, _) => ("cannot be reached securely", "", false),
        (ErrorKind::Credentials, _) => ("cannot be tested without credentials", "", false),
        (_, Some(401 | 403)) => ("refuses the credentials", CREDENTIALS, false),
        (_, Some(429)) if is_foreign => ("limits the rate of requests", ": try again later", false),
        (_, Some(502..=504)) => {
            ("is not running behind its gateway", ": start it, or wait longer (--wait, SESSIONS_WAIT)", true)
        }
        (_, Some(_)) | (ErrorKind::Decode, _)
            if is_of_service(&error, probe) || lists_sessions(probe).await =>
        {
            return Ok(());
        }
        (_, Some(_)) | (ErrorKind::Decode, _) => {
            let remedy = ": check the address, and SESSIONS_BASE_ROUTE if it has another base route than \
                          /v1/sessions";
            ("does not respond like a sessions service", remedy, false)
        }
        // The error names the remedy.
        (ErrorKind::Protocol, None) if speaks_other => ("speaks another protocol", "", false),
        (_, None) => {
            let remedy = ": start it, or check its address";
            ("cannot be tested", remedy, error.is_retryable())
        }
    };
    let retry_after = error.retry_after().filter(|_| status == Some(429));
    let is_of_credentials = matches!(status, Some(401 | 403)) && remedy == CREDENTIALS;
    Err(Refusal { why: format!("{problem}: {error}{remedy}"), may_start, is_of_credentials, retry_after })
}

/// The id and the user of which there is no session.
const UNKNOWN: &str = "contract-test";

/// Returns whether the second operation responds as a sessions service does. A service may have lost the first one.
async fn lists_sessions<T: Transport + Clone>(probe: &Recorder<T>) -> bool {
    let filter = FilterParams::new().user_id(UNKNOWN);
    let client = SessionsHttpClientV1::new(probe.clone());
    match client.get_sessions(None, Some(&filter), None).await {
        Ok(_) => true,
        Err(error) => is_of_service(&error, probe),
    }
}

/// Returns whether the response that led to an error may be one of the service: JSON, and not that of a server which
/// does not have the operation.
fn is_of_service<T>(error: &Error, probe: &Recorder<T>) -> bool {
    match error.kind() {
        ErrorKind::Service => {
            let is_unknown = matches!(error.status().map(|status| status.as_u16()), Some(404 | 405 | 501));
            // A mock has no recorded response to the first request.
            error.service().is_some_and(|service| !is_unknown || service.code == NOT_RECORDED)
        }
        ErrorKind::Decode => {
            let last = probe.last();
            last.is_some_and(|last| serde_json::from_slice::<IgnoredAny>(last.response.body()).is_ok())
        }
        _ => false,
    }
}
