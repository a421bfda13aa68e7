//! The end of a run: what it interrupts, and what it leaves behind.

mod faulty;
mod runs;

use faulty::{Fault, Faulty};
use loadtest::ExitCode;
use loadtest::metrics::Results;
use runs::{assert_exit, load};
use sessions_service::{EmbeddedService, SessionStore};
use std::io::{BufRead, BufReader, Read, Write as _};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// goose has one kill switch per process, so that only one run is possible at a time.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

/// Far longer than each of these runs.
const ENDLESS: Duration = Duration::from_secs(600);

/// The calls that the service received of virtual users.
fn user_calls(results: &Results) -> u64 {
    results.calls() + results.interrupted_calls()
}

#[tokio::test]
async fn the_run_time_cuts_pauses_short_in_both_models() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let service = Faulty::new(Fault::None);
    let server = EmbeddedService::start_with("127.0.0.1:0", service.clone()).await.unwrap();
    let pause = ["--run-time", "1s", "--think-time", "600000"];
    for model in [&["--users", "2"][..], &["--rate", "2", "--pre-allocated-vus", "2"]] {
        let start = Instant::now();
        let report = load(&server.url(), &[&pause[..], model].concat()).await;
        assert!(start.elapsed() < ENDLESS / 2, "{report}");
        let results = &report.results;
        assert_eq!((results.calls(), results.interrupted_iterations()), (2, 2), "{report}");
        assert_eq!((results.interrupted_calls(), results.sessions.cleaned_up), (0, 2), "{report}");
        assert!(service.is_empty());
    }
}

#[tokio::test]
async fn calls_without_a_response_are_given_up_and_do_not_fail() {
    let _alone = ONE_AT_A_TIME.lock().await;
    for model in [&["--users", "3"][..], &["--rate", "100", "--pre-allocated-vus", "3"]] {
        let service = Faulty::new(Fault::None);
        service.freeze(Instant::now() + Duration::from_millis(500), ENDLESS);
        let server = EmbeddedService::start_with("127.0.0.1:0", service.clone()).await.unwrap();
        let options =
            ["--run-time", "1s", "--graceful-stop", "0s", "--scenario", "churn", "--timeout", "600"];
        let report = load(&server.url(), &[&options[..], model].concat()).await;
        let results = &report.results;
        assert_eq!(results.operations["open_session"].interrupted, 3, "{report}");
        assert_eq!((results.failed_calls(), results.violation_count()), (0, 0), "{report}");
        assert!(results.calls() > 0 && user_calls(results) == results.calls() + 3, "{report}");
        assert!(
            report.to_string().contains("3 iterations interrupted by the end of the run; 3 calls"),
            "{report}"
        );
    }
}

#[tokio::test]
async fn calls_in_flight_may_end_within_the_graceful_stop() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let service = Faulty::new(Fault::None).with_slow_opening(Duration::from_secs(2));
    let server = EmbeddedService::start_with("127.0.0.1:0", service.clone()).await.unwrap();
    let report = load(&server.url(), &["--users", "2", "--run-time", "1s"]).await;
    let results = &report.results;
    assert_eq!((results.calls(), results.interrupted_calls()), (2, 0), "{report}");
    assert!(results.load_duration() < results.duration(), "the graceful stop is not load: {results:?}");
    assert!(service.is_empty());
}

#[tokio::test]
async fn a_run_that_was_cut_short_by_its_end_has_no_violations() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let service = Faulty::new(Fault::None);
    let server = EmbeddedService::start_with("127.0.0.1:0", service.clone()).await.unwrap();
    let mix = "lifecycle,browse,hot-session,churn,read-mostly";
    for _ in 0..3 {
        let options = ["--users", "8", "--run-time", "1s", "--graceful-stop", "0s", "--scenario", mix];
        let report = load(&server.url(), &options).await;
        assert_exit(&report, ExitCode::Passed);
        assert!(service.is_empty());
    }
}

#[tokio::test]
async fn sessions_of_one_user_are_deleted_concurrently() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let service = Faulty::new(Fault::None).with_slow_deletion(Duration::from_millis(200));
    let server = EmbeddedService::start_with("127.0.0.1:0", service.clone()).await.unwrap();
    let options = ["--users", "1", "--iterations", "40", "--scenario", "churn"];
    let report = load(&server.url(), &options).await;
    assert_exit(&report, ExitCode::Passed);
    assert_eq!((report.results.sessions.cleaned_up, service.len()), (40, 0));
    assert!(service.concurrent_deletes() > 10, "{}", service.concurrent_deletes());
}

#[tokio::test]
async fn a_clean_up_that_takes_too_long_ends_in_the_command_for_the_rest() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let service = Faulty::new(Fault::None).with_slow_deletion(ENDLESS);
    let server = EmbeddedService::start_with("127.0.0.1:0", service.clone()).await.unwrap();
    let options = ["--users", "2", "--iterations", "3", "--scenario", "churn", "--cleanup-timeout", "1s"];
    let report = load(&server.url(), &options).await;
    assert_exit(&report, ExitCode::Failed);
    let left = &report.results.sessions.left_behind;
    assert_eq!((left.count, left.ids.len(), report.results.sessions.cleaned_up), (6, 5, 0), "{report}");
    let text = report.to_string();
    let expected = format!(
        "clean-up failed: stopped after 1 s (--cleanup-timeout); 6 sessions left behind: loadtest cleanup \
         --test-run-id {} --host {}",
        report.results.test_run_id,
        server.url()
    );
    assert!(text.contains(&expected), "{text}");
}

#[tokio::test]
async fn all_requests_that_the_service_received_are_in_the_results() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let service = Faulty::new(Fault::RefusesFourDeletes);
    let server = EmbeddedService::start_with("127.0.0.1:0", service.clone()).await.unwrap();
    let mix = "lifecycle,browse,hot-session,churn";
    let report = load(&server.url(), &["--users", "4", "--run-time", "1s", "--scenario", mix]).await;
    let results = &report.results;
    let other = |purpose: &str| results.other_calls[purpose].clone();
    let (probes, cleanup) = (other("probe"), other("clean-up"));
    assert_eq!(probes.keys().collect::<Vec<_>>(), ["get_session_by_id", "get_sessions", "status"]);
    assert!(cleanup["delete_session_by_id"] > 0, "{cleanup:?}");
    // The status is not part of the contract.
    let other = probes.values().chain(cleanup.values()).sum::<u64>() - probes["status"];
    assert_eq!(user_calls(results) + other, service.received() as u64, "{report}");
    assert!(report.to_string().contains("calls outside the load, not in the table: "), "{report}");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_signal_ends_the_clean_up_and_keeps_the_figures() {
    let service = Faulty::new(Fault::None).with_slow_deletion(ENDLESS);
    let server = EmbeddedService::start_with("127.0.0.1:0", service.clone()).await.unwrap();
    let file = concat!(env!("CARGO_TARGET_TMPDIR"), "/second-signal.json");
    let options = ["--users", "2", "--run-time", "60s", "--scenario", "churn", "--report-file", file];
    let mut child = Command::new(env!("CARGO_BIN_EXE_loadtest"))
        .args(["--host", &server.url()])
        .args(options)
        .env("NO_PROXY", "127.0.0.1")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut announcement = String::new();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    stderr.read_line(&mut announcement).unwrap();
    while service.is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let signal = |name: &str| {
        assert!(Command::new("kill").args(["-s", name, &child.id().to_string()]).status().unwrap().success());
    };
    signal("TERM");
    while service.concurrent_deletes() == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    signal("TERM");
    let mut stdout = String::new();
    child.stdout.take().unwrap().read_to_string(&mut stdout).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(4), "{stdout}");
    let verdict = stdout.lines().last().unwrap();
    assert!(
        verdict.starts_with(" STOPPED: stopped by SIGTERM; clean-up failed: stopped by a second signal; "),
        "{verdict}"
    );
    assert!(verdict.contains(" left behind: loadtest cleanup --test-run-id "), "{verdict}");
    let results = Results::read(std::path::Path::new(file)).unwrap();
    assert!(results.calls() > 0 && results.sessions.left_behind.count == service.len() as u64, "{results:?}");
}

/// Starts a collector that is lost after it has accepted a worker: results get status 503. Sends the first line of each
/// request.
#[cfg(unix)]
fn start_lost_collector() -> (String, std::sync::mpsc::Receiver<String>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (sender, requests) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut reader = BufReader::new(&stream);
            let mut lines = reader.by_ref().lines().map_while(Result::ok);
            let Some(first) = lines.next() else { continue };
            let length = lines
                .take_while(|line| !line.is_empty())
                .filter_map(|line| {
                    line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse::<u64>().ok()
                })
                .sum();
            let _ = std::io::copy(&mut reader.take(length), &mut std::io::sink());
            let status = if first.starts_with("GET") { "204 No Content" } else { "503 Service Unavailable" };
            let end = if first.starts_with("GET") { "" } else { "content-length: 0\r\n" };
            let _ = write!(&stream, "HTTP/1.1 {status}\r\n{end}connection: close\r\n\r\n");
            let _ = sender.send(first);
        }
    });
    (url, requests)
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_signal_ends_the_sending_of_results() {
    let server = EmbeddedService::start("127.0.0.1:0", SessionStore::new()).await.unwrap();
    let (collector, requests) = start_lost_collector();
    let file = concat!(env!("CARGO_TARGET_TMPDIR"), "/lost-collector.json");
    let worker = ["--execution-segment", "0/1", "--test-run-id", "x", "--collector", &collector];
    let child = Command::new(env!("CARGO_BIN_EXE_loadtest"))
        .args(["--host", &server.url(), "--iterations", "1", "--users", "1", "--report-file", file])
        .args(worker)
        .env("NO_PROXY", "127.0.0.1")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let id = child.id().to_string();
    let stopped = tokio::task::spawn_blocking(move || {
        let start = Instant::now();
        // The results are sent again after the first signal.
        for _ in 0..2 {
            assert!(requests.iter().any(|request| request.starts_with("PUT /workers/0/results")));
            assert!(Command::new("kill").args(["-s", "TERM", &id]).status().unwrap().success());
        }
        (child.wait_with_output().unwrap(), start.elapsed())
    });
    let (output, time) = stopped.await.unwrap();
    // Without the second signal it is sent again for a minute.
    assert!(time < Duration::from_secs(30), "{time:?}");
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stdout}");
    // Accepted or sent, depending on whether the last attempt has ended in time.
    assert!(stdout.contains("the results were not "), "{stdout}");
    assert!(Results::read(std::path::Path::new(file)).is_ok());
}
