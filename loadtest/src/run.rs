//! One run, from the options to the report.
//!
//! The service is asked once before any user starts: goose would load an address where nothing listens for
//! the whole run time.

use crate::audit::{Audit, audit};
use crate::closing::{Report, Row, some_of};
use crate::ledger::Ledger;
use crate::scenario::{Client, Load, OPERATIONS, scenario};
use crate::stop::Stop;
use crate::tally::Tally;
use crate::text::{count, counted};
use crate::verdict::{Facts, Verdict};
use crate::{Cli, Lifecycle};
use goose::client::GooseClientBuilder;
use goose::config::{GooseConfiguration, RUN_FOLDER};
use goose::metrics::GooseMetrics;
use goose::{GooseAttack, GooseError};
use sessions_client::server::EmbeddedService;
use sessions_client::{ClientConfig, ISessionsV1, SessionsHttpClientV1, SessionsMemoryClientV1};
use std::fmt;
use std::iter;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinError;
use uuid::Uuid;

/// Why there was no load at all.
#[derive(Debug)]
pub struct CouldNotRun(String);

impl fmt::Display for CouldNotRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for CouldNotRun {}

/// Runs the load test as `cli` says.
///
/// There is no report when goose was only asked to print or convert something.
///
/// # Errors
///
/// When no load could be made: the options contradict each other, or the service cannot be reached.
pub async fn run(cli: Cli) -> Result<Option<Report>, CouldNotRun> {
    let makes_no_load = cli.makes_no_load();
    let Cli { lifecycle, mut goose } = cli;
    let stop = Stop::default();
    stop.on_sigterm().map_err(|error| CouldNotRun(format!("SIGTERM cannot be caught: {error}")))?;
    let embedded = match &goose.host {
        None if !makes_no_load => Some(embedded().await?),
        _ => None,
    };
    let url = goose.host.clone().or_else(|| embedded.as_ref().map(EmbeddedService::url));
    // Where nothing is loaded, goose wants an address all the same.
    let client = client(url.as_deref().unwrap_or("http://127.0.0.1"), &goose)?;
    let service = Service { shown: client.caller().transport().origin().to_owned(), embedded };
    if !makes_no_load {
        service.must_answer(&client).await?;
    }
    // For goose the address is a name in its tables, where credentials do not belong.
    goose.host = Some(service.shown.clone());
    let plan = plan(&lifecycle, &goose);
    let files = goose.report_file.iter().map(|file| shown_file(file, &goose)).collect();
    let load = Arc::new(Load {
        client,
        announcement: format!("loading {service} with {plan}"),
        run: run_id(),
        tally: Tally::new(),
        ledger: Ledger::default(),
        stop,
        users: 0.into(),
        alive: 0.into(),
        lifecycle,
    });
    // goose panics when it prints and nobody reads any more; what its users have opened is there all the same.
    let ended = tokio::spawn(attack(goose, Arc::clone(&load))).await;
    if makes_no_load {
        return match ended {
            Ok(ended) => ended.map(|_| None).map_err(|error| CouldNotRun(explain(&error))),
            Err(error) => Err(CouldNotRun(panicked(&error))),
        };
    }
    let mut facts = Facts::default();
    let mut by_rule = false;
    let metrics = match ended {
        Ok(Ok(metrics)) => Some(Box::new(metrics)),
        Ok(Err(GooseError::ThresholdsFailed { failed, metrics })) => {
            by_rule = failed.iter().any(|result| result.aborted);
            facts.thresholds = failed
                .iter()
                .map(|result| format!("{}, observed {}", result.rule, result.observed))
                .collect();
            Some(metrics.0)
        }
        Ok(Err(error)) if load.tally.requests() == 0 => return Err(CouldNotRun(explain(&error))),
        Ok(Err(error)) => {
            facts.goose = Some(explain(&error));
            None
        }
        Err(error) => {
            facts.goose = Some(panicked(&error));
            None
        }
    };
    // A missed threshold stops goose by the same switch as Ctrl-C.
    facts.stopped = load.stop.is_ordered() || (!by_rule && goose::is_killswitch_triggered());
    if !facts.stopped {
        // goose takes a Ctrl-C for the second one while its switch is set, and exits at once: the first one
        // after a missed threshold would leave sessions behind.
        goose::reset_killswitch();
    }
    load.stop.end();
    load.all_at_rest().await;
    let audit = audit(&load).await;
    Ok(Some(report(&load, facts, audit, metrics.as_deref(), Described { service, plan, files })))
}

async fn embedded() -> Result<EmbeddedService, CouldNotRun> {
    EmbeddedService::start("127.0.0.1:0", SessionsMemoryClientV1::new())
        .await
        .map_err(|error| CouldNotRun(format!("the embedded service cannot start: {error}")))
}

fn client(url: &str, goose: &GooseConfiguration) -> Result<Client, CouldNotRun> {
    let cannot = |error: sessions_client::Error| {
        // The client names its argument, which nobody has typed here.
        let why = error.to_string().replace("`url`", "it");
        CouldNotRun(format!("--host {}: {why}", without_credentials(url)))
    };
    // A repeat would hide a failure from the figures, and its pause would be in them.
    let mut config = ClientConfig::from_url(url).map_err(cannot)?.with_retries(0);
    if let Some(seconds) = &goose.timeout {
        config = config.with_timeout(timeout(seconds)?);
    }
    Ok(SessionsHttpClientV1::from_config(&config).map_err(cannot)?.with_payloads())
}

/// What is loaded.
struct Service {
    /// The address without path and credentials, as the client shows it.
    shown: String,
    /// It stops when this is dropped.
    embedded: Option<EmbeddedService>,
}

impl Service {
    /// Asks for a session that cannot be there.
    async fn must_answer(&self, client: &Client) -> Result<(), CouldNotRun> {
        match client.get_session_by_id(None, "loadtest").await {
            Ok(_) => Ok(()),
            Err(error) => Err(CouldNotRun(format!(
                "the service at {} does not answer as it should: {error}\n\
                 Start it, or give the address of another with --host; without --host an embedded one is loaded.",
                self.shown
            ))),
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

/// goose's own rules for the same option: a positive number, decimals allowed.
fn timeout(seconds: &str) -> Result<Duration, CouldNotRun> {
    seconds
        .parse()
        .ok()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .filter(|timeout| *timeout >= Duration::from_millis(1))
        .ok_or_else(|| CouldNotRun(format!("--timeout {seconds}: it must be a number of seconds above 0")))
}

/// Short enough to be typed into a query for what is left.
fn run_id() -> String {
    let mut id = Uuid::new_v4().simple().to_string();
    id.truncate(12);
    id
}

async fn attack(goose: GooseConfiguration, load: Arc<Load>) -> Result<GooseMetrics, GooseError> {
    let attack = GooseAttack::initialize_with_config(goose)?
        // Nobody uses goose's client, but by default each user gets one of its own, certificates and all.
        .set_client_builder_without_cookies(GooseClientBuilder::new().without_cookies())?
        .register_scenario(scenario(&load));
    Box::pin(attack.execute()).await
}

/// The panic itself was told on standard error.
fn panicked(error: &JoinError) -> String {
    format!("goose broke off: {error}")
}

/// What goose's message leaves out, and in the words of the command line.
fn explain(error: &GooseError) -> String {
    let text = match error {
        GooseError::InvalidOption { detail, .. }
        | GooseError::InvalidHost { detail, .. }
        | GooseError::InvalidWaitTime { detail, .. }
        | GooseError::InvalidWeight { detail, .. }
        | GooseError::NoScenarios { detail }
        | GooseError::FeatureNotEnabled { detail, .. } => detail.clone(),
        other => other.to_string(),
    };
    as_options(&text)
}

/// Turns goose's names for its configuration, such as `configuration.run_time`, into those of the options.
fn as_options(text: &str) -> String {
    let mut parts = text.split("`configuration.");
    let before = parts.next().unwrap_or_default().to_owned();
    let options = parts.map(|part| {
        let (name, after) = part.split_once('`').unwrap_or((part, ""));
        format!("--{}{after}", name.replace('_', "-"))
    });
    iter::once(before).chain(options).collect()
}

/// What the users are going to do.
fn plan(lifecycle: &Lifecycle, goose: &GooseConfiguration) -> String {
    let Lifecycle { stores, payload_bytes, think_time } = lifecycle;
    let users = match goose.users {
        Some(users) => counted(users as u64, "user", "users"),
        None => "the users of the test plan".to_owned(),
    };
    let time = match (&goose.run_time, goose.iterations) {
        (Some(time), _) if time.bytes().all(|byte| byte.is_ascii_digit()) => format!(" for {time} s"),
        (Some(time), _) => format!(" for {time}"),
        (None, Some(iterations)) => {
            format!(", {} each", counted(iterations as u64, "session", "sessions"))
        }
        (None, None) => String::new(),
    };
    let pause = if *think_time > 0 { format!(", {think_time} ms between calls") } else { String::new() };
    format!(
        "{users}{time}: open, {} × store and read ({} bytes), close, delete{pause}",
        count((*stores).into()),
        count(*payload_bytes as u64),
    )
}

fn shown_file(file: &str, goose: &GooseConfiguration) -> String {
    if file == RUN_FOLDER {
        let folder = goose.output_dir.as_deref().unwrap_or("goose-runs");
        return format!("report.html and report.json, in {folder}");
    }
    file.to_owned()
}

/// What a reader is told about a run beside its figures.
struct Described {
    service: Service,
    plan: String,
    files: Vec<String>,
}

fn report(
    load: &Load,
    mut facts: Facts,
    audit: Audit,
    metrics: Option<&GooseMetrics>,
    described: Described,
) -> Report {
    let failures = load.tally.failures();
    let mut notes = Vec::new();
    if audit.removed > 0 {
        let sessions = counted(audit.removed, "session", "sessions");
        notes.push(format!("{sessions} that no user had deleted: deleted after the run"));
    }
    facts.foreign = audit.foreign.len() as u64;
    if facts.foreign > 0 {
        let sessions = counted(facts.foreign, "session", "sessions");
        notes.push(format!("get_sessions: {sessions} of other users listed for a user of this run"));
    }
    if !audit.left.is_empty() {
        notes.push(format!(
            "still there, of users {}*: {}",
            load.user_id(0).trim_end_matches('0'),
            some_of(&audit.left)
        ));
    }
    facts.requests = load.tally.requests();
    facts.failed = failures.iter().map(|failures| failures.count).sum();
    facts.mismatches =
        failures.iter().filter(|failures| failures.first.mismatch).map(|failures| failures.count).sum();
    facts.lifecycles = load.tally.lifecycles();
    facts.left_behind = audit.left.len() as u64;
    facts.unknown = audit.failed;
    let Described { service, plan, files } = described;
    Report {
        service: service.to_string(),
        scenario: plan,
        span: load.tally.span(),
        lifecycles: facts.lifecycles,
        rows: metrics
            .map(|metrics| OPERATIONS.iter().filter_map(|route| Row::of(route, metrics)).collect())
            .unwrap_or_default(),
        failures,
        notes,
        files,
        verdict: Verdict::of(&facts),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_goose_are_given_in_the_words_of_the_command_line() {
        let text = "`configuration.run_time` can not be set with `configuration.test_plan`.";
        assert_eq!(as_options(text), "--run-time can not be set with --test-plan.");
        assert_eq!(as_options("no such file"), "no such file");
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
    fn a_timeout_is_a_number_of_seconds() {
        assert_eq!(timeout("0.5").unwrap(), Duration::from_millis(500));
        for wrong in ["0", "-1", "soon", "NaN", "1e300"] {
            let error = timeout(wrong).unwrap_err().to_string();
            assert_eq!(error, format!("--timeout {wrong}: it must be a number of seconds above 0"));
        }
    }
}
