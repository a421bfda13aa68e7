//! Runs of the program that end by time or by a signal while calls are slow and lost.
#![cfg(unix)]

use crate::proxy::{Proxy, Reply};
use crate::{ALL, error, every};
use sessions_client::Value;
use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The number of calls before the signal.
const CALLS: u64 = 60;

/// Starts a proxy in front of a service, by which calls are slow and lost.
async fn slow_and_lossy() -> Proxy {
    let behaviour = every(2, ALL, |upstream, request| async move {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let response = upstream.send(&request).await;
        if request.number.is_multiple_of(10) { error(504) } else { Reply::Respond(response) }
    });
    Proxy::start(behaviour).await
}

/// Starts the program with these options in addition.
fn start(proxy: &Proxy, file: &str, options: &[&str]) -> Child {
    let program = env!("CARGO_BIN_EXE_loadtest");
    let mut command = Command::new(program);
    // These tests may have inherited ignored signals.
    if cfg!(target_os = "linux") {
        command = Command::new("env");
        command.args(["--default-signal=HUP,INT,TERM", program]);
    }
    command
        .args(["--host", &proxy.url(), "--max-error-rate", "100", "--report-file", file])
        .args(options)
        .env("NO_PROXY", "127.0.0.1")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Waits for the end of the program. Returns its exit code and the violations that it reports.
async fn ended(program: Child, file: &str) -> (Option<i32>, Vec<Value>) {
    let output = tokio::task::spawn_blocking(|| program.wait_with_output().unwrap()).await.unwrap();
    let report: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    let violations = report["violations"].as_array().unwrap();
    (output.status.code(), violations.iter().filter(|violation| violation["count"] != 0).cloned().collect())
}

/// Runs the program until it gets a signal. Returns its exit code and the violations that it reports.
async fn stopped_by(signal: &str) -> (Option<i32>, Vec<Value>) {
    let proxy = slow_and_lossy().await;
    let file = format!("{}/stopped-by-{signal}.json", env!("CARGO_TARGET_TMPDIR"));
    let scenarios = "lifecycle,browse,hot-session,churn,read-mostly";
    let program = start(&proxy, &file, &["--users", "6", "--run-time", "5m", "--scenario", scenarios]);
    while proxy.events() < CALLS {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(Command::new("kill").args(["-s", signal, &program.id().to_string()]).status().unwrap().success());
    ended(program, &file).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signal_in_mid_run_causes_no_violation() {
    for signal in ["INT", "TERM", "HUP"] {
        assert_eq!(stopped_by(signal).await, (Some(4), Vec::new()), "{signal}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_overloaded_open_model_causes_no_violation() {
    let proxy = slow_and_lossy().await;
    let file = concat!(env!("CARGO_TARGET_TMPDIR"), "/overloaded.json");
    let program = start(&proxy, file, &["--rate", "40", "--pre-allocated-vus", "4", "--run-time", "2s"]);
    let (exit_code, violations) = ended(program, file).await;
    assert_eq!((exit_code, violations), (Some(1), Vec::new()));
    assert!(proxy.events() > 0);
}
