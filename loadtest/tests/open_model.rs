//! Arrival rates, breakpoint searches, and the planned end of a run.

mod faulty;
mod runs;

use faulty::{Fault, Faulty};
use loadtest::metrics::LoadModel;
use loadtest::{ExitCode, Report};
use runs::{assert_exit, load, run};
use sessions_client::SessionsMemoryClientV1;
use sessions_service::{EmbeddedService, SessionStore};
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// goose has one kill switch per process, so that only one run is possible at a time.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

/// The report of a run during which the service freezes.
async fn report_of_a_freeze(options: &[&str], begin: Duration, freeze: Duration) -> Report {
    let service = Faulty::new(Fault::None);
    let server = EmbeddedService::start_with("127.0.0.1:0", service.clone()).await.unwrap();
    let freezing = async {
        while service.is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        service.freeze(Instant::now() + begin, freeze);
    };
    let (url, options) = (server.url(), [&["--scenario", "churn"], options].concat());
    let (report, ()) = tokio::join!(load(&url, &options), freezing);
    assert_eq!(report.results.failed_calls(), 0, "{report}");
    report
}

/// The 99th percentile of `open_session` in milliseconds, if the service freezes for a part of the run.
async fn p99_of_a_freeze(options: &[&str], begin: Duration, freeze: Duration) -> f64 {
    let report = report_of_a_freeze(options, begin, freeze).await;
    let micros = report.results.operations["open_session"].latency().percentile(99.0).unwrap();
    Duration::from_micros(micros).as_secs_f64() * 1_000.0
}

#[tokio::test]
async fn the_open_model_starts_all_due_iterations_and_no_others() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let sessions = SessionsMemoryClientV1::new();
    let server = EmbeddedService::start_with("127.0.0.1:0", sessions.clone()).await.unwrap();
    let report =
        load(&server.url(), &["--rate", "20,40", "--step", "500ms", "--pre-allocated-vus", "30"]).await;
    assert_exit(&report, ExitCode::Passed);
    let results = &report.results;
    assert_eq!(results.scenarios[0].started, 30);
    assert!(matches!(&results.load, LoadModel::Open { steps, pre_allocated_vus: 30 } if steps.len() == 2));
    let generator = &results.load_generators[0];
    assert_eq!((generator.start_delay.count(), generator.dropped_iterations), (30, 0));
    assert_eq!(results.operations["open_session"].response_time.as_ref().unwrap().count(), 30);
    assert!(sessions.is_empty());
}

#[tokio::test]
async fn the_warm_up_is_measured_apart_in_both_models() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let server = EmbeddedService::start("127.0.0.1:0", SessionStore::new()).await.unwrap();
    let warm_up = ["--warm-up", "1s", "--scenario", "churn"];
    let open = load(&server.url(), &[&warm_up[..], &["--rate", "20,30", "--step", "500ms"]].concat()).await;
    let iterations = |report: &Report| report.results.warm_up.as_ref().unwrap().calls.calls() / 2;
    assert_eq!((iterations(&open), open.results.completed_iterations()), (20, 25), "{open}");
    assert_eq!(open.results.steps.iter().map(|step| step.due).collect::<Vec<_>>(), [10, 15]);
    let options = ["--users", "1", "--think-time", "20", "--run-time", "1s"];
    let closed = load(&server.url(), &[&warm_up[..], &options].concat()).await;
    let results = &closed.results;
    assert!(iterations(&closed) > 0 && results.calls() > 0, "{closed}");
    assert!(results.duration() < Duration::from_millis(1_900), "{closed}");
    assert!(results.sessions.opened > results.completed_iterations(), "{closed}");
}

#[tokio::test]
async fn the_first_call_of_a_shared_session_has_no_think_time() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let server = EmbeddedService::start("127.0.0.1:0", SessionStore::new()).await.unwrap();
    let options = ["--scenario", "hot-session", "--calls", "1", "--think-time", "4000"];
    let pace = ["--rate", "20", "--run-time", "1s", "--threshold", "p50<1s"];
    assert_exit(&load(&server.url(), &[&options[..], &pace].concat()).await, ExitCode::Passed);
}

#[tokio::test]
async fn iterations_without_a_free_vu_are_delayed_and_then_dropped() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let service = Faulty::new(Fault::None);
    let server = EmbeddedService::start_with("127.0.0.1:0", service.clone()).await.unwrap();
    // From the first iteration until long after the last one.
    service.freeze_at_next_opening(Duration::from_secs(3));
    let options = ["--rate", "100", "--step", "300ms", "--pre-allocated-vus", "10", "--scenario", "churn"];
    let report = load(&server.url(), &options).await;
    let generator = &report.results.load_generators[0];
    assert_eq!(generator.delayed_iterations, 20, "all but those of the ten VUs: {generator:?}");
    assert_eq!(generator.dropped_iterations, 20, "no iteration starts after the end: {generator:?}");
    assert_eq!(report.results.operations["open_session"].calls, 10, "calls in flight may end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_open_model_shows_a_freeze_that_the_closed_model_hides() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let options = ["--rate", "20", "--step", "20s", "--pre-allocated-vus", "100"];
    let open = p99_of_a_freeze(&options, Duration::from_secs(5), Duration::from_secs(4)).await;
    // A fifth of all iterations are due during the freeze, and a twentieth of those in its first twentieth:
    // one in a hundred waits for more than nineteen twentieths of the freeze.
    let expected = 3_800.0;
    assert!((open - expected).abs() < expected * 0.05, "{open} ms, not {expected} ms");
    let options = ["--users", "2", "--run-time", "5s", "--think-time", "5"];
    let closed = p99_of_a_freeze(&options, Duration::from_secs(1), Duration::from_millis(500)).await;
    assert!(closed < 225.0, "{closed} ms");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_freeze_in_the_closed_model_is_an_outage() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let options = ["--users", "2", "--run-time", "5s", "--think-time", "5"];
    let (begin, freeze) = (Duration::from_secs(1), Duration::from_millis(2_500));
    let report = report_of_a_freeze(&options, begin, freeze).await;
    assert_exit(&report, ExitCode::Failed);
    assert!((1..=3).contains(&report.results.outages().count()), "{report}");
    assert!(report.to_string().contains("FAIL: no call succeeded for "), "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_breakpoint_search_finds_the_limit_of_its_vus() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let service = Faulty::new(Fault::None).with_slow_opening(Duration::from_millis(100));
    let server = EmbeddedService::start_with("127.0.0.1:0", service.clone()).await.unwrap();
    // Ten VUs with iterations of a tenth of a second sustain 100 iterations per second. Within a step of a
    // second the queue may grow by 5% of the iterations of half a step, which may be chance: 5 per second
    // more. No pause of the machine reaches the threshold, so that only the number of VUs decides.
    let options =
        ["--breakpoint", "--rate", "25", "--step", "1s", "--pre-allocated-vus", "10", "--scenario", "churn"];
    let options = [&options[..], &["--threshold", "p99<5s"]].concat();
    let report = load(&server.url(), &options).await;
    let LoadModel::Breakpoint { steps, sustained_rate, .. } = &report.results.load else {
        panic!("{report}")
    };
    let rate = sustained_rate.unwrap();
    assert!((75.0..=110.0).contains(&rate), "{rate}: {steps:?}");
    assert!(steps.iter().any(|step| step.failed_criterion.is_some()), "{steps:?}");
    assert!(service.is_empty());
}

#[tokio::test]
async fn a_past_start_time_is_rejected() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let server = EmbeddedService::start("127.0.0.1:0", SessionStore::new()).await.unwrap();
    let error = run(&["--host", &server.url(), "--start-at", "1000"]).await.unwrap_err().to_string();
    assert!(error.starts_with("the start time 1970-01-01T00:00:01+00:00 passed "), "{error}");
}
