//! The contract live: every case, against the embedded service and the service that `SESSIONS_URL` names.
//!
//! Both are compared with the same snapshots. This shows that the embedded service behaves like the
//! real one in every case.
//!
//! * `SESSIONS_URL=http://host:port` is the service to test. Without it, only the embedded service is tested.
//! * `SESSIONS_CLOSE_EXPIRED=yes` confirms that nothing else uses the service. It allows calls of
//!   `close_expired_sessions`, which closes sessions of other users, and a session without a user.
//! * `SESSIONS_VARIANT=old` selects the implementation, one of those in `snapshots::differences`. Its known
//!   differences are compared with separate snapshots, such as `open_session__invalid_arguments@old.snap`.
//!
//! Every session of a run belongs to a dedicated user and is deleted at the end of its case, also after a
//! failure, a panic, or a termination signal. A second signal ends the process at once.

mod cases;
mod comparison;

use cases::{TABLE, cases};
use comparison::{Snapshot, compare_all, log_changes, stored_names};
use sessions_client::{ClientConfig, ReqwestTransport, sessions_v1};
use sessions_service::{EmbeddedService, SessionStore};
use snapshots::differences::VARIANTS;
use snapshots::suite::{Case, RunOptions, RunReport, StopSignal, run};
use snapshots::{Exchange, Promise, Shapes, live_gaps, log, may_close_expired, service_url};
use std::env;
use std::process::Stdio;
use std::time::Duration;
#[cfg(unix)]
use tokio::io::{AsyncBufReadExt as _, BufReader};
#[cfg(unix)]
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::task::JoinHandle;
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_embedded_service_satisfies_the_contract() {
    let sessions = SessionStore::new();
    let service = EmbeddedService::start("127.0.0.1:0", sessions.clone()).await.unwrap();
    let options = RunOptions { user: unique_user(), may_close_expired: true, ..RunOptions::default() };
    let report = run(transport(&service.url()), &cases(), &options).await;
    compare_with_snapshots(&report, Some("embedded"));
    assert!(sessions.is_empty(), "the run left sessions behind");
    let exchanges: Vec<Exchange> = report.completed.iter().flat_map(|case| case.exchanges.clone()).collect();
    let missing = live_gaps(sessions_v1::ROUTES, promise, &exchanges, TABLE);
    assert!(missing.is_empty(), "the contract is not covered:\n{}", missing.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_service_at_sessions_url_satisfies_the_contract() {
    let Some(url) = service_url() else {
        log("skipped: SESSIONS_URL is not set, so no live service is tested");
        return;
    };
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
    let (cases, transport) = (cases(), transport(&url));
    log(&plan(transport.origin(), variant.as_deref(), &cases, &options));
    let signal = stop_on_signals(options.stop.clone());
    let report = run(transport, &cases, &options).await;
    signal.abort();
    for name in &report.skipped {
        log(&format!("skipped: {name}, which needs a service without other users"));
    }
    compare_with_snapshots(&report, variant.as_deref());
}

/// A command that runs the live test at `url` in a separate process, since a signal ends a process, not a
/// test.
fn run_command(url: &str) -> Command {
    let mut run = Command::new(env::current_exe().unwrap());
    run.args(["--exact", "the_service_at_sessions_url_satisfies_the_contract", "--nocapture"])
        .env("SESSIONS_URL", url)
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
        ("staging", "SESSIONS_VARIANT", "", "SESSIONS_URL is not valid: "),
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

#[cfg(unix)]
#[tokio::test]
async fn a_second_signal_ends_the_run_and_names_its_user() {
    // Accepts connections, but never responds.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut run = run_command(&format!("http://{}", silent.local_addr().unwrap())).spawn().unwrap();
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

fn transport(url: &str) -> ReqwestTransport {
    let transport = ClientConfig::from_url(url).and_then(|config| ReqwestTransport::new(&config));
    transport.unwrap_or_else(|error| panic!("SESSIONS_URL is not valid: {error}"))
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
