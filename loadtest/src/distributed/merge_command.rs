//! `loadtest merge`: one report of the results of all workers.

use super::collector::Collector;
use super::lost::LostWorkers;
use super::merge::merge_results;
use crate::cli::time_limit;
use crate::error::LoadTestError;
use crate::executors::stop::Stop;
use crate::metrics::{LoadModel, LostWorker, Results};
use crate::output::{DEFAULT_FILE, Report, ReportFormat};
use crate::thresholds::{PassCriteriaOptions, ScopeNames, Threshold};
use clap::Args;
use std::path::PathBuf;
use std::time::Duration;
use tokio::net::TcpListener;

/// Merge the results of all workers into one report
///
/// Latencies are added bucket by bucket, so that the percentiles are those of all calls. The pass criteria
/// are those of the workers, unless other ones are given here. They apply to all calls; the verdicts of
/// single workers are ignored.
#[derive(Clone, Debug, Args)]
pub struct MergeOptions {
    /// JSON reports of all workers
    #[arg(required_unless_present_any = ["lost", "listen"], conflicts_with = "listen", value_name = "FILE.json")]
    pub results: Vec<PathBuf>,
    /// Merge what there is if workers are missing, were killed, or have unreadable results
    ///
    /// The report is marked as partial, names the lost workers, and fails.
    #[arg(long)]
    pub allow_missing: bool,
    /// Number of a worker without results, and the reason, for the report; repeatable
    ///
    /// Only such a worker may be missing without --allow-missing.
    #[arg(long, value_name = "WORKER=REASON", value_parser = lost_worker)]
    pub lost: Vec<LostWorker>,
    /// Receive the results of --workers over HTTP at this address, such as 0.0.0.0:8080
    ///
    /// The workers send them with --collector. SIGTERM ends the wait for them, and makes a partial report.
    #[arg(long, value_name = "ADDRESS:PORT", requires = "workers", conflicts_with = "lost")]
    pub listen: Option<String>,
    /// Number of workers that send their results to --listen
    #[arg(long, value_name = "N", requires = "listen", value_parser = clap::value_parser!(u32).range(1..))]
    pub workers: Option<u32>,
    /// Time to wait for the other workers after the first results, which then count as lost
    #[arg(long, value_name = "TIME", default_value = "2m", value_parser = time_limit)]
    pub wait: Duration,
    /// Write the report to this file; repeatable [default: loadtest-report.html]
    ///
    /// The extension decides the format: .html for people, .md for a pull request, .xml for CI pipelines,
    /// .json for --baseline.
    #[arg(long, value_name = "FILE")]
    pub report_file: Vec<PathBuf>,
    /// Print the results as a line of JSON before the report
    ///
    /// A log then has everything that `loadtest report` needs to write the reports.
    #[arg(long)]
    pub print_json: bool,
    /// Threshold instead of those of the workers; repeatable
    ///
    /// Such as p95<50ms, rps>=500 or p99<1s for step 2. rps is computed over the whole run, from the start of
    /// the first call to the end of the load.
    #[arg(long, value_name = "THRESHOLD", value_parser = threshold)]
    pub threshold: Vec<String>,
    /// The other pass criteria.
    #[command(flatten)]
    pub criteria: PassCriteriaOptions,
}

fn lost_worker(text: &str) -> Result<LostWorker, String> {
    let (worker, reason) = text.split_once('=').unwrap_or((text, "no results"));
    let worker = worker.trim().parse().map_err(|_| "expected a number and a reason: 2=host-3 is down")?;
    Ok(LostWorker { worker, reason: reason.trim().to_owned() })
}

fn threshold(text: &str) -> Result<String, String> {
    text.parse::<Threshold>().map(|threshold| threshold.to_string()).map_err(|error| error.to_string())
}

/// Merges the results of all workers, evaluates the pass criteria, and writes the reports.
///
/// # Errors
///
/// When a file cannot be read or written, or the results are not those of all workers of one run.
pub async fn merge_reports(options: &MergeOptions) -> Result<Report, LoadTestError> {
    let MergeOptions { results, allow_missing, lost, listen, report_file, threshold, criteria, .. } = options;
    check_report_files(report_file, results)?;
    let baseline = criteria.read_baseline()?;
    let (results, lost) = if let Some(address) = listen {
        receive_results(address, options).await?
    } else {
        let reasons = lost.iter().map(|lost| (lost.worker, lost.reason.clone())).collect();
        let mut lost = LostWorkers { allow_missing: *allow_missing, reasons, unreadable: Vec::new() };
        (read_results(results, &mut lost)?, lost)
    };
    let mut merged = merge_results(results, &lost)?;
    apply_criteria(&mut merged, threshold, criteria)?;
    if let Some(baseline) = &baseline {
        let differs = |difference| LoadTestError::Merge(format!("{difference}"));
        baseline.check_comparable(&merged).map_err(differs)?;
    }
    let mut report = Report::evaluate(merged, baseline.as_ref());
    let default = [PathBuf::from(DEFAULT_FILE)];
    report.write_all(if report_file.is_empty() { &default } else { report_file });
    if options.print_json {
        let failed = |reason| LoadTestError::Report { path: PathBuf::from("standard output"), reason };
        report.json_line = Some(report.render(ReportFormat::Json).map_err(failed)?);
    }
    Ok(report)
}

/// Receives the results of all workers over HTTP.
async fn receive_results(
    address: &str,
    options: &MergeOptions,
) -> Result<(Vec<(String, Results)>, LostWorkers), LoadTestError> {
    let stop = Stop::on_signals()?;
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| LoadTestError::Option(format!("--listen {address}: {error}")))?;
    let collector = Collector::new(options.workers.unwrap_or(1));
    collector.collect(listener, options.wait, stop.signalled()).await
}

/// Reads the results of all workers. A file that cannot be read is one of a lost worker, if workers may be lost.
fn read_results(files: &[PathBuf], lost: &mut LostWorkers) -> Result<Vec<(String, Results)>, LoadTestError> {
    let mut results = Vec::new();
    for file in files {
        match Results::read(file) {
            Ok(read) => results.push((file.display().to_string(), read)),
            Err(error) if lost.allow_missing => lost.unreadable.push(error.to_string()),
            Err(error) => return Err(error),
        }
    }
    Ok(results)
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
        let names = ScopeNames::of(results);
        thresholds.iter().try_for_each(|text| text.parse::<Threshold>()?.check(&names))?;
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
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(merge_reports(&cli.merge)).map_err(|error| error.to_string())
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
    fn the_results_are_a_line_of_json_before_the_report() {
        let folder = Folder::new("line").with_three_workers(&sample::calls(1, 900, 10));
        let report = merged(&folder, &["--print-json", "--report-file", &folder.file("all.html")]).unwrap();
        let output = report.to_string();
        let (line, console) = output.split_once('\n').unwrap();
        assert_eq!(Results::parse(line.as_bytes()).unwrap().calls(), 900);
        assert!(line.starts_with(r#"{"format":"#) && console.starts_with("\n === SESSIONS LOAD TEST"));
    }

    #[test]
    fn a_merged_run_can_be_a_baseline() {
        let folder = Folder::new("baseline").with_three_workers(&sample::calls(1, 9_000, 10));
        let baseline = folder.file("before.json");
        merged(&folder, &["--report-file", &baseline]).unwrap();
        let options = ["--baseline", &baseline, "--report-file", &folder.file("after.json")];
        let report = merged(&folder, &options).unwrap();
        assert_eq!(report.exit_code(), ExitCode::Passed);
        // Six operations and all together, three percentiles each.
        assert_eq!(report.verdict.comparison.unwrap().rows.len(), 21);
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

    #[test]
    fn a_partial_report_says_so_in_every_format() {
        let folder = Folder::new("partial").with_three_workers(&sample::calls(1, 900, 10));
        std::fs::write(&folder.workers()[1], "").unwrap();
        let files = ["all.html", "all.md", "all.json", "all.xml"].map(|name| folder.file(name));
        let options: Vec<_> = files.iter().flat_map(|file| ["--report-file", file]).collect();
        assert_rejected(&folder, &options, "worker-1.json: is empty");
        let report = merged(&folder, &[&options[..], &["--allow-missing"]].concat()).unwrap();
        assert_eq!(report.exit_code(), ExitCode::Failed);
        let outputs = files.iter().map(|file| std::fs::read_to_string(file).unwrap());
        for output in outputs.chain([report.to_string()]) {
            assert!(output.contains("partial: 2 of 3 workers"), "{output}");
            assert!(output.contains("worker-1.json: is empty"), "{output}");
        }
        let command = "loadtest cleanup --test-run-id 4f2a91c07be3 --host http://127.0.0.1:8080";
        assert!(report.to_string().contains(command), "{report}");
    }

    #[test]
    fn the_reason_of_a_lost_worker_is_in_the_verdict() {
        let folder = Folder::new("lost").with_three_workers(&sample::calls(1, 900, 10));
        let [first, _, third] = folder.workers();
        let html = folder.file("all.html");
        let options = ["--lost", "1=load-2: connection refused", "--report-file", &html].map(str::to_owned);
        let report = run(&[&[first, third][..], &options].concat()).unwrap().to_string();
        let verdict = report.lines().last().unwrap();
        let start =
            " FAIL: partial: 2 of 3 workers, lost: worker 1 (load-2: connection refused) (600 calls, ";
        assert!(verdict.starts_with(start), "{verdict}");
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
        assert_rejected(&folder, &["--threshold", "p95=1"], "expected <, <=, > or >=");
        assert_rejected(&folder, &["--baseline", "nowhere.json"], "nowhere.json: cannot be read");
        assert_rejected(&folder, &["--baseline", worker], "the number of users was 8 and is 24");
        assert_rejected(&folder, &["nowhere.json"], "nowhere.json: cannot be read");
        assert!(run(&[]).unwrap_err().contains("required"));
        let error = run(&folder.workers()[..2]).unwrap_err();
        assert_eq!(error, "2 of 3 workers given, missing: 2; add --allow-missing for a partial report");
        assert_rejected(&folder, &["--lost", "two=down"], "expected a number and a reason");
    }
}
