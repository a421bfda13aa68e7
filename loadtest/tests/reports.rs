//! What runs leave on the disk, and what becomes of it.

#[allow(dead_code, reason = "other tests use the rest")]
mod runs;

use loadtest::metrics::{Ending, Record};
use loadtest::{Exit, Outcome};
use runs::run;
use serde_json::Value;
use sessions_client::SessionsMemoryClientV1;
use sessions_client::server::EmbeddedService;
use std::path::Path;
use tokio::sync::Mutex;

/// A run that goose ends at a threshold ends all of the process.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

/// A place for the files of one test.
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
async fn goose_and_the_record_have_the_same_calls_in_the_same_buckets() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let folder = folder("goose");
    let (ours, goose) = (format!("{folder}/run.json"), format!("{folder}/goose.json"));
    let options = [
        "--iterations",
        "50",
        "--users",
        "2",
        "--no-print-metrics",
        "--report-file",
        &ours,
        "--goose-report",
        &goose,
    ];
    run(&options).await.unwrap();
    let ours: Value = serde_json::from_str(&read(&ours)).unwrap();
    let goose: Value = serde_json::from_str(&read(&goose)).unwrap();
    let operations = ours["operations"].as_object().unwrap();
    assert!(operations.len() >= 5, "{operations:?}");
    for (name, operation) in operations {
        let raw = &goose["raw_metrics"]["requests"][format!("POST {name}")]["raw_data"];
        let times = &operation["times"];
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

#[tokio::test]
async fn workers_become_one_run_which_is_the_baseline_of_the_next() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let folder = folder("merge");
    let service = EmbeddedService::start("127.0.0.1:0", SessionsMemoryClientV1::new()).await.unwrap();
    let file = |name: &str| format!("{folder}/{name}.json");
    for index in 0..2 {
        let (worker, report) = (format!("{index}/2"), file(&index.to_string()));
        let options = [
            "--host",
            &service.url(),
            "--run",
            "merge.test",
            "--worker",
            &worker,
            "--users",
            "4",
            "--iterations",
            "40",
            "--no-print-metrics",
            "--report-file",
            &report,
        ];
        run(&options).await.unwrap();
    }
    let missing = run(&["merge", &file("0"), "--report-file", &file("part")]).await.unwrap_err().to_string();
    assert!(missing.contains("of 2 workers 1 gave a record; give that of worker 1 as well"), "{missing}");
    assert!(!Path::new(&file("part")).exists());

    let files = ["0", "1", "all"].map(file);
    let merge = ["merge", &files[0], &files[1], "--report-file", &files[2]];
    assert_eq!(run(&merge).await.unwrap().exit(), Exit::Passed);
    let [first, second, all] = files.each_ref().map(|file| Record::read(Path::new(file)).unwrap());
    assert_eq!(all.calls(), first.calls() + second.calls());
    assert_eq!((all.workers.len(), all.worker), (2, None));

    let html = format!("{folder}/compared.html");
    let compare = [&merge[..3], &["--baseline", &files[2], "--report-file", &html]].concat();
    let outcome = run(&compare).await.unwrap();
    assert!(matches!(&outcome, Outcome::Merged(_)), "{outcome:?}");
    assert_eq!(outcome.exit(), Exit::Passed);
    assert!(read(&html).contains("Compared with an earlier run"));

    let other = ["--users", "3", "--baseline", &files[2], "--report-file", &html];
    let error = run(&other).await.unwrap_err().to_string();
    assert!(error.ends_with("made with another load: the number of users was 4 and is 3"), "{error}");
}

#[tokio::test]
async fn a_rule_for_all_workers_does_not_end_one_of_them() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let file = format!("{}/run.json", folder("rule"));
    let service = EmbeddedService::start("127.0.0.1:0", SessionsMemoryClientV1::new()).await.unwrap();
    let options = [
        "--host",
        &service.url(),
        "--run",
        "rule.test",
        "--worker",
        "0/2",
        "--users",
        "2",
        "--run-time",
        "3s",
        "--no-print-metrics",
        "--threshold",
        "rps>=1000000",
        "--report-file",
        &file,
    ];
    assert_eq!(run(&options).await.unwrap().exit(), Exit::Failed);
    assert_eq!(Record::read(Path::new(&file)).unwrap().ending, Ending::Planned);
}

#[tokio::test]
async fn a_missed_threshold_is_in_every_form_of_the_report() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let folder = folder("missed");
    let files = ["html", "md", "xml", "json"].map(|end| format!("{folder}/run.{end}"));
    let mut options = vec![
        "--iterations",
        "3",
        "--users",
        "1",
        "--no-print-metrics",
        "--threshold",
        "max<1us for POST open_session",
    ];
    options.extend(files.iter().flat_map(|file| ["--report-file", file]));
    assert_eq!(run(&options).await.unwrap().exit(), Exit::Failed);
    for file in &files {
        assert!(read(file).contains("threshold missed: max"), "{file}");
    }
}
