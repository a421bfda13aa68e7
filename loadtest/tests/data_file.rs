//! Rows of a file as the data of sessions: stored, read back, and checked.

mod faulty;
mod runs;

use faulty::{Fault, Faulty};
use loadtest::{ExitCode, IterationResult, LoadTest, LoadTestError, Report, Sessions, VirtualUser};
use runs::{assert_exit, load, run};
use sessions_client::Value;
use sessions_service::EmbeddedService;
use std::path::PathBuf;
use tokio::sync::Mutex;

/// goose has one kill switch per process, so that only one run is possible at a time.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

const ROWS: &str = r#"{"user_name":"Ann","user":{"age":7},"cart":["ä \" 1", 1.0, 12345678901234567890]}
{"user_name":"Bob","address":"192.0.2.9","client":"web","data":[1,2]}
{"cart":[]}
"#;

/// Writes a file for one test.
fn file(name: &str, content: &str) -> String {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, content).unwrap();
    path.display().to_string()
}

async fn load_rows(service: &Faulty, file: &str, options: &[&str]) -> Report {
    let server = EmbeddedService::start_with("127.0.0.1:0", service.clone()).await.unwrap();
    load(&server.url(), &[&["--data-file", file, "--users", "2"], options].concat()).await
}

#[tokio::test]
async fn rows_are_stored_in_order_with_the_parts_of_their_sessions() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let service = Faulty::new(Fault::None);
    let file = file("in-order.jsonl", ROWS);
    let report =
        load_rows(&service, &file, &["--scenario", "churn", "--users", "1", "--iterations", "4"]).await;
    assert_exit(&report, ExitCode::Passed);
    let opened = service.opened();
    let names: Vec<_> = opened.iter().map(|(name, _)| name.as_deref().unwrap()).collect();
    assert_eq!(names, ["Ann", "Bob", "Load test", "Ann"]);
    let data = |session: usize, key: &str| opened[session].1[key].clone();
    assert_eq!(data(0, "cart")[0], "ä \" 1");
    assert_eq!(data(1, "value"), Value::from(vec![1, 2]));
    assert_eq!(data(2, "cart"), Value::Array(Vec::new()));
    assert_eq!(data(3, "loadtest")["session"], 3);
    assert!(report.results.iteration.ends_with("3 rows of in-order.jsonl, in order"), "{report}");
}

#[tokio::test]
async fn every_scenario_passes_with_rows_in_each_order() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let jsonl = file("passes.jsonl", ROWS);
    let csv = file("passes.csv", "user_name,user,note\nAnn,\"{\"\"age\"\":7}\",\"a, b\"\nBob,bob,\n");
    for (file, order) in [(&jsonl, "sequential"), (&jsonl, "random"), (&csv, "sequential"), (&csv, "random")]
    {
        for scenario in ["lifecycle", "browse", "hot-session", "read-mostly"] {
            let options = ["--scenario", scenario, "--iterations", "3", "--data-order", order];
            let report = load_rows(&Faulty::new(Fault::None), file, &options).await;
            assert_exit(&report, ExitCode::Passed);
        }
    }
}

#[tokio::test]
async fn empty_values_of_a_row_are_not_wrong_data() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let empty = r#"{"user_name":"","address":"","client":"","user":"","data":""}"#;
    for (name, content) in [("empty.jsonl", empty), ("empty.csv", "user_name,address,user,data,n\n,,,,1\n")] {
        let file = file(name, content);
        let report = load_rows(&Faulty::new(Fault::None), &file, &["--iterations", "2"]).await;
        assert_exit(&report, ExitCode::Passed);
    }
}

#[tokio::test]
async fn wrong_data_are_found_with_rows() {
    let _alone = ONE_AT_A_TIME.lock().await;
    // Equal rows are distinguished as well.
    for rows in [ROWS, "{\"cart\":[]}\n"] {
        let file = file("wrong.jsonl", rows);
        for fault in [
            Fault::LosesStores,
            Fault::DamagesStores,
            Fault::LosesUpdates,
            Fault::MixesUpSessions,
            Fault::ServesStaleReads,
        ] {
            let report = load_rows(&Faulty::every(fault, 9), &file, &["--iterations", "12"]).await;
            assert_exit(&report, ExitCode::WrongData);
        }
    }
}

#[tokio::test]
async fn a_bad_file_is_an_error_before_the_run() {
    let _alone = ONE_AT_A_TIME.lock().await;
    for (name, content, expected) in [
        ("bad.jsonl", "{}\n{\n", "bad.jsonl, line 2: is not valid JSON"),
        ("empty.csv", "a,b\n", "empty.csv: has no rows"),
    ] {
        let path = file(name, content);
        // Nothing listens there.
        let error = run(&["--host", "http://127.0.0.1:9", "--data-file", &path]).await.unwrap_err();
        assert!(matches!(error, LoadTestError::Option(_)) && error.to_string().contains(expected), "{error}");
    }
}

/// Checks that a row can be read by a scenario.
async fn take(user: &mut VirtualUser<Sessions>) -> IterationResult {
    let row = user.next_row();
    let name = row.as_ref().and_then(|row| row.get("cart"));
    user.check("the row has a cart", name.is_some())?;
    let session = user.open().await?;
    user.delete(&session).await
}

#[tokio::test]
async fn a_scenario_takes_rows() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let file = file("taken.jsonl", "{\"cart\":1}\n{\"cart\":2}\n");
    let report_file = concat!(env!("CARGO_TARGET_TMPDIR"), "/taken.html");
    let args =
        ["loadtest", "--users", "1", "--iterations", "4", "--report-file", report_file, "--data-file", &file];
    let output = LoadTest::sessions().scenario("take", take).run_from(args).await.unwrap();
    assert_eq!(output.exit_code(), ExitCode::Passed, "{output}");
}
