//! The contract live: every case, at the embedded service and at the one that `SESSIONS_URL` names.
//!
//! Both are compared with the same pages, so each proves the other: the embedded service answers as a real one
//! does, or a page shows where not.
//!
//! * `SESSIONS_URL=http://host:port` is the service to test. Without it only the embedded one is tested.
//! * `SESSIONS_CLOSE_EXPIRED=yes` says that the service is nobody else's: it allows calls of
//!   `close_expired_sessions` there, which touches other people's sessions, and a session of no user at all.
//! * `SESSIONS_VARIANT=old` says which implementation it is, of those in `snapshots::differences`: its known
//!   differences are compared with pages of its own, such as `open_session__refused@old.snap`.
//!
//! Every session that a run opens belongs to a user of its own and is deleted at the end of its case, however that
//! ends: by a failure, a panic, or one of the signals that ask a program to end. A second signal ends it at once.

mod cases;
mod pages;

use cases::{TABLE, cases};
use pages::{Page, compare_all, pinned, tell_changes};
use sessions_client::server::EmbeddedService;
use sessions_client::{ClientConfig, ReqwestTransport, SessionsMemoryClientV1, sessions_v1};
use snapshots::differences::VARIANTS;
use snapshots::suite::{Case, Report, Rules, Stop, run};
use snapshots::{Exchange, Promise, Shapes, may_close_expired, service_url, tell, unobserved};
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
async fn the_embedded_service_lives_up_to_the_contract() {
    let sessions = SessionsMemoryClientV1::new();
    let service = EmbeddedService::start("127.0.0.1:0", sessions.clone()).await.unwrap();
    let rules = Rules { user: own_user(), may_close_expired: true, ..Rules::default() };
    let report = run(transport(&service.url()), &cases(), &rules).await;
    compare_with_pages(&report, Some("embedded"));
    assert!(sessions.is_empty(), "the run left sessions behind");
    let exchanges: Vec<Exchange> = report.led.iter().flat_map(|led| led.exchanges.clone()).collect();
    let missing = unobserved(sessions_v1::ROUTES, promise, &exchanges, TABLE);
    assert!(missing.is_empty(), "the contract is not pinned:\n{}", missing.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_service_at_sessions_url_lives_up_to_the_contract() {
    let Some(url) = service_url() else {
        tell("skipped: SESSIONS_URL is not set, so no live service is tested");
        return;
    };
    let variant = env::var("SESSIONS_VARIANT").ok().filter(|variant| !variant.is_empty());
    if let Some(variant) = &variant {
        let known: Vec<&str> = VARIANTS.iter().map(|known| known.name).collect();
        assert!(known.contains(&&**variant), "SESSIONS_VARIANT={variant} is none of {}", known.join(", "));
    }
    let rules =
        Rules { user: own_user(), may_close_expired: may_close_expired(), pause: PAUSE, ..Rules::default() };
    let (cases, transport) = (cases(), transport(&url));
    tell(&plan(transport.origin(), variant.as_deref(), &cases, &rules));
    let signal = stop_when_asked(rules.stop.clone());
    let report = run(transport, &cases, &rules).await;
    signal.abort();
    for name in &report.skipped {
        tell(&format!("skipped: {name}, which is only for a service that is nobody else's"));
    }
    compare_with_pages(&report, variant.as_deref());
}

/// A run at `url` by this program again: a signal ends a process, not a test.
fn run_of_its_own(url: &str) -> Command {
    let mut run = Command::new(env::current_exe().unwrap());
    run.args(["--exact", "the_service_at_sessions_url_lives_up_to_the_contract", "--nocapture"])
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
async fn a_setting_that_is_wrong_is_named_before_anything_is_sent() {
    let url = "http://127.0.0.1:9";
    let settings = [
        (url, "SESSIONS_VARIANT", "older", "SESSIONS_VARIANT=older is none of embedded, old"),
        (
            url,
            "SESSIONS_CLOSE_EXPIRED",
            "true",
            "SESSIONS_CLOSE_EXPIRED has to be `yes` or `no`, not \"true\"",
        ),
        ("staging", "SESSIONS_VARIANT", "", "SESSIONS_URL names no service: "),
    ];
    for (url, name, value, why) in settings {
        let output = run_of_its_own(url).env(name, value).spawn().unwrap().wait_with_output().await.unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && told.contains(why), "{told}");
        assert!(!told.contains("contract test of the service"), "{told}");
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
async fn a_run_that_is_interrupted_deletes_what_it_has_opened() {
    for signal in ["-HUP", "-INT", "-TERM"] {
        let sessions = SessionsMemoryClientV1::new();
        let service = EmbeddedService::start("127.0.0.1:0", sessions.clone()).await.unwrap();
        let url = service.url().replace("//", "//ann:secret@");
        let mut run = run_of_its_own(&url).spawn().unwrap();
        while sessions.is_empty() {
            assert!(run.try_wait().unwrap().is_none(), "the run has ended before it opened a session");
            tokio::task::yield_now().await;
        }
        send(signal, &run).await;
        let output = run.wait_with_output().await.unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success());
        let plan =
            format!("contract test of the service at {}, compared with the pages of the real", service.url());
        assert!(told.contains(&plan) && !told.contains("secret"), "{told}");
        assert!(told.contains("and touch no others"), "{told}");
        assert!(told.contains("broke off: ") && told.contains("it was stopped"), "{signal}: {told}");
        assert!(sessions.is_empty(), "{} sessions are left after {signal}", sessions.len());
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_second_signal_ends_a_run_at_once_and_names_the_user_whose_sessions_may_be_left() {
    // It takes connections, and answers nothing.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut run = run_of_its_own(&format!("http://{}", silent.local_addr().unwrap())).spawn().unwrap();
    let mut told = BufReader::new(run.stderr.take().unwrap()).lines();
    let mut plan = told.next_line().await.unwrap().unwrap();
    while !plan.starts_with("contract test") {
        plan = told.next_line().await.unwrap().unwrap();
    }
    let (_connection, _) = tokio::select! {
        connection = silent.accept() => connection.unwrap(),
        _ = run.wait() => panic!("the run has ended before it asked for anything"),
    };
    send("-TERM", &run).await;
    assert!(told.next_line().await.unwrap().unwrap().starts_with("stopping: "));
    send("-TERM", &run).await;
    let last = told.next_line().await.unwrap().unwrap();
    assert!(last.starts_with("stopped: sessions of the user contract-test-ü-"), "{last}");
    assert!(last.ends_with("-1 may be left"), "{last}");
    assert_eq!(run.wait().await.unwrap().code(), Some(128 + 15));
}

/// After five failures in a row, and 15 seconds in all, a service is given up: one that is deployed anew has come back
/// by then.
const PAUSE: Duration = Duration::from_secs(1);

/// What a run is going to do, before it does it.
fn plan(origin: &str, variant: Option<&str>, cases: &[Case], rules: &Rules) -> String {
    let allowed = || cases.iter().filter(|case| rules.may_close_expired || !case.reaches_out());
    let opened: usize = allowed().map(Case::opens).sum();
    format!(
        "contract test of the service at {origin}, compared with {}: {} cases open up to {opened} sessions, {} at a \
         time at most, of the users {}-1 and so on, change, close and delete them{}",
        variant.map_or_else(
            || "the pages of the real service".to_owned(),
            |variant| format!("the pages of SESSIONS_VARIANT={variant}")
        ),
        allowed().count(),
        allowed().map(Case::opens).max().unwrap_or(0),
        rules.user,
        if rules.may_close_expired {
            "; what has expired is closed, of all users"
        } else {
            ", and touch no others"
        },
    )
}

fn transport(url: &str) -> ReqwestTransport {
    let transport = ClientConfig::from_url(url).and_then(|config| ReqwestTransport::new(&config));
    transport.unwrap_or_else(|error| panic!("SESSIONS_URL names no service: {error}"))
}

/// Nobody else has sessions of this user. Beyond ASCII, since an id may be.
fn own_user() -> String {
    format!("contract-test-ü-{}", Uuid::new_v4().simple())
}

/// Waits for the first signal to end, and lets it stop the run; the second ends the process. Signals count from the
/// moment of this call.
#[cfg(unix)]
fn stop_when_asked(stop: Stop) -> JoinHandle<()> {
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
            stop_once(&stop, 128 + kind.as_raw_value());
        }
    })
}

#[cfg(not(unix))]
fn stop_when_asked(stop: Stop) -> JoinHandle<()> {
    tokio::spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() {
            stop_once(&stop, 130);
        }
    })
}

/// Ends the process with `code` where the run is stopped already.
fn stop_once(stop: &Stop, code: i32) {
    if stop.is_asked() {
        tell(&format!("stopped: sessions of the user {} may be left", stop.user_in_hand()));
        std::process::exit(code);
    }
    tell("stopping: deletes the sessions of this case first");
    stop.ask();
}

/// Fails where the run broke off, where it left something behind, and where a page is not as it was reviewed.
fn compare_with_pages(report: &Report, variant: Option<&str>) {
    let mut wrong: Vec<String> = report.broken.iter().map(ToString::to_string).collect();
    if !report.left_behind.is_empty() {
        wrong.push(format!(
            "these sessions are left behind, to be deleted by hand:\n    {}",
            report.left_behind.join("\n    ")
        ));
    }
    if wrong.is_empty() {
        return compare_all(&all_pages(report), variant);
    }
    // What was different before may be the reason.
    tell_changes(&case_pages(report), variant);
    panic!("{}", wrong.join("\n"));
}

/// What the success of an operation holds. A new one is taken to be like most.
fn promise(operation: &str) -> Promise {
    match operation {
        "get_sessions" | "open_session" => Promise::Value,
        "close_expired_sessions" => Promise::Nothing,
        _ => Promise::Maybe,
    }
}

fn case_pages(report: &Report) -> Vec<Page<'static>> {
    report.led.iter().map(|led| ("service", led.name.clone(), led.page.clone())).collect()
}

/// The pages of the cases and of the shapes, and of each page that was reviewed and is not there now.
fn all_pages(report: &Report) -> Vec<Page<'static>> {
    let mut shapes = Shapes::new();
    for led in &report.led {
        for exchange in &led.exchanges {
            let path = exchange.request.uri().path().trim_end_matches('/');
            let route = sessions_v1::ROUTES.iter().find(|route| route.path == path);
            // The shape of an operation must not depend on what a run is allowed.
            let Some(route) = route else { continue };
            if !led.reaches_out || route.name == "close_expired_sessions" {
                shapes.see(route.name, &exchange.response);
            }
        }
    }
    let mut pages = case_pages(report);
    pages.extend(shapes.pages().into_iter().map(|(name, page)| ("shapes", name, page)));
    for folder in ["service", "shapes"] {
        let is_told = |name: &String| pages.iter().any(|(of, told, _)| *of == folder && told == name);
        let is_skipped = |name: &String| {
            report.skipped.iter().any(|skipped| skipped == name || name.starts_with("close_expired_sessions"))
        };
        let gone: Vec<String> = pinned(folder)
            .into_iter()
            .filter(|name| !name.contains('@') && !is_told(name) && !is_skipped(name))
            .collect();
        pages.extend(gone.into_iter().map(|name| (folder, name, "(no answer of this kind)\n".to_owned())));
    }
    pages
}
