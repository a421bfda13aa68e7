//! The contract tests of a service as a test program: each case is a test.
//!
//! The folder of the package has the reviewed snapshots in `tests/snapshots`, and a recording of the real service in
//! `tests/recording.har`. The tests replay the recording, or send the cases to the service of these variables, in which
//! `<NAME>` is the name of the tests:
//!
//! | variable | meaning |
//! |---|---|
//! | `<NAME>_URL` | the address of the service |
//! | `<NAME>_CONFIG` | a file with the keys of the client: address, headers, credentials, certificates, proxy. Variables such as `<NAME>_HEADERS_X_API_KEY` replace its keys |
//! | `<NAME>_EXCLUSIVE=yes` | confirms that nothing else uses the service. Needed by cases that affect others, and by a contract that cannot delete what its cases change |
//! | `<NAME>_RECORD=yes` | replaces the recording |
//!
//! Each case deletes what it has created, also after a failure or a termination signal. A second signal ends the process
//! at once. What is left is named, and fails the program.

mod archive;
mod settings;
#[cfg(test)]
mod tests;

use crate::contract::{ServiceContract, deletes};
use crate::record::Recorder;
use crate::shape::Shapes;
use crate::suite::{Case, ContractRoutes, RunOptions, RunReport, StopSignal, run, stop_on_signals};
use archive::reason;
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use settings::Settings;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};
use std::{env, fs};
use wiretrait::test_kit::Cassette;
use wiretrait::{ClientConfig, HyperTransport, Policies, Transport, is_displayed};

/// The prefix of the owners in a recording.
const RECORDED: &str = "contract-test";

/// The first pause after a failure during clean-up. With five attempts, a service has 15 seconds to come back.
const CLEANUP_PAUSE: Duration = Duration::from_secs(1);

/// The contract tests of a service.
#[derive(Debug)]
pub struct ContractTests<C> {
    name: &'static str,
    contract: C,
    cases: Vec<Case>,
    folder: PathBuf,
}

/// A run of all cases.
type Checked = Result<(RunReport, BTreeMap<String, String>), String>;

impl<C: ServiceContract> ContractTests<C> {
    /// Creates the tests of the package in `folder`. `name` is the beginning of the variables, such as `ORDERS`.
    pub fn new(name: &'static str, contract: C, cases: Vec<Case>, folder: impl AsRef<Path>) -> Self {
        Self { name, contract, cases, folder: folder.as_ref().join("tests") }
    }

    /// Runs the tests that the command line selects.
    #[must_use]
    pub fn main(self) -> ExitCode {
        let tests = Arc::new(self);
        let checked = Arc::new(OnceLock::new());
        let mut trials = Vec::new();
        for case in &tests.cases {
            let (tests, checked, name) = (Arc::clone(&tests), Arc::clone(&checked), case.name());
            let test = format!("{}::{}", case.operation(), case.situation());
            trials.push(Trial::ignorable_test(test, move || {
                tests.case(checked.get_or_init(|| tests.check()), &name)
            }));
        }
        let of_all: [(&str, OfAll<C>); 2] = [("shapes", Self::shapes), ("coverage", Self::coverage)];
        for (name, test) in of_all {
            let (tests, checked) = (Arc::clone(&tests), Arc::clone(&checked));
            trials.push(Trial::ignorable_test(name, move || {
                test(&tests, checked.get_or_init(|| tests.check()))
            }));
        }
        let code = libtest_mimic::run(&Arguments::from_args(), trials).exit_code();
        match checked.get() {
            Some(Ok((report, _))) if !report.left_behind.is_empty() => {
                log(&format!("the cases have left behind: {}", report.left_behind.join("; ")));
                ExitCode::from(101)
            }
            _ => code,
        }
    }

    /// Runs all cases, against the service or the recording.
    fn check(&self) -> Checked {
        let settings = Settings::read(self.name, &env::vars_os().collect::<Vec<_>>())?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        let runtime = runtime.map_err(|error| error.to_string())?;
        let checked = runtime.block_on(self.run(&settings));
        // Dropping the runtime would wait for a name lookup that hangs.
        runtime.shutdown_background();
        checked
    }

    async fn run(&self, settings: &Settings) -> Checked {
        let report = match &settings.service {
            None => self.replay().await?,
            Some(service) => self.send(transport(service)?, settings, StopSignal::default()).await?,
        };
        let shapes = self.shapes_of(&report);
        Ok((report, shapes))
    }

    /// Runs the cases against the recording.
    async fn replay(&self) -> Result<RunReport, String> {
        let path = self.recording();
        let har = fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let cassette = Cassette::from_har(&har).map_err(|error| error.to_string())?;
        Ok(run(&self.contract, cassette, &self.cases, &one_at_a_time(true)).await)
    }

    /// Runs the cases against a service, and replaces the recording if the settings ask for it.
    async fn send<T>(&self, transport: T, settings: &Settings, stop: StopSignal) -> Result<RunReport, String>
    where
        T: Transport + Clone + 'static,
    {
        self.check_consent(settings)?;
        let signals = stop_on_signals(&self.contract, stop.clone(), log);
        let signals = signals.map_err(|error| format!("signals cannot be handled: {error}"))?;
        let options = RunOptions { stop, pause: CLEANUP_PAUSE, ..one_at_a_time(settings.is_exclusive) };
        let report = if settings.records {
            let recorder = Recorder::new(transport);
            let report = run(&self.contract, recorder.clone(), &self.cases, &options).await;
            // The tests report the cases without a result one by one.
            archive::replace(&self.recording(), &report, &recorder.exchanges())
                .unwrap_or_else(|error| log(&error));
            report
        } else {
            let jobs = RunOptions::default().jobs;
            let options = RunOptions { user: unique_owner(), jobs, ..options };
            run(&self.contract, transport, &self.cases, &options).await
        };
        signals.abort();
        Ok(report)
    }

    /// Returns an error if a run needs a service that nothing else uses, and the settings do not confirm that.
    fn check_consent(&self, settings: &Settings) -> Result<(), String> {
        if settings.is_exclusive {
            return Ok(());
        }
        let Self { name, contract, cases, .. } = self;
        let plural = contract.entity().plural;
        if !deletes(contract) && cases.iter().any(|case| case.changes(contract)) {
            return Err(format!(
                "the cases change {plural}, which the contract cannot delete: use a service that nothing else uses, and \
                 confirm that with {name}_EXCLUSIVE=yes"
            ));
        }
        if settings.records && cases.iter().any(|case| case.needs_exclusive_service(contract)) {
            return Err(format!(
                "a recording needs all cases, of which some affect {plural} of others: use a service that nothing else \
                 uses, and confirm that with {name}_EXCLUSIVE=yes"
            ));
        }
        Ok(())
    }

    fn recording(&self) -> PathBuf {
        self.folder.join("recording.har")
    }

    fn shapes_of(&self, report: &RunReport) -> BTreeMap<String, String> {
        let mut shapes = Shapes::new(self.contract.entity());
        for exchange in report.completed.iter().flat_map(|case| &case.exchanges) {
            let path = exchange.request.uri().path().trim_end_matches('/');
            let mut routes = self.contract.routes().iter();
            // A request that reached no operation was sent for the nearest one.
            if routes.any(|route| route.name == exchange.operation && route.matches_path(path)) {
                shapes.add(exchange.operation, &exchange.response);
            }
        }
        shapes.snapshots().into_iter().collect()
    }

    fn case(&self, checked: &Checked, name: &str) -> Result<Completion, Failed> {
        let (report, _) = checked.as_ref().map_err(Failed::from)?;
        if report.skipped.iter().any(|skipped| skipped == name) {
            return Ok(self.ignored());
        }
        if let Some(failed) = report.failed.iter().find(|case| case.name == name) {
            return Err(Failed::from(&failed.reason));
        }
        let Some(case) = report.completed.iter().find(|case| case.name == name) else {
            return Err(Failed::from(report.aborted.as_deref().unwrap_or("the case was not sent")));
        };
        self.compare(name, &case.snapshot);
        Ok(Completion::Completed)
    }

    /// Returns the result of a test that needs cases which may not run.
    fn ignored(&self) -> Completion {
        Completion::ignored_with(format!("needs {}_EXCLUSIVE=yes", self.name))
    }

    /// Compares the shapes of all responses.
    fn shapes(&self, checked: &Checked) -> Result<Completion, Failed> {
        let (report, shapes) = checked.as_ref().map_err(Failed::from)?;
        if report.is_incomplete() {
            let why = reason(report);
            return Err(Failed::from(format!("shapes are only compared if all cases had responses{why}")));
        }
        if !report.skipped.is_empty() {
            return Ok(self.ignored());
        }
        let all: Vec<String> = shapes.iter().map(|(name, shape)| format!("## {name}\n\n{shape}")).collect();
        self.compare("shapes", &all.concat());
        Ok(Completion::Completed)
    }

    /// Expects a case of every operation, each kind of response to it, and no snapshot without a case.
    fn coverage(&self, checked: &Checked) -> Result<Completion, Failed> {
        let (report, shapes) = checked.as_ref().map_err(Failed::from)?;
        if !report.skipped.is_empty() {
            return Ok(self.ignored());
        }
        let mut gaps = Vec::new();
        for route in self.contract.routes() {
            for class in ["2xx", "4xx"] {
                if !shapes.contains_key(&format!("{}__{class}", route.name)) {
                    gaps.push(format!("`{}` never returned {class}: add a case", route.name));
                }
            }
        }
        let mut expected: BTreeSet<String> = self.cases.iter().map(Case::name).collect();
        expected.insert("shapes".to_owned());
        for entry in fs::read_dir(self.folder.join("snapshots"))? {
            let file = entry?.file_name().to_string_lossy().into_owned();
            if file.strip_suffix(".snap").is_some_and(|name| !expected.contains(name)) {
                gaps.push(format!("no case refers to {file}: delete it"));
            }
        }
        if gaps.is_empty() { Ok(Completion::Completed) } else { Err(Failed::from(gaps.join("\n"))) }
    }

    fn compare(&self, name: &str, snapshot: &str) {
        let mut settings = insta::Settings::clone_current();
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.set_snapshot_path(self.folder.join("snapshots"));
        settings.bind(|| insta::assert_snapshot!(name, snapshot));
    }
}

/// A test of all cases together.
type OfAll<C> = fn(&ContractTests<C>, &Checked) -> Result<Completion, Failed>;

/// Returns the options of a recorded run, whose requests have the same order each time.
fn one_at_a_time(is_exclusive: bool) -> RunOptions {
    RunOptions { user: RECORDED.to_owned(), is_exclusive, jobs: 1, ..RunOptions::default() }
}

/// Returns a prefix for the owners of a run that no other run has.
fn unique_owner() -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    format!("{RECORDED}-{:x}-{:x}", now.as_nanos(), std::process::id())
}

/// Returns the transport to a service. Requests have the routes of the contract.
fn transport(service: &ClientConfig) -> Result<impl Transport + Clone + 'static + use<>, String> {
    let transport = HyperTransport::new(service).map_err(|error| error.to_string())?;
    Ok(ContractRoutes::new(Policies::new(transport, service)))
}

/// Prints a line. Strings of a service in it cannot control a terminal.
fn log(line: &str) {
    eprintln!("{}", line.replace(|character| !is_displayed(character), "\u{fffd}"));
}
