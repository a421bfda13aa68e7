//! The service under load.
//!
//! Load on a service of other people is an attack, so that hosts other than this machine require `--yes`. The
//! service is called once before the run: goose would load any HTTP server, or an unreachable address, for
//! the whole run time.

use crate::cli::{Hidden, ServiceOptions};
use crate::client::{GRACE, UnmeasuredClient, probe_client};
use crate::contract::Contract;
use crate::distributed::clock;
use crate::error::LoadTestError;
use crate::metrics::other_calls::{CallCounts, Counted};
use crate::metrics::{ClockOffset, ServiceInfo};
use crate::run::unreachable::{Failure, START, failure};
use crate::settings;
use crate::status;
use crate::telemetry::trace_context::WithTraceContext;
use serde::{Deserialize, Serialize};
use sessions_client::{
    ClientConfig, ClientKind, ConfigParams, Error, FilterParams, ISessionsV1 as _, PagingParams, Policies,
    SessionsNetworkTransportV1, Setting, Transport as _,
};
#[cfg(feature = "grpc")]
use sessions_service::ServiceOptions as EmbeddedOptions;
use sessions_service::{EmbeddedService, SessionStore};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use std::{env, fmt};
use wiretrait::doctor::{diagnose, explain};
use wiretrait::http_api;
use wiretrait::is_displayed;

/// Hosts that need no `--yes`, separated by commas.
const ALLOWED_HOSTS: &str = "LOADTEST_ALLOWED_HOSTS";

/// The pause between two attempts to reach a service that is starting.
const WAIT_INTERVAL: Duration = Duration::from_millis(500);

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
    pub(crate) contract: Contract,
    /// The address without path and credentials.
    pub(crate) shown: String,
    /// The configuration of the typed clients.
    pub(crate) config: ClientConfig,
    /// The calls before the run.
    pub(crate) probes: CallCounts,
    /// The identity that it reported.
    identity: OnceLock<Identity>,
    /// The offset of this machine's clock from that of the service.
    clock_offset: OnceLock<ClockOffset>,
    /// The embedded service, which stops when this is dropped.
    embedded: Option<EmbeddedService>,
}

/// The connection to a service: the options of the program, and what they leave out.
#[derive(Clone, Copy)]
pub(crate) struct Target<'t> {
    pub(crate) contract: &'t Contract,
    pub(crate) options: &'t ServiceOptions,
    /// The option `--host`.
    pub(crate) host: Option<&'t str>,
    /// The option `--timeout`.
    pub(crate) timeout: Option<Duration>,
    /// True if the file replaces variables: that of `--against-config`, because variables are those of the first
    /// service.
    pub(crate) file_replaces_variables: bool,
}

/// The meaning of settings without an address.
#[derive(Clone, Copy)]
pub(crate) enum NoAddress {
    /// An embedded service is loaded.
    IsEmbedded,
    /// The command cannot be executed.
    IsMissing,
}

impl Target<'_> {
    /// The settings: the file, the variables of the process, and the options. An embedded service has no
    /// address yet.
    fn params(&self) -> Result<ConfigParams, LoadTestError> {
        let invalid = |error: Error| LoadTestError::Option(error.to_string());
        // A load test must reach all instances of a service.
        let mut params =
            ConfigParams::new().with_pairs([("options.spread_addresses", "true")]).map_err(invalid)?;
        let prefix = self.contract.variable_prefix();
        let file = self.file();
        if let (Some(file), true) = (&file, self.file_replaces_variables) {
            // The parts of an address in the file would not replace a whole address in a variable.
            let has_own = has_address(&ConfigParams::new().with_file(file).map_err(invalid)?);
            let variables = env::vars_os().filter(|(name, _)| !(has_own && is_of_address(&prefix, name)));
            params = params.with_environment(&prefix, variables).map_err(invalid)?;
            params = params.with_file(file).map_err(invalid)?;
        } else {
            if let Some(file) = &file {
                params = params.with_file(file).map_err(invalid)?;
            }
            params = params.with_environment(&prefix, env::vars_os()).map_err(invalid)?;
        }
        let mut flags = self.options.flags().map_err(LoadTestError::Option)?;
        if let Some(host) = self.host {
            flags.push(("--host", "connection.uri".to_owned(), host.to_owned()));
        }
        if let Some(timeout) = self.timeout {
            let millis = timeout.as_millis().to_string();
            flags.push(("--timeout", "options.timeout".to_owned(), millis.clone()));
            // Connecting may take as long as a response: thousands of users connect at once.
            let connect = "options.connect_timeout";
            if !given(&params).any(|setting| setting.key() == connect) {
                flags.push(("--timeout", connect.to_owned(), millis));
            }
        }
        // A retry would hide a failure, and its delay would be part of the latency.
        params
            .with_flags(flags)
            .and_then(|params| params.with_pairs([("options.retries", "0")]))
            .map_err(invalid)
    }

    /// The settings as text: each in a line, without secrets.
    pub(crate) fn shown(&self, no_address: NoAddress) -> Result<Settings, LoadTestError> {
        let params = self.params()?;
        let lines = lines(&params);
        let (checked, note) = if has_address(&params) {
            (params.build().map_err(|error| error.to_string()), "")
        } else if matches!(no_address, NoAddress::IsMissing) {
            (Err(missing_address(self.contract)), "")
        } else {
            let embedded = params.with_pairs([("connection.uri", "http://127.0.0.1")]);
            let checked = self
                .check_embedded()
                .map_err(|error| error.to_string())
                .and_then(|()| embedded.and_then(|params| params.build()).map_err(|error| error.to_string()));
            (checked, "Without an address, an embedded service is loaded.\n")
        };
        Ok(match checked {
            Ok(_) => Settings { text: format!("{lines}{note}"), is_valid: true },
            Err(why) => Settings { text: format!("{lines}Not valid: {why}\n"), is_valid: false },
        })
    }

    /// Returns whether the settings have an address, so that no embedded service is loaded.
    pub(super) fn has_address(&self) -> Result<bool, LoadTestError> {
        self.params().map(|params| has_address(&params))
    }

    /// Checks that nothing describes the connection to a service, since there is no address. An embedded service would
    /// be loaded in place of the one that was meant.
    fn check_embedded(&self) -> Result<(), LoadTestError> {
        let remedy = format!(
            "set --host, {}_URL, or connection.uri in the file of --config",
            self.contract.variable_prefix()
        );
        let params = self.params()?;
        let describes = |setting: &Setting| {
            let group = setting.key().split('.').next();
            matches!(group, Some("base_route" | "connection" | "credential" | "headers" | "proxy"))
        };
        if let Some(setting) = given(&params).find(describes) {
            return Err(LoadTestError::Option(format!(
                "{} ({}) describes the connection to a service, but there is no address: {remedy}",
                setting.key(),
                setting.origin()
            )));
        }
        match self.file() {
            // It describes a load test.
            Some(file) if self.contract.is_sessions && settings::has_settings(&file) => Ok(()),
            Some(file) => {
                let file = file.display();
                Err(LoadTestError::Option(format!("the description {file} has no address: {remedy}")))
            }
            None if self.contract.is_sessions => Ok(()),
            None => Err(LoadTestError::Option(format!("the address of the service is missing: {remedy}"))),
        }
    }

    /// The keys of the connection that variables set, each with its variable.
    pub(super) fn variables(&self) -> Vec<(String, String)> {
        let prefix = format!("{}_", self.contract.variable_prefix());
        let Ok(params) = self.params() else { return Vec::new() };
        given(&params)
            .filter(|setting| setting.origin().starts_with(&prefix))
            .map(|setting| (setting.key().to_owned(), setting.origin().to_owned()))
            .collect()
    }

    /// The variables that the file replaces, and that would replace it in another command.
    pub(super) fn replaced_variables(&self) -> Vec<String> {
        let in_effect = self.variables();
        let replaced = Self { file_replaces_variables: false, ..*self }.variables();
        let replaced = replaced.into_iter().filter(|variable| !in_effect.contains(variable));
        let address = (self.file_replaces_variables && self.host.is_none()).then_some("LOADTEST_HOST");
        let address = address.filter(|name| env::var_os(name).is_some()).map(str::to_owned);
        replaced.map(|(_, name)| name).chain(address).collect()
    }

    /// The path of the description.
    pub(super) fn file(&self) -> Option<PathBuf> {
        let file = self.options.config.clone();
        file.or_else(|| {
            env::var_os(format!("{}_CONFIG", self.contract.variable_prefix()))
                .filter(|file| !file.is_empty())
                .map(PathBuf::from)
        })
    }

    /// Warns about credentials that other users of this machine can read in the list of processes. Those in a variable
    /// or a file are not there.
    fn warn_of_literals(&self) {
        let is_argument = |url: &str| env::args_os().any(|arg| arg.to_string_lossy().ends_with(url));
        let proxy = self.options.proxy.as_ref().map(|Hidden(proxy)| &**proxy);
        for (option, url) in [("--host", self.host), ("--proxy", proxy)] {
            if url.is_some_and(|url| has_literal_credentials(url) && is_argument(url)) {
                status::log(format_args!(
                    "warning: other users of this machine can read the credentials in {option}: write a \
                     reference in single quotes, such as ${{PASSWORD}}"
                ));
            }
        }
    }
}

/// The settings of a client as text, and whether they are valid.
#[derive(Debug)]
pub struct Settings {
    pub(crate) text: String,
    pub(crate) is_valid: bool,
}

/// Returns the settings that were given.
fn given(params: &ConfigParams) -> impl Iterator<Item = Setting> + use<> {
    params.settings().into_iter().filter(|setting| !matches!(setting.origin(), "default" | "program"))
}

/// Returns whether a variable is that of an address or a part of one.
fn is_of_address(prefix: &str, variable: &OsStr) -> bool {
    let name = variable.to_str().and_then(|name| name.strip_prefix(prefix)?.strip_prefix('_'));
    name.is_some_and(|name| name == "URL" || name.starts_with("CONNECTION") && name != "CONNECTION_RESOLVE")
}

/// Returns the error of a command that needs an address.
fn missing_address(contract: &Contract) -> String {
    let prefix = contract.variable_prefix();
    format!("--host is missing; set it, or an address in --config or {prefix}_URL")
}

/// Returns whether a URL has a user name or password that is not a reference.
pub(super) fn has_literal_credentials(url: &str) -> bool {
    let Some([_, credentials, _]) = around_credentials(url) else { return false };
    let password = credentials.split_once(':').map_or(credentials, |(_, password)| password);
    !(password.is_empty() || password.starts_with("${") && password.ends_with('}'))
}

/// Splits a URL with credentials: its scheme with the separator, the credentials, and what follows their `@`.
pub(super) fn around_credentials(url: &str) -> Option<[&str; 3]> {
    let (scheme, rest) = url.split_at(url.find("://").map_or(0, |at| at + 3));
    let authority = &rest[..end_of_authority(rest)];
    // A path may contain an `@`. But what is not a port is a password, which should have no `/`.
    let port = authority.rsplit_once(':').map(|(_, port)| port).filter(|port| !port.contains(']'));
    let is_port = port.is_none_or(|port| port.parse::<u16>().is_ok() || port.starts_with("${"));
    let at = authority.rfind('@').or_else(|| if is_port { None } else { rest.rfind('@') })?;
    Some([scheme, &rest[..at], &rest[at + 1..]])
}

/// Returns the length of the host with its port and credentials. References such as `${file:/run/token}` are skipped.
fn end_of_authority(rest: &str) -> usize {
    let mut start = 0;
    while let Some(at) = rest[start..].find(['/', '?', '#', '$']).map(|at| start + at) {
        if !rest[at..].starts_with('$') {
            return at;
        }
        let reference = rest[at..].strip_prefix("${").and_then(|name| name.find('}'));
        start = at + reference.map_or(1, |length| length + 3);
    }
    rest.len()
}

fn lines(params: &ConfigParams) -> String {
    let lines: Vec<String> = params.settings().iter().map(ToString::to_string).collect();
    lines.join("\n") + "\n"
}

/// Returns whether the settings contain an address.
fn has_address(params: &ConfigParams) -> bool {
    let settings = params.settings();
    settings.iter().map(Setting::key).any(|key| key.starts_with("connection") && key != "connection.resolve")
}

/// Starts an embedded service that speaks the protocol of the settings.
async fn start_embedded(params: &ConfigParams) -> Result<EmbeddedService, LoadTestError> {
    // The address is not known yet.
    let config =
        params.clone().with_pairs([("connection.uri", "http://127.0.0.1")]).and_then(|it| it.build());
    let kind = ClientKind::of(&config.map_err(|error| LoadTestError::Option(error.to_string()))?);
    let address = "127.0.0.1:0";
    let started = match kind {
        #[cfg(feature = "grpc")]
        ClientKind::Grpc | ClientKind::CommandableGrpc => {
            EmbeddedService::start_grpc(address, SessionStore::new(), EmbeddedOptions::new()).await
        }
        #[cfg(not(feature = "grpc"))]
        ClientKind::Grpc | ClientKind::CommandableGrpc => {
            let why =
                format!("the protocol is `{kind}`, which this build lacks: build it with the feature `grpc`");
            return Err(LoadTestError::Option(why));
        }
        _ => EmbeddedService::start(address, SessionStore::new()).await,
    };
    started.map_err(|error| LoadTestError::Service(format!("the embedded service cannot start: {error}")))
}

/// Returns whether the service is reached over TLS with a certificate that is not verified.
fn is_insecure(config: &ClientConfig) -> bool {
    let is_https = |url: &str| url.get(..6).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https:"));
    let fallbacks = config.fallback_urls().iter().map(String::as_str);
    config.tls().is_insecure() && config.base_url().into_iter().chain(fallbacks).any(is_https)
}

impl Service {
    /// Configures the service at an address, or starts an embedded one.
    pub(crate) async fn connect(target: &Target<'_>) -> Result<Self, LoadTestError> {
        let invalid = |error: Error| LoadTestError::Option(error.to_string());
        let mut params = target.params()?;
        let mut embedded = None;
        if !has_address(&params) {
            target.check_embedded()?;
            let service = start_embedded(&params).await?;
            params = params.with_pairs([("connection.uri", service.url())]).map_err(invalid)?;
            embedded = Some(service);
        }
        let config = params.build().map_err(invalid)?;
        target.warn_of_literals();
        let shown = SessionsNetworkTransportV1::new(&config).map_err(invalid)?.peer().to_owned();
        if is_insecure(&config) {
            status::log("warning: the certificate of the service is not verified (insecure)");
        }
        let contract = *target.contract;
        Ok(Self {
            contract,
            shown,
            config,
            probes: CallCounts::default(),
            identity: OnceLock::new(),
            clock_offset: OnceLock::new(),
            embedded,
        })
    }

    /// Returns whether both services have the same addresses.
    pub(super) fn has_address_of(&self, other: &Self) -> bool {
        let addresses = |service: &Self| {
            let urls = service.config.base_url().into_iter().map(str::to_owned);
            let urls = urls.chain(service.config.fallback_urls().iter().cloned());
            urls.map(|url| url.trim_end_matches('/').to_owned()).collect::<Vec<_>>()
        };
        addresses(self) == addresses(other)
    }

    /// Checks whether the hosts may be loaded: each is this machine, or was explicitly allowed.
    pub(crate) fn check_allowed(&self, yes: bool) -> Result<(), LoadTestError> {
        let allowed = env::var(ALLOWED_HOSTS).unwrap_or_default();
        let urls = [self.config.base_url()].into_iter().flatten();
        for url in urls.chain(self.config.fallback_urls().iter().map(String::as_str)) {
            let origin = origin(url);
            let host = host(&origin);
            if !(yes || self.is_local(&origin) || is_allowed(host, &allowed)) {
                return Err(LoadTestError::Service(format!(
                    "{host} is not this machine: add --yes if you may load it, or list it in {ALLOWED_HOSTS}"
                )));
            }
        }
        Ok(())
    }

    /// Returns whether an address is one of this machine, also if `connection.resolve` replaces it.
    fn is_local(&self, origin: &str) -> bool {
        let host = host(origin);
        let default_port = if origin.starts_with("https") { 443 } else { 80 };
        let port = origin.rsplit_once(':').and_then(|(_, port)| port.parse().ok()).unwrap_or(default_port);
        match self.config.resolved(host, port) {
            Some(addresses) => addresses.iter().all(IpAddr::is_loopback),
            None => is_loopback(host),
        }
    }

    /// Checks that a sessions service responds, by reading a session that does not exist and an empty list,
    /// and requests its name. With `wait`, waits for a service that is starting.
    pub(crate) async fn check_responds(&self, wait: Option<Duration>) -> Result<(), LoadTestError> {
        let client = probe_client(&self.config, &self.probes)?;
        let deadline = wait.map(|wait| Instant::now() + wait);
        let mut rejections = 0;
        loop {
            let probed = self.probe(&client).await;
            let (message, may_start) = match probed {
                Ok(()) => break,
                Err(Failure { retry_after: Some(pause), .. })
                    if rejections < MAX_REJECTIONS && pause <= self.probe_limit() =>
                {
                    rejections += 1;
                    tokio::time::sleep(pause).await;
                    continue;
                }
                Err(Failure { message, may_start, .. }) => (message, may_start),
            };
            if !may_start || deadline.is_none_or(|deadline| Instant::now() + WAIT_INTERVAL >= deadline) {
                return Err(LoadTestError::Service(message));
            }
            tokio::time::sleep(WAIT_INTERVAL).await;
        }
        if self.contract.is_sessions {
            self.identify().await;
        }
        Ok(())
    }

    async fn probe(&self, client: &UnmeasuredClient) -> Result<(), Failure> {
        if !self.contract.is_sessions {
            // Each step has a time limit, and one of them finds out the protocol.
            return self
                .is_reachable()
                .await
                .map_err(|error| failure(&self.shown, &error, true, &self.contract));
        }
        let filter = FilterParams::new().user_id(UNKNOWN_ID);
        let calls = async {
            client.get_session_by_id(None, UNKNOWN_ID).await?;
            client.get_sessions(None, Some(&filter), Some(&PagingParams::new().take(1))).await?;
            Ok::<(), Error>(())
        };
        let limit = self.probe_limit();
        let started = Instant::now();
        match tokio::time::timeout(limit.saturating_add(2 * GRACE), calls).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => {
                let rest = limit.saturating_sub(started.elapsed());
                let (error, speaks_other) = match explain(&self.config, error, rest).await {
                    Ok(explained) => (explained, true),
                    Err(unchanged) => (unchanged, false),
                };
                Err(failure(&self.shown, &error, speaks_other, &self.contract))
            }
            Err(_) => Err(Failure {
                message: format!("{} does not respond within {} s. {START}", self.shown, limit.as_secs_f64()),
                may_start: true,
                retry_after: None,
            }),
        }
    }

    /// Makes the steps of `doctor`, which call no operation: no operation of another contract is known to change
    /// nothing. Returns the error of an address if all are unreachable.
    async fn is_reachable(&self) -> Result<(), Error> {
        let mut unreachable = BTreeMap::new();
        let config = self.config.clone().with_connect_timeout(self.probe_limit());
        for step in diagnose(&config).await {
            let error = unreachable.entry(step.address).or_insert(None);
            if error.is_none() {
                *error = step.result.err();
            }
        }
        if unreachable.values().any(Option::is_none) {
            return Ok(());
        }
        unreachable.into_values().flatten().next().map_or(Ok(()), Err)
    }

    /// The time limit for the calls before a run.
    fn probe_limit(&self) -> Duration {
        self.config.connect_timeout().min(self.config.timeout())
    }

    /// Requests the name and version of the service. Not every service has this operation, so errors are
    /// ignored.
    async fn identify(&self) {
        let Ok(transport) = SessionsNetworkTransportV1::new(&self.config) else { return };
        if !transport.is_http() {
            // The operation exists only over HTTP.
            return;
        }
        let transport = Counted::new(WithTraceContext(transport), self.probes.clone());
        // All workers of a run must get the same identity, and nothing is measured yet.
        let config = self.config.clone().with_retries(2).with_deadline(self.probe_limit());
        if let Ok(Identity { name, version }) =
            AboutClient::new(Policies::new(transport, &config)).status().await
        {
            let [name, version] = [name, version].map(|value| value.filter(|value| is_one_line(value)));
            let _ = self.identity.set(Identity { name, version });
        }
    }

    /// Measures the offset of this machine's clock from that of the service.
    pub(crate) async fn measure_clock(&self) -> Result<(), LoadTestError> {
        let client = probe_client(&self.config, &self.probes)?;
        if let Some(offset) = clock::offset(&client, &self.contract, UNKNOWN_ID).await {
            let _ = self.clock_offset.set(offset);
        }
        Ok(())
    }

    /// The measured offset of this machine's clock.
    pub(crate) fn clock_offset(&self) -> Option<ClockOffset> {
        self.clock_offset.get().copied()
    }

    /// Returns an error if the settings have no address.
    pub(crate) fn require_address(&self) -> Result<(), LoadTestError> {
        if self.is_embedded() {
            return Err(LoadTestError::Option(missing_address(&self.contract)));
        }
        Ok(())
    }

    /// The name and version that the service reported.
    pub(crate) fn described(&self) -> String {
        let Identity { name, version } = self.identity.get().cloned().unwrap_or_default();
        let known: Vec<String> = [name, version].into_iter().flatten().collect();
        if known.is_empty() { format!("the {} service", self.contract.name) } else { known.join(" ") }
    }

    pub(crate) fn is_embedded(&self) -> bool {
        self.embedded.is_some()
    }

    /// The service in the results.
    pub(crate) fn info(&self) -> ServiceInfo {
        let Identity { name, version } = self.identity.get().cloned().unwrap_or_default();
        ServiceInfo {
            address: self.shown.clone(),
            embedded: self.is_embedded(),
            insecure: is_insecure(&self.config),
            name,
            version,
            other_versions: Vec::new(),
        }
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
    text.len() <= 100 && text.chars().all(is_displayed)
}

/// The scheme, host and port of a URL.
pub(crate) fn origin(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host_and_port = authority.rsplit_once('@').map_or(authority, |(_, behind)| behind);
    format!("{scheme}://{host_and_port}").to_ascii_lowercase()
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

/// The number of times that a gateway may reject the calls before a run because of its rate limit.
const MAX_REJECTIONS: u32 = 3;

#[cfg(test)]
mod tests {
    use super::*;

    async fn connect(host: Option<&str>) -> Service {
        let target = Target {
            contract: &Contract::SESSIONS,
            options: &ServiceOptions::default(),
            host,
            timeout: None,
            file_replaces_variables: false,
        };
        Service::connect(&target).await.unwrap()
    }

    #[tokio::test]
    async fn a_service_is_identified_by_its_status() {
        let service = connect(None).await;
        assert_eq!(service.info().name, None);
        service.identify().await;
        assert_eq!(service.info().name.as_deref(), Some("service-sessions"));
    }

    #[tokio::test]
    async fn a_service_without_a_status_has_no_name() {
        let embedded = EmbeddedService::start("127.0.0.1:0", SessionStore::new()).await.unwrap();
        // There is no operation below this path.
        let service = connect(Some(&format!("{}/below", embedded.url()))).await;
        service.identify().await;
        assert_eq!(service.info().name, None);
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
    fn the_host_of_a_url_is_not_that_of_its_credentials_or_path() {
        for (url, expected) in [
            ("http://localhost@staging.example/@localhost", "staging.example"),
            ("https://me:localhost@Staging.example:443", "staging.example"),
            ("https://[fe80::1]:8443/x", "fe80::1"),
            ("http://a@b@localhost:1", "localhost"),
        ] {
            assert_eq!(host(&origin(url)), expected, "{url}");
        }
    }

    #[test]
    fn only_literal_passwords_are_warned_of() {
        for url in ["http://me:s3cret@h", "me:s3cret@h", "http://token@h", "http://me:${A}x@h"] {
            assert!(has_literal_credentials(url), "{url}");
        }
        for url in ["http://h", "http://me:${A}@h", "http://${A}@h", "none", "http://me:@h"] {
            assert!(!has_literal_credentials(url), "{url}");
        }
        // A password with a slash is rejected later.
        for url in ["http://me:s3/cret@h", "http://me:s3cret@h/teams/@shop", "http://me:s3cret@h?a@b"] {
            assert!(has_literal_credentials(url), "{url}");
        }
        for url in [
            "http://gateway/teams/@shop/sessions",
            "http://gateway:8080/@shop",
            "http://[::1]:8080/@shop",
            "gateway/@shop",
            "http://${HOST}:${PORT}/@shop",
            "http://me:${file:/run/p@ss}@h/@shop",
        ] {
            assert!(!has_literal_credentials(url), "{url}");
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
