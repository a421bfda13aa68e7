//! Runs of the load test within a test.

use loadtest::{Cli, CouldNotRun, Exit, Outcome, Report};

/// What the program does with these options.
pub(crate) async fn run(options: &[&str]) -> Result<Outcome, CouldNotRun> {
    loadtest::run(Cli::parse_from(["loadtest"].iter().chain(options).copied()).unwrap()).await
}

/// Loads a service at an address, as the program would with these options.
pub(crate) async fn load(url: &str, options: &[&str]) -> Report {
    let file = concat!(env!("CARGO_TARGET_TMPDIR"), "/report.html");
    let always = ["--host", url, "--no-print-metrics", "--report-file", file];
    match run(&[&always[..], options].concat()).await {
        Ok(Outcome::Loaded(report, _)) => *report,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
pub(crate) fn assert_ends(report: &Report, exit: Exit) {
    assert_eq!(report.exit(), exit, "{report}");
}
