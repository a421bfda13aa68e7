//! `loadtest merge`: the records of all workers of a run, judged and reported as the one run that they were.

use crate::metrics::{self, LoadModel, Record};
use crate::output::{DEFAULT_FILE, Format, Report};
use crate::thresholds::{JudgeOptions, Rule};
use clap::Args;
use std::error::Error;
use std::path::PathBuf;

/// Makes one report of those of all workers of a run.
///
/// Times are added up bucket by bucket, so that every percentile is that of all calls. Thresholds and guards are
/// those of the workers, unless others are given here, and are judged over all; what one worker said of its own
/// part does not count.
#[derive(Clone, Debug, Args)]
pub struct MergeOptions {
    /// The JSON reports of all workers
    ///
    /// None may be missing, be given twice, or be of another run.
    #[arg(required = true, value_name = "FILE.json")]
    pub records: Vec<PathBuf>,
    /// Write the report to this file, in the form that its name ends in [default: loadtest-report.html]
    ///
    /// The end is .html for people, .md for a pull request, .xml for pipelines that show tests, or .json, which is
    /// a record again, for --baseline. May be given more than once.
    #[arg(long, value_name = "FILE")]
    pub report_file: Vec<PathBuf>,
    /// Judge by this threshold, instead of those of the workers
    ///
    /// In the words of goose, such as 'p95<50ms', 'rps>=500' or 'error-rate<1%'; rps is that of the whole run, from
    /// its first call to the end of its last. May be given more than once.
    #[arg(long, value_name = "RULE", value_parser = rule)]
    pub threshold: Vec<String>,
    /// What else it is judged by.
    #[command(flatten)]
    pub judge: JudgeOptions,
}

fn rule(text: &str) -> Result<String, String> {
    text.parse::<Rule>().map(|rule| rule.to_string()).map_err(|error| error.to_string())
}

/// Merges, judges and reports as `options` say.
///
/// # Errors
///
/// When a file cannot be read or written, or the records are not those of all workers of one run.
pub fn merge(options: &MergeOptions) -> Result<Report, Box<dyn Error + Send + Sync>> {
    let MergeOptions { records, report_file, threshold, judge } = options;
    for file in report_file {
        Format::of(file)?;
        if records.contains(file) {
            return Err(format!(
                "{}: the report would overwrite a record that it is made of",
                file.display()
            )
            .into());
        }
    }
    let baseline = judge.read_baseline()?;
    let records = records.iter().map(|path| Ok((path.display().to_string(), Record::read(path)?)));
    let mut whole = crate::distributed::merge::merge(records.collect::<Result<_, metrics::Unreadable>>()?)?;
    let is_search = matches!(whole.load, LoadModel::FindLimit { .. });
    if is_search && (!threshold.is_empty() || judge.max_error_rate.is_some()) {
        return Err(
            "a search for the limit was judged rate by rate while it ran: --threshold and --max-error-rate \
                    cannot change what it found"
                .into(),
        );
    }
    judge.apply(&mut whole.rules);
    if !threshold.is_empty() {
        whole.rules.thresholds.clone_from(threshold);
    }
    if let Some(baseline) = &baseline {
        baseline.is_comparable(&whole)?;
    }
    let mut report = Report::new(whole, baseline.as_ref());
    let default = [PathBuf::from(DEFAULT_FILE)];
    for file in if report_file.is_empty() { &default } else { &report_file[..] } {
        report.write(file)?;
    }
    Ok(report)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Exit;
    use crate::metrics::sample;
    use clap::Parser;
    use std::path::Path;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        merge: MergeOptions,
    }

    /// A folder of its own for each test, which goes when the test is over.
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

        /// Writes what three workers observed that shared these calls.
        fn with_three_workers(self, calls: &[sample::Call]) -> Self {
            for index in 0..3 {
                let share: Vec<_> = calls.iter().skip(index as usize).step_by(3).cloned().collect();
                let mut report = Report::new(sample::of_worker(index, 3, &share), None);
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
        merge(&cli.merge).map_err(|error| error.to_string())
    }

    fn merged(folder: &Folder, options: &[&str]) -> Result<Report, String> {
        let options = options.iter().map(|option| (*option).to_owned());
        run(&folder.workers().into_iter().chain(options).collect::<Vec<_>>())
    }

    #[test]
    fn the_files_of_three_workers_become_the_report_of_one_run_in_every_form() {
        let calls = sample::calls(1, 9_000, 10);
        let folder = Folder::new("forms").with_three_workers(&calls);
        let files = ["all.html", "all.md", "all.json", "all.xml"].map(|name| folder.file(name));
        let options: Vec<_> = files.iter().flat_map(|file| ["--report-file", file]).collect();
        let report = merged(&folder, &options).unwrap();
        assert_eq!(report.exit(), Exit::Passed);
        let one = sample::record(&calls);
        let again = Record::read(Path::new(&files[2])).unwrap();
        assert_eq!(again.operations, one.operations);
        assert_eq!((again.timeline, again.span_us), (one.timeline, one.span_us));
        for file in &files {
            assert!(std::fs::read_to_string(file).unwrap().contains("9,000"), "{file}");
        }
    }

    #[test]
    fn thresholds_are_judged_over_all_workers() {
        // Each worker makes fifty calls a second, all three 150.
        let folder = Folder::new("rules").with_three_workers(&sample::calls(1, 1_500, 10));
        let html = folder.file("all.html");
        let exit =
            |rule: &str| merged(&folder, &["--threshold", rule, "--report-file", &html]).unwrap().exit();
        assert_eq!(exit("rps>140"), Exit::Passed);
        assert_eq!(exit("rps>160"), Exit::Failed);
    }

    #[test]
    fn a_merged_run_is_a_baseline_and_has_one() {
        let folder = Folder::new("baseline").with_three_workers(&sample::calls(1, 9_000, 10));
        let baseline = folder.file("before.json");
        merged(&folder, &["--report-file", &baseline]).unwrap();
        let options = ["--baseline", &baseline, "--report-file", &folder.file("after.json")];
        let report = merged(&folder, &options).unwrap();
        assert_eq!(report.exit(), Exit::Passed);
        assert_eq!(report.verdict.comparison.unwrap().rows.len(), 18);
    }

    #[test]
    fn a_limit_that_was_found_is_not_judged_by_other_rules() {
        let folder = Folder::new("limit");
        let mut record = sample::record(&sample::calls(1, 90, 1));
        record.load = LoadModel::FindLimit { steps: Vec::new(), seconds: 5.0, lanes: 9, limit: Some(50.0) };
        let file = folder.file("limit.json");
        Report::new(record, None).write(Path::new(&file)).unwrap();
        for (option, value) in [("--threshold", "p99<20ms"), ("--max-error-rate", "1%")] {
            let error = run(&[&file, option, value].map(str::to_owned)).unwrap_err();
            assert!(error.contains("was judged rate by rate"), "{error}");
        }
    }

    #[track_caller]
    fn assert_refused(folder: &Folder, options: &[&str], why: &str) {
        let error = merged(folder, options).unwrap_err();
        assert!(error.contains(why), "{error}");
    }

    #[test]
    fn bad_input_is_named_before_anything_is_written() {
        let folder = Folder::new("bad").with_three_workers(&sample::calls(1, 90, 1));
        let worker = &folder.workers()[1];
        assert_refused(&folder, &["--report-file", "all.pdf"], "all.pdf: a report file ends in ");
        assert_refused(&folder, &["--report-file", worker], "would overwrite a record that it is made of");
        assert_refused(&folder, &["--threshold", "p95=1"], "the operator must be <, <=, > or >=");
        assert_refused(&folder, &["--baseline", "nowhere.json"], "nowhere.json: cannot be read");
        assert_refused(&folder, &["--baseline", worker], "the number of users was 8 and is 24");
        assert_refused(&folder, &["nowhere.json"], "nowhere.json: cannot be read");
        assert!(run(&[]).unwrap_err().contains("required"));
        let error = run(&folder.workers()[..2]).unwrap_err();
        assert_eq!(error, "of 3 workers 2 gave a record; give that of worker 2 as well");
    }
}
