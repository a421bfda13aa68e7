//! Comparisons of two services under the same load at the same time.

mod faulty;

use faulty::{Fault, Faulty};
use loadtest::metrics::Results;
use loadtest::thresholds::{Assessment, Criterion};
use loadtest::{Cli, CommandOutput, ExitCode, LoadTestError, Report};
use sessions_service::EmbeddedService;
use std::time::Duration;
use tokio::sync::Mutex;

/// goose has one kill switch per process, so that only one run is possible at a time.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

/// Far longer than each of these runs.
const ENDLESS: Duration = Duration::from_secs(600);

async fn run(options: &[&str]) -> Result<CommandOutput, LoadTestError> {
    let cli = Cli::parse_from(["loadtest"].iter().chain(options).copied()).unwrap();
    loadtest::run(cli).await
}

/// Compares the first service with the second. Both must be empty at the end.
async fn compare(services: [&Faulty; 2], options: &[&str]) -> Report {
    let _alone = ONE_AT_A_TIME.lock().await;
    let [service, against] = services.map(Clone::clone);
    let servers = [
        EmbeddedService::start_with("127.0.0.1:0", service).await.unwrap(),
        EmbeddedService::start_with("127.0.0.1:0", against).await.unwrap(),
    ];
    let urls = servers.each_ref().map(EmbeddedService::url);
    let file = concat!(env!("CARGO_TARGET_TMPDIR"), "/compare.html");
    let always = ["compare", "--host", &urls[0], "--against", &urls[1], "--report-file", file];
    let report = match run(&[&always[..], options].concat()).await {
        Ok(CommandOutput::LoadTest { report }) => *report,
        other => panic!("{other:?}"),
    };
    assert_eq!(report.verdict.comparison.as_ref().unwrap().with, [urls[1].clone()]);
    report
}

/// The calls of the other service.
fn other_calls(report: &Report) -> u64 {
    let calls = report.verdict.criteria.iter().find_map(|result| match result.criterion {
        Criterion::OtherService { calls, .. } => Some(calls),
        _ => None,
    });
    calls.unwrap()
}

#[tokio::test]
async fn both_services_get_the_same_iterations_and_are_cleaned_up() {
    let services = [Faulty::new(Fault::None), Faulty::new(Fault::None)];
    let options =
        ["--iterations", "5", "-u", "3", "--scenario", "lifecycle,churn", "--max-regression", "900%"];
    let report = compare([&services[0], &services[1]], &options).await;
    assert_eq!(report.results.completed_iterations(), 15);
    assert_eq!(report.results.calls(), other_calls(&report));
    assert_ne!(report.exit_code(), ExitCode::Failed, "{report}");
    assert!(services.iter().all(Faulty::is_empty));
}

#[tokio::test]
async fn both_services_get_the_same_rate() {
    let services = [Faulty::new(Fault::None), Faulty::new(Fault::None)];
    let options = ["--rate", "30", "--step", "1s", "--max-regression", "900%"];
    let report = compare([&services[0], &services[1]], &options).await;
    // Not all of them start on a slow machine.
    assert_eq!(report.results.steps[0].due, 30);
    assert!(report.results.calls().min(other_calls(&report)) >= 20, "{report}");
    assert!(services.iter().all(Faulty::is_empty));
}

#[tokio::test]
async fn a_slower_operation_is_a_regression_and_only_in_one_direction() {
    let slow = Faulty::new(Fault::None).with_slow_opening(Duration::from_millis(300));
    let fast = Faulty::new(Fault::None);
    let report = compare([&slow, &fast], &["-t", "5s", "-u", "4"]).await;
    assert_eq!(report.exit_code(), ExitCode::Failed, "{report}");
    let rows = &report.verdict.comparison.as_ref().unwrap().rows;
    let median = rows.iter().find(|row| row.operation == "open_session" && row.percentile < 51.0).unwrap();
    assert_eq!(median.assessment, Assessment::Regressed, "{report}");

    let report = compare([&fast, &slow], &["-t", "5s", "-u", "4"]).await;
    let rows = &report.verdict.comparison.as_ref().unwrap().rows;
    let opened = rows.iter().filter(|row| row.operation == "open_session");
    assert!(opened.into_iter().all(|row| row.assessment != Assessment::Regressed), "{report}");
}

#[tokio::test]
async fn wrong_data_of_either_service_is_reported() {
    let [right, wrong] = [Fault::None, Fault::LosesStores].map(Faulty::new);
    for services in [[&right, &wrong], [&wrong, &right]] {
        let report = compare(services, &["--iterations", "2", "-u", "1"]).await;
        assert_eq!(report.exit_code(), ExitCode::WrongData, "{report}");
        assert!(report.to_string().contains("stale data was returned"), "{report}");
    }
}

#[tokio::test]
async fn sessions_left_at_the_other_service_are_deleted_there() {
    let services = [Faulty::new(Fault::None), Faulty::new(Fault::None).with_slow_deletion(ENDLESS)];
    let options = ["--iterations", "1", "-u", "1", "--scenario", "churn", "--cleanup-timeout", "1s"];
    let report = compare([&services[0], &services[1]], &options).await;
    assert_eq!(report.exit_code(), ExitCode::Failed, "{report}");
    let results = &report.results;
    let against = results.against.as_ref().unwrap();
    let command =
        |address: &str| format!("loadtest cleanup --test-run-id {} --host {address}", results.test_run_id);
    let address = |results: &Results| results.service.address.trim_end_matches('/').to_owned();
    assert_eq!(results.cleanup_command, Some(command(&address(results))));
    assert_eq!(against.cleanup_command, Some(command(&address(against))));
    let text = report.to_string();
    assert!(
        text.contains(&command(&address(against))) && !text.contains(&command(&address(results))),
        "{text}"
    );
}

#[tokio::test]
async fn the_report_of_a_file_has_the_verdict_on_both_services() {
    let [right, wrong] = [Fault::None, Fault::LosesStores].map(Faulty::new);
    let [json, html] = ["json", "html"].map(|end| format!("{}/of-file.{end}", env!("CARGO_TARGET_TMPDIR")));
    let options = ["--iterations", "2", "-u", "1", "--report-file", &json];
    let compared = compare([&right, &wrong], &options).await;
    let Ok(CommandOutput::Report(report)) = run(&["report", &json, "--report-file", &html]).await else {
        panic!("no report")
    };
    assert_eq!(report.exit_code(), ExitCode::WrongData, "{report}");
    assert_eq!(report.verdict, compared.verdict);
    assert_eq!(report.results.against.unwrap().load_generators[0].worker, 0);

    let error = run(&["merge", &json, "--report-file", &html]).await.unwrap_err().to_string();
    assert!(error.ends_with(" is of a comparison, which has no workers: use the command report"), "{error}");
    let options = ["report", &json, "--report-file", &html, "--baseline", &json];
    let error = run(&options).await.unwrap_err().to_string();
    assert!(error.starts_with("--baseline is not supported for results of a comparison"), "{error}");
}

#[tokio::test]
async fn two_embedded_services_are_compared_without_addresses() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let file = concat!(env!("CARGO_TARGET_TMPDIR"), "/compare.json");
    let options = ["compare", "--iterations", "3", "-u", "2", "--report-file", file];
    let Ok(CommandOutput::LoadTest { report }) = run(&options).await else { panic!("no report") };
    assert_eq!(report.results.calls(), other_calls(&report));
    let json = std::fs::read_to_string(file).unwrap();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert!(json["verdict"]["comparison"]["rows"].as_array().unwrap().len() > 1);
}

#[tokio::test]
async fn a_service_to_compare_with_is_required() {
    for (options, expected) in [
        (["--host", "http://127.0.0.1:1"], "the service to compare with is missing: set --against"),
        (["--against", "http://127.0.0.1:1"], "--host is missing; set it"),
    ] {
        let error = run(&[&["compare"], &options[..]].concat()).await.unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
}
