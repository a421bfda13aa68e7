//! Faults that are injected between the load generator and the service: they fail calls, and only wrong data fails
//! the run.

mod faulty;
mod runs;

use faulty::{Fault, Faulty};
use loadtest::output::ReportFormat;
use loadtest::{CommandOutput, ExitCode, Report};
use runs::{assert_exit, load, run};
use sessions_service::EmbeddedService;
use std::net::SocketAddr;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;

/// goose has one kill switch per process, so that only one run is possible at a time.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

const RESETS_AND_BLACKHOLE: [&str; 8] = [
    "--run-time",
    "3s",
    "--timeout",
    "0.3",
    "--fault",
    "reset=100/s,at=200ms,for=1s",
    "--fault",
    "blackhole,at=1400ms,for=800ms",
];

/// Passes bytes on to a service, which learns of connections that break.
async fn front(address: SocketAddr, service: Faulty) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let service = service.clone();
            tokio::spawn(async move {
                let mut server = TcpStream::connect(address).await.unwrap();
                if copy_bidirectional(&mut client, &mut server).await.is_err() {
                    service.connection_broke();
                }
            });
        }
    });
    url
}

async fn load_faulty(fault: Fault, options: &[&str]) -> Report {
    let service = Faulty::new(fault);
    let server = EmbeddedService::start_with("127.0.0.1:0", service.clone()).await.unwrap();
    let url = front(server.address(), service.clone()).await;
    let report = load(&url, options).await;
    assert!(service.is_empty(), "the clean-up is not affected: {report}");
    report
}

#[tokio::test]
async fn a_correct_service_passes_while_connections_break() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let report = load_faulty(Fault::None, &RESETS_AND_BLACKHOLE).await;
    assert_exit(&report, ExitCode::Passed);
    let results = &report.results;
    assert_eq!(results.violation_count(), 0, "{report}");
    assert_eq!(results.failed_calls(), results.expected_failures.calls, "{report}");
    let [resets, blackhole] = &results.faults[..] else { panic!("{report}") };
    for window in [resets, blackhole] {
        assert!(window.connections > 0 && window.failed_calls > 0, "{report}");
        let text = report.to_string();
        assert!(text.contains(&format!("fault     {} from ", window.fault)), "{text}");
        let markdown = report.render(ReportFormat::Markdown).unwrap();
        assert!(markdown.contains(&format!("| fault | {} from ", window.fault)), "{markdown}");
    }
    assert!(resets.connections <= 100, "{report}");
    assert_eq!((blackhole.to - blackhole.from).num_milliseconds(), 800);
    let html = report.render(ReportFormat::Html).unwrap();
    assert_eq!(html.matches("<rect class=\"fault\"").count(), 2 * 3, "two faults in three charts");
    let junit = report.render(ReportFormat::Junit).unwrap();
    assert!(junit.contains("no write is lost while faults are injected"), "{junit}");
}

#[tokio::test]
async fn a_service_that_loses_writes_when_connections_break_fails() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let correct = load_faulty(Fault::LosesStoresAfterBreaks, &["--run-time", "1s"]).await;
    assert_exit(&correct, ExitCode::Passed);
    let report = load_faulty(Fault::LosesStoresAfterBreaks, &RESETS_AND_BLACKHOLE).await;
    assert_exit(&report, ExitCode::WrongData);
    let text = report.to_string();
    assert!(text.contains("data was wrong while faults were injected"), "{text}");
}

#[tokio::test]
async fn failures_during_faults_count_if_asked() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let options = ["--run-time", "1s", "--fault", "reset=100/s", "--count-faults"];
    assert_exit(&load_faulty(Fault::None, &options).await, ExitCode::Failed);
}

#[tokio::test]
async fn a_fault_that_affects_no_connection_is_inconclusive() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let options = ["--iterations", "1", "--fault", "refuse,at=10m"];
    let report = load_faulty(Fault::None, &options).await;
    assert_exit(&report, ExitCode::Inconclusive);
    assert!(report.to_string().contains("the fault refuse affected no connection: run longer"), "{report}");
}

#[tokio::test]
async fn every_kind_of_fault_passes_with_the_embedded_service() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let file = concat!(env!("CARGO_TARGET_TMPDIR"), "/faults.html");
    let faults = [
        "latency=30ms,jitter=10ms,for=500ms",
        "throttle=20000,at=500ms,for=500ms",
        "refuse,at=1s,for=1100ms",
        "reset=50%,at=2200ms",
    ];
    let mut options = vec!["--run-time", "3s", "--report-file", file];
    for fault in faults {
        options.extend(["--fault", fault]);
    }
    let output = run(&options).await;
    let Ok(CommandOutput::LoadTest { report }) = output else { panic!("{output:?}") };
    assert_exit(&report, ExitCode::Passed);
    assert!(report.results.faults.iter().all(|window| window.connections > 0), "{report}");
    assert!(report.results.faults[2].failed_calls > 0, "{report}");
}

#[tokio::test]
async fn a_dry_run_shows_the_schedule() {
    let options =
        ["--dry-run", "--run-time", "9s", "--fault", "latency=1s,at=2s", "--fault", "refuse,for=3s"];
    let output = run(&options).await.unwrap().to_string();
    let expected = "fault:     latency=1s, from 2s to the end\nfault:     refuse, from 0s to 3s\n";
    assert!(output.contains(expected), "{output}");
}

#[tokio::test]
async fn a_fault_after_the_end_is_rejected_before_the_load() {
    let error = run(&["--run-time", "9s", "--fault", "refuse,at=9s"]).await.unwrap_err().to_string();
    assert!(
        error.contains("--fault refuse,at=9s would begin after the end of the load, which lasts 9s"),
        "{error}"
    );
}
