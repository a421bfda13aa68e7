//! A scenario that is added for the sessions service has the checks and the clean-up of the built-in ones.

mod faulty;

use faulty::{Fault, Faulty};
use loadtest::{CommandOutput, ExitCode, IterationResult, LoadTest, Report, Sessions, VirtualUser};
use sessions_service::EmbeddedService;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

static IDLE_ITERATIONS: AtomicU32 = AtomicU32::new(0);

/// The number of iterations after which `idle` waits, so that a load generator that never waits ends the test.
const TOO_MANY: u32 = 10_000;

/// Makes no call.
async fn idle(_: &mut VirtualUser<Sessions>) -> IterationResult {
    if IDLE_ITERATIONS.fetch_add(1, Ordering::Relaxed) > TOO_MANY {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

/// Stores data and reads it back, and leaves its session to the clean-up.
async fn note(user: &mut VirtualUser<Sessions>) -> IterationResult {
    let session = user.open().await?;
    user.think().await?;
    user.store(&session).await?;
    user.read(&session).await?;
    user.list().await?;
    let [id, of_worker, of_run] = [user.id(), user.worker_prefix(), user.test_run_prefix()];
    let nested = id.starts_with(&of_worker) && of_worker.starts_with(&of_run);
    user.check("an id begins with the prefixes of its worker and run", nested)?;
    user.check("the service assigns ids", !session.id().is_empty())
}

#[track_caller]
fn assert_exit(report: &Report, exit_code: ExitCode) {
    assert_eq!(report.exit_code(), exit_code, "{report}");
}

const TWICE: [&str; 2] = ["--iterations", "2"];

fn test() -> LoadTest<Sessions> {
    LoadTest::sessions().scenario("note", note)
}

async fn load(test: LoadTest<Sessions>, service: &Faulty, options: &[&str]) -> Report {
    let server = EmbeddedService::start_with("127.0.0.1:0", service.clone()).await.unwrap();
    let url = server.url();
    let file = format!("{}/own-scenario-{}.html", env!("CARGO_TARGET_TMPDIR"), server.address().port());
    let always = ["loadtest", "--host", &url, "--report-file", &file, "--users", "2"];
    match test.run_from(always.iter().chain(options)).await {
        Ok(CommandOutput::LoadTest { report, .. }) => *report,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_added_scenario_runs_in_place_of_the_default_one() {
    let service = Faulty::new(Fault::None);
    let report = load(test(), &service, &TWICE).await;
    assert_exit(&report, ExitCode::Passed);
    let [note] = &report.results.scenarios[..] else { panic!("{report}") };
    assert_eq!((&*note.name, note.completed), ("note", 4));
    assert!(service.is_empty());
    let sessions = &report.results.sessions;
    assert_eq!((sessions.opened, sessions.deleted, sessions.cleaned_up), (4, 0, 4));
}

#[tokio::test]
async fn an_added_scenario_finds_lost_data() {
    let report = load(test(), &Faulty::new(Fault::LosesStores), &TWICE).await;
    assert_exit(&report, ExitCode::WrongData);
    let stale = report.results.violations.iter().find(|kind| kind.kind == "stale data was returned").unwrap();
    assert!(stale.count > 0, "{report}");
}

#[tokio::test]
async fn added_and_built_in_scenarios_are_mixed() {
    let service = Faulty::new(Fault::None);
    let report = load(test(), &service, &["--iterations", "2", "--scenario", "note,lifecycle"]).await;
    assert_exit(&report, ExitCode::Passed);
    let completed: Vec<_> =
        report.results.scenarios.iter().map(|scenario| (&*scenario.name, scenario.completed)).collect();
    assert_eq!(completed, [("note", 2), ("lifecycle", 2)]);
    assert!(service.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scenario_without_calls_waits_ends_on_time_and_fails() {
    let service = Faulty::new(Fault::None);
    let report =
        load(test().scenario("idle", idle), &service, &["--scenario", "idle", "--run-time", "1s"]).await;
    assert_exit(&report, ExitCode::Failed);
    assert!(report.to_string().contains("0 calls, minimum 1"), "{report}");
    let iterations = IDLE_ITERATIONS.load(Ordering::Relaxed);
    assert!((1..TOO_MANY).contains(&iterations), "{iterations}");
}
