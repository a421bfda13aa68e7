//! What the load test says of services that work, that fail and that lie.

mod faulty;
mod runs;

use faulty::{Fault, Faulty};
use loadtest::metrics::Record;
use loadtest::{Cli, Exit, Outcome, Report};
use runs::{assert_ends, load, run};
use sessions_client::server::EmbeddedService;
use sessions_client::{ISessionsV1, SessionsMemoryClientV1};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Loads a faulty service with two users.
async fn load_faulty(service: &Faulty, options: &[&str]) -> Report {
    let server = EmbeddedService::start("127.0.0.1:0", service.clone()).await.unwrap();
    load(&server.url(), &[&["--users", "2"], options].concat()).await
}

/// Loads a service that is always wrong with two sessions of each of two users.
async fn load_wrong(fault: Fault) -> (Report, Faulty) {
    let service = Faulty::new(fault);
    let report = load_faulty(&service, &["--iterations", "2", "--stores", "1"]).await;
    (report, service)
}

/// The violations that were found, with how often, the most frequent first.
fn violations(record: &Record) -> Vec<(&str, u64)> {
    let mut found: Vec<_> = record
        .violations
        .iter()
        .filter(|violation| violation.count > 0)
        .map(|violation| (&*violation.kind, violation.count))
        .collect();
    found.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    found
}

/// The failures of calls, with how often.
fn failures(record: &Record) -> Vec<(&str, &str, u64)> {
    record.failures.iter().map(|failure| (&*failure.operation, &*failure.name, failure.count)).collect()
}

#[tokio::test]
async fn a_good_service_passes_and_keeps_only_what_was_there_before() {
    let sessions = SessionsMemoryClientV1::new();
    let before = sessions.open_session(None, "somebody", None, None, None, None, None).await.unwrap();
    let server = EmbeddedService::start("127.0.0.1:0", sessions.clone()).await.unwrap();
    let report = load(&server.url(), &["--run-time", "1s"]).await;
    assert_ends(&report, Exit::Passed);
    let record = &report.record;
    assert_eq!((record.failed(), record.violated(), record.audit.left_behind.count), (0, 0, 0));
    assert_eq!(record.audit.opened, record.audit.deleted);
    assert_eq!(sessions.len(), 1);
    assert_eq!(sessions.get_session_by_id(None, &before.id).await.unwrap(), Some(before));
}

#[tokio::test]
async fn every_call_of_a_session_is_counted_under_the_name_of_its_operation() {
    let server = EmbeddedService::start("127.0.0.1:0", SessionsMemoryClientV1::new()).await.unwrap();
    for client in ["own", "goose"] {
        let options = ["--users", "2", "--iterations", "5", "--stores", "4", "--client", client];
        let report = load(&server.url(), &options).await;
        assert_ends(&report, Exit::Passed);
        let operations = &report.record.operations;
        let calls: Vec<_> = operations
            .iter()
            .map(|(name, operation)| (&**name, operation.calls, operation.failures))
            .collect();
        let expected = [
            ("close_session", 10, 0),
            ("delete_session_by_id", 10, 0),
            ("get_session_by_id", 70, 0),
            ("open_session", 10, 0),
            ("store_session_data", 40, 0),
            ("update_session_user", 10, 0),
        ];
        assert_eq!(calls, expected, "{client}");
        let statuses: Vec<_> = operations["get_session_by_id"].statuses.iter().collect();
        assert_eq!(statuses, [(&200, &60), (&204, &10)], "{client}");
        assert_eq!(report.record.iterations(), 10);
    }
}

/// Scenarios and options that give a fault its opportunity, and what finds it.
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
    (Fault::LosesSessions, "read-mostly", "session is gone"),
    (Fault::TurnsTimeBack, "lifecycle", "request time went back"),
    (Fault::GivesIdsTwice, "churn", "the id of another session was given out again"),
    (Fault::ForgetsClose, "lifecycle", "close left it active"),
    (Fault::IgnoresClose, "churn", "close left it active"),
    (Fault::KeepsDataOfClosed, "lifecycle", "close kept its data"),
    (Fault::IgnoresDelete, "lifecycle", "delete left it there"),
    (Fault::MiscountsLists, "browse", "the total is not the number of sessions"),
    (Fault::IgnoresFilters, "browse", "a session is listed that the filter excludes"),
];

#[tokio::test]
async fn a_fault_that_happens_once_in_a_while_is_found_by_its_kind() {
    for (fault, scenario, kind) in DETECTED {
        // Without pauses two users of one session write at the same time again and again, which hides a lost write.
        let pauses = if scenario == "hot-session" { "3" } else { "0" };
        let options =
            ["--scenario", scenario, "--iterations", "12", "--read-ratio", "0.5", "--think-time", pauses];
        let report = load_faulty(&Faulty::every(fault, 9), &options).await;
        let found = violations(&report.record);
        println!("{fault:?} in {scenario}: {found:?}");
        assert!(found.iter().any(|(found, _)| *found == kind), "{fault:?} in {scenario}: {found:?}");
        assert_ends(&report, Exit::WrongData);
    }
}

#[tokio::test]
async fn lists_with_the_sessions_of_others_and_without_those_of_the_user_are_found() {
    for (fault, every, kind) in [
        (Fault::ListsForeign, 9, "sessions of other users are listed"),
        // Now and then it would shift the pages, so that a session is listed twice instead.
        (Fault::ListsTooFew, 1, "a session is not listed"),
    ] {
        let service = Faulty::every(fault, every);
        let report = load_faulty(&service, &["--scenario", "browse", "--iterations", "6"]).await;
        let found = violations(&report.record);
        assert!(found.iter().any(|(found, _)| *found == kind), "{fault:?}: {found:?}");
        assert_ends(&report, Exit::WrongData);
    }
}

/// Faults that a lifecycle with many stores finds by its reads, and churn by how it ends.
const RARELY_DETECTED: [(Fault, &str, &str); 8] = [
    (Fault::LosesStores, "lifecycle", "stale data was returned"),
    (Fault::ReplacesStores, "lifecycle", "stored data differs"),
    (Fault::MixesUpSessions, "lifecycle", "another user's session was returned"),
    (Fault::MixesUpData, "lifecycle", "another user's data was returned"),
    (Fault::ServesStaleReads, "lifecycle", "stale data was returned"),
    (Fault::LosesSessions, "lifecycle", "session is gone"),
    (Fault::GivesIdsTwice, "churn", "the id of another session was given out again"),
    (Fault::IgnoresClose, "churn", "close left it active"),
];

#[tokio::test]
async fn a_fault_that_happens_once_in_a_thousand_times_is_found_by_its_kind() {
    for (fault, scenario, kind) in RARELY_DETECTED {
        // At least 1,000 opportunities for each of them, and a read after each store.
        let iterations = if scenario == "churn" { "501" } else { "6" };
        let options = ["--scenario", scenario, "--iterations", iterations, "--stores", "100"];
        let report = load_faulty(&Faulty::every(fault, 1_000), &options).await;
        let found = violations(&report.record);
        println!("{fault:?} in {scenario}, {} calls: {found:?}", report.record.calls());
        assert!(found.iter().any(|(found, _)| *found == kind), "{fault:?} in {scenario}: {found:?}");
        assert_ends(&report, Exit::WrongData);
    }
}

/// Everything at once, so that what one does could be mistaken for a fault by another.
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
async fn a_good_service_is_never_called_wrong() {
    for _ in 0..10 {
        let report = load_faulty(&Faulty::new(Fault::None), &MIX).await;
        assert_eq!(violations(&report.record), []);
        assert_ends(&report, Exit::Passed);
    }
}

#[tokio::test]
async fn a_service_that_fails_is_not_called_wrong() {
    // Failures leave it open what was done, which is no reason to doubt the service.
    for _ in 0..5 {
        let report = load_faulty(&Faulty::every(Fault::FailsAfterStores, 5), &MIX).await;
        assert_eq!(violations(&report.record), []);
        assert_ends(&report, Exit::Failed);
    }
}

#[tokio::test]
async fn without_verification_a_list_that_repeats_itself_comes_to_an_end() {
    let service = Faulty::new(Fault::IgnoresSkip);
    let report = load_faulty(&service, &["--scenario", "browse", "--iterations", "2", "--no-verify"]).await;
    assert_eq!((report.record.iterations(), report.record.violated()), (4, 0));
}

#[tokio::test]
async fn an_iteration_without_a_call_is_refused() {
    let error = Cli::parse_from(["loadtest", "--scenario", "hot-session", "--calls", "0"]).unwrap_err();
    assert!(error.to_string().contains("--calls"), "{error}");
}

#[tokio::test]
async fn an_example_of_a_violation_can_be_looked_up() {
    let (report, _) = load_wrong(Fault::DamagesStores).await;
    let violations = &report.record.violations;
    let differs = violations.iter().find(|violation| violation.kind == "stored data differs").unwrap();
    assert_eq!(differs.examples.len(), 4);
    for example in &differs.examples {
        assert_eq!((example.session.len(), &*example.operation), (32, "store_session_data"));
        let correlation = example.correlation_id.as_deref().unwrap();
        assert!(correlation.starts_with(&format!("loadtest-{}-0-", report.record.run)), "{correlation}");
    }
}

#[tokio::test]
async fn without_verification_a_service_passes_that_loses_everything() {
    let service = Faulty::new(Fault::LosesStores);
    let report = load_faulty(&service, &["--iterations", "2", "--no-verify"]).await;
    assert_ends(&report, Exit::Passed);
    assert!(!report.record.verified && service.is_empty());
}

#[tokio::test]
async fn the_session_of_another_user_is_left_alone() {
    let service = Faulty::every(Fault::ListsForeign, 3);
    let report = load_faulty(&service, &["--iterations", "1"]).await;
    assert_ends(&report, Exit::WrongData);
    let foreign = &report.record.audit.foreign;
    assert!(foreign.count > 0, "{report}");
    assert!(service.has(&foreign.ids[0]).await);
}

#[tokio::test]
async fn what_is_wrong_with_a_session_is_told_once() {
    for (fault, kind) in
        [(Fault::LosesStores, "stale data was returned"), (Fault::IgnoresClose, "close left it active")]
    {
        let (report, service) = load_wrong(fault).await;
        assert_eq!(violations(&report.record), [(kind, 4)]);
        assert!(service.is_empty());
    }
}

#[tokio::test]
async fn a_delete_that_changes_nothing_is_found_and_what_stays_is_named() {
    let (report, _) = load_wrong(Fault::IgnoresDelete).await;
    assert_ends(&report, Exit::WrongData);
    assert_eq!(violations(&report.record)[0], ("delete left it there", 6));
    let left = &report.record.audit.left_behind;
    assert_eq!((left.count, left.ids.len()), (4, 4));
}

#[tokio::test]
async fn a_failing_operation_fails_the_run_by_its_status_and_an_example() {
    let (report, service) = load_wrong(Fault::RefusesStores).await;
    assert_ends(&report, Exit::Failed);
    let record = &report.record;
    assert_eq!(failures(record), [("store_session_data", "service 503", 4)]);
    let example = record.failures[0].example.as_deref().unwrap();
    let expected = "store_session_data: the service answered 503 Service Unavailable: BUSY: try later";
    assert!(example.contains(expected), "{example}");
    assert_eq!((record.iterations(), record.operations["store_session_data"].statuses[&503]), (0, 4));
    assert!(service.is_empty());
}

#[tokio::test]
async fn sessions_that_the_users_could_not_delete_are_deleted_after_the_run() {
    let (report, service) = load_wrong(Fault::RefusesFourDeletes).await;
    assert_ends(&report, Exit::Failed);
    assert_eq!((report.record.audit.removed, report.record.audit.left_behind.count), (4, 0));
    assert!(service.is_empty());
}

#[tokio::test]
async fn sessions_whose_opening_was_never_answered_are_found_by_their_user() {
    let (report, service) = load_wrong(Fault::AnswersNoOpen).await;
    assert_ends(&report, Exit::Failed);
    let record = &report.record;
    assert_eq!(failures(record), [("open_session", "service 503", 4)]);
    assert_eq!((record.audit.opened, record.audit.removed), (0, 4));
    assert_eq!(violations(record), []);
    assert!(service.is_empty());
}

#[tokio::test]
async fn when_nobody_can_tell_what_is_left_the_verdict_says_so() {
    let (report, _) = load_wrong(Fault::RefusesLists).await;
    assert_ends(&report, Exit::Failed);
    let unknown = report.record.audit.unknown.as_deref().unwrap();
    assert!(unknown.starts_with("get_sessions: "), "{unknown}");
}

#[tokio::test]
async fn a_list_that_is_refused_now_and_then_is_asked_for_again_after_the_run() {
    let service = Faulty::new(Fault::RefusesTwoLists);
    let report = load_faulty(&service, &["--iterations", "2", "--scenario", "churn"]).await;
    assert_ends(&report, Exit::Passed);
    assert!(service.is_empty());
}

#[tokio::test]
async fn a_user_whose_sessions_nobody_can_list_does_not_keep_those_of_others() {
    let service = Faulty::new(Fault::RefusesListsOfFirst);
    let options = ["--users", "64", "--iterations", "1", "--scenario", "churn"];
    let server = EmbeddedService::start("127.0.0.1:0", service.clone()).await.unwrap();
    let report = load(&server.url(), &options).await;
    assert_ends(&report, Exit::Failed);
    assert!(report.record.audit.unknown.is_some());
    assert_eq!((service.len(), report.record.audit.removed), (1, 63));
}

#[tokio::test]
async fn a_session_that_stays_does_not_hide_those_on_the_next_page() {
    let (report, service) = load_wrong(Fault::KeepsFirstSessions).await;
    assert_eq!((report.record.audit.removed, report.record.audit.left_behind.count), (2, 2), "{report}");
    assert_eq!(service.len(), 2);
}

#[tokio::test]
async fn a_list_without_end_is_given_up() {
    let (report, _) = load_wrong(Fault::ListsWithoutEnd).await;
    let unknown = report.record.audit.unknown.as_deref().unwrap();
    assert_eq!(unknown, "get_sessions lists more than 1000 sessions for one user");
}

#[tokio::test]
async fn what_a_scenario_leaves_is_closed_and_deleted_after_the_run() {
    let sessions = SessionsMemoryClientV1::new();
    let server = EmbeddedService::start("127.0.0.1:0", sessions.clone()).await.unwrap();
    for (scenario, opened) in [("churn", 6), ("hot-session", 1), ("browse", 14)] {
        let options = ["--users", "2", "--iterations", "3", "--scenario", scenario];
        let report = load(&server.url(), &options).await;
        assert_ends(&report, Exit::Passed);
        assert_eq!(report.record.audit.opened, opened, "{scenario}");
        assert_eq!(sessions.len(), 0, "{scenario}");
    }
}

#[tokio::test]
async fn workers_have_user_ids_of_their_own() {
    let server = EmbeddedService::start("127.0.0.1:0", SessionsMemoryClientV1::new()).await.unwrap();
    for index in 0..2 {
        let worker = format!("{index}/2");
        let options = ["--worker", &worker, "--run", "shared", "--users", "4", "--iterations", "1"];
        let report = load(&server.url(), &options).await;
        let record = &report.record;
        assert_eq!((&*record.run, record.worker.map(|worker| worker.index)), ("shared", Some(index)));
        assert_eq!(record.iterations(), 2);
    }
}

#[tokio::test]
async fn what_a_killed_run_has_left_is_cleaned_and_nothing_else() {
    let sessions = SessionsMemoryClientV1::new();
    for user in
        ["loadtest-dead-0-1-churn", "somebody", "loadtest-deadly-0-1-churn", "loadtest-dead-1-7-browse"]
    {
        for _ in 0..130 {
            sessions.open_session(None, user, None, None, None, None, None).await.unwrap();
        }
    }
    let server = EmbeddedService::start("127.0.0.1:0", sessions.clone()).await.unwrap();
    let options = ["clean", "--run", "dead", "--host", &server.url()];
    let Outcome::Cleaned(cleaned) = run(&options).await.unwrap() else { panic!("not cleaned") };
    assert!(cleaned.complete);
    assert_eq!((cleaned.removed, cleaned.seen, sessions.len()), (260, 260, 260));
    let Outcome::Cleaned(again) = run(&options).await.unwrap() else { panic!("not cleaned") };
    assert_eq!((again.removed, again.complete), (0, true));
}

#[tokio::test]
async fn what_others_delete_meanwhile_hides_nothing_from_the_cleaning() {
    let service = Faulty::new(Fault::DeletesBehindPages);
    for (user, count) in [("somebody", 120), ("loadtest-dead-0-1-churn", 20), ("somebody", 50)] {
        for _ in 0..count {
            service.open_session(None, user, None, None, None, None, None).await.unwrap();
        }
    }
    let server = EmbeddedService::start("127.0.0.1:0", service.clone()).await.unwrap();
    let outcome = run(&["clean", "--run", "dead", "--host", &server.url()]).await.unwrap();
    let Outcome::Cleaned(cleaned) = outcome else { panic!("not cleaned") };
    assert_eq!((cleaned.removed, cleaned.complete, service.len()), (20, true, 120));
}

#[tokio::test]
async fn cleaning_a_service_that_deletes_nothing_ends_and_says_so() {
    let service = Faulty::new(Fault::IgnoresDelete);
    service.open_session(None, "loadtest-dead-0-1-churn", None, None, None, None, None).await.unwrap();
    let server = EmbeddedService::start("127.0.0.1:0", service.clone()).await.unwrap();
    let outcome = run(&["clean", "--run", "dead", "--host", &server.url()]).await.unwrap();
    assert_eq!(outcome.exit(), Exit::Failed);
    assert!(outcome.to_string().contains("0 sessions removed"), "{outcome}");
}

#[tokio::test]
async fn a_throttled_run_stays_below_its_rate_and_cleans_up() {
    let sessions = SessionsMemoryClientV1::new();
    let server = EmbeddedService::start("127.0.0.1:0", sessions.clone()).await.unwrap();
    let options = ["--users", "2", "--iterations", "3", "--stores", "1", "--throttle-requests", "10"];
    let start = Instant::now();
    let report = load(&server.url(), &options).await;
    // goose lets a second's worth of requests through at once, and then one every tenth of a second.
    let took = start.elapsed();
    assert_ends(&report, Exit::Passed);
    assert_eq!(report.record.calls(), 54);
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
async fn the_first_signal_after_a_missed_threshold_does_not_cut_the_cleaning_up_short() {
    let service = Faulty::new(Fault::ListsSlowly);
    let server = EmbeddedService::start("127.0.0.1:0", service.clone()).await.unwrap();
    let options = ["--run-time", "60s", "--no-print-metrics", "--threshold", "p50<1us for POST open_session"];
    let mut child = start(&server.url(), &[&options[..], &["--threshold-abort-delay", "0"]].concat());
    while !service.was_asked_for_lists() {
        assert_eq!(child.try_wait().unwrap(), None, "it has ended before it was to clean up");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(Command::new("kill").args(["-s", "INT", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{stdout}");
    let verdict = stdout.lines().last().unwrap();
    assert!(verdict.contains("threshold missed: "), "{verdict}");
    assert!(verdict.ends_with("nothing left behind)"), "{verdict}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_goes_away_leaves_no_session_behind() {
    let sessions = SessionsMemoryClientV1::new();
    let server = EmbeddedService::start("127.0.0.1:0", sessions.clone()).await.unwrap();
    for think_time in ["0", "60000"] {
        let mut child = start(&server.url(), &["--run-time", "2s", "--think-time", think_time]);
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        assert!(stderr.contains("failed printing to stdout"), "{stderr}");
        assert_eq!(sessions.len(), 0, "{stderr}");
    }
}
