//! The contract tests of a service as a test program: each case is a test.
//!
//! The folder of the package has the reviewed snapshots in `tests/snapshots`, and a recording of the real service in
//! `tests/recording.har`. The tests replay the recording, or send the cases to the service at `<NAME>_URL`. Then
//! `<NAME>_RECORD=yes` replaces the recording.

mod archive;

use crate::contract::ServiceContract;
use crate::record::Recorder;
use crate::shape::Shapes;
use crate::suite::{Case, RunOptions, RunReport, run};
use libtest_mimic::{Arguments, Failed, Trial};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};
use std::{env, fs};
use wiretrait::test_kit::Cassette;
use wiretrait::{ClientConfig, HyperTransport, Policies};

/// The prefix of the owners in a recording.
const RECORDED: &str = "contract-test";

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
            trials.push(Trial::test(test, move || tests.case(checked.get_or_init(|| tests.check()), &name)));
        }
        let of_all: [(&str, OfAll<C>); 2] = [("shapes", Self::shapes), ("coverage", Self::coverage)];
        for (name, test) in of_all {
            let (tests, checked) = (Arc::clone(&tests), Arc::clone(&checked));
            trials.push(Trial::test(name, move || test(&tests, checked.get_or_init(|| tests.check()))));
        }
        libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
    }

    /// Runs all cases, against the service or the recording.
    fn check(&self) -> Checked {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        let runtime = runtime.map_err(|error| error.to_string())?;
        let checked = runtime.block_on(self.run());
        // Dropping the runtime would wait for a name lookup that hangs.
        runtime.shutdown_background();
        checked
    }

    async fn run(&self) -> Checked {
        let variable = |end: &str| env::var(format!("{}_{end}", self.name)).unwrap_or_default();
        let url = variable("URL");
        let path = self.folder.join("recording.har");
        let report = if url.is_empty() {
            let har = fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            let cassette = Cassette::from_har(&har).map_err(|error| error.to_string())?;
            run(&self.contract, cassette, &self.cases, &one_at_a_time()).await
        } else {
            // A retry would hide a failure.
            let config = ClientConfig::from_url(&url).map_err(|error| error.to_string())?.with_retries(0);
            let transport = HyperTransport::new(&config).map_err(|error| error.to_string())?;
            let transport = Policies::new(transport, &config);
            if variable("RECORD") == "yes" {
                let recorder = Recorder::new(transport);
                let report = run(&self.contract, recorder.clone(), &self.cases, &one_at_a_time()).await;
                // The tests report the cases without a result one by one.
                archive::replace(&path, &report, &recorder.exchanges())
                    .unwrap_or_else(|error| eprintln!("{error}"));
                report
            } else {
                let owner = format!("{RECORDED}-{}", std::process::id());
                let options = RunOptions { user: owner, may_close_expired: true, ..RunOptions::default() };
                run(&self.contract, transport, &self.cases, &options).await
            }
        };
        let mut shapes = Shapes::new(self.contract.entity());
        for exchange in report.completed.iter().flat_map(|case| &case.exchanges) {
            let path = exchange.request.uri().path().trim_end_matches('/');
            let mut routes = self.contract.routes().iter();
            // A request that reached no operation was sent for the nearest one.
            if routes.any(|route| route.name == exchange.operation && route.matches_path(path)) {
                shapes.add(exchange.operation, &exchange.response);
            }
        }
        Ok((report, shapes.snapshots().into_iter().collect()))
    }

    fn case(&self, checked: &Checked, name: &str) -> Result<(), Failed> {
        let (report, _) = checked.as_ref().map_err(Failed::from)?;
        if let Some(failed) = report.failed.iter().find(|case| case.name == name) {
            return Err(Failed::from(&failed.reason));
        }
        let Some(case) = report.completed.iter().find(|case| case.name == name) else {
            return Err(Failed::from(report.aborted.as_deref().unwrap_or("the case was not sent")));
        };
        self.compare(name, &case.snapshot);
        Ok(())
    }

    /// Compares the shapes of all responses.
    fn shapes(&self, checked: &Checked) -> Result<(), Failed> {
        let (report, shapes) = checked.as_ref().map_err(Failed::from)?;
        if report.is_incomplete() {
            return Err(Failed::from("shapes are only compared if all cases had responses"));
        }
        let all: Vec<String> = shapes.iter().map(|(name, shape)| format!("## {name}\n\n{shape}")).collect();
        self.compare("shapes", &all.concat());
        Ok(())
    }

    /// Expects a case of every operation, each kind of response to it, and no snapshot without a case.
    fn coverage(&self, checked: &Checked) -> Result<(), Failed> {
        let (_, shapes) = checked.as_ref().map_err(Failed::from)?;
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
        if gaps.is_empty() { Ok(()) } else { Err(Failed::from(gaps.join("\n"))) }
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
type OfAll<C> = fn(&ContractTests<C>, &Checked) -> Result<(), Failed>;

/// Returns the options of a recorded run, whose requests have the same order each time.
fn one_at_a_time() -> RunOptions {
    RunOptions { user: RECORDED.to_owned(), may_close_expired: true, jobs: 1, ..RunOptions::default() }
}
