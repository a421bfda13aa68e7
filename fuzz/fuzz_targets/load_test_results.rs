//! The results of a load test, as `loadtest report` and baselines read them.
//!
//! All reports can be rendered, and the JSON report is read as the same results.
#![no_main]

use libfuzzer_sys::fuzz_target;
use loadtest::metrics::Results;
use loadtest::output::ReportFormat;
use loadtest::thresholds::{Baseline, BaselineRun};
use loadtest::{LoadTestError, Report};
use sessions_fuzz::{assert_one_line, file};
use std::fs;

fuzz_target!(|json: &[u8]| {
    let results = match read(json) {
        Ok(results) => results,
        Err(error) => return assert_one_line(&error),
    };
    let run = BaselineRun { file: "before.json".to_owned(), results: results.clone() };
    let baseline = Baseline { runs: vec![run] };
    baseline.check_comparable(&results).expect("the load is the same");
    for baseline in [None, Some(&baseline)] {
        let report = Report::evaluate(results.clone(), baseline);
        assert!(!report.to_string().is_empty());
        for format in [ReportFormat::Html, ReportFormat::Markdown, ReportFormat::Junit] {
            // XML cannot contain all characters.
            let _ = report.render(format);
        }
        let json = report.render(ReportFormat::Json).expect("results can be written as JSON");
        assert!(
            read(json.as_bytes()).expect("the report can be read") == results,
            "the results have changed"
        );
    }
});

fn read(json: &[u8]) -> Result<Results, LoadTestError> {
    let path = file("json", json);
    let results = Results::read(&path);
    let _ = fs::remove_file(path);
    results
}
