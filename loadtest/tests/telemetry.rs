//! Trace contexts and live metrics of a run.

mod faulty;
mod otlp_receiver;
mod recording_proxy;
mod runs;

use faulty::{Fault, Faulty};
use loadtest::{ExitCode, Report};
use otlp_receiver::{OtlpReceiver, Received};
use recording_proxy::RecordingProxy;
use runs::{assert_exit, load};
use sessions_service::EmbeddedService;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;

/// goose has one kill switch per process, so that only one run is possible at a time.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

/// Returns the version, the trace id, the parent id and the flags of a trace context.
fn parts(traceparent: &str) -> [&str; 4] {
    let parts: Vec<_> = traceparent.split('-').collect();
    parts.try_into().unwrap()
}

#[tokio::test]
async fn each_request_has_a_new_trace_context() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let service = EmbeddedService::start_with("127.0.0.1:0", Faulty::new(Fault::None)).await.unwrap();
    let proxy = RecordingProxy::start(&service.url(), "traceparent").await;
    let report = load(proxy.url(), &["--users", "2", "--iterations", "2", "--scenario", "churn"]).await;
    assert_exit(&report, ExitCode::Passed);
    let (contexts, requests) = proxy.recorded();
    // Including the calls before and after the run.
    assert!(requests > 2 * 2 * 2, "{requests}");
    assert_eq!(contexts.len(), requests);
    let mut ids = BTreeSet::new();
    for context in &contexts {
        let [version, trace_id, parent_id, flags] = parts(context);
        assert_eq!((version, trace_id.len(), parent_id.len()), ("00", 32, 16), "{context}");
        assert!(matches!(flags, "00" | "01"), "{context}");
        assert!(ids.insert(trace_id), "{context}");
    }
}

#[tokio::test]
async fn the_share_of_sampled_traces_is_an_option() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let service = EmbeddedService::start_with("127.0.0.1:0", Faulty::new(Fault::None)).await.unwrap();
    for (share, expected) in [("0", false), ("1", true)] {
        let proxy = RecordingProxy::start(&service.url(), "traceparent").await;
        let report = load(proxy.url(), &["--users", "1", "--iterations", "2", "--trace-sample", share]).await;
        let (contexts, _) = proxy.recorded();
        let sampled = contexts.iter().filter(|context| parts(context)[3] == "01").count();
        // The calls before and after the run are not sampled.
        assert_eq!(sampled as u64, if expected { report.results.calls() } else { 0 });
    }
}

#[tokio::test]
async fn violations_and_failures_have_the_trace_ids_of_their_requests() {
    let _alone = ONE_AT_A_TIME.lock().await;
    for fault in [Fault::DamagesStores, Fault::RefusesStores] {
        let service = EmbeddedService::start_with("127.0.0.1:0", Faulty::new(fault)).await.unwrap();
        let proxy = RecordingProxy::start(&service.url(), "traceparent").await;
        let report = load(proxy.url(), &["--users", "2", "--iterations", "2", "--stores", "1"]).await;
        let (contexts, _) = proxy.recorded();
        let sent: BTreeSet<_> = contexts.iter().map(|context| parts(context)[1]).collect();
        let results = &report.results;
        let failures = results.failures.iter().map(|failure| &failure.trace_id);
        let examples = results.violations.iter().flat_map(|violation| &violation.examples);
        let shown: Vec<_> = failures.chain(examples.map(|example| &example.trace_id)).collect();
        assert!(!shown.is_empty());
        for id in shown {
            let id = id.as_deref().unwrap();
            assert!(sent.contains(id), "{id}");
            assert!(report.to_string().contains(id), "{report}");
        }
    }
}

/// The number of calls and the sum of their seconds.
type Sum = (u64, f64);

/// The calls of an operation in a report, whose sum is that of its histograms.
fn reported(report: &Report, operation: &str) -> Sum {
    let metrics = &report.results.operations[operation];
    let micros = metrics.service_time.sum() + metrics.failure_time.sum();
    (metrics.calls, Duration::from_micros(micros).as_secs_f64())
}

#[track_caller]
fn assert_equal((calls, seconds): Sum, (expected_calls, expected_seconds): Sum) {
    assert_eq!(calls, expected_calls);
    assert!((seconds - expected_seconds).abs() < 1e-6, "{seconds} {expected_seconds}");
}

#[tokio::test]
async fn an_otlp_receiver_gets_the_figures_of_the_report() {
    let _alone = ONE_AT_A_TIME.lock().await;
    for (fault, error_type) in
        [(Fault::None, None), (Fault::RefusesStores, Some("503")), (Fault::DamagesStores, Some("violation"))]
    {
        let service = EmbeddedService::start_with("127.0.0.1:0", Faulty::new(fault)).await.unwrap();
        let receiver = OtlpReceiver::start(0).await;
        let options = ["--users", "2", "--iterations", "3", "--otlp-endpoint", receiver.url()];
        let report = load(&service.url(), &options).await;
        let Received { resource, sums, calls, headers } = receiver.last();
        for operation in report.results.operations.keys() {
            let mut all = (0, 0.0);
            for point in calls.iter().filter(|point| point.attributes["wiretrait.operation"] == *operation) {
                assert_eq!(point.attributes["wiretrait.contract"], "ISessionsV1");
                all = (all.0 + point.count, all.1 + point.sum);
                assert_eq!(point.buckets.iter().sum::<u64>(), point.count);
            }
            assert_equal(all, reported(&report, operation));
        }
        let errors: BTreeSet<_> =
            calls.iter().filter_map(|point| point.attributes.get("error.type")).collect();
        assert_eq!(errors.into_iter().map(|error| &**error).collect::<Vec<_>>(), Vec::from_iter(error_type));
        assert_eq!(sums["loadtest.calls.failed"], report.results.failed_calls());
        assert_eq!(sums["loadtest.violations"], report.results.violation_count());
        assert_eq!(sums["loadtest.iterations.completed"], report.results.completed_iterations());
        assert_eq!(resource["service.name"], "loadtest");
        assert_eq!(resource["loadtest.test_run_id"], report.results.test_run_id);
        assert_eq!(headers["content-type"], "application/x-protobuf");
        assert_eq!(report.results.load_generators[0].telemetry_note, None);
    }
}

#[tokio::test]
async fn an_open_model_exports_the_time_from_the_due_moment() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let service = EmbeddedService::start_with("127.0.0.1:0", Faulty::new(Fault::None)).await.unwrap();
    let receiver = OtlpReceiver::start(0).await;
    let options = ["--rate", "20", "--run-time", "1s", "--otlp-endpoint", receiver.url()];
    let report = load(&service.url(), &options).await;
    let metric = receiver.histogram("loadtest.call.response_time");
    let opened =
        metric.iter().find(|point| point.attributes["wiretrait.operation"] == "open_session").unwrap();
    let expected = report.results.operations["open_session"].latency();
    let seconds = Duration::from_micros(expected.sum()).as_secs_f64();
    assert_equal((opened.count, opened.sum), (expected.count(), seconds));
}

#[tokio::test]
async fn a_failed_export_is_a_note_and_no_failure_of_the_run() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let service = EmbeddedService::start_with("127.0.0.1:0", Faulty::new(Fault::None)).await.unwrap();
    let rejecting = OtlpReceiver::start(4).await;
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let closed = format!("http://{closed}");
    for (url, reason) in [(rejecting.url(), "rejected 4 data points"), (&closed, "Connection refused")] {
        let options = ["--users", "1", "--iterations", "1", "--otlp-endpoint", url];
        let report = load(&service.url(), &options).await;
        assert_exit(&report, ExitCode::Passed);
        let note = report.results.load_generators[0].telemetry_note.clone().unwrap();
        assert!(note.contains("were not exported") && note.contains(reason), "{note}");
        assert!(report.to_string().contains(&note), "{report}");
    }
}

#[tokio::test]
async fn a_wrong_endpoint_is_an_error_before_the_run() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let error = runs::run(&["--otlp-endpoint", "localhost:4318"]).await.unwrap_err().to_string();
    assert!(error.contains("--otlp-endpoint must be"), "{error}");
    let planned = runs::run(&["--dry-run", "--otlp-endpoint", "localhost:4318"]).await;
    assert!(planned.is_err_and(|error| error.to_string().contains("--otlp-endpoint must be")));
    let used = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = used.local_addr().unwrap().to_string();
    let error = runs::run(&["--prometheus-listen", &address]).await.unwrap_err().to_string();
    assert!(error.contains("--prometheus-listen") && error.contains(&address), "{error}");
}

/// Returns the body of a response; `None` if nothing listens.
async fn scrape(address: SocketAddr) -> Option<String> {
    let mut stream = TcpStream::connect(address).await.ok()?;
    let request = "GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut response = String::new();
    stream.read_to_string(&mut response).await.ok()?;
    let (head, body) = response.split_once("\r\n\r\n")?;
    assert!(head.contains("text/plain; version=0.0.4"), "{head}");
    Some(body.to_owned())
}

/// Adds up the samples of a metric that have a label.
fn sum(exposition: &str, metric: &str, label: &str) -> f64 {
    let samples = exposition.lines().filter_map(|line| line.strip_prefix(metric)?.rsplit_once(' '));
    let matching = samples.filter(|(labels, _)| labels.contains(label));
    matching.map(|(_, value)| value.parse::<f64>().unwrap()).sum()
}

#[tokio::test]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts are small")]
async fn the_last_scrape_has_the_figures_of_the_report() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let service =
        EmbeddedService::start_with("127.0.0.1:0", Faulty::every(Fault::RefusesStores, 3)).await.unwrap();
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let ended = Arc::new(AtomicBool::new(false));
    let scraping = tokio::spawn({
        let ended = Arc::clone(&ended);
        async move {
            let mut scrapes = Vec::new();
            while !ended.load(Ordering::Relaxed) {
                scrapes.extend(scrape(free).await);
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            scrapes
        }
    });
    let report = load(
        &service.url(),
        &[
            "--users",
            "2",
            "--run-time",
            "2s",
            "--think-time",
            "5",
            "--tag",
            "git.branch=main",
            "--prometheus-listen",
            &free.to_string(),
        ],
    )
    .await;
    ended.store(true, Ordering::Relaxed);
    let scrapes = scraping.await.unwrap();
    let (first, last) = (scrapes.first().unwrap(), scrapes.last().unwrap());
    let of = |scrape: &str, metric: &str, label: &str| {
        sum(scrape, &format!("wiretrait_call_duration_seconds_{metric}"), label)
    };
    for operation in report.results.operations.keys() {
        let label = format!("wiretrait_operation=\"{operation}\"");
        let found = (of(last, "count", &label) as u64, of(last, "sum", &label));
        assert_equal(found, reported(&report, operation));
        let all = "le=\"+Inf\"";
        let in_buckets: f64 = last
            .lines()
            .filter(|line| line.starts_with("wiretrait_call_duration_seconds_bucket") && line.contains(all))
            .filter(|line| line.contains(&label))
            .map(|line| line.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap())
            .sum();
        assert_eq!(in_buckets as u64, found.0);
    }
    let failed = sum(last, "loadtest_calls_failed_total", "loadtest_reason=\"service error 503\"");
    assert_eq!(failed as u64, report.results.failed_calls());
    let completed = sum(last, "loadtest_iterations_completed_total", "loadtest_scenario=\"lifecycle\"");
    assert_eq!(completed as u64, report.results.completed_iterations());
    let target = format!("loadtest_test_run_id=\"{}\"", report.results.test_run_id);
    assert!(last.lines().any(|line| line.starts_with("target_info{") && line.contains(&target)), "{last}");
    assert!(last.contains("git_branch=\"main\""), "{last}");
    // It is live.
    assert!(of(first, "count", "") < of(last, "count", ""), "{first}");
}

#[tokio::test]
async fn the_phases_of_calls_add_up_to_their_time() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let opening = Duration::from_millis(60);
    let slow = Faulty::new(Fault::None).with_slow_opening(opening);
    let service = EmbeddedService::start_with("127.0.0.1:0", slow).await.unwrap();
    let report = load(&service.url(), &["--users", "2", "--iterations", "3"]).await;
    assert_exit(&report, ExitCode::Passed);
    let results = &report.results;
    let phases = &results.phases;
    let calls = results.calls();
    for times in [&phases.blocked, &phases.sending, &phases.waiting, &phases.receiving] {
        assert_eq!(times.count(), calls);
    }
    // Each user opens a connection, and over plain HTTP there is no handshake.
    assert_eq!((phases.connecting.count() >= 1, phases.tls.count()), (true, 0));
    assert!(phases.connecting.count() < calls / 2, "{}", phases.connecting.count());
    let in_phases: u64 = phases.all().iter().map(|(_, times)| times.sum()).sum();
    let whole: u64 = results.operations.values().map(|operation| operation.service_time.sum()).sum();
    // Each phase is rounded down to whole microseconds.
    assert!(in_phases <= whole && whole <= in_phases + 6 * calls, "{in_phases} {whole}");
    // The service takes its time between the request and the first byte of the response.
    let slow =
        phases.waiting.buckets().filter(|(floor, width, _)| u128::from(floor + width) >= opening.as_micros());
    assert!(slow.map(|(.., count)| count).sum::<u64>() >= results.operations["open_session"].calls);
    assert!(report.to_string().contains(" phases: blocked "), "{report}");
}
