//! A service whose cases are tests.

use crate::comparison::compare;
use crate::settings::Settings;
use libtest_mimic::{Completion, Failed, Trial};
use sessions_client::{ClientConfig, Error, sessions_v1};
use sessions_service::{EmbeddedService, SessionStore};
use snapshots::cases::{TABLE, cases};
use snapshots::check::{
    CheckOptions, CheckReport, CheckedCase, Finding, NO_RESPONSE, Outcome, Selection, check_and_record,
    snapshots, warn_about_tls,
};
use snapshots::comparison::{Folder, Level};
use snapshots::deviations::DeviationState;
use snapshots::suite::{Case, RunReport};
use snapshots::{Exchange, Promise, SessionsContract, live_gaps, log};
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use tokio::runtime::Builder;

/// The test of all responses of a service together.
const SHAPES: &str = "shapes";

/// The test that the contract is covered.
const COVERAGE: &str = "coverage";

/// `true` after a termination signal. Then no other service is tested.
static IS_STOPPED: AtomicBool = AtomicBool::new(false);

/// A service whose cases are tests. They run once, when the first of them needs its result.
#[derive(Clone)]
pub(crate) struct Provider(Arc<Shared>);

struct Shared {
    name: &'static str,
    service: Service,
    options: CheckOptions,
    /// `true` if insta may change the snapshots to those of this service.
    may_accept_snapshots: bool,
    selection: OnceLock<Selection>,
    checked: OnceLock<Checked>,
}

enum Service {
    Embedded,
    Live(Box<ClientConfig>),
    /// The reason why there is none.
    Missing(&'static str),
}

/// Snapshots by folder and name.
type Snapshots = BTreeMap<(Folder, String), String>;

/// The result of a run.
struct Checked {
    /// `None` if the service was not tested, which has been logged.
    report: Option<(CheckReport, Snapshots)>,
    /// Sentences about the contract that the run does not cover.
    gaps: Vec<String>,
    /// Sentences that fail the whole run.
    problems: Vec<String>,
}

impl Provider {
    /// The embedded service.
    pub(crate) fn embedded() -> Self {
        let options =
            CheckOptions { fail_on: Level::Harmless, may_close_expired: true, ..CheckOptions::default() };
        Self::new("embedded", Service::Embedded, options, true)
    }

    /// The service that the environment describes.
    pub(crate) fn live(settings: Settings) -> Self {
        let service = settings
            .config
            .map_or(Service::Missing("needs SESSIONS_URL"), |config| Service::Live(Box::new(config)));
        Self::new("live", service, settings.options, settings.may_accept_snapshots)
    }

    fn new(name: &'static str, service: Service, options: CheckOptions, may_accept_snapshots: bool) -> Self {
        let (selection, checked) = (OnceLock::new(), OnceLock::new());
        Self(Arc::new(Shared { name, service, options, may_accept_snapshots, selection, checked }))
    }

    /// Returns the tests, which [`select`](Self::select) must follow.
    pub(crate) fn trials(&self) -> Vec<Trial> {
        let mut trials: Vec<Trial> = cases().iter().map(|case| self.trial_of(case)).collect();
        let provider = self.clone();
        trials.push(self.trial(SHAPES, None, move || provider.shapes()));
        if matches!(self.0.service, Service::Embedded) {
            let provider = self.clone();
            trials.push(self.trial(COVERAGE, None, move || provider.coverage()));
        }
        trials
    }

    fn trial_of(&self, case: &Case) -> Trial {
        let (provider, name) = (self.clone(), case.name());
        let test = format!("{}::{}", case.operation(), case.situation());
        self.trial(&test, self.reason_to_ignore(case), move || provider.case(&name))
    }

    fn trial(
        &self,
        test: &str,
        reason: Option<&'static str>,
        run: impl FnOnce() -> Result<Completion, Failed> + Send + 'static,
    ) -> Trial {
        let name = format!("{}::{test}", self.0.name);
        let reason = match self.0.service {
            Service::Missing(why) => Some(why),
            Service::Embedded | Service::Live(_) => reason,
        };
        let trial = Trial::ignorable_test(name, run);
        // The reason is shown next to the name, whether or not the test runs.
        match reason {
            Some(reason) => trial.with_ignored_flag(true).with_kind(reason),
            None => trial,
        }
    }

    fn reason_to_ignore(&self, case: &Case) -> Option<&'static str> {
        let is_below = |config: &ClientConfig| config.base_route().is_some();
        match &self.0.service {
            _ if case.needs_exclusive_service(&SessionsContract) && !self.0.options.may_close_expired => {
                Some("needs SESSIONS_CLOSE_EXPIRED=yes")
            }
            Service::Live(config) if is_below(config) && case.name() == "no_operation__paths" => {
                Some("not below the base route")
            }
            _ => None,
        }
    }

    /// Sets the tests that will run, by name.
    pub(crate) fn select<'n>(&self, trials: impl Iterator<Item = &'n str>) {
        let mut names = BTreeSet::new();
        let mut is_all = false;
        for trial in trials {
            let test = trial.split_once("::").map_or(trial, |(_, test)| test);
            is_all |= test == SHAPES || test == COVERAGE;
            names.insert(test.replacen("::", "__", 1));
        }
        let names = (!is_all).then_some(names);
        let _ = self.0.selection.set(Selection { names, ..Selection::default() });
    }

    /// Returns sentences about failures that belong to no test.
    pub(crate) fn problems(&self) -> Vec<String> {
        self.0.checked.get().map(|checked| checked.problems.clone()).unwrap_or_default()
    }

    fn checked(&self) -> &Checked {
        self.0.checked.get_or_init(|| self.0.run())
    }

    fn case(&self, name: &str) -> Result<Completion, Failed> {
        let Some((report, snapshots)) = &self.checked().report else {
            return Err(Failed::without_message());
        };
        let is_case = |case: &&CheckedCase| case.folder == Folder::Service && case.name == name;
        let case = report.cases.iter().find(is_case).ok_or("the case has no result")?;
        self.compare(report, &[case], snapshots)
    }

    /// Compares the snapshots that belong to no case.
    fn shapes(&self) -> Result<Completion, Failed> {
        let Some((report, snapshots)) = &self.checked().report else {
            return Err(Failed::without_message());
        };
        let of_cases: BTreeSet<String> = cases().iter().map(Case::name).collect();
        let is_of_case = |case: &CheckedCase| case.folder == Folder::Service && of_cases.contains(&case.name);
        let others: Vec<_> = report.cases.iter().filter(|case| !is_of_case(case)).collect();
        self.compare(report, &others, snapshots)
    }

    fn coverage(&self) -> Result<Completion, Failed> {
        let checked = self.checked();
        if checked.report.is_none() {
            return Err(Failed::without_message());
        }
        if !checked.gaps.is_empty() {
            return Err(format!("the contract is not covered:\n{}", checked.gaps.join("\n")).into());
        }
        Ok(Completion::Completed)
    }

    fn compare(
        &self,
        report: &CheckReport,
        cases: &[&CheckedCase],
        snapshots: &Snapshots,
    ) -> Result<Completion, Failed> {
        let mut passed_by_insta = 0;
        let (mut failures, mut notes) = (Vec::new(), Vec::new());
        for case in cases {
            match &case.outcome {
                Outcome::Compared { findings } => {
                    let (failing, open) = failing(report, findings);
                    let lines = open.iter().map(|finding| describe(case, finding));
                    let by_insta = self.insta_decides(!failing.is_empty());
                    let passes = if by_insta { insta_passes(case, snapshots) } else { failing.is_empty() };
                    if passes {
                        passed_by_insta += failing.len();
                        notes.extend(lines);
                    } else if open.is_empty() {
                        failures.push(format!("{}: the snapshot has another format", case.name));
                    } else {
                        failures.extend(lines);
                    }
                }
                Outcome::Failed { reason } => failures.push(format!("{} failed: {reason}", case.name)),
                Outcome::Skipped { reason } => return Ok(Completion::ignored_with(reason)),
                Outcome::NotReached => {
                    let why = report.aborted.as_deref().unwrap_or("another case failed");
                    failures.push(format!("{} was not sent to its end: {why}", case.name));
                }
            }
        }
        for note in &notes {
            log(note);
        }
        if !failures.is_empty() {
            return Err(failures.join("\n").into());
        }
        if passed_by_insta > 0 {
            let why = format!("{passed_by_insta} differences: cargo insta reports them");
            return Ok(Completion::ignored_with(why));
        }
        Ok(Completion::Completed)
    }

    /// Returns whether insta compares a snapshot. It also records that the snapshots of the embedded service are in use.
    fn insta_decides(&self, differs: bool) -> bool {
        match self.0.service {
            Service::Embedded => true,
            Service::Live(_) | Service::Missing(_) => differs && self.0.may_accept_snapshots,
        }
    }
}

/// Compares a snapshot with insta, and returns whether it passes: it is the same, or insta passes by force.
fn insta_passes(case: &CheckedCase, snapshots: &Snapshots) -> bool {
    let observed = snapshots.get(&(case.folder, case.name.clone()));
    let observed = observed.map_or(NO_RESPONSE, String::as_str);
    catch_unwind(AssertUnwindSafe(|| compare(case.folder.name(), &case.name, observed))).is_ok()
}

/// Returns the differences that fail the test, and all that no deviation accepts.
fn failing<'f>(report: &CheckReport, findings: &'f [Finding]) -> (Vec<&'f Finding>, Vec<&'f Finding>) {
    let open: Vec<_> = findings.iter().filter(|finding| !finding.is_accepted()).collect();
    (open.iter().copied().filter(|finding| report.fails_on(finding)).collect(), open)
}

fn describe(case: &CheckedCase, finding: &Finding) -> String {
    let Finding { level, difference, reason, .. } = finding;
    format!("{level}: {}: {difference}\n    {reason}", case.name)
}

impl Shared {
    fn run(&self) -> Checked {
        let selection = self.selection.get().cloned().unwrap_or_default();
        if IS_STOPPED.load(Ordering::SeqCst) {
            return Checked::not_tested();
        }
        let options = CheckOptions { selection, ..self.options.clone() };
        let partial = !options.selection.is_all();
        let outcome = match &self.service {
            Service::Embedded => in_runtime(test_embedded(options)),
            Service::Live(config) => {
                warn_about_tls(config);
                let config = config.clone();
                in_runtime(async move {
                    let outcome = check_and_record(&config, &options).await;
                    outcome.map(|run| (run, Vec::new())).map_err(|error| error.to_string())
                })
            }
            Service::Missing(why) => Err(format!("there is no service: the test {why}")),
        };
        match outcome {
            Ok(((report, run), problems)) => {
                IS_STOPPED.fetch_or(report.is_stopped, Ordering::SeqCst);
                self.note(&report, &run, problems, partial)
            }
            Err(error) => {
                log(&error);
                Checked::not_tested()
            }
        }
    }

    fn note(
        &self,
        report: &CheckReport,
        run: &RunReport,
        mut problems: Vec<String>,
        partial: bool,
    ) -> Checked {
        for deviation in report.deviations.iter().filter(|used| used.state != DeviationState::NotChecked) {
            log(&deviation.to_string());
        }
        if let Some(aborted) = &report.aborted {
            problems.push(format!("{}: the run ended early: {aborted}", self.name));
        }
        if matches!(self.service, Service::Live(_)) && !self.may_accept_snapshots {
            let differ =
                report.cases.iter().filter(|case| !failing(report, case.findings()).0.is_empty()).count();
            if differ > 0 {
                problems.push(format!(
                    "{}: {differ} snapshots differ. To accept that for this service, run `contract check --accept`; the \
                     snapshots of the contract are unchanged, and only SESSIONS_ACCEPT_SNAPSHOTS=yes allows this \
                     service to change them",
                    self.name
                ));
            }
        }
        problems.extend(
            report
                .left_behind
                .iter()
                .map(|left| format!("{}: left behind, and must be deleted by hand: {left}", self.name)),
        );
        let exchanges: Vec<Exchange> = run.completed.iter().flat_map(|case| case.exchanges.clone()).collect();
        let gaps =
            if partial { Vec::new() } else { live_gaps(sessions_v1::ROUTES, promise, &exchanges, TABLE) };
        Checked { report: Some((report.clone(), snapshots(run, partial))), gaps, problems }
    }
}

impl Checked {
    fn not_tested() -> Self {
        Self { report: None, gaps: Vec::new(), problems: Vec::new() }
    }
}

type Tested = Result<((CheckReport, RunReport), Vec<String>), String>;

async fn test_embedded(options: CheckOptions) -> Tested {
    let sessions = SessionStore::new();
    let service = EmbeddedService::start("127.0.0.1:0", sessions.clone()).await;
    let service = service.map_err(|error| format!("the embedded service does not start: {error}"))?;
    let config = ClientConfig::from_url(&service.url()).map_err(|error: Error| error.to_string())?;
    let run = check_and_record(&config, &options).await.map_err(|error| error.to_string())?;
    let left = (!sessions.is_empty()).then(|| format!("embedded: {} sessions are left", sessions.len()));
    Ok((run, left.into_iter().collect()))
}

/// Runs a future to its end, or its panic.
fn in_runtime(test: impl Future<Output = Tested> + Send + 'static) -> Tested {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    let ended = runtime.block_on(async { tokio::spawn(test).await });
    // Dropping the runtime would wait for a name lookup that hangs.
    runtime.shutdown_background();
    ended.unwrap_or_else(|error| Err(format!("the run panicked: {error}")))
}

/// Returns the result type of an operation; `Maybe`, the most common one, for a new operation.
fn promise(operation: &str) -> Promise {
    match operation {
        "get_sessions" | "open_session" => Promise::Value,
        "close_expired_sessions" => Promise::Nothing,
        _ => Promise::Maybe,
    }
}
