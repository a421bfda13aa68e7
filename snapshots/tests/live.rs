//! The contract live: every case, against the embedded service and the service that the environment describes.
//!
//! Both are compared with the same snapshots. This shows that the embedded service behaves like the
//! real one in every case.
//!
//! * `SESSIONS_URL=http://host:port` is the service to test. Without an address, only the embedded service is
//!   tested.
//! * `SESSIONS_CONFIG=staging.yaml` is a file with the keys of the client: address, headers, credentials,
//!   certificates, proxy. Variables such as `SESSIONS_HEADERS_X_API_KEY` replace its keys.
//! * `SESSIONS_WAIT=60s` waits until the service responds, at most this long.
//! * `SESSIONS_CLOSE_EXPIRED=yes` confirms that nothing else uses the service. It allows calls of
//!   `close_expired_sessions`, which closes sessions of other users, and a session without a user.
//! * `SESSIONS_VARIANT=old` selects the implementation, one of those in `snapshots::differences`. Its known
//!   differences are compared with separate snapshots, such as `open_session__invalid_arguments@old.snap`.
//!
//! Every session of a run belongs to a dedicated user and is deleted at the end of its case, also after a
//! failure, a panic, or a termination signal. A second signal ends the process at once. Each call has its own
//! connection: calls are not retried, and a proxy may close a connection between two of them.

mod cases;
mod comparison;

use cases::{TABLE, cases};
use comparison::{Snapshot, compare_all, log_changes, stored_names};
use sessions_client::{
    ClientConfig, ErrorKind, ISessionsV1, Policies, ReqwestTransport, SessionsHttpClientV1, Transport as _,
    sessions_v1,
};
use sessions_service::{EmbeddedService, SessionStore};
use snapshots::differences::VARIANTS;
use snapshots::suite::{Case, ContractRoutes, RunOptions, RunReport, StopSignal, run};
use snapshots::{Exchange, Promise, Shapes, live_gaps, log, may_close_expired, service_params};
use std::process::Stdio;
use std::time::{Duration, Instant};
use std::{env, panic};
#[cfg(unix)]
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio::runtime::Builder;
use tokio::task::JoinHandle;
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_embedded_service_satisfies_the_contract() {
    let sessions = SessionStore::new();
    let service = EmbeddedService::start("127.0.0.1:0", sessions.clone()).await.unwrap();
    let options = RunOptions { user: unique_user(), may_close_expired: true, ..RunOptions::default() };
    let config = ClientConfig::from_url(&service.url()).unwrap();
    let report = run(transport(&config), &cases(), &options).await;
    compare_with_snapshots(&report, Some("embedded"));
    assert!(sessions.is_empty(), "the run left sessions behind");
    let exchanges: Vec<Exchange> = report.completed.iter().flat_map(|case| case.exchanges.clone()).collect();
    let missing = live_gaps(sessions_v1::ROUTES, promise, &exchanges, TABLE);
    assert!(missing.is_empty(), "the contract is not covered:\n{}", missing.join("\n"));
}

#[test]
fn the_service_at_sessions_url_satisfies_the_contract() {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let ended = runtime.block_on(async { tokio::spawn(test_service()).await });
    // Dropping the runtime would wait for a name lookup that hangs.
    runtime.shutdown_background();
    if let Err(error) = ended {
        panic::resume_unwind(error.into_panic());
    }
}

async fn test_service() {
    // Cargo runs tests in the folder of their crate, but paths are relative to that of the shell.
    if let Some(folder) = env::var_os("PWD") {
        let _ = env::set_current_dir(folder);
    }
    let params = service_params().unwrap_or_else(|error| panic!("{error}"));
    let Some(params) = params else {
        log("skipped: SESSIONS_URL is not set, so no live service is tested");
        return;
    };
    let config = params.build().unwrap_or_else(|error| panic!("{error}"));
    let variant = env::var("SESSIONS_VARIANT").ok().filter(|variant| !variant.is_empty());
    if let Some(variant) = &variant {
        let known: Vec<&str> = VARIANTS.iter().map(|known| known.name).collect();
        assert!(known.contains(&&**variant), "SESSIONS_VARIANT={variant} is not one of {}", known.join(", "));
    }
    let options = RunOptions {
        user: unique_user(),
        may_close_expired: may_close_expired(),
        pause: PAUSE,
        ..RunOptions::default()
    };
    if config.tls().is_insecure() {
        log("warning: the certificate of the service is not verified (insecure)");
    }
    let (mut cases, transport) = (cases(), transport(&config));
    // Paths outside of a base route belong to the gateway.
    let is_outside = |case: &mut Case| config.base_route().is_some() && case.name() == "no_operation__paths";
    let outside: Vec<Case> = cases.extract_if(.., is_outside).collect();
    wait_for_service(&config, transport.peer()).await;
    log(&plan(transport.peer(), variant.as_deref(), &cases, &options));
    let signal = stop_on_signals(options.stop.clone());
    let mut report = run(transport, &cases, &options).await;
    signal.abort();
    for name in &report.skipped {
        log(&format!("skipped: {name}, which needs a service without other users"));
    }
    for name in outside.iter().map(Case::name) {
        log(&format!("skipped: {name}, whose paths are not below the base route"));
        report.skipped.push(name);
    }
    compare_with_snapshots(&report, variant.as_deref());
}

/// A command that runs the live test at `url` in a separate process, since a signal ends a process, not a
/// test.
fn run_command(url: &str) -> Command {
    let mut run = Command::new(env::current_exe().unwrap());
    run.args(["--exact", "the_service_at_sessions_url_satisfies_the_contract", "--nocapture"])
        .env("SESSIONS_URL", url)
        .env_remove("SESSIONS_CONFIG")
        .env_remove("SESSIONS_VARIANT")
        .env_remove("SESSIONS_CLOSE_EXPIRED")
        .env("NO_PROXY", "127.0.0.1")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    run
}

#[tokio::test]
async fn an_invalid_setting_is_named_before_anything_is_sent() {
    let url = "http://127.0.0.1:9";
    let settings = [
        (url, "SESSIONS_VARIANT", "older", "SESSIONS_VARIANT=older is not one of embedded, old"),
        (url, "SESSIONS_CLOSE_EXPIRED", "true", "SESSIONS_CLOSE_EXPIRED must be `yes` or `no`, not \"true\""),
        ("staging", "SESSIONS_VARIANT", "", "`connection.uri` (SESSIONS_URL) has no scheme: "),
        (url, "SESSIONS_OPTIONS_TIMEOUT", "soon", "`options.timeout` (SESSIONS_OPTIONS_TIMEOUT) must be"),
        (url, "SESSIONS_CONFIG", "nowhere.yaml", "the configuration file nowhere.yaml cannot be read"),
        (url, "SESSIONS_WAIT", "long", "SESSIONS_WAIT must be a time such as `60s`, not \"long\""),
    ];
    for (url, name, value, why) in settings {
        let output = run_command(url).env(name, value).spawn().unwrap().wait_with_output().await.unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && stderr.contains(why), "{stderr}");
        assert!(!stderr.contains("contract test of the service"), "{stderr}");
    }
}

#[cfg(unix)]
async fn send(signal: &str, run: &tokio::process::Child) {
    let pid = run.id().unwrap().to_string();
    let sent = Command::new("kill").args([signal, &pid]).status().await.unwrap();
    assert!(sent.success());
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupted_run_deletes_its_sessions() {
    for signal in ["-HUP", "-INT", "-TERM"] {
        let sessions = SessionStore::new();
        let service = EmbeddedService::start("127.0.0.1:0", sessions.clone()).await.unwrap();
        let url = service.url().replace("//", "//ann:secret@");
        let mut run = run_command(&url).spawn().unwrap();
        while sessions.is_empty() {
            assert!(run.try_wait().unwrap().is_none(), "the run ended before it opened a session");
            tokio::task::yield_now().await;
        }
        send(signal, &run).await;
        let output = run.wait_with_output().await.unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success());
        let plan = format!(
            "contract test of the service at {}, compared with the snapshots of the real",
            service.url()
        );
        assert!(stderr.contains(&plan) && !stderr.contains("secret"), "{stderr}");
        assert!(stderr.contains("and do not touch others"), "{stderr}");
        assert!(stderr.contains("was aborted: ") && stderr.contains("it was stopped"), "{signal}: {stderr}");
        assert!(sessions.is_empty(), "{} sessions are left after {signal}", sessions.len());
    }
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

/// Returns what a run writes to the standard error stream until it fails.
async fn failure(mut run: Command) -> String {
    let output = run.spawn().unwrap().wait_with_output().await.unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "{stderr}");
    stderr
}

#[tokio::test]
async fn a_run_that_is_refused_says_so_in_one_line() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (stderr, ()) = tokio::join!(failure(run_command(&url)), respond(&listener, UNAUTHORIZED));
    let refused = stderr.lines().find(|line| line.contains("refuses the credentials")).unwrap();
    assert!(refused.starts_with(&url) && refused.ends_with("; no session was opened"), "{refused}");
    assert!(refused.contains("401 Unauthorized") && refused.contains("SESSIONS_CONFIG"), "{refused}");
    assert!(!stderr.contains("left") && !stderr.contains("contract test of"), "{stderr}");
}

#[tokio::test]
async fn another_server_is_reported_in_one_line() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let page = "HTTP/1.1 404 Not Found\r\ncontent-type: text/html\r\ncontent-length: 12\r\n\r\n<h1>404</h1>";
    let (stderr, ()) = tokio::join!(failure(run_command(&url)), respond(&listener, page));
    assert!(stderr.contains("does not respond like a sessions service"), "{stderr}");
    assert!(stderr.contains("SESSIONS_BASE_ROUTE") && stderr.contains("; no session was opened"), "{stderr}");
    assert!(!stderr.contains("left"), "{stderr}");
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
    assert!(refused.contains("Connection refused") && refused.contains("SESSIONS_URL"), "{refused}");
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
    run.env("SESSIONS_WAIT", "60s");
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
    run.env("SESSIONS_WAIT", "24h");
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
    let mut run = run_command("");
    run.env("SESSIONS_CONFIG", "staging.yaml")
        .env("PWD", &folder)
        .env("SESSIONS_CLOSE_EXPIRED", "yes")
        .env("KEY", "s3cret");
    run.stdout(Stdio::piped());
    let output = run.spawn().unwrap().wait_with_output().await.unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && stdout.contains("1 passed"), "{stdout}\n{stderr}");
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
    respond(&silent, NO_SESSION).await;
    let mut stderr = BufReader::new(run.stderr.take().unwrap()).lines();
    let mut plan = stderr.next_line().await.unwrap().unwrap();
    while !plan.starts_with("contract test") {
        plan = stderr.next_line().await.unwrap().unwrap();
    }
    let (_connection, _) = tokio::select! {
        connection = silent.accept() => connection.unwrap(),
        _ = run.wait() => panic!("the run ended before it sent a request"),
    };
    send("-TERM", &run).await;
    assert!(stderr.next_line().await.unwrap().unwrap().starts_with("stopping: "));
    send("-TERM", &run).await;
    let last = stderr.next_line().await.unwrap().unwrap();
    assert!(last.starts_with("stopped: sessions of the user contract-test-ü-"), "{last}");
    assert!(last.ends_with("-1 may be left"), "{last}");
    assert_eq!(run.wait().await.unwrap().code(), Some(128 + 15));
}

/// The first pause after a failure during clean-up. With five attempts, a service has 15 seconds to come
/// back, enough for a redeployment.
const PAUSE: Duration = Duration::from_secs(1);

/// Describes a run before it starts.
fn plan(origin: &str, variant: Option<&str>, cases: &[Case], options: &RunOptions) -> String {
    let allowed = || cases.iter().filter(|case| options.may_close_expired || !case.needs_exclusive_service());
    let opened: usize = allowed().map(Case::opens).sum();
    format!(
        "contract test of the service at {origin}, compared with {}: {} cases open up to {opened} sessions, {} at a \
         time at most, of the users {}-1 and so on, change, close and delete them{}",
        variant.map_or_else(
            || "the snapshots of the real service".to_owned(),
            |variant| format!("the snapshots of SESSIONS_VARIANT={variant}")
        ),
        allowed().count(),
        allowed().map(Case::opens).max().unwrap_or(0),
        options.user,
        if options.may_close_expired {
            "; expired sessions of all users are closed"
        } else {
            ", and do not touch others"
        },
    )
}

/// Returns a transport with a new connection for each call, and without retries, which would hide failures.
fn transport(config: &ClientConfig) -> ContractRoutes<Policies<ReqwestTransport>> {
    let config = config.clone().with_retries(0).with_pool_idle_timeout(Duration::from_nanos(1));
    let transport = ReqwestTransport::new(&config).unwrap_or_else(|error| panic!("{error}"));
    ContractRoutes::new(Policies::new(transport, &config))
}

/// The pause between two attempts to reach a service that is starting.
const WAIT_INTERVAL: Duration = Duration::from_millis(500);

/// Waits until the service responds, as long as `SESSIONS_WAIT` allows.
///
/// # Panics
///
/// With the reason and the remedy in one line, if it does not respond or requires other credentials.
async fn wait_for_service(config: &ClientConfig, origin: &str) {
    let wait = env::var("SESSIONS_WAIT").ok().filter(|wait| !wait.is_empty()).map(|wait| {
        let parsed = humantime::parse_duration(&wait);
        parsed.unwrap_or_else(|_| panic!("SESSIONS_WAIT must be a time such as `60s`, not {wait:?}"))
    });
    let deadline = wait.map(|wait| Instant::now() + wait);
    // A service that accepts connections but never responds must not take longer than one that is unreachable.
    let limit = config.connect_timeout().min(config.timeout());
    let config = config.clone().with_timeout(limit).with_connect_timeout(limit).with_deadline(limit);
    let probe = SessionsHttpClientV1::new(transport(&config));
    let mut rejections = 0;
    while let Err(refusal) = probe_service(&probe).await {
        let pause = match refusal.retry_after {
            Some(pause) if rejections < MAX_REJECTIONS && pause <= limit => {
                rejections += 1;
                pause
            }
            _ => {
                let may_wait = deadline.is_some_and(|deadline| Instant::now() + WAIT_INTERVAL < deadline);
                let waits = refusal.may_start && may_wait;
                assert!(waits, "{origin} {}; no session was opened", refusal.why);
                WAIT_INTERVAL
            }
        };
        tokio::time::sleep(pause).await;
    }
}

/// The number of times that a gateway may reject the first request because of its rate limit.
const MAX_REJECTIONS: u32 = 3;

/// The reason why a service cannot be tested.
struct Refusal {
    why: String,
    /// True if the service may be starting.
    may_start: bool,
    /// The requested delay of a rate limit.
    retry_after: Option<Duration>,
}

/// Reads a session that does not exist. A response of the service itself is not a refusal, even if it is an
/// error: the cases compare it.
async fn probe_service(client: &impl ISessionsV1) -> Result<(), Refusal> {
    const CREDENTIALS: &str = ": set SESSIONS_HEADERS_X_API_KEY, SESSIONS_CREDENTIAL_TOKEN_FILE or another key of the \
                               client, or SESSIONS_CONFIG";
    let Err(error) = client.get_session_by_id(None, "contract-test").await else { return Ok(()) };
    let status = error.status().map(|status| status.as_u16());
    let is_foreign = error.kind() == ErrorKind::Service && error.service().is_none();
    let (problem, remedy, may_start) = match (error.kind(), status) {
        (ErrorKind::ConcurrencyLimit, _) => ("was not called", ": raise `options.concurrency_limit`", false),
        _ if error.is_local_limit() => ("was not called", "", false),
        (ErrorKind::Proxy, _) => {
            let is_starting = error.is_retryable() || matches!(status, Some(502..=504));
            ("cannot be reached through the proxy", "", is_starting)
        }
        (ErrorKind::Tls, _) => ("cannot be reached securely", "", false),
        (ErrorKind::Credentials, _) => ("cannot be tested without credentials", "", false),
        (_, Some(401 | 403)) => ("refuses the credentials", CREDENTIALS, false),
        (_, Some(429)) if is_foreign => ("limits the rate of requests", ": try again later", false),
        (_, Some(502..=504)) => {
            ("is not running behind its gateway", ": start it, or set SESSIONS_WAIT", true)
        }
        (_, Some(400 | 404)) if is_foreign => {
            let remedy = ": check the address, and SESSIONS_BASE_ROUTE if it has another base route";
            ("does not respond like a sessions service", remedy, false)
        }
        (_, Some(_)) | (ErrorKind::Decode, _) => return Ok(()),
        (_, None) => {
            let remedy = ": start it, or set SESSIONS_URL or SESSIONS_CONFIG";
            ("cannot be tested", remedy, error.is_retryable())
        }
    };
    let retry_after = error.retry_after().filter(|_| status == Some(429));
    Err(Refusal { why: format!("{problem}: {error}{remedy}"), may_start, retry_after })
}

/// Returns a user id that no other run uses. It is not ASCII, since ids need not be.
fn unique_user() -> String {
    format!("contract-test-ü-{}", Uuid::new_v4().simple())
}

/// Stops the run at the first termination signal and ends the process at the second, starting with this call.
#[cfg(unix)]
fn stop_on_signals(stop: StopSignal) -> JoinHandle<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let kinds = [SignalKind::hangup(), SignalKind::interrupt(), SignalKind::terminate()];
    let [mut hangup, mut interrupt, mut terminate] = kinds.map(|kind| signal(kind).unwrap());
    tokio::spawn(async move {
        loop {
            let kind = tokio::select! {
                _ = hangup.recv() => kinds[0],
                _ = interrupt.recv() => kinds[1],
                _ = terminate.recv() => kinds[2],
            };
            handle_signal(&stop, 128 + kind.as_raw_value());
        }
    })
}

#[cfg(not(unix))]
fn stop_on_signals(stop: StopSignal) -> JoinHandle<()> {
    tokio::spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() {
            handle_signal(&stop, 130);
        }
    })
}

/// Stops the run, or ends the process with `code` if the run is stopping already.
fn handle_signal(stop: &StopSignal, code: i32) {
    if stop.is_requested() {
        log(&format!("stopped: sessions of the user {} may be left", stop.current_user()));
        std::process::exit(code);
    }
    log("stopping: deleting the sessions of the current case");
    stop.request();
}

/// Fails if the run was aborted, left sessions behind, or differs from a stored snapshot.
fn compare_with_snapshots(report: &RunReport, variant: Option<&str>) {
    let mut wrong: Vec<String> = report.aborted.iter().map(ToString::to_string).collect();
    if !report.left_behind.is_empty() {
        wrong.push(format!(
            "these sessions are left behind and must be deleted by hand:\n    {}",
            report.left_behind.join("\n    ")
        ));
    }
    if wrong.is_empty() {
        return compare_all(&all_snapshots(report), variant);
    }
    // A change before the abort may be its cause.
    log_changes(&case_snapshots(report), variant);
    panic!("{}", wrong.join("\n"));
}

/// Returns the result type of an operation; `Maybe`, the most common one, for a new operation.
fn promise(operation: &str) -> Promise {
    match operation {
        "get_sessions" | "open_session" => Promise::Value,
        "close_expired_sessions" => Promise::Nothing,
        _ => Promise::Maybe,
    }
}

fn case_snapshots(report: &RunReport) -> Vec<Snapshot<'static>> {
    report.completed.iter().map(|case| ("service", case.name.clone(), case.snapshot.clone())).collect()
}

/// Returns the snapshots of the cases and shapes, and a remark for each stored snapshot without a result.
fn all_snapshots(report: &RunReport) -> Vec<Snapshot<'static>> {
    let mut shapes = Shapes::new();
    for case in &report.completed {
        for exchange in &case.exchanges {
            let path = exchange.request.uri().path().trim_end_matches('/');
            let route = sessions_v1::ROUTES.iter().find(|route| route.path == path);
            // The shape of an operation must not depend on the options of the run.
            let Some(route) = route else { continue };
            if !case.needs_exclusive_service || route.name == "close_expired_sessions" {
                shapes.add(route.name, &exchange.response);
            }
        }
    }
    let mut snapshots = case_snapshots(report);
    snapshots.extend(shapes.snapshots().into_iter().map(|(name, snapshot)| ("shapes", name, snapshot)));
    for folder in ["service", "shapes"] {
        let is_present =
            |name: &String| snapshots.iter().any(|(of, output, _)| *of == folder && output == name);
        let is_skipped = |name: &String| {
            report.skipped.iter().any(|skipped| skipped == name || name.starts_with("close_expired_sessions"))
        };
        let gone: Vec<String> = stored_names(folder)
            .into_iter()
            .filter(|name| !name.contains('@') && !is_present(name) && !is_skipped(name))
            .collect();
        snapshots
            .extend(gone.into_iter().map(|name| (folder, name, "(no response of this kind)\n".to_owned())));
    }
    snapshots
}
