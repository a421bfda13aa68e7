//! Runs of the load test in the process of a test.

use loadtest::{Cli, CommandOutput, ExitCode, LoadTestError, Report};

/// Runs the program with these options.
pub(crate) async fn run(options: &[&str]) -> Result<CommandOutput, LoadTestError> {
    loadtest::run(Cli::parse_from(["loadtest"].iter().chain(options).copied()).unwrap()).await
}

/// Loads the service at an address.
pub(crate) async fn load(url: &str, options: &[&str]) -> Report {
    let file = concat!(env!("CARGO_TARGET_TMPDIR"), "/report.html");
    let always = ["--host", url, "--report-file", file];
    match run(&[&always[..], options].concat()).await {
        Ok(CommandOutput::LoadTest { report }) => *report,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
pub(crate) fn assert_exit(report: &Report, exit_code: ExitCode) {
    assert_eq!(report.exit_code(), exit_code, "{report}");
}
