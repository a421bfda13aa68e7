//! The program `contract` as a process: signals, refusals, proxies.

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use sessions_client::{ClientConfig, ISessionsV1 as _, SessionsHttpClientV1};
use sessions_service::{EmbeddedService, SessionStore, router};
use std::process::Stdio;
#[cfg(target_os = "linux")]
use std::time::Duration;
#[cfg(unix)]
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;

/// The command `contract check` without a service.
fn check_command() -> Command {
    let mut run = contract("check");
    run.stdout(Stdio::null());
    run
}

/// The command `contract check` of the service at `url`.
fn run_command(url: &str) -> Command {
    let mut run = check_command();
    run.arg(url);
    run
}

fn contract(command: &str) -> Command {
    configured(Command::new(env!("CARGO_BIN_EXE_contract")), command)
}

/// A command with signals that an option of `env` sets, whatever these tests have inherited. Only Linux has it.
#[cfg(unix)]
fn with_signals(option: &str, command: &str) -> Command {
    if !cfg!(target_os = "linux") {
        return contract(command);
    }
    let mut run = Command::new("env");
    run.args([option, env!("CARGO_BIN_EXE_contract")]);
    configured(run, command)
}

fn configured(mut run: Command, command: &str) -> Command {
    run.arg(command)
        .env_remove("SESSIONS_URL")
        .env_remove("SESSIONS_CONFIG")
        .env_remove("SESSIONS_DEVIATIONS")
        .env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"))
        .env("NO_PROXY", "127.0.0.1")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    run
}

/// Returns exit code, standard output and standard error stream of a command.
async fn output(mut run: Command) -> (Option<i32>, String, String) {
    let output = run.spawn().unwrap().wait_with_output().await.unwrap();
    let [stdout, stderr] =
        [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    (output.status.code(), stdout, stderr)
}

#[tokio::test]
async fn the_cases_are_listed_as_they_are_selected() {
    let mut list = contract("list");
    list.args(["--operation", "close_*", "--situation", "young", "--situation", "again"]);
    let (code, stdout, _) = output(list).await;
    assert_eq!(code, Some(0));
    assert_eq!(
        stdout,
        "close_session           again\nclose_expired_sessions  young  (only with --close-expired)\n"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_that_a_check_has_left_behind_are_deleted() {
    let service = EmbeddedService::start("127.0.0.1:0", SessionStore::new()).await.unwrap();
    let config = ClientConfig::from_url(&service.url()).unwrap();
    let client = SessionsHttpClientV1::new(snapshots::check::transport(&config).unwrap());
    for user in [
        "own-close_session__again",
        "own-close_session__again-again",
        "own-ann",
        "other-close_session__again",
    ] {
        for _ in 0..2 {
            client.open_session(None, user, None, None, None, None, None).await.unwrap();
        }
    }
    let cleanup = || {
        let mut run = contract("cleanup");
        run.args([&service.url(), "--user", "own"]);
        output(run)
    };
    let (code, _, stderr) = cleanup().await;
    assert_eq!((code, &*stderr), (Some(0), "4 sessions deleted\n"));
    let left = client.get_sessions(None, None, None).await.unwrap().data;
    let left: Vec<_> = left.into_iter().filter_map(|session| session.user_id).collect();
    assert_eq!(left, ["own-ann", "own-ann", "other-close_session__again", "other-close_session__again"]);
    let (code, _, stderr) = cleanup().await;
    assert_eq!(code, Some(3), "{stderr}");
    assert!(stderr.contains("no session of own was found: check --user and --session"), "{stderr}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_sessions_without_a_user_are_deleted_by_their_id() {
    let service = EmbeddedService::start("127.0.0.1:0", SessionStore::new()).await.unwrap();
    let config = ClientConfig::from_url(&service.url()).unwrap();
    let client = SessionsHttpClientV1::new(snapshots::check::transport(&config).unwrap());
    let mut ids = Vec::new();
    for user in ["", "", "ann"] {
        ids.push(client.open_session(None, user, None, None, None, None, None).await.unwrap().id);
    }
    let cleanup = |id: &str| {
        let mut run = contract("cleanup");
        run.args([&service.url(), "--user", "own", "--session", id]);
        output(run)
    };
    let (code, _, stderr) = cleanup(&ids[0]).await;
    assert_eq!((code, &*stderr), (Some(0), "1 session deleted\n"));
    let (code, _, stderr) = cleanup(&ids[2]).await;
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stderr.contains(&format!("the session {} has a user", ids[2])), "{stderr}");
    let left = client.get_sessions(None, None, None).await.unwrap().data;
    let left: Vec<_> = left.into_iter().map(|session| session.id).collect();
    assert_eq!(left, ids[1..]);
}

#[tokio::test]
async fn a_selection_without_a_case_is_an_error_that_names_the_cases() {
    for command in ["list", "check"] {
        let mut run = contract(command);
        run.args(["--operation", "open_sesion"]).env("SESSIONS_URL", "http://127.0.0.1:9");
        let (code, _, stderr) = output(run).await;
        assert_eq!(code, Some(3), "{stderr}");
        assert!(stderr.contains("did you mean `open_session`?"), "{stderr}");
        assert!(stderr.contains("get_session_by_id, get_sessions, "), "{stderr}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_selected_cases_are_sent_and_then_those_that_failed() {
    let service = EmbeddedService::start("127.0.0.1:0", SessionStore::new()).await.unwrap();
    let renaming = Renaming::start(&service.url(), *b"\"user_name\":", *b"\"user_nick\":").await;
    let mut run = contract("check");
    run.arg(&renaming.url).args(["--operation", "open_session", "--situation", "*o*"]).arg("--jobs=3");
    run.arg("--fail-on=uncertain");
    let (code, stdout, stderr) = output(run).await;
    assert_eq!(code, Some(1), "{stdout}\n{stderr}");
    assert!(stderr.contains("; at most 3 requests at a time"), "{stderr}");
    let mut again = contract("check");
    again
        .arg(&renaming.url)
        .args(["--last-failed", "--situation", "only_user_id"])
        .arg("--fail-on=uncertain");
    let (code, _, stderr) = output(again).await;
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stderr.contains(": 1 case opens up to 1 session,"), "{stderr}");
    let mut other = contract("check");
    other.arg(&renaming.url).args(["--last-failed", "--operation", "close_session"]);
    let (code, _, stderr) = output(other).await;
    assert_eq!(code, Some(3), "{stderr}");
    assert!(stderr.contains("no case is selected"), "{stderr}");
    let passing = ["--operation", "get_session_by_id", "--situation", "unknown"];
    let unrenamed = service.url();
    let mut passed = contract("check");
    passed.arg(&unrenamed).args(passing);
    assert_eq!(output(passed).await.0, Some(0));
    let mut none = contract("check");
    none.args([&unrenamed, "--last-failed"]);
    let (code, _, stderr) = output(none).await;
    assert_eq!(code, Some(3), "{stderr}");
    assert!(
        stderr.contains(&format!("error: no case failed in the last check of {unrenamed}\n")),
        "{stderr}"
    );
    let mut never = contract("check");
    never.args(["http://127.0.0.1:9/below", "--level", "breaking"]);
    let (code, _, stderr) = output(never).await;
    assert_eq!(code, Some(3), "{stderr}");
    assert!(stderr.contains("there was no check of http://127.0.0.1:9/below yet"), "{stderr}");
}

#[tokio::test]
async fn a_run_without_an_allowed_case_is_an_error() {
    for (arguments, variable) in [
        (&["--operation", "close_expired_sessions"][..], ""),
        (&["--operation", "no_operation", "--situation", "paths"], "/base"),
    ] {
        let mut run = contract("check");
        run.arg("http://127.0.0.1:9").args(arguments);
        if !variable.is_empty() {
            run.env("SESSIONS_BASE_ROUTE", variable);
        }
        let (code, _, stderr) = output(run).await;
        assert_eq!(code, Some(3), "{stderr}");
        assert!(stderr.contains("no case would run: "), "{stderr}");
    }
}

#[tokio::test]
async fn reports_of_an_earlier_run_are_replaced_if_a_check_cannot_run() {
    let folder = std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("not-run");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("wrong.yaml"), "connection: {port: x}").unwrap();
    for arguments in [
        &["check", "http://127.0.0.1:9", "--operation", "unknown"][..],
        &["check", "--config", "wrong.yaml"],
        &["check", "http://127.0.0.1:9", "--deviations", "missing.yaml"],
        &["replay", "missing.har"],
    ] {
        std::fs::write(folder.join("r.json"), "old").unwrap();
        let mut run = contract(arguments[0]);
        run.args(&arguments[1..]).args(["--report", "r.json"]).current_dir(&folder);
        let (code, _, stderr) = output(run).await;
        assert_eq!(code, Some(3), "{arguments:?}: {stderr}");
        assert!(stderr.contains("error: "), "{stderr}");
        let report: serde_json::Value =
            serde_json::from_slice(&std::fs::read(folder.join("r.json")).unwrap()).unwrap();
        assert_eq!(report["verdict"], "not_run", "{arguments:?}: {report}");
    }
}

#[tokio::test]
async fn two_outputs_in_one_file_are_an_error() {
    let folder = std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("same-file");
    std::fs::create_dir_all(&folder).unwrap();
    for arguments in [
        ["--report", "r.json", "--report", "./r.json"],
        ["--report", "r.json", "--history", "./r.json"],
        ["--report", "r.json", "--record", "r.json"],
        ["--history", "r.json", "--record", "r.json"],
    ] {
        let mut run = contract("check");
        run.arg("http://127.0.0.1:9").args(arguments).current_dir(&folder);
        let (code, _, stderr) = output(run).await;
        assert_eq!(code, Some(3), "{arguments:?}: {stderr}");
        assert!(stderr.contains("r.json is given twice"), "{arguments:?}: {stderr}");
    }
}

/// A proxy that replaces a string in responses by another one of the same length.
struct Renaming {
    url: String,
    server: tokio::task::JoinHandle<()>,
}

impl Renaming {
    async fn start<const LENGTH: usize>(upstream: &str, from: [u8; LENGTH], to: [u8; LENGTH]) -> Self {
        let upstream = upstream.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let upstream = upstream.clone();
                tokio::spawn(async move {
                    let service = TcpStream::connect(upstream).await.unwrap();
                    let (mut from_client, mut to_client) = client.into_split();
                    let (mut from_service, mut to_service) = service.into_split();
                    tokio::spawn(async move { tokio::io::copy(&mut from_client, &mut to_service).await });
                    let mut buffer = Vec::with_capacity(1 << 20);
                    while from_service.read_buf(&mut buffer).await.is_ok_and(|count| count > 0) {
                        for start in 0..buffer.len().saturating_sub(LENGTH - 1) {
                            if buffer[start..start + LENGTH] == from {
                                buffer[start..start + LENGTH].copy_from_slice(&to);
                            }
                        }
                        if to_client.write_all(&buffer).await.is_err() {
                            return;
                        }
                        buffer.clear();
                    }
                });
            }
        });
        Self { url, server }
    }
}

impl Drop for Renaming {
    fn drop(&mut self) {
        self.server.abort();
    }
}

#[cfg(unix)]
async fn send(signal: &str, run: &tokio::process::Child) {
    let pid = run.id().unwrap().to_string();
    let sent = Command::new("kill").args([signal, &pid]).status().await.unwrap();
    assert!(sent.success());
}

#[cfg(unix)]
#[tokio::test]
async fn a_signal_during_the_wait_ends_the_check() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut run = run_command(&format!("http://{}", silent.local_addr().unwrap()));
    let run = run.stdout(Stdio::piped()).arg("--wait=24h").env("SESSIONS_OPTIONS_TIMEOUT", "3600000");
    let run = run.env("SESSIONS_OPTIONS_CONNECT_TIMEOUT", "3600000").spawn().unwrap();
    let (_connection, _) = silent.accept().await.unwrap();
    send("-TERM", &run).await;
    let output = run.wait_with_output().await.unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(4), "{stdout}");
    assert!(stdout.contains("NOT RUN") && stdout.contains("a signal stopped the program"), "{stdout}");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupted_run_deletes_its_sessions() {
    for signal in ["-HUP", "-INT", "-TERM"] {
        let sessions = SessionStore::new();
        let service = EmbeddedService::start("127.0.0.1:0", sessions.clone()).await.unwrap();
        let url = service.url().replace("//", "//ann:secret@");
        let mut run = with_signals("--default-signal=HUP,INT,TERM", "check").arg(url).spawn().unwrap();
        until_opened(&mut run, &sessions).await;
        send(signal, &run).await;
        let output = run.wait_with_output().await.unwrap();
        let [stdout, stderr] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
        assert_eq!(output.status.code(), Some(4), "{signal}: {stderr}");
        let plan = format!(
            "contract test of the service at {}, compared with the snapshots of the real",
            service.url()
        );
        assert!(stderr.contains(&plan) && !stderr.contains("secret"), "{stderr}");
        assert!(stderr.contains("and those of others are not touched"), "{stderr}");
        assert!(stdout.contains("it was stopped"), "{signal}: {stdout}");
        assert!(sessions.is_empty(), "{} sessions are left after {signal}", sessions.len());
    }
}

/// Waits until a run has opened a session.
#[cfg(unix)]
async fn until_opened(run: &mut tokio::process::Child, sessions: &SessionStore) {
    while sessions.is_empty() {
        assert!(run.try_wait().unwrap().is_none(), "the run ended before it opened a session");
        tokio::task::yield_now().await;
    }
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signals_that_are_ignored_at_the_start_do_not_end_the_check() {
    let sessions = SessionStore::new();
    let service = EmbeddedService::start("127.0.0.1:0", sessions.clone()).await.unwrap();
    let mut run = with_signals("--ignore-signal=HUP,INT", "check").arg(service.url()).spawn().unwrap();
    until_opened(&mut run, &sessions).await;
    send("-HUP", &run).await;
    send("-INT", &run).await;
    let output = run.wait_with_output().await.unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{stdout}");
    assert!(!stdout.contains("it was stopped"), "{stdout}");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_mock_leaves_a_signal_ignored_that_is_ignored_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let recording = folder.path().join("recording.har");
    let request = r#"{"method": "POST", "url": "http://service/v1/sessions/get_sessions", "headers": []}"#;
    let entry =
        format!(r#"{{"request": {request}, "response": {{"status": 200, "headers": [], "content": {{}}}}}}"#);
    std::fs::write(&recording, format!(r#"{{"log": {{"version": "1.2", "entries": [{entry}]}}}}"#)).unwrap();
    let mut run = with_signals("--ignore-signal=INT", "mock").arg(recording).arg("--port=0").spawn().unwrap();
    let mut ready = String::new();
    BufReader::new(run.stdout.take().unwrap()).read_line(&mut ready).await.unwrap();
    let status = std::fs::read_to_string(format!("/proc/{}/status", run.id().unwrap())).unwrap();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
    let caught = u64::from_str_radix(caught.trim(), 16).unwrap();
    // SIGINT is 2, SIGTERM 15.
    assert_eq!((caught & 1 << 1, caught & 1 << 14), (0, 1 << 14), "{ready}");
}

/// Marks the child process that runs a test again in new namespaces.
#[cfg(target_os = "linux")]
const INSIDE: &str = "SESSIONS_TEST_IN_NAMESPACES";

/// The lookup blocks a thread of the runtime for 30 s.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_silent_name_service_does_not_delay_the_end() {
    if std::env::var_os(INSIDE).is_none() {
        return in_namespaces("a_silent_name_service_does_not_delay_the_end").await;
    }
    let _silent = std::net::UdpSocket::bind("127.0.0.1:53").unwrap();
    let url = "http://sessions.example:8080";
    for (arguments, expected) in
        [(&["check", url][..], 3), (&["check", url, "--wait=1s"], 3), (&["cleanup", url, "--user=own"], 1)]
    {
        let mut run = contract(arguments[0]);
        run.args(&arguments[1..]).env("SESSIONS_OPTIONS_CONNECT_TIMEOUT", "100");
        let ended = tokio::time::timeout(Duration::from_secs(15), output(run)).await;
        let (code, stdout, stderr) = ended.unwrap_or_else(|_| panic!("{arguments:?} hangs"));
        assert_eq!(code, Some(expected), "{arguments:?}: {stdout}{stderr}");
        let why = "the name service did not respond in time";
        assert!(stdout.contains(why) || stderr.contains(why), "{arguments:?}: {stdout}{stderr}");
    }
}

/// Runs the test `name` again where names are looked up at 127.0.0.1 only.
#[cfg(target_os = "linux")]
async fn in_namespaces(name: &str) {
    use std::io::Write as _;

    let permitted = Command::new("unshare").args(["-rnm", "ip", "link", "set", "lo", "up"]).output().await;
    if !permitted.is_ok_and(|output| output.status.success()) {
        // Not `println!`, whose output is not shown for a test that passes.
        let _ = writeln!(std::io::stderr(), "SKIPPED: `unshare -rnm ip link set lo up` is not possible here");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let write = |file, content| std::fs::write(folder.path().join(file), content).unwrap();
    write("resolv.conf", "nameserver 127.0.0.1\noptions timeout:30 attempts:1\n");
    write("nsswitch.conf", "hosts: dns\n");
    let script = "ip link set lo up || exit
        for file in resolv.conf nsswitch.conf; do
            [ ! -e /etc/$file ] || mount --bind \"$0/$file\" /etc/$file || exit
        done
        exec \"$1\" --exact \"$2\" --nocapture";
    let mut inside = Command::new("unshare");
    inside.args(["-rnm", "bash", "-c", script]).arg(folder.path());
    let output =
        inside.arg(std::env::current_exe().unwrap()).arg(name).env(INSIDE, "1").output().await.unwrap();
    let [stdout, stderr] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    assert!(output.status.success() && stdout.contains("1 passed"), "{stdout}{stderr}");
}

/// Accepts a connection, reads a request and responds.
async fn respond(listener: &TcpListener, response: &str) {
    let (mut connection, _) = listener.accept().await.unwrap();
    let mut request = Vec::new();
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        assert!(connection.read_buf(&mut request).await.unwrap() > 0);
    }
    connection.write_all(response.as_bytes()).await.unwrap();
}

const NO_SESSION: &str = "HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n";
const UNAUTHORIZED: &str = "HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// Returns what a run prints until it fails.
async fn failure(mut run: Command) -> String {
    run.stdout(Stdio::piped());
    let (code, stdout, stderr) = output(run).await;
    assert_ne!(code, Some(0), "{stderr}");
    format!("{stdout}{stderr}")
}

#[tokio::test]
async fn a_run_that_is_refused_says_so_in_one_line() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let mut run = run_command(&url);
    run.env("SESSIONS_HEADERS_X_API_KEY", "k3y-xyz");
    let (stderr, ()) = tokio::join!(failure(run), respond(&listener, UNAUTHORIZED));
    let refused = stderr.lines().find(|line| line.contains("refuses the credentials")).unwrap();
    assert!(refused.contains(&url) && refused.ends_with("; no session was opened"), "{refused}");
    assert!(refused.contains("401 Unauthorized") && refused.contains("SESSIONS_CONFIG"), "{refused}");
    assert!(refused.contains("; headers with credentials that were sent: x-api-key; "), "{refused}");
    assert!(!stderr.contains("k3y-xyz"), "{stderr}");
    assert!(!stderr.contains("left") && !stderr.contains("contract test of"), "{stderr}");
}

/// Returns exit code, standard output and standard error stream of a check of a server with one response to all
/// requests.
async fn check_of_server(status: &str, content_type: &str, body: &str) -> (Option<i32>, String, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/below/a/gateway", listener.local_addr().unwrap());
    let response = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    let mut run = contract("check");
    run.arg(&url).args(["--operation=get_session_by_id", "--situation=unknown"]);
    let server = async {
        loop {
            respond(&listener, &response).await;
        }
    };
    tokio::select! {
        outcome = output(run) => outcome,
        () = server => unreachable!(),
    }
}

/// Checks one case of the service at `url` on a machine without trusted certificates.
#[cfg(target_os = "linux")]
async fn check_without_certificate_store(url: &str) -> (Option<i32>, String, String) {
    let mut run = contract("check");
    run.args([url, "--operation", "close_session", "--situation", "again"]);
    run.env("SSL_CERT_FILE", "/nonexistent.pem").env("SSL_CERT_DIR", "/nonexistent");
    output(run).await
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_check_over_http_needs_no_certificate_store() {
    let service = EmbeddedService::start("127.0.0.1:0", SessionStore::new()).await.unwrap();
    let (code, stdout, stderr) = check_without_certificate_store(&service.url()).await;
    assert_eq!(code, Some(0), "{stdout}{stderr}");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_check_over_https_says_that_there_is_no_certificate_store() {
    let (code, stdout, stderr) = check_without_certificate_store("https://127.0.0.1:1").await;
    assert_eq!(code, Some(3), "{stdout}{stderr}");
    let why = "no trusted certificates were found";
    assert!(stderr.contains(why) && stderr.contains("`ca-certificates`"), "{stdout}{stderr}");
}

#[tokio::test]
async fn another_server_is_reported_in_one_line() {
    let page = "<h1>no such page</h1>";
    let unknown = r#"{"code":"ResourceNotFound","message":"no such page"}"#;
    for (status, content_type, body) in [
        ("501 Unsupported method ('POST')", "text/html", page),
        ("404 Not Found", "text/html", page),
        ("404 Not Found", "application/json", unknown),
        ("405 Method Not Allowed", "application/json", r#"{"message":"Method Not Allowed"}"#),
        ("200 OK", "text/html", page),
        ("302 Found", "text/html", page),
        ("400 Bad Request", "text/plain", "bad request"),
        ("500 Internal Server Error", "text/plain", ""),
    ] {
        let (code, stdout, stderr) = check_of_server(status, content_type, body).await;
        assert_eq!(code, Some(3), "{status}: {stdout}\n{stderr}");
        let refused = stdout.lines().find(|line| line.starts_with("NOT RUN: http://127.0.0.1:"));
        let refused = refused.unwrap_or_else(|| panic!("{status}: {stdout}"));
        assert!(refused.contains("/below/a/gateway does not respond like a sessions service"), "{refused}");
        assert!(refused.contains("base route") && refused.ends_with("; no session was opened"), "{refused}");
        assert!(!stderr.contains("contract test of") && !stdout.contains("left"), "{stdout}\n{stderr}");
    }
}

#[tokio::test]
async fn a_broken_service_is_tested() {
    for (status, body) in [
        ("400 Bad Request", r#"{"code":"INVALID","message":"no"}"#),
        ("500 Internal Server Error", r#"{"code":"UNKNOWN","message":"no"}"#),
        ("200 OK", r#"{"items":[]}"#),
    ] {
        let (code, stdout, stderr) = check_of_server(status, "application/json", body).await;
        assert_eq!(code, Some(1), "{status}: {stdout}\n{stderr}");
    }
}

#[tokio::test]
async fn a_service_without_an_operation_is_tested() {
    let without_reading = from_fn(async |request: Request, next: Next| {
        if request.uri().path().ends_with("/get_session_by_id") {
            return Response::builder().status(404).body(Body::from("not found")).unwrap();
        }
        next.run(request).await
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let service = router(SessionStore::new()).layer(without_reading);
    let server = tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
    let mut run = contract("check");
    run.arg(&url).args(["--operation=get_session_by_id", "--situation=unknown"]);
    let (code, stdout, stderr) = output(run).await;
    assert_eq!(code, Some(1), "{stdout}\n{stderr}");
    server.abort();
}

#[tokio::test]
async fn a_rate_limit_is_waited_for_before_the_first_case() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let rejections = async {
        let rejected = "HTTP/1.1 429 Too Many Requests\r\nretry-after: 0\r\ncontent-length: 0\r\n\r\n";
        respond(&listener, rejected).await;
        respond(&listener, UNAUTHORIZED).await;
    };
    let (stderr, ()) = tokio::join!(failure(run_command(&url)), rejections);
    assert!(stderr.contains("refuses the credentials"), "{stderr}");
}

#[tokio::test]
async fn an_unreachable_service_is_reported_in_one_line() {
    // Bound but not listening, so that no other process can listen there.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let url = format!("http://{}", socket.local_addr().unwrap());
    let stderr = failure(run_command(&url)).await;
    let refused = stderr.lines().find(|line| line.contains("cannot be tested")).unwrap();
    assert!(
        refused.contains("Connection refused") && refused.contains("start it, or check its address"),
        "{refused}"
    );
    assert!(!stderr.contains("left"), "{stderr}");
}

#[tokio::test]
async fn a_silent_service_ends_the_run_within_the_connect_limit() {
    // Accepts connections in its backlog, but never responds.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let mut run = run_command(&url);
    run.env("SESSIONS_OPTIONS_CONNECT_TIMEOUT", "200").env("SESSIONS_OPTIONS_TIMEOUT", "3600000");
    let stderr = failure(run).await;
    assert!(stderr.contains("cannot be tested") && stderr.contains("no session was opened"), "{stderr}");
}

#[tokio::test]
async fn a_service_that_is_starting_is_waited_for() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let mut run = run_command(&url);
    run.arg("--wait=60s");
    let starting = async {
        drop(listener.accept().await.unwrap());
        respond(
            &listener,
            "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
        )
        .await;
        respond(&listener, UNAUTHORIZED).await;
    };
    let (stderr, ()) = tokio::join!(failure(run), starting);
    assert!(stderr.contains("refuses the credentials"), "{stderr}");
}

#[tokio::test]
async fn a_server_that_does_not_speak_http_is_not_waited_for() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let mut run = run_command(&url);
    run.arg("--wait=24h");
    let greeting = "220 mail.example ESMTP\r\n";
    let (stderr, ()) = tokio::join!(failure(run), respond(&listener, greeting));
    assert!(stderr.contains("cannot be tested") && stderr.contains("no session was opened"), "{stderr}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_description_is_enough_behind_a_proxy_that_closes_connections() {
    let service = EmbeddedService::start("127.0.0.1:0", SessionStore::new()).await.unwrap();
    let upstream = service.url().trim_start_matches("http://").to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let folder = std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("live");
    std::fs::create_dir_all(&folder).unwrap();
    let uri = format!("http://{}", listener.local_addr().unwrap());
    let yaml = format!("connection: {{uri: {uri}}}\nheaders: {{x-api-key: '${{KEY}}'}}\n");
    std::fs::write(folder.join("staging.yaml"), yaml).unwrap();
    // Closes each connection after the first response, without saying so.
    let proxy = tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(pass_once(client, upstream.clone()));
        }
    });
    let mut run = check_command();
    run.env("SESSIONS_CONFIG", "staging.yaml")
        .current_dir(&folder)
        .arg("--close-expired")
        .arg("--fail-on=harmless")
        .env("KEY", "s3cret");
    run.stdout(Stdio::piped());
    let output = run.spawn().unwrap().wait_with_output().await.unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{stdout}\n{stderr}");
    assert!(!stdout.contains("s3cret") && !stderr.contains("s3cret"), "{stdout}\n{stderr}");
    assert!(stderr.contains("contract test of the service at"), "{stderr}");
    proxy.abort();
}

/// Passes one request with the key to the service, and its response back.
async fn pass_once(mut client: TcpStream, upstream: String) {
    let mut request = Vec::new();
    let mut length = None;
    while length.is_none_or(|length| request.len() < length) {
        if client.read_buf(&mut request).await.unwrap_or(0) == 0 {
            return;
        }
        let text = String::from_utf8_lossy(&request).into_owned();
        if let Some((head, _)) = text.split_once("\r\n\r\n") {
            let head = head.to_ascii_lowercase();
            assert!(head.contains("x-api-key: s3cret"), "{head}");
            let body = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            length = Some(head.len() + 4 + body.unwrap_or(0));
        }
    }
    let mut service = TcpStream::connect(upstream).await.unwrap();
    service.write_all(&request).await.unwrap();
    service.shutdown().await.unwrap();
    let mut response = Vec::new();
    service.read_to_end(&mut response).await.unwrap();
    let text = String::from_utf8_lossy(&response).replace("connection: close\r\n", "");
    client.write_all(if response.is_ascii() { text.as_bytes() } else { &response }).await.unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn a_second_signal_ends_the_run_and_names_its_user() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut run = run_command(&format!("http://{}", silent.local_addr().unwrap())).spawn().unwrap();
    // The first session, and the status.
    respond(&silent, NO_SESSION).await;
    respond(&silent, NO_SESSION).await;
    let mut stderr = BufReader::new(run.stderr.take().unwrap()).lines();
    let mut plan = stderr.next_line().await.unwrap().unwrap();
    while !plan.starts_with("contract test") {
        plan = stderr.next_line().await.unwrap().unwrap();
    }
    let mut connections = Vec::new();
    let mut request = String::new();
    while !request.contains("/open_session ") {
        let (mut connection, _) = tokio::select! {
            connection = silent.accept() => connection.unwrap(),
            _ = run.wait() => panic!("the run ended before it opened a session"),
        };
        let mut bytes = Vec::new();
        while !bytes.contains(&b'\n') {
            assert!(connection.read_buf(&mut bytes).await.unwrap() > 0);
        }
        request = String::from_utf8_lossy(&bytes).into_owned();
        connections.push(connection);
    }
    send("-TERM", &run).await;
    assert!(stderr.next_line().await.unwrap().unwrap().starts_with("stopping: "));
    send("-TERM", &run).await;
    let last = stderr.next_line().await.unwrap().unwrap();
    assert!(last.starts_with("stopped: sessions of ") && last.contains("contract-test-ü-"), "{last}");
    assert!(last.contains(" may be left"), "{last}");
    assert_eq!(run.wait().await.unwrap().code(), Some(128 + 15));
}
