//! What the load test says of services that work, that fail and that lie.

mod faulty;

use faulty::{Fault, Faulty};
use loadtest::{Cli, Exit, Report};
use sessions_client::server::EmbeddedService;
use sessions_client::{ISessionsV1, SessionsMemoryClientV1};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Loads a service at an address, as the program would with these options.
async fn load(url: &str, options: &[&str]) -> Report {
    let args = ["loadtest", "--host", url, "--users", "2", "--no-print-metrics"];
    let cli = Cli::parse_from(args.iter().chain(options).copied()).unwrap();
    loadtest::run(cli).await.unwrap().unwrap()
}

/// Loads a faulty service with two sessions of each of two users.
async fn load_faulty(fault: Fault) -> (Report, Faulty) {
    let service = Faulty::new(fault);
    let server = EmbeddedService::start("127.0.0.1:0", service.clone()).await.unwrap();
    let report = load(&server.url(), &["--iterations", "2", "--stores", "1"]).await;
    (report, service)
}

#[track_caller]
fn assert_says(report: &Report, exit: Exit, texts: &[&str]) {
    let text = report.to_string();
    assert_eq!(report.exit(), exit, "{text}");
    for expected in texts {
        assert!(text.contains(expected), "{expected:?} is not in:\n{text}");
    }
}

#[tokio::test]
async fn a_good_service_passes_and_keeps_only_what_was_there_before() {
    let sessions = SessionsMemoryClientV1::new();
    let before = sessions.open_session(None, "somebody", None, None, None, None, None).await.unwrap();
    let server = EmbeddedService::start("127.0.0.1:0", sessions.clone()).await.unwrap();
    let report = load(&server.url(), &["--run-time", "1s"]).await;
    assert_says(&report, Exit::Passed, &[" 0 failed, 0 mismatches, nothing left behind\n", &server.url()]);
    assert_eq!(sessions.len(), 1);
    assert_eq!(sessions.get_session_by_id(None, &before.id).await.unwrap(), Some(before));
}

#[tokio::test]
async fn every_call_of_a_session_is_counted_under_the_name_of_its_operation() {
    let server = EmbeddedService::start("127.0.0.1:0", SessionsMemoryClientV1::new()).await.unwrap();
    let report = load(&server.url(), &["--iterations", "5", "--stores", "4"]).await;
    let text = report.to_string();
    let calls: Vec<Vec<&str>> = text
        .lines()
        .map(|line| line.split_whitespace().take(3).collect())
        .filter(|cells: &Vec<&str>| cells.first().is_some_and(|name| name.contains("_session")))
        .collect();
    let expected = [
        ["open_session", "10", "0"],
        ["store_session_data", "40", "0"],
        ["get_session_by_id", "60", "0"],
        ["close_session", "10", "0"],
        ["delete_session_by_id", "10", "0"],
    ];
    assert_eq!(calls, expected, "{text}");
    assert_says(&report, Exit::Passed, &["10 sessions in", "PASS: 130 requests"]);
}

#[tokio::test]
async fn a_lost_store_is_found_by_reading_it_back() {
    let (report, service) = load_faulty(Fault::LosesStores).await;
    let lost = "get_session_by_id: stale data was returned, 4 times";
    assert_says(&report, Exit::WrongData, &[lost, "4 mismatches, nothing left behind"]);
    assert!(service.is_empty());
}

#[tokio::test]
async fn damaged_data_is_found_in_the_answer_to_the_store() {
    let (report, _) = load_faulty(Fault::DamagesStores).await;
    assert_says(&report, Exit::WrongData, &["store_session_data: stored data differs, 4 times"]);
}

#[tokio::test]
async fn the_session_of_another_user_is_found_and_left_alone() {
    let service = Faulty::new(Fault::MixesUpSessions);
    let other = service.open_session(None, "somebody", None, None, None, None, None).await.unwrap();
    let server = EmbeddedService::start("127.0.0.1:0", service.clone()).await.unwrap();
    let report = load(&server.url(), &["--iterations", "2"]).await;
    let texts = ["another user's session was returned", "get_sessions: 1 session of other users listed"];
    assert_says(&report, Exit::WrongData, &texts);
    assert!(service.has(&other.id).await);
}

#[tokio::test]
async fn a_close_that_changes_nothing_is_found() {
    let (report, service) = load_faulty(Fault::IgnoresClose).await;
    assert_says(&report, Exit::WrongData, &["close_session: close left it active, 4 times"]);
    assert!(service.is_empty());
}

#[tokio::test]
async fn a_delete_that_changes_nothing_is_found_and_what_stays_is_named() {
    let (report, _) = load_faulty(Fault::IgnoresDelete).await;
    let texts = [
        "get_session_by_id: delete left it there, 4 times",
        "still there, of users loadtest-",
        "4 sessions left behind",
    ];
    assert_says(&report, Exit::WrongData, &texts);
}

#[tokio::test]
async fn a_failing_operation_fails_the_run_by_its_status_and_an_example() {
    let (report, service) = load_faulty(Fault::RefusesStores).await;
    let texts = [
        "store_session_data: service 503, 4 times",
        "such as: store_session_data: the service answered 503 Service Unavailable: BUSY: try later",
        "no session went through its whole life",
        "4 failed, 0 mismatches, nothing left behind",
    ];
    assert_says(&report, Exit::Failed, &texts);
    assert!(service.is_empty());
}

#[tokio::test]
async fn sessions_that_the_users_could_not_delete_are_deleted_after_the_run() {
    let (report, service) = load_faulty(Fault::RefusesFourDeletes).await;
    let texts = ["4 sessions that no user had deleted: deleted after the run", "nothing left behind"];
    assert_says(&report, Exit::Failed, &texts);
    assert!(service.is_empty());
}

#[tokio::test]
async fn sessions_whose_opening_was_never_answered_are_found_by_their_user() {
    let (report, service) = load_faulty(Fault::AnswersNoOpen).await;
    let texts = ["open_session: service 503, 4 times", "4 sessions that no user had deleted"];
    assert_says(&report, Exit::Failed, &texts);
    assert!(service.is_empty());
}

#[tokio::test]
async fn when_nobody_can_tell_what_is_left_the_verdict_says_so() {
    let (report, _) = load_faulty(Fault::RefusesLists).await;
    assert_says(&report, Exit::Failed, &["nobody knows what stays behind: get_sessions: "]);
}

#[tokio::test]
async fn a_session_that_stays_does_not_hide_those_on_the_next_page() {
    let (report, service) = load_faulty(Fault::KeepsFirstSessions).await;
    let texts = ["2 sessions that no user had deleted: deleted after the run", "2 sessions left behind"];
    assert_says(&report, Exit::Failed, &texts);
    assert_eq!(service.len(), 2);
}

#[tokio::test]
async fn a_list_without_end_is_given_up() {
    let (report, _) = load_faulty(Fault::ListsWithoutEnd).await;
    let text = "nobody knows what stays behind: get_sessions lists more than 1000 sessions for one user";
    assert_says(&report, Exit::Failed, &[text]);
}

#[tokio::test]
async fn a_throttled_run_stays_below_its_rate_and_cleans_up() {
    let sessions = SessionsMemoryClientV1::new();
    let server = EmbeddedService::start("127.0.0.1:0", sessions.clone()).await.unwrap();
    let options = ["--iterations", "3", "--stores", "1", "--throttle-requests", "10"];
    let start = Instant::now();
    let report = load(&server.url(), &options).await;
    // goose lets a second's worth of requests through at once, and then one every tenth of a second.
    let took = start.elapsed();
    assert_says(&report, Exit::Passed, &["PASS: 42 requests, "]);
    assert!(took >= Duration::from_secs(3), "{took:?}\n{report}");
    assert!(sessions.is_empty());
}

/// Starts the program against a service at an address, and waits for its announcement.
fn start(url: &str, options: &[&str]) -> Child {
    let mut child = Command::new(env!("CARGO_BIN_EXE_loadtest"))
        .args(["--host", url, "--users", "2"])
        .args(options)
        .env("NO_PROXY", "127.0.0.1")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut announcement = String::new();
    BufReader::with_capacity(1, child.stderr.as_mut().unwrap()).read_line(&mut announcement).unwrap();
    assert!(announcement.contains("with 2 users"), "{announcement}");
    child
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_signal_after_a_missed_threshold_does_not_cut_the_cleaning_up_short() {
    let service = Faulty::new(Fault::ListsSlowly);
    let server = EmbeddedService::start("127.0.0.1:0", service.clone()).await.unwrap();
    let options = ["--run-time", "60s", "--no-print-metrics", "--threshold", "p50<1us for POST open_session"];
    let child = start(&server.url(), &[&options[..], &["--threshold-abort-delay", "0"]].concat());
    while !service.was_asked_for_lists() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(Command::new("kill").args(["-s", "INT", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{stdout}");
    let verdict = stdout.lines().last().unwrap();
    assert!(verdict.starts_with(" FAIL: threshold missed: "), "{verdict}");
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
