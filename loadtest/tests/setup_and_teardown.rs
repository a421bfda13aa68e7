//! The course of a run from setup to teardown, whatever fails.

mod faulty;

use faulty::{Fault, Faulty};
use loadtest::{
    CommandOutput, ExitCode, IterationResult, LoadTest, LoadTestError, Report, Sessions, VirtualUser,
};
use sessions_service::EmbeddedService;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// goose has one kill switch per process, so that only one run is possible at a time.
static ONE_AT_A_TIME: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

#[track_caller]
fn assert_exit(report: &Report, exit_code: ExitCode) {
    assert_eq!(report.exit_code(), exit_code, "{report}");
}

async fn run(
    test: LoadTest<Sessions>,
    service: &Faulty,
    options: &[&str],
) -> Result<CommandOutput, LoadTestError> {
    let _alone = ONE_AT_A_TIME.lock().await;
    let server = EmbeddedService::start_with("127.0.0.1:0", service.clone()).await.unwrap();
    let url = server.url();
    let file = concat!(env!("CARGO_TARGET_TMPDIR"), "/setup-and-teardown.html");
    let always = ["loadtest", "--host", &url, "--report-file", file, "--users", "2", "--iterations", "2"];
    test.run_from(always.iter().chain(options)).await
}

async fn load(test: LoadTest<Sessions>, service: &Faulty, options: &[&str]) -> Report {
    match run(test, service, options).await {
        Ok(CommandOutput::LoadTest { report, .. }) => *report,
        other => panic!("{other:?}"),
    }
}

async fn panics(_: &mut VirtualUser<Sessions>) -> IterationResult {
    panic!("oops")
}

async fn opens_and_panics(user: &mut VirtualUser<Sessions>) -> IterationResult {
    user.open().await?;
    panic!("oops")
}

async fn never_ends(_: &mut VirtualUser<Sessions>) -> IterationResult {
    std::future::pending().await
}

#[tokio::test]
async fn a_panic_in_teardown_fails_the_run_after_its_clean_up() {
    let service = Faulty::new(Fault::None);
    let test = LoadTest::sessions().teardown(panics);
    let report = load(test, &service, &[]).await;
    assert_exit(&report, ExitCode::Failed);
    assert!(report.to_string().contains("teardown panicked: oops"), "{report}");
    assert!(service.is_empty());
}

#[tokio::test]
async fn a_teardown_has_the_time_limit_of_the_clean_up() {
    let service = Faulty::new(Fault::None);
    let test = LoadTest::sessions().teardown(never_ends);
    let report = load(test, &service, &["--cleanup-timeout", "1s"]).await;
    assert_exit(&report, ExitCode::Failed);
    assert!(report.to_string().contains("teardown stopped after 1 s (--cleanup-timeout)"), "{report}");
    assert!(service.is_empty());
}

#[tokio::test]
async fn sessions_of_a_setup_that_panics_are_deleted() {
    let service = Faulty::new(Fault::None);
    let test = LoadTest::sessions().setup(opens_and_panics);
    let error = run(test, &service, &[]).await.unwrap_err();
    assert_eq!(
        (error.to_string(), error.exit_code()),
        ("setup panicked: oops".to_owned(), ExitCode::CouldNotRun)
    );
    assert!(service.received() > 0 && service.is_empty());
}

#[cfg(unix)]
#[tokio::test]
async fn a_signal_ends_a_setup() {
    async fn opens_and_waits(user: &mut VirtualUser<Sessions>) -> IterationResult {
        user.open().await?;
        let kill = std::process::Command::new("kill").arg(std::process::id().to_string()).status().unwrap();
        assert!(kill.success());
        std::future::pending().await
    }
    let service = Faulty::new(Fault::None);
    let error = run(LoadTest::sessions().setup(opens_and_waits), &service, &[]).await.unwrap_err();
    assert_eq!(error, LoadTestError::Stopped("SIGTERM"));
    assert!(service.is_empty());
}

#[tokio::test]
async fn a_run_that_cannot_start_is_torn_down() {
    static TORN_DOWN: AtomicBool = AtomicBool::new(false);
    async fn opens(user: &mut VirtualUser<Sessions>) -> IterationResult {
        user.open().await.map(drop)
    }
    async fn tears_down(_: &mut VirtualUser<Sessions>) -> IterationResult {
        TORN_DOWN.store(true, Ordering::SeqCst);
        Ok(())
    }
    let service = Faulty::new(Fault::None);
    let test = LoadTest::sessions().setup(opens).teardown(tears_down);
    let error = run(test, &service, &["--start-at", "1000"]).await.unwrap_err().to_string();
    assert!(error.starts_with("the start time 1970-01-01T00:00:01+00:00 passed"), "{error}");
    assert!(TORN_DOWN.load(Ordering::SeqCst) && service.is_empty());
}

#[tokio::test]
async fn a_user_keeps_its_number_after_a_panic() {
    static NUMBERS: Mutex<Vec<usize>> = Mutex::new(Vec::new());
    static ITERATIONS: AtomicUsize = AtomicUsize::new(0);
    async fn panics_at_first(user: &mut VirtualUser<Sessions>) -> IterationResult {
        NUMBERS.lock().unwrap().push(user.number());
        assert!(ITERATIONS.fetch_add(1, Ordering::SeqCst) > 1, "oops");
        Ok(())
    }
    let test = LoadTest::sessions().scenario("panics-at-first", panics_at_first);
    load(test, &Faulty::new(Fault::None), &[]).await;
    let mut numbers = NUMBERS.lock().unwrap().clone();
    numbers.sort_unstable();
    assert_eq!(numbers, [0, 0, 1, 1]);
}

#[tokio::test]
async fn a_load_test_without_a_scenario_is_rejected() {
    let routes = sessions_client::sessions_v1::ROUTES;
    let test = LoadTest::new("empty", routes, |_| ());
    let error = test.run_from(["empty", "--host", "http://127.0.0.1:1"]).await.unwrap_err();
    assert_eq!(error.exit_code(), ExitCode::CouldNotRun);
    assert!(error.to_string().contains("the load test has no scenario: add one"), "{error}");
}
