//! The verdict on services that work, that fail, and that return wrong data.

mod faulty;
mod runs;

use axum::body::Body;
use axum::extract::Request;
use faulty::{Fault, Faulty};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use loadtest::metrics::Results;
use loadtest::{Cli, CommandOutput, ExitCode, Report};
use runs::{assert_exit, load, run};
use sessions_client::{ISessionsV1, SessionsMemoryClientV1};
use sessions_service::{EmbeddedService, SessionStore};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tower::ServiceExt as _;

/// Loads a faulty service with two users.
async fn load_faulty(service: &Faulty, options: &[&str]) -> Report {
    let server = EmbeddedService::start_with("127.0.0.1:0", service.clone()).await.unwrap();
    load(&server.url(), &[&["--users", "2"], options].concat()).await
}

/// Starts a service over HTTP/2 that refuses every fifth request before it processes it, as a server does that limits the
/// concurrent streams of a connection.
async fn start_refusing_service() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (router, requests) = (sessions_service::router(SessionStore::new()), Arc::new(AtomicU64::new(0)));
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (router, requests) = (router.clone(), Arc::clone(&requests));
            let respond = service_fn(move |request: Request<Incoming>| {
                let (router, number) = (router.clone(), requests.fetch_add(1, Ordering::SeqCst));
                async move {
                    if number % 5 == 4 {
                        return Err(h2::Error::from(h2::Reason::REFUSED_STREAM));
                    }
                    Ok(router.oneshot(request.map(Body::new)).await.unwrap_or_else(|error| match error {}))
                }
            });
            let server = http2::Builder::new(TokioExecutor::new());
            tokio::spawn(server.serve_connection(TokioIo::new(stream), respond));
        }
    });
    url
}

#[tokio::test]
async fn requests_that_http2_sends_again_are_shown_and_do_not_fail() {
    let url = start_refusing_service().await;
    let report = load(&url, &["--http2", "--users", "1", "--iterations", "5"]).await;
    assert_exit(&report, ExitCode::Passed);
    let sent_again: u64 = report.results.sent_again.values().sum();
    let calls = report.results.calls();
    // The requests of the probe and the clean-up are among the fifth ones, too.
    assert!(sent_again > 0 && sent_again <= calls / 4 + 1, "{sent_again} of {calls}");
    assert_eq!(report.results.failed_calls(), 0, "{report}");
    let console = report.to_string();
    assert!(console.contains("requests sent again at once, because they were certainly not"), "{console}");
}

/// Loads a service that is always faulty with two sessions of each of two users.
async fn load_always_faulty(fault: Fault) -> (Report, Faulty) {
    let service = Faulty::new(fault);
    let report = load_faulty(&service, &["--iterations", "2", "--stores", "1"]).await;
    (report, service)
}

/// The violations with their counts, the most frequent first.
fn violations(results: &Results) -> Vec<(&str, u64)> {
    let mut found: Vec<_> = results
        .violations
        .iter()
        .filter(|violation| violation.count > 0)
        .map(|violation| (&*violation.kind, violation.count))
        .collect();
    found.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    found
}

/// The failed calls with their counts.
fn failures(results: &Results) -> Vec<(&str, &str, u64)> {
    results.failures.iter().map(|failure| (&*failure.operation, &*failure.reason, failure.count)).collect()
}

#[tokio::test]
async fn a_correct_service_passes_and_keeps_earlier_sessions() {
    let sessions = SessionsMemoryClientV1::new();
    let before = sessions.open_session(None, "another user", None, None, None, None, None).await.unwrap();
    let server = EmbeddedService::start_with("127.0.0.1:0", sessions.clone()).await.unwrap();
    let report = load(&server.url(), &["--iterations", "20"]).await;
    assert_exit(&report, ExitCode::Passed);
    let results = &report.results;
    assert_eq!(
        (results.failed_calls(), results.violation_count(), results.sessions.left_behind.count),
        (0, 0, 0)
    );
    assert_eq!(results.sessions.opened, results.sessions.deleted + results.sessions.cleaned_up);
    assert_eq!(sessions.len(), 1);
    assert_eq!(sessions.get_session_by_id(None, &before.id).await.unwrap(), Some(before));
}

#[tokio::test]
async fn calls_are_counted_by_operation() {
    let server = EmbeddedService::start("127.0.0.1:0", SessionStore::new()).await.unwrap();
    let report = load(&server.url(), &["--users", "2", "--iterations", "5", "--stores", "4"]).await;
    assert_exit(&report, ExitCode::Passed);
    let operations = &report.results.operations;
    let calls: Vec<_> =
        operations.iter().map(|(name, operation)| (&**name, operation.calls, operation.failures)).collect();
    let expected = [
        ("close_session", 10, 0),
        ("delete_session_by_id", 10, 0),
        ("get_session_by_id", 70, 0),
        ("open_session", 10, 0),
        ("store_session_data", 40, 0),
        ("update_session_user", 10, 0),
    ];
    assert_eq!(calls, expected);
    let statuses: Vec<_> = operations["get_session_by_id"].statuses.iter().collect();
    assert_eq!(statuses, [(&200, &60), (&204, &10)]);
    assert_eq!(report.results.completed_iterations(), 10);
}

/// Faults with a scenario that triggers them, and the violation that is found.
const DETECTED: [(Fault, &str, &str); 18] = [
    (Fault::LosesStores, "lifecycle", "stale data was returned"),
    (Fault::LosesStores, "hot-session", "stale data was returned"),
    (Fault::DamagesStores, "lifecycle", "stored data differs"),
    (Fault::ReplacesStores, "lifecycle", "stored data differs"),
    (Fault::LosesUpdates, "lifecycle", "a stale user was returned"),
    (Fault::MixesUpSessions, "read-mostly", "another user's session was returned"),
    (Fault::MixesUpPeople, "read-mostly", "another user's session was returned"),
    (Fault::MixesUpData, "lifecycle", "another user's data was returned"),
    (Fault::ServesStaleReads, "lifecycle", "stale data was returned"),
    (Fault::LosesSessions, "read-mostly", "session is missing"),
    (Fault::TurnsTimeBack, "lifecycle", "request_time decreased"),
    (Fault::GivesIdsTwice, "churn", "a session id was reused"),
    (Fault::ForgetsClose, "lifecycle", "session is still active after close"),
    (Fault::IgnoresClose, "churn", "session is still active after close"),
    (Fault::KeepsDataOfClosed, "lifecycle", "closed session still has its data"),
    (Fault::IgnoresDelete, "lifecycle", "session still exists after delete"),
    (Fault::MiscountsLists, "browse", "total differs from the number of sessions"),
    (Fault::IgnoresFilters, "browse", "a listed session does not match the filter"),
];

#[tokio::test]
async fn every_ninth_fault_is_found() {
    for (fault, scenario, kind) in DETECTED {
        // Without pauses two users of one session write concurrently most of the time, which hides a lost
        // write.
        let pauses = if scenario == "hot-session" { "3" } else { "0" };
        let options =
            ["--scenario", scenario, "--iterations", "12", "--read-ratio", "0.5", "--think-time", pauses];
        let report = load_faulty(&Faulty::every(fault, 9), &options).await;
        let found = violations(&report.results);
        println!("{fault:?} in {scenario}: {found:?}");
        assert!(found.iter().any(|(found, _)| *found == kind), "{fault:?} in {scenario}: {found:?}");
        assert_exit(&report, ExitCode::WrongData);
    }
}

#[tokio::test]
async fn lists_with_foreign_or_missing_sessions_are_found() {
    for (fault, every, kind) in [
        (Fault::ListsForeign, 9, "a session of another user is listed"),
        // If it happened only at times, it would shift the pages, and a session would be listed twice
        // instead.
        (Fault::ListsTooFew, 1, "a session is missing from a list"),
    ] {
        let service = Faulty::every(fault, every);
        let report = load_faulty(&service, &["--scenario", "browse", "--iterations", "6"]).await;
        let found = violations(&report.results);
        assert!(found.iter().any(|(found, _)| *found == kind), "{fault:?}: {found:?}");
        assert_exit(&report, ExitCode::WrongData);
    }
}

/// Rare faults with a scenario that triggers them, and the violation that is found.
const RARELY_DETECTED: [(Fault, &str, &str); 8] = [
    (Fault::LosesStores, "lifecycle", "stale data was returned"),
    (Fault::ReplacesStores, "lifecycle", "stored data differs"),
    (Fault::MixesUpSessions, "lifecycle", "another user's session was returned"),
    (Fault::MixesUpData, "lifecycle", "another user's data was returned"),
    (Fault::ServesStaleReads, "lifecycle", "stale data was returned"),
    (Fault::LosesSessions, "lifecycle", "session is missing"),
    (Fault::GivesIdsTwice, "churn", "a session id was reused"),
    (Fault::IgnoresClose, "churn", "session is still active after close"),
];

#[tokio::test]
async fn every_thousandth_fault_is_found() {
    for (fault, scenario, kind) in RARELY_DETECTED {
        // At least 1,000 opportunities for each fault, and a read after each store.
        let iterations = if scenario == "churn" { "501" } else { "6" };
        let options = ["--scenario", scenario, "--iterations", iterations, "--stores", "100"];
        let report = load_faulty(&Faulty::every(fault, 1_000), &options).await;
        let found = violations(&report.results);
        println!("{fault:?} in {scenario}, {} calls: {found:?}", report.results.calls());
        assert!(found.iter().any(|(found, _)| *found == kind), "{fault:?} in {scenario}: {found:?}");
        assert_exit(&report, ExitCode::WrongData);
    }
}

/// All scenarios at the same time, so that any interference between them would be reported as a violation.
const MIX: [&str; 8] = [
    "--users",
    "6",
    "--iterations",
    "12",
    "--scenario",
    "lifecycle=2,browse=2,hot-session=2,churn,read-mostly",
    "--read-ratio",
    "0.6",
];

#[tokio::test]
async fn a_correct_service_has_no_violations() {
    for _ in 0..10 {
        let report = load_faulty(&Faulty::new(Fault::None), &MIX).await;
        assert_eq!(violations(&report.results), []);
        assert_exit(&report, ExitCode::Passed);
    }
}

#[tokio::test]
async fn a_failing_service_has_no_violations() {
    // After an error response the effect of a call is unknown, and either state is correct.
    for _ in 0..5 {
        let report = load_faulty(&Faulty::every(Fault::FailsAfterStores, 5), &MIX).await;
        assert_eq!(violations(&report.results), []);
        assert_exit(&report, ExitCode::Failed);
    }
}

#[tokio::test]
async fn without_checks_a_list_that_ignores_offsets_ends() {
    let service = Faulty::new(Fault::IgnoresSkip);
    let report = load_faulty(&service, &["--scenario", "browse", "--iterations", "2", "--no-checks"]).await;
    assert_eq!((report.results.completed_iterations(), report.results.violation_count()), (4, 0));
}

#[tokio::test]
async fn iterations_without_calls_are_rejected() {
    let error = Cli::parse_from(["loadtest", "--scenario", "hot-session", "--calls", "0"]).unwrap_err();
    assert!(error.to_string().contains("--calls"), "{error}");
}

#[tokio::test]
async fn violations_have_examples_with_correlation_ids() {
    let (report, _) = load_always_faulty(Fault::DamagesStores).await;
    let violations = &report.results.violations;
    let differs = violations.iter().find(|violation| violation.kind == "stored data differs").unwrap();
    assert_eq!(differs.examples.len(), 4);
    for example in &differs.examples {
        assert_eq!((example.session_id.len(), &*example.operation), (32, "store_session_data"));
        let correlation = example.correlation_id.as_deref().unwrap();
        assert!(
            correlation.starts_with(&format!("loadtest-{}-0-", report.results.test_run_id)),
            "{correlation}"
        );
    }
}

#[tokio::test]
async fn without_checks_a_service_that_loses_data_passes() {
    let service = Faulty::new(Fault::LosesStores);
    let report = load_faulty(&service, &["--iterations", "2", "--no-checks"]).await;
    assert_exit(&report, ExitCode::Passed);
    assert!(!report.results.checks_enabled && service.is_empty());
}

#[tokio::test]
async fn a_listed_session_of_another_user_is_not_deleted() {
    let service = Faulty::every(Fault::ListsForeign, 3);
    let report = load_faulty(&service, &["--iterations", "1"]).await;
    assert_exit(&report, ExitCode::WrongData);
    let foreign = &report.results.sessions.foreign;
    assert!(foreign.count > 0, "{report}");
    assert!(service.has(&foreign.ids[0]).await);
}

#[tokio::test]
async fn only_the_first_violation_of_a_session_is_reported() {
    for (fault, kind) in [
        (Fault::LosesStores, "stale data was returned"),
        (Fault::IgnoresClose, "session is still active after close"),
    ] {
        let (report, service) = load_always_faulty(fault).await;
        assert_eq!(violations(&report.results), [(kind, 4)]);
        assert!(service.is_empty());
    }
}

#[tokio::test]
async fn a_delete_without_effect_is_found_and_leftovers_are_named() {
    let (report, _) = load_always_faulty(Fault::IgnoresDelete).await;
    assert_exit(&report, ExitCode::WrongData);
    assert_eq!(violations(&report.results)[0], ("session still exists after delete", 6));
    let left = &report.results.sessions.left_behind;
    assert_eq!((left.count, left.ids.len()), (4, 4));
}

#[tokio::test]
async fn a_failing_operation_is_reported_with_status_and_example() {
    let (report, service) = load_always_faulty(Fault::RefusesStores).await;
    assert_exit(&report, ExitCode::Failed);
    let results = &report.results;
    assert_eq!(failures(results), [("store_session_data", "service error 503", 4)]);
    let example = results.failures[0].example.as_deref().unwrap();
    assert!(example.contains("503") && example.contains("BUSY: try later"), "{example}");
    assert_eq!(
        (results.completed_iterations(), results.operations["store_session_data"].statuses[&503]),
        (0, 4)
    );
    assert!(service.is_empty());
}

#[tokio::test]
async fn sessions_whose_delete_failed_are_deleted_after_the_run() {
    let (report, service) = load_always_faulty(Fault::RefusesFourDeletes).await;
    assert_exit(&report, ExitCode::Failed);
    assert_eq!((report.results.sessions.cleaned_up, report.results.sessions.left_behind.count), (4, 0));
    assert!(service.is_empty());
}

#[tokio::test]
async fn sessions_of_unanswered_open_calls_are_found() {
    let (report, service) = load_always_faulty(Fault::FailsAfterOpen).await;
    assert_exit(&report, ExitCode::Failed);
    let results = &report.results;
    assert_eq!(failures(results), [("open_session", "service error 503", 4)]);
    assert_eq!((results.sessions.opened, results.sessions.cleaned_up), (0, 4));
    assert_eq!(violations(results), []);
    assert!(service.is_empty());
}

#[tokio::test]
async fn a_failed_leftover_check_is_reported() {
    let (report, _) = load_always_faulty(Fault::RefusesLists).await;
    assert_exit(&report, ExitCode::Failed);
    let error = report.results.sessions.check_error.as_deref().unwrap();
    assert!(error.starts_with("get_sessions"), "{error}");
}

#[tokio::test]
async fn the_leftover_check_retries_failed_lists() {
    let service = Faulty::new(Fault::RefusesTwoLists);
    let report = load_faulty(&service, &["--iterations", "2", "--scenario", "churn"]).await;
    assert_exit(&report, ExitCode::Passed);
    assert!(service.is_empty());
}

#[tokio::test]
async fn one_failing_user_does_not_stop_the_leftover_check() {
    let service = Faulty::new(Fault::RefusesListsOfFirst);
    let options = ["--users", "64", "--iterations", "1", "--scenario", "churn"];
    let server = EmbeddedService::start_with("127.0.0.1:0", service.clone()).await.unwrap();
    let report = load(&server.url(), &options).await;
    assert_exit(&report, ExitCode::Failed);
    assert!(report.results.sessions.check_error.is_some());
    assert_eq!((service.len(), report.results.sessions.cleaned_up), (1, 63));
}

#[tokio::test]
async fn a_session_that_cannot_be_deleted_does_not_hide_others() {
    let (report, service) = load_always_faulty(Fault::KeepsFirstSessions).await;
    assert_eq!(
        (report.results.sessions.cleaned_up, report.results.sessions.left_behind.count),
        (2, 2),
        "{report}"
    );
    assert_eq!(service.len(), 2);
}

#[tokio::test]
async fn an_endless_list_is_given_up() {
    let (report, _) = load_always_faulty(Fault::ListsWithoutEnd).await;
    let error = report.results.sessions.check_error.as_deref().unwrap();
    assert_eq!(error, "get_sessions lists more than 1000 sessions for one user");
}

#[tokio::test]
async fn sessions_kept_by_scenarios_are_deleted_after_the_run() {
    let sessions = SessionsMemoryClientV1::new();
    let server = EmbeddedService::start_with("127.0.0.1:0", sessions.clone()).await.unwrap();
    for (scenario, opened) in [("churn", 6), ("hot-session", 1), ("browse", 14)] {
        let options = ["--users", "2", "--iterations", "3", "--scenario", scenario];
        let report = load(&server.url(), &options).await;
        assert_exit(&report, ExitCode::Passed);
        assert_eq!(report.results.sessions.opened, opened, "{scenario}");
        assert_eq!(sessions.len(), 0, "{scenario}");
    }
}

#[tokio::test]
async fn workers_have_distinct_user_ids() {
    let server = EmbeddedService::start("127.0.0.1:0", SessionStore::new()).await.unwrap();
    for index in 0..2 {
        let segment = format!("{index}/2");
        let options = ["--execution-segment", &segment, "--test-run-id", "shared"];
        let options = [&options[..], &["--users", "4", "--iterations", "1"]].concat();
        let report = load(&server.url(), &options).await;
        let results = &report.results;
        assert_eq!(results.test_run_id, "shared");
        assert_eq!(results.execution_segment.map(|segment| segment.index), Some(index));
        assert_eq!(results.completed_iterations(), 2);
    }
}

#[tokio::test]
async fn cleanup_deletes_orphans_and_nothing_else() {
    let sessions = SessionsMemoryClientV1::new();
    for user in
        ["loadtest-dead-0-1-churn", "another user", "loadtest-deadly-0-1-churn", "loadtest-dead-1-7-browse"]
    {
        for _ in 0..130 {
            sessions.open_session(None, user, None, None, None, None, None).await.unwrap();
        }
    }
    let server = EmbeddedService::start_with("127.0.0.1:0", sessions.clone()).await.unwrap();
    let options = ["cleanup", "--test-run-id", "dead", "--host", &server.url()];
    let counted = run(&[&options[..], &["--dry-run"]].concat()).await.unwrap();
    assert_eq!(counted.exit_code(), ExitCode::Passed);
    assert_eq!(counted.to_string(), "260 sessions of the test run, 520 listed; nothing was deleted\n");
    assert_eq!(sessions.len(), 520);
    let CommandOutput::Cleanup(first) = run(&options).await.unwrap() else { panic!("no clean-up") };
    assert!(first.complete);
    assert_eq!((first.deleted, first.listed, sessions.len()), (260, 260, 260));
    let CommandOutput::Cleanup(second) = run(&options).await.unwrap() else { panic!("no clean-up") };
    assert_eq!((second.deleted, second.complete), (0, true));
    let nothing = run(&options).await.unwrap();
    assert_eq!(nothing.exit_code(), ExitCode::Failed);
    let message = nothing.to_string();
    assert!(
        message.starts_with("no session of the test run was found, 260 sessions listed: check "),
        "{message}"
    );
}

#[tokio::test]
async fn a_dry_cleanup_of_a_list_that_is_too_long_counts_what_it_has_found() {
    let sessions = SessionsMemoryClientV1::new();
    for (user, count) in [("loadtest-dead-0-1-churn", 10), ("another user", 140)] {
        for _ in 0..count {
            sessions.open_session(None, user, None, None, None, None, None).await.unwrap();
        }
    }
    let server = EmbeddedService::start_with("127.0.0.1:0", sessions.clone()).await.unwrap();
    let options = ["cleanup", "--test-run-id", "dead", "--host", &server.url(), "--max-sessions", "100"];
    let counted = run(&[&options[..], &["--dry-run"]].concat()).await.unwrap();
    assert_eq!(counted.exit_code(), ExitCode::Failed);
    let expected = "10 sessions of the test run, 100 listed; nothing was deleted; more may be left: ";
    assert!(counted.to_string().starts_with(expected), "{counted}");
    let deleted = run(&options).await.unwrap();
    assert!(
        deleted.to_string().starts_with("10 sessions deleted, 100 listed; more may be left: "),
        "{deleted}"
    );
    assert_eq!(sessions.len(), 140);
}

#[tokio::test]
async fn deletions_by_others_hide_nothing_from_the_cleanup() {
    let service = Faulty::new(Fault::DeletesBehindPages);
    for (user, count) in [("another user", 120), ("loadtest-dead-0-1-churn", 20), ("another user", 50)] {
        for _ in 0..count {
            service.open_session(None, user, None, None, None, None, None).await.unwrap();
        }
    }
    let server = EmbeddedService::start_with("127.0.0.1:0", service.clone()).await.unwrap();
    let output = run(&["cleanup", "--test-run-id", "dead", "--host", &server.url()]).await.unwrap();
    let CommandOutput::Cleanup(summary) = output else { panic!("no clean-up") };
    assert_eq!((summary.deleted, summary.complete, service.len()), (20, true, 120));
}

#[tokio::test]
async fn cleanup_ends_if_the_service_ignores_deletions() {
    let service = Faulty::new(Fault::IgnoresDelete);
    service.open_session(None, "loadtest-dead-0-1-churn", None, None, None, None, None).await.unwrap();
    let server = EmbeddedService::start_with("127.0.0.1:0", service.clone()).await.unwrap();
    let output = run(&["cleanup", "--test-run-id", "dead", "--host", &server.url()]).await.unwrap();
    assert_eq!(output.exit_code(), ExitCode::Failed);
    assert!(output.to_string().contains("0 sessions deleted"), "{output}");
}

#[tokio::test]
async fn a_cleanup_that_fails_names_the_whole_command() {
    let service = Faulty::new(Fault::RefusesLists);
    service.open_session(None, "loadtest-dead-0-1-churn", None, None, None, None, None).await.unwrap();
    let server = EmbeddedService::start_with("127.0.0.1:0", service.clone()).await.unwrap();
    let options = ["cleanup", "--test-run-id", "dead", "--host", &server.url(), "--max-sessions", "500"];
    let error = run(&options).await.unwrap_err().to_string();
    let command = format!("loadtest cleanup --test-run-id dead --host {} --max-sessions 500", server.url());
    assert!(error.ends_with(&format!("run the command again: {command}")), "{error}");
}

#[tokio::test]
async fn a_throttled_run_stays_below_its_rate() {
    let sessions = SessionsMemoryClientV1::new();
    let server = EmbeddedService::start_with("127.0.0.1:0", sessions.clone()).await.unwrap();
    let options = ["--users", "2", "--iterations", "3", "--stores", "1", "--throttle-requests", "10"];
    let start = Instant::now();
    let report = load(&server.url(), &options).await;
    // goose lets the requests of one second through at once, and then one every tenth of a second.
    let took = start.elapsed();
    assert_exit(&report, ExitCode::Passed);
    assert_eq!(report.results.calls(), 54);
    assert!(took >= Duration::from_secs(4), "{took:?}\n{report}");
    assert!(sessions.is_empty());
}

/// Starts the program against a service at an address, and waits for its announcement.
fn start(url: &str, options: &[&str]) -> Child {
    let mut child = Command::new(env!("CARGO_BIN_EXE_loadtest"))
        .args(["--host", url, "--users", "2"])
        .args(options)
        .env("NO_PROXY", "127.0.0.1")
        .current_dir(env!("CARGO_TARGET_TMPDIR"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut announcement = String::new();
    BufReader::with_capacity(1, child.stderr.as_mut().unwrap()).read_line(&mut announcement).unwrap();
    assert!(announcement.contains(" with 2 users"), "{announcement}");
    child
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signal_after_a_missed_threshold_does_not_stop_the_cleanup() {
    let service = Faulty::new(Fault::ListsSlowly);
    let server = EmbeddedService::start_with("127.0.0.1:0", service.clone()).await.unwrap();
    let options = ["--run-time", "60s", "--threshold", "p50<1us for POST open_session"];
    let mut child = start(&server.url(), &[&options[..], &["--threshold-abort-delay", "0"]].concat());
    while !service.listed_after_the_start() {
        assert_eq!(child.try_wait().unwrap(), None, "it ended before its clean-up");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(Command::new("kill").args(["-s", "TERM", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{stdout}");
    let verdict = stdout.lines().last().unwrap();
    assert!(verdict.contains("threshold missed: "), "{verdict}");
    assert!(verdict.ends_with("nothing left behind)"), "{verdict}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_standard_output_leaves_no_session_behind() {
    let sessions = SessionsMemoryClientV1::new();
    let server = EmbeddedService::start_with("127.0.0.1:0", sessions.clone()).await.unwrap();
    let mut child = start(&server.url(), &["--run-time", "2s", "--goose-metrics"]);
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    assert_eq!(sessions.len(), 0, "{stderr}");
}
