//! The program `sessions-service`.

use super::{http_client, receive};
use serde_json::json;
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};

fn program() -> Command {
    configured(Command::new(env!("CARGO_BIN_EXE_sessions-service")))
}

fn configured(mut command: Command) -> Command {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

/// Starts the program on a free port, and returns it with its URL once it is ready.
async fn start() -> (Child, String) {
    ready(program()).await
}

async fn ready(mut program: Command) -> (Child, String) {
    let mut child = program.args(["--port", "0"]).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).await.unwrap();
    let url = line.trim_end().strip_prefix("sessions service listening at ");
    let url = url.unwrap_or_else(|| panic!("{line:?}")).to_owned();
    (child, url)
}

#[tokio::test]
async fn it_prints_its_url_and_serves_requests() {
    let (_child, url) = start().await;
    assert!(url.starts_with("http://127.0.0.1:"), "{url}");
    let request = http_client().post(format!("{url}/v1/sessions/open_session"));
    let (status, session) = receive(request.json(&json!({ "user_id": "1" }))).await;
    assert_eq!((status, &session["user_id"]), (200, &json!("1")));
}

#[cfg(feature = "grpc")]
#[tokio::test]
async fn it_prints_its_grpc_url_and_serves_calls() {
    use sessions_client::{ClientConfig, ISessionsV1, SessionsGrpcClientV1};

    let mut child = program().args(["--port", "0", "--grpc-port", "0"]).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    lines.next_line().await.unwrap();
    let line = lines.next_line().await.unwrap().unwrap();
    let url = line.strip_prefix("gRPC listening at ").unwrap();
    let client: SessionsGrpcClientV1 =
        SessionsGrpcClientV1::grpc(&ClientConfig::from_url(url).unwrap()).unwrap();
    assert_eq!(client.get_session_by_id(None, "1").await.unwrap(), None);
}

#[tokio::test]
async fn a_limit_of_zero_requests_is_rejected() {
    let output = program().args(["--max-concurrent-requests", "0"]).output().await.unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(error.contains("--max-concurrent-requests <N>"), "{error}");
}

#[tokio::test]
async fn a_delay_without_a_unit_is_rejected() {
    let output = program().args(["--response-delay", "20"]).output().await.unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(error.contains("--response-delay <TIME>") && error.contains("20ms"), "{error}");
}

/// The program with signals that an option of `env` sets, whatever these tests have inherited. Only Linux has it.
#[cfg(unix)]
fn with_signals(option: &str) -> Command {
    if !cfg!(target_os = "linux") {
        return program();
    }
    let mut command = Command::new("env");
    command.args([option, env!("CARGO_BIN_EXE_sessions-service")]);
    configured(command)
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_signal_that_is_ignored_at_the_start_stays_ignored() {
    let (child, _) = ready(with_signals("--ignore-signal=INT")).await;
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id().unwrap())).unwrap();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
    let caught = u64::from_str_radix(caught.trim(), 16).unwrap();
    // SIGINT is 2, SIGTERM 15.
    assert_eq!((caught & 1 << 1, caught & 1 << 14), (0, 1 << 14));
}

#[cfg(unix)]
#[tokio::test]
async fn it_exits_with_0_on_ctrl_c_and_sigterm() {
    for signal in ["INT", "TERM"] {
        let (mut child, _) = ready(with_signals("--default-signal=INT,TERM")).await;
        let id = child.id().unwrap().to_string();
        assert!(Command::new("kill").args(["-s", signal, &id]).status().await.unwrap().success());
        assert_eq!(child.wait().await.unwrap().code(), Some(0), "{signal}");
    }
}

#[tokio::test]
async fn a_port_in_use_is_an_error_with_the_address_and_the_remedy() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let output = program().args(["--port", &port.to_string()]).output().await.unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), &*output.stdout), (Some(1), &b""[..]));
    assert!(error.starts_with(&format!("error: cannot listen at 127.0.0.1:{port}: ")), "{error}");
    assert!(error.contains("--port 0"), "{error}");
}

#[tokio::test]
async fn a_foreign_address_is_an_error_with_another_remedy() {
    // An address for documentation, which no machine has.
    let output = program().args(["--host", "192.0.2.1", "--port", "0"]).output().await.unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        error.starts_with("error: cannot listen at 192.0.2.1:0: ") && error.contains("--host"),
        "{error}"
    );
}

#[tokio::test]
async fn the_help_describes_the_options() {
    let output = program().arg("--help").output().await.unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(help.starts_with(
        "Serve the sessions microservice from memory, with the responses of the real service\n"
    ));
    for part in ["--host <HOST>", "--port <PORT>", "[default: 8080]", "0 selects a free port"] {
        assert!(help.contains(part), "{part}: {help}");
    }
}
