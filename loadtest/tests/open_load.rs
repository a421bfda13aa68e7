//! Load at a rate, and runs that come to their end by themselves.

mod faulty;
mod runs;

use faulty::{Fault, Faulty};
use loadtest::Exit;
use loadtest::metrics::LoadModel;
use runs::{assert_ends, load, run};
use sessions_client::SessionsMemoryClientV1;
use sessions_client::server::EmbeddedService;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// goose ends all runs of a process by one switch, so that there is one run at a time.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

/// The 99th percentile of `open_session` in milliseconds, of a service that freezes for a part of the run.
async fn p99_of_a_freeze(options: &[&str], begin: Duration, freeze: Duration) -> f64 {
    let service = Faulty::new(Fault::None);
    let server = EmbeddedService::start("127.0.0.1:0", service.clone()).await.unwrap();
    let freezing = async {
        while service.is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        service.freeze(Instant::now() + begin, freeze);
    };
    let (url, options) = (server.url(), [&["--scenario", "churn"], options].concat());
    let (report, ()) = tokio::join!(load(&url, &options), freezing);
    assert_eq!(report.record.failed(), 0, "{report}");
    let micros = report.record.operations["open_session"].latency().percentile(99.0).unwrap();
    Duration::from_micros(micros).as_secs_f64() * 1_000.0
}

#[tokio::test]
async fn an_open_load_begins_what_is_due_and_no_more() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let sessions = SessionsMemoryClientV1::new();
    let server = EmbeddedService::start("127.0.0.1:0", sessions.clone()).await.unwrap();
    let report = load(&server.url(), &["--rate", "20,40", "--step", "500ms", "--lanes", "30"]).await;
    assert_ends(&report, Exit::Passed);
    let record = &report.record;
    assert_eq!(record.iterations(), 30);
    assert!(matches!(&record.load, LoadModel::Open { steps, lanes: 30 } if steps.len() == 2));
    assert_eq!((record.workers[0].lateness.count(), record.workers[0].never_begun), (30, 0));
    assert_eq!(record.operations["open_session"].from_due.as_ref().unwrap().count(), 30);
    assert!(sessions.is_empty());
}

#[tokio::test]
async fn a_shared_session_is_first_called_when_the_iteration_is_due() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let server = EmbeddedService::start("127.0.0.1:0", SessionsMemoryClientV1::new()).await.unwrap();
    let options = ["--scenario", "hot-session", "--calls", "1", "--think-time", "4000"];
    let pace = ["--rate", "20", "--run-time", "1s", "--threshold", "p50<1s"];
    assert_ends(&load(&server.url(), &[&options[..], &pace].concat()).await, Exit::Passed);
}

#[tokio::test]
async fn arrivals_that_find_no_lane_are_counted() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let service = Faulty::new(Fault::None);
    let server = EmbeddedService::start("127.0.0.1:0", service.clone()).await.unwrap();
    // From the first arrival on, far beyond the last one.
    service.freeze_at_next_opening(Duration::from_secs(3));
    let options = ["--rate", "100", "--step", "300ms", "--lanes", "10", "--scenario", "churn"];
    let report = load(&server.url(), &options).await;
    let health = &report.record.workers[0];
    assert_eq!(health.without_lane, 20, "all but those that the ten lanes take at once: {health:?}");
    assert_eq!(report.record.iterations(), 30);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn open_load_shows_a_freeze_as_those_see_it_who_arrive_and_closed_load_hides_it() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let options = ["--rate", "20", "--step", "20s", "--lanes", "100"];
    let open = p99_of_a_freeze(&options, Duration::from_secs(5), Duration::from_secs(4)).await;
    // A fifth of all arrive while nothing is answered, and a twentieth of those within the first twentieth of the freeze:
    // one in a hundred waits for more than nineteen twentieths of it.
    let expected = 3_800.0;
    assert!((open - expected).abs() < expected * 0.05, "{open} ms, not {expected} ms");
    let options = ["--users", "2", "--run-time", "5s", "--think-time", "5"];
    let closed = p99_of_a_freeze(&options, Duration::from_secs(1), Duration::from_millis(500)).await;
    assert!(closed < 225.0, "{closed} ms");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_search_for_the_limit_ends_below_what_the_lanes_can_hold() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let service = Faulty::new(Fault::None).with_slow_opening(Duration::from_millis(100));
    let server = EmbeddedService::start("127.0.0.1:0", service.clone()).await.unwrap();
    // Ten lanes that take a tenth of a second hold a hundred a second. In a step of a second the queue may grow by five in a
    // hundred of the arrivals of its half, and nobody can say that it was not by chance: five a second more. The threshold
    // is out of reach of any pause of the machine, so that the lanes alone decide.
    let options = ["--find-limit", "--rate", "25", "--step", "1s", "--lanes", "10", "--scenario", "churn"];
    let options = [&options[..], &["--threshold", "p99<5s"]].concat();
    let report = load(&server.url(), &options).await;
    let LoadModel::FindLimit { steps, limit, .. } = &report.record.load else { panic!("{report}") };
    let limit = limit.unwrap();
    assert!((75.0..=110.0).contains(&limit), "{limit}: {steps:?}");
    assert!(steps.iter().any(|step| step.broke.is_some()), "{steps:?}");
    assert!(service.is_empty());
}

#[tokio::test]
async fn a_start_that_has_passed_is_refused() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let server = EmbeddedService::start("127.0.0.1:0", SessionsMemoryClientV1::new()).await.unwrap();
    let error = run(&["--host", &server.url(), "--start-at", "1000"]).await.unwrap_err().to_string();
    assert!(error.starts_with("the start time 1970-01-01T00:00:01+00:00 passed "), "{error}");
}
