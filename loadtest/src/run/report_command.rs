//! `loadtest report`: the reports of a run from its results, also if it was killed.

use crate::cli::ReportOptions;
use crate::error::LoadTestError;
use crate::metrics::Results;
use crate::output::{DEFAULT_FILE, Report, ReportFormat};
use std::path::PathBuf;

/// Evaluates the results of a run, and writes the reports.
pub(super) fn report(options: &ReportOptions) -> Result<Report, LoadTestError> {
    let ReportOptions { results: path, report_file, criteria } = options;
    report_file.iter().try_for_each(|file| ReportFormat::of(file).map(|_| ()))?;
    let baseline = criteria.read_baseline()?;
    let mut results = Results::read(path)?;
    criteria.apply(&mut results.pass_criteria);
    if let Some(against) = &mut results.against {
        criteria.apply(&mut against.pass_criteria);
    }
    if let Some(baseline) = &baseline {
        if results.against.is_some() {
            let why =
                "--baseline is not supported for results of a comparison: the other service is the baseline";
            return Err(LoadTestError::Option(why.to_owned()));
        }
        let differs = |difference| LoadTestError::Option(format!("--baseline: {difference}"));
        baseline.check_comparable(&results).map_err(differs)?;
    }
    let mut report = Report::evaluate(results, baseline.as_ref());
    let default = [PathBuf::from(DEFAULT_FILE)];
    report.write_all(if report_file.is_empty() { &default } else { report_file });
    Ok(report)
}
