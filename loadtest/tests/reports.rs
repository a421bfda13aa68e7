//! Report files: JSON results, merged results, and baselines.

#[allow(dead_code, reason = "other tests use the rest")]
mod runs;

use loadtest::metrics::{Ending, Results};
use loadtest::{CommandOutput, ExitCode};
use runs::run;
use serde_json::Value;
use sessions_service::{EmbeddedService, SessionStore};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use tokio::sync::Mutex;

/// goose has one kill switch per process, so that only one run is possible at a time.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

/// A new folder for the files of one test.
fn folder(name: &str) -> String {
    let folder = format!("{}/reports-{name}", env!("CARGO_TARGET_TMPDIR"));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn read(file: &str) -> String {
    std::fs::read_to_string(file).unwrap()
}

#[tokio::test]
async fn goose_records_the_same_calls_in_the_same_buckets() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let folder = folder("goose");
    let (ours, goose) = (format!("{folder}/run.json"), format!("{folder}/goose.json"));
    let options = ["--iterations", "50", "--users", "2", "--report-file", &ours, "--goose-report", &goose];
    run(&options).await.unwrap();
    let ours: Value = serde_json::from_str(&read(&ours)).unwrap();
    let goose: Value = serde_json::from_str(&read(&goose)).unwrap();
    let operations = ours["operations"].as_object().unwrap();
    assert!(operations.len() >= 5, "{operations:?}");
    for (name, operation) in operations {
        let raw = &goose["raw_metrics"]["requests"][format!("POST {name}")]["raw_data"];
        let times = &operation["service_time"];
        for (ours, goose) in [
            ("times_us", "times_us"),
            ("count", "counter"),
            ("min_us", "minimum_time_us"),
            ("max_us", "maximum_time_us"),
            ("sum_us", "total_time_us"),
        ] {
            assert_eq!(times[ours], raw[goose], "{ours} of {name}");
        }
    }
}

/// Runs two workers at the same time, each in a process. A service that runs in this process must have another thread.
fn run_two_workers(url: &str, file: impl Fn(&str) -> String) {
    let start = (chrono::Utc::now() + chrono::TimeDelta::seconds(5)).to_rfc3339();
    let workers = ["0", "1"].map(|index| {
        let report = file(index);
        let segment = format!("{index}/2");
        Command::new(env!("CARGO_BIN_EXE_loadtest"))
            .args(["--host", url, "--test-run-id", "merge.test", "--execution-segment", &segment])
            .args(["--users", "4", "--run-time", "3s", "--start-at", &start, "--report-file", &report])
            .env("NO_PROXY", "127.0.0.1")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    });
    for worker in workers {
        let Output { status, stdout, stderr } = worker.wait_with_output().unwrap();
        let [stdout, stderr] = [stdout, stderr].map(|output| String::from_utf8_lossy(&output).into_owned());
        assert!(status.success(), "{status}: {stdout}{stderr}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn merged_results_of_workers_are_a_baseline() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let folder = folder("merge");
    let service = EmbeddedService::start("127.0.0.1:0", SessionStore::new()).await.unwrap();
    let file = |name: &str| format!("{folder}/{name}.json");
    run_two_workers(&service.url(), file);
    let missing = run(&["merge", &file("0"), "--report-file", &file("part")]).await.unwrap_err().to_string();
    assert!(missing.contains("1 of 2 workers given, missing: 1"), "{missing}");
    assert!(!Path::new(&file("part")).exists());

    let files = ["0", "1", "all"].map(file);
    let merge = ["merge", &files[0], &files[1], "--report-file", &files[2]];
    assert_eq!(run(&merge).await.unwrap().exit_code(), ExitCode::Passed);
    let [first, second, all] = files.each_ref().map(|file| Results::read(Path::new(file)).unwrap());
    assert_eq!(all.calls(), first.calls() + second.calls());
    assert_eq!((all.load_generators.len(), all.execution_segment), (2, None));

    let html = format!("{folder}/compared.html");
    let compare = [&merge[..3], &["--baseline", &files[2], "--report-file", &html]].concat();
    let output = run(&compare).await.unwrap();
    assert!(matches!(&output, CommandOutput::Merge(_)), "{output:?}");
    assert_eq!(output.exit_code(), ExitCode::Passed);
    assert!(read(&html).contains("Comparison with the baseline"));

    let other = ["--users", "3", "--baseline", &files[2], "--report-file", &html];
    let error = run(&other).await.unwrap_err().to_string();
    assert!(error.ends_with("has a different load: the number of users was 4 and is 3"), "{error}");
}

#[tokio::test]
async fn a_missed_threshold_does_not_abort_a_worker() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let file = format!("{}/run.json", folder("rule"));
    let service = EmbeddedService::start("127.0.0.1:0", SessionStore::new()).await.unwrap();
    let options = [
        "--host",
        &service.url(),
        "--test-run-id",
        "rule.test",
        "--execution-segment",
        "0/2",
        "--users",
        "2",
        "--run-time",
        "3s",
        "--threshold",
        "rps>=1000000",
        "--report-file",
        &file,
    ];
    assert_eq!(run(&options).await.unwrap().exit_code(), ExitCode::Failed);
    assert_eq!(Results::read(Path::new(&file)).unwrap().ending, Ending::Planned);
}

#[tokio::test]
async fn a_missed_threshold_is_in_every_report_format() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let folder = folder("missed");
    let files = ["html", "md", "xml", "json"].map(|end| format!("{folder}/run.{end}"));
    let mut options =
        vec!["--iterations", "3", "--users", "1", "--threshold", "max<1us for POST open_session"];
    options.extend(files.iter().flat_map(|file| ["--report-file", file]));
    assert_eq!(run(&options).await.unwrap().exit_code(), ExitCode::Failed);
    for file in &files {
        assert!(read(file).contains("threshold missed: max"), "{file}");
    }
}
