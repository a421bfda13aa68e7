//! Calls that the service rejects with status 429: counted as failed, or sent again.

mod faulty;
mod runs;

use faulty::{Fault, Faulty};
use loadtest::metrics::RateLimitDelays;
use loadtest::{ExitCode, Report};
use runs::{assert_exit, load};
use sessions_service::EmbeddedService;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// goose has one kill switch per process, so that only one run is possible at a time.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

const WAIT: [&str; 2] = ["--on-429", "wait"];

async fn load_limited(service: &Faulty, options: &[&str]) -> Report {
    let server = EmbeddedService::start_with("127.0.0.1:0", service.clone()).await.unwrap();
    load(&server.url(), &[&["--users", "1"], options].concat()).await
}

#[tokio::test]
async fn a_rejected_call_fails_by_default() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let service = Faulty::every(Fault::LimitsStores(Some(Duration::ZERO)), 3);
    let report = load_limited(&service, &["--iterations", "3", "--stores", "1"]).await;
    assert_exit(&report, ExitCode::Failed);
    assert_eq!((report.results.failed_calls(), report.results.rate_limit), (1, None));
}

#[tokio::test]
async fn a_rejected_call_is_sent_again_and_does_not_fail() {
    let _alone = ONE_AT_A_TIME.lock().await;
    for delay in [Some(Duration::ZERO), None] {
        let service = Faulty::every(Fault::LimitsStores(delay), 3);
        let options = ["--iterations", "4", "--stores", "2", "--threshold", "error-rate<=0%"];
        let report = load_limited(&service, &[&options[..], &WAIT].concat()).await;
        assert_exit(&report, ExitCode::Passed);
        let results = &report.results;
        assert_eq!((results.failed_calls(), results.violation_count()), (0, 0), "{report}");
        let store = &results.operations["store_session_data"];
        assert_eq!((store.calls, store.statuses.get(&429)), (8, None), "{report}");
        // Of eleven requests every third is rejected.
        let delays = results.rate_limit.unwrap();
        assert_eq!((delays.calls, delays.rejections), (3, 3), "{report}");
        let backoff = if delay.is_some() { 10 } else { 100 };
        assert!(delays.waited() >= Duration::from_millis(3 * backoff), "{delays:?}");
        assert!(report.to_string().contains("3 calls delayed for "), "{report}");
    }
}

#[tokio::test]
async fn the_latency_of_a_delayed_call_is_that_of_its_last_request() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let service = Faulty::every(Fault::LimitsStores(Some(Duration::from_secs(1))), 2);
    let start = Instant::now();
    let report = load_limited(&service, &[&["--iterations", "2", "--stores", "1"], &WAIT[..]].concat()).await;
    assert_exit(&report, ExitCode::Passed);
    assert!(start.elapsed() >= Duration::from_secs(1), "{report}");
    let store = &report.results.operations["store_session_data"];
    assert!(store.latency().max().unwrap() < 900_000, "{report}");
    assert_eq!(report.results.rate_limit.unwrap().calls, 1, "{report}");
}

#[tokio::test]
async fn the_end_of_the_run_cuts_a_requested_delay_short() {
    let _alone = ONE_AT_A_TIME.lock().await;
    for model in [&["--users", "2"][..], &["--rate", "20", "--pre-allocated-vus", "40"]] {
        let service = Faulty::new(Fault::LimitsStores(Some(Duration::from_secs(3_600))));
        let start = Instant::now();
        let options = [&["--run-time", "1s", "--graceful-stop", "600s"], model, &WAIT].concat();
        let server = EmbeddedService::start_with("127.0.0.1:0", service.clone()).await.unwrap();
        let report = load(&server.url(), &options).await;
        assert!(start.elapsed() < Duration::from_secs(60), "{report}");
        let results = &report.results;
        assert_eq!((results.failed_calls(), results.violation_count()), (0, 0), "{report}");
        assert_eq!(results.interrupted_calls(), 0, "{report}");
        let RateLimitDelays { calls, rejections, .. } = results.rate_limit.unwrap();
        assert!(calls >= 2 && calls == rejections, "{report}");
        assert!(service.is_empty(), "{report}");
    }
}
