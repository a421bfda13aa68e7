//! The contract check of a service: from the connection to the report.

mod compare;
mod connections;
mod identity;
mod last;
mod progress;
mod protocol;
mod report;
mod secrets;
mod selection;
mod service;

pub use compare::{NO_RESPONSE, compare, snapshots};
pub use connections::Connections;
pub use last::{LastCheck, results_folder};
pub use report::{CheckReport, CheckedCase, CheckedService, Finding, Outcome};
pub use selection::{NothingSelected, Selection};
pub use service::{Refusal, service_address, transport};

use self::progress::ProgressDisplay;
use crate::cases::cases;
use crate::cassette::{RecordedRun, Recording, RecordingTransport};
use crate::comparison::Level;
use crate::contract::{SessionsContract, run};
use crate::deviations::Deviations;
use crate::environment::log;
use chrono::{NaiveDate, Utc};
use contract_tests::suite::{Case, DEFAULT_JOBS, RunOptions, RunReport, StopSignal, stop_on_signals};
use identity::{Identity, identity};
pub(crate) use secrets::{CurrentSecrets, Secrets};
use service::{wait_for_service, watched_transport};
use sessions_client::{ClientConfig, ClientKind, Error};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use std::{fmt, io};
use uuid::Uuid;

/// The first pause after a failure during clean-up. With five attempts, a service has 15 seconds to come
/// back, enough for a redeployment.
pub const CLEANUP_PAUSE: Duration = Duration::from_secs(1);

/// Options of a check.
#[derive(Clone, Debug)]
pub struct CheckOptions {
    /// The lowest level of a difference that fails the check.
    pub fail_on: Level,
    /// `true` if the check has the service to itself, see [`RunOptions::is_exclusive`].
    pub may_close_expired: bool,
    /// The time to wait until the service responds.
    pub wait: Option<Duration>,
    /// The cases.
    pub selection: Selection,
    /// The maximum number of requests at a time.
    pub jobs: usize,
    /// The maximum number of requests in a second; `None` without a limit.
    pub rate: Option<f64>,
    /// The accepted deviations of the service.
    pub deviations: Deviations,
    /// `true` if a deviation that nothing needs any more fails the check.
    pub fail_on_unused: bool,
    /// The day of the check in UTC, which decides what has expired.
    pub today: NaiveDate,
    /// The file in which the traffic is recorded, without credentials.
    pub record: Option<PathBuf>,
}

impl Default for CheckOptions {
    fn default() -> Self {
        Self {
            fail_on: Level::Breaking,
            may_close_expired: false,
            wait: None,
            record: None,
            selection: Selection::default(),
            jobs: DEFAULT_JOBS,
            rate: None,
            deviations: Deviations::default(),
            fail_on_unused: false,
            today: Utc::now().date_naive(),
        }
    }
}

/// The reason why a service was not checked. No session was opened.
#[derive(Debug)]
pub enum CheckError {
    /// The configuration of the client is invalid.
    Config(Error),
    /// The process cannot handle termination signals.
    Signals(io::Error),
    /// The file of the recording cannot be written.
    Recording(PathBuf, io::Error),
    /// No case is selected.
    NothingSelected(NothingSelected),
    /// The service cannot be reached, or rejects the client. The address comes first.
    Refused(String, Refusal),
    /// A signal arrived before the service had responded. The value is the address.
    Stopped(String),
}

impl CheckError {
    /// The address of the service, if it is known; otherwise empty.
    #[must_use]
    pub fn address(&self) -> &str {
        match self {
            Self::Config(_) | Self::Recording(..) | Self::Signals(_) | Self::NothingSelected(_) => "",
            Self::Refused(address, _) | Self::Stopped(address) => address,
        }
    }
}

impl fmt::Display for CheckError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(error) => error.fmt(f),
            Self::Signals(error) => write!(f, "termination signals cannot be handled: {error}"),
            Self::Recording(path, error) => {
                write!(f, "the recording {} cannot be written: {error}", path.display())
            }
            Self::NothingSelected(error) => error.fmt(f),
            Self::Refused(address, refusal) => write!(f, "{address} {refusal}; no session was opened"),
            Self::Stopped(address) => {
                write!(f, "{address} was not checked: a signal stopped the program; no session was opened")
            }
        }
    }
}

impl std::error::Error for CheckError {}

/// Sends the selected cases to a service and compares its responses with the snapshots of the contract. Logs what it
/// will do, and its progress.
///
/// Deletes all sessions that it opens, also after a termination signal.
///
/// # Errors
///
/// If the configuration is invalid, no case is selected, or the service does not respond as a sessions service.
pub async fn check(config: &ClientConfig, options: &CheckOptions) -> Result<CheckReport, CheckError> {
    Ok(check_and_record(config, options).await?.0)
}

/// Does the same as [`check`], and returns the run too.
///
/// # Errors
///
/// As for [`check`].
pub async fn check_and_record(
    config: &ClientConfig,
    options: &CheckOptions,
) -> Result<(CheckReport, RunReport), CheckError> {
    let (started, clock) = (Utc::now(), Instant::now());
    let secrets = CurrentSecrets::of(config);
    let transport = watched_transport(config, secrets.clone()).map_err(CheckError::Config)?;
    let all = cases();
    let count = all.len();
    let mut cases = options.selection.select(all).map_err(CheckError::NothingSelected)?;
    let kind = ClientKind::of(config);
    cases.retain(|case| protocol::can_send(kind, case.situation()));
    let unselected = count - cases.len();
    // Paths outside of a base route belong to the gateway.
    let is_outside = |case: &mut Case| config.base_route().is_some() && case.name() == compare::OUTSIDE;
    let outside: Vec<Case> = cases.extract_if(.., is_outside).collect();
    if !cases.iter().any(|case| is_allowed(case, options.may_close_expired)) {
        return Err(CheckError::NothingSelected(NothingSelected::without_allowed(cases.is_empty())));
    }
    let address = service_address(config).map_err(CheckError::Config)?;
    let stop = StopSignal::default();
    let signals = stop_on_signals(&SessionsContract, stop.clone(), log).map_err(CheckError::Signals)?;
    let ready = tokio::select! {
        ready = wait_for_service(config, options.wait, &secrets) => ready,
        () = stop.requested() => return Err(CheckError::Stopped(address)),
    };
    if let Err(mut refusal) = ready {
        refusal.hide(&secrets.known());
        return Err(CheckError::Refused(address, refusal));
    }
    // Next to a base route, the status is that of a gateway.
    let identity = match config.base_route() {
        None => identity(&transport).await,
        Some(_) => Identity::default(),
    };
    let mut run_options = RunOptions {
        user: unique_user(),
        is_exclusive: options.may_close_expired,
        stop,
        pause: CLEANUP_PAUSE,
        jobs: options.jobs,
        rate: options.rate,
        ..RunOptions::default()
    };
    let recording = match &options.record {
        Some(path) => {
            let recorded = RecordedRun::new(&run_options, &cases);
            let recording =
                Recording::start(path, &address, config, &secrets, &recorded, run_options.stop.clone());
            Some(recording.map_err(|error| CheckError::Recording(path.clone(), error))?)
        }
        None => None,
    };
    let transport = RecordingTransport::new(transport, recording.clone());
    log(&plan(&address, &cases, &run_options));
    let display = ProgressDisplay::start(allowed(&cases, &run_options).count(), run_options.rate);
    run_options.progress = display.receiver();
    let mut run_report = run(transport, &cases, &run_options).await;
    drop(display);
    signals.abort();
    if let Some(recording) = &recording {
        recording.finish(&run_report);
    }
    run_report.skipped.extend(outside.iter().map(Case::name));
    let service = CheckedService { address, name: identity.name, version: identity.version };
    let mut report = CheckReport {
        duration: clock.elapsed(),
        cases: compare(&run_report, unselected > 0),
        unselected,
        fail_on_unused: options.fail_on_unused,
        is_stopped: run_options.stop.is_requested(),
        aborted: run_report.aborted.clone(),
        left_behind: run_report.left_behind.clone(),
        left_unowned: run_report.left_unowned.clone(),
        user: Some(run_options.user.clone()),
        ..CheckReport::new(service, started, options.fail_on)
    };
    report.hide(&secrets.known());
    // Deviations are stated in terms of a report, which has no secrets.
    report.deviations = options.deviations.apply(&mut report.cases, options.today);
    Ok((report, run_report))
}

/// Returns the cases that the options allow.
fn allowed<'c>(cases: &'c [Case], options: &RunOptions) -> impl Iterator<Item = &'c Case> {
    let is_exclusive = options.is_exclusive;
    cases.iter().filter(move |case| is_allowed(case, is_exclusive))
}

fn is_allowed(case: &Case, is_exclusive: bool) -> bool {
    is_exclusive || !case.needs_exclusive_service(&SessionsContract)
}

/// Describes a run before it starts.
#[must_use]
pub fn plan(address: &str, cases: &[Case], options: &RunOptions) -> String {
    let mut opens: Vec<usize> = allowed(cases, options).map(|case| case.creates(&SessionsContract)).collect();
    opens.sort_unstable_by_key(|count| std::cmp::Reverse(*count));
    let rate = options.rate.map(|rate| format!(" and {rate} in a second")).unwrap_or_default();
    format!(
        "contract test of the service at {address}, compared with the snapshots of the real service: {} up to {}, \
         {} at a time at most, of users whose ids begin with {}; all of them are deleted{}; at most {} \
         requests at a time{rate}",
        match opens.len() {
            1 => "1 case opens".to_owned(),
            cases => format!("{cases} cases open"),
        },
        match opens.iter().sum() {
            1 => "1 session".to_owned(),
            sessions => format!("{sessions} sessions"),
        },
        opens.iter().take(options.jobs).sum::<usize>(),
        options.user,
        if allowed(cases, options).any(|case| case.needs_exclusive_service(&SessionsContract)) {
            "; expired sessions of all users are closed"
        } else {
            ", and those of others are not touched"
        },
        options.jobs,
    )
}

/// Returns a user id that no other run uses. It is not ASCII, since ids need not be.
#[must_use]
pub fn unique_user() -> String {
    format!("contract-test-ü-{}", Uuid::new_v4().simple())
}

/// Logs that the certificate of the service is not verified, if so.
pub fn warn_about_tls(config: &ClientConfig) {
    if config.tls().is_insecure() {
        log("warning: the certificate of the service is not verified (insecure)");
    }
}
