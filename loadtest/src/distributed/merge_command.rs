//! `loadtest merge`: one report of the results of all workers.

use super::merge::merge_results;
use crate::error::LoadTestError;
use crate::metrics::{LoadModel, Results};
use crate::output::{DEFAULT_FILE, Report, ReportFormat};
use crate::thresholds::{PassCriteriaOptions, Rule};
use clap::Args;
use std::path::PathBuf;

/// Merge the results of all workers into one report
///
/// Latencies are added bucket by bucket, so that the percentiles are those of all calls. The pass criteria
/// are those of the workers, unless other ones are given here. They apply to all calls; the verdicts of
/// single workers are ignored.
#[derive(Clone, Debug, Args)]
pub struct MergeOptions {
    /// JSON reports of all workers
    #[arg(required = true, value_name = "FILE.json")]
    pub results: Vec<PathBuf>,
    /// Write the report to this file; repeatable [default: loadtest-report.html]
    ///
    /// The extension decides the format: .html for people, .md for a pull request, .xml for CI pipelines,
    /// .json for --baseline.
    #[arg(long, value_name = "FILE")]
    pub report_file: Vec<PathBuf>,
    /// Pass/fail rule instead of those of the workers; repeatable
    ///
    /// In goose's syntax, such as p95<50ms, rps>=500 or error-rate<1%. rps is computed over the whole run,
    /// from the start of the first call to the end of the last.
    #[arg(long, value_name = "RULE", value_parser = rule)]
    pub threshold: Vec<String>,
    /// The other pass criteria.
    #[command(flatten)]
    pub criteria: PassCriteriaOptions,
}

fn rule(text: &str) -> Result<String, String> {
    text.parse::<Rule>().map(|rule| rule.to_string()).map_err(|error| error.to_string())
}

/// Merges the results of all workers, evaluates the pass criteria, and writes the reports.
///
/// # Errors
///
/// When a file cannot be read or written, or the results are not those of all workers of one run.
pub fn merge_reports(options: &MergeOptions) -> Result<Report, LoadTestError> {
    let MergeOptions { results, report_file, threshold, criteria } = options;
    check_report_files(report_file, results)?;
    let baseline = criteria.read_baseline()?;
    let results: Result<Vec<_>, LoadTestError> =
        results.iter().map(|path| Ok((path.display().to_string(), Results::read(path)?))).collect();
    let mut merged = merge_results(results?)?;
    apply_criteria(&mut merged, threshold, criteria)?;
    if let Some(baseline) = &baseline {
        let differs = |difference| LoadTestError::Merge(format!("{difference}"));
        baseline.check_comparable(&merged).map_err(differs)?;
    }
    let mut report = Report::evaluate(merged, baseline.as_ref());
    let default = [PathBuf::from(DEFAULT_FILE)];
    for file in if report_file.is_empty() { &default } else { &report_file[..] } {
        report.write(file)?;
    }
    Ok(report)
}

/// Checks everything about the reports that can be checked before any file is read.
fn check_report_files(report_files: &[PathBuf], results: &[PathBuf]) -> Result<(), LoadTestError> {
    for file in report_files {
        ReportFormat::of(file)?;
        if results.contains(file) {
            let reason = "the report would overwrite the results of a worker".to_owned();
            return Err(LoadTestError::Report { path: file.clone(), reason });
        }
    }
    Ok(())
}

fn apply_criteria(
    results: &mut Results,
    thresholds: &[String],
    criteria: &PassCriteriaOptions,
) -> Result<(), LoadTestError> {
    let is_search = matches!(results.load, LoadModel::Breakpoint { .. });
    if is_search && (!thresholds.is_empty() || criteria.max_error_rate.is_some()) {
        return Err(LoadTestError::Option(
            "--threshold and --max-error-rate cannot be changed after a breakpoint search, which applied them to each \
             rate"
                .to_owned(),
        ));
    }
    criteria.apply(&mut results.pass_criteria);
    if !thresholds.is_empty() {
        results.pass_criteria.thresholds = thresholds.to_vec();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ExitCode;
    use crate::metrics::sample;
    use clap::Parser;
    use std::path::Path;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        merge: MergeOptions,
    }

    /// A temporary folder, which is deleted when it is dropped.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let folder = std::env::temp_dir().join(format!("loadtest-merge-{name}-{}", std::process::id()));
            std::fs::create_dir_all(&folder).unwrap();
            Self(folder)
        }

        fn file(&self, name: &str) -> String {
            self.0.join(name).display().to_string()
        }

        /// Writes the results of three workers that shared these calls.
        fn with_three_workers(self, calls: &[sample::Call]) -> Self {
            for index in 0..3 {
                let part: Vec<_> = calls.iter().skip(index as usize).step_by(3).cloned().collect();
                let mut report = Report::evaluate(sample::results_of_worker(index, 3, &part), None);
                report.write(Path::new(&self.file(&format!("worker-{index}.json")))).unwrap();
            }
            self
        }

        fn workers(&self) -> [String; 3] {
            [0, 1, 2].map(|index| self.file(&format!("worker-{index}.json")))
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn run(args: &[String]) -> Result<Report, String> {
        let cli = Cli::try_parse_from(["merge".to_owned()].iter().chain(args))
            .map_err(|error| error.to_string())?;
        merge_reports(&cli.merge).map_err(|error| error.to_string())
    }

    fn merged(folder: &Folder, options: &[&str]) -> Result<Report, String> {
        let options = options.iter().map(|option| (*option).to_owned());
        run(&folder.workers().into_iter().chain(options).collect::<Vec<_>>())
    }

    #[test]
    fn the_results_of_three_workers_become_one_report() {
        let calls = sample::calls(1, 9_000, 10);
        let folder = Folder::new("forms").with_three_workers(&calls);
        let files = ["all.html", "all.md", "all.json", "all.xml"].map(|name| folder.file(name));
        let options: Vec<_> = files.iter().flat_map(|file| ["--report-file", file]).collect();
        let report = merged(&folder, &options).unwrap();
        assert_eq!(report.exit_code(), ExitCode::Passed);
        let one = sample::results(&calls);
        let again = Results::read(Path::new(&files[2])).unwrap();
        assert_eq!(again.operations, one.operations);
        assert_eq!((again.timeline, again.duration_us), (one.timeline, one.duration_us));
        for file in &files {
            assert!(std::fs::read_to_string(file).unwrap().contains("9,000"), "{file}");
        }
    }

    #[test]
    fn thresholds_apply_to_the_calls_of_all_workers() {
        // Each worker makes 50 calls per second, all three make 150.
        let folder = Folder::new("rules").with_three_workers(&sample::calls(1, 1_500, 10));
        let html = folder.file("all.html");
        let exit =
            |rule: &str| merged(&folder, &["--threshold", rule, "--report-file", &html]).unwrap().exit_code();
        assert_eq!(exit("rps>140"), ExitCode::Passed);
        assert_eq!(exit("rps>160"), ExitCode::Failed);
    }

    #[test]
    fn a_merged_run_can_be_a_baseline() {
        let folder = Folder::new("baseline").with_three_workers(&sample::calls(1, 9_000, 10));
        let baseline = folder.file("before.json");
        merged(&folder, &["--report-file", &baseline]).unwrap();
        let options = ["--baseline", &baseline, "--report-file", &folder.file("after.json")];
        let report = merged(&folder, &options).unwrap();
        assert_eq!(report.exit_code(), ExitCode::Passed);
        assert_eq!(report.verdict.comparison.unwrap().rows.len(), 18);
    }

    #[test]
    fn the_criteria_of_a_breakpoint_search_cannot_be_changed() {
        let folder = Folder::new("breakpoint");
        let mut results = sample::results(&sample::calls(1, 90, 1));
        results.load = LoadModel::Breakpoint {
            steps: Vec::new(),
            step_seconds: 5.0,
            pre_allocated_vus: 9,
            sustained_rate: Some(50.0),
        };
        let file = folder.file("breakpoint.json");
        Report::evaluate(results, None).write(Path::new(&file)).unwrap();
        for (option, value) in [("--threshold", "p99<20ms"), ("--max-error-rate", "1%")] {
            let error = run(&[&file, option, value].map(str::to_owned)).unwrap_err();
            assert!(error.contains("cannot be changed after a breakpoint search"), "{error}");
        }
    }

    #[track_caller]
    fn assert_rejected(folder: &Folder, options: &[&str], reason: &str) {
        let error = merged(folder, options).unwrap_err();
        assert!(error.contains(reason), "{error}");
    }

    #[test]
    fn invalid_input_is_named() {
        let folder = Folder::new("bad").with_three_workers(&sample::calls(1, 90, 1));
        let worker = &folder.workers()[1];
        assert_rejected(&folder, &["--report-file", "all.pdf"], "all.pdf: a report file must end in ");
        assert_rejected(&folder, &["--report-file", worker], "would overwrite the results of a worker");
        assert_rejected(&folder, &["--threshold", "p95=1"], "the operator must be <, <=, > or >=");
        assert_rejected(&folder, &["--baseline", "nowhere.json"], "nowhere.json: cannot be read");
        assert_rejected(&folder, &["--baseline", worker], "the number of users was 8 and is 24");
        assert_rejected(&folder, &["nowhere.json"], "nowhere.json: cannot be read");
        assert!(run(&[]).unwrap_err().contains("required"));
        let error = run(&folder.workers()[..2]).unwrap_err();
        assert_eq!(error, "2 of 3 workers given, missing: 2");
    }
}
