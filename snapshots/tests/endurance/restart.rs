//! The real service is killed and restarted while calls are made.

use serde_json::json;
use sessions_client::policy::RetryPolicy;
use sessions_client::{ClientConfig, Error, ErrorKind, ISessionsV1, SessionsHttpClientV1};
use snapshots::log;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

const KILLS: usize = 3;
const CALLERS: usize = 8;

/// The time beyond its deadline after which a call counts as hanging.
const SLACK: Duration = Duration::from_secs(5);

fn provider() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("providers/service-sessions-node")
}

/// A process of the service, killed when dropped.
struct Service(Child);

impl Service {
    async fn start(address: SocketAddr) -> Self {
        let port = address.port().to_string();
        let mut command = Command::new(provider().join("start.sh"));
        let child =
            command.arg(port).stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true).spawn().unwrap();
        let answers = async {
            while TcpStream::connect(address).await.is_err() {
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(Duration::from_secs(30), answers).await.expect("the service starts");
        Self(child)
    }

    /// Kills the process with SIGKILL.
    async fn kill(mut self) {
        self.0.kill().await.unwrap();
    }
}

#[derive(Default)]
struct Figures {
    calls: usize,
    failed: BTreeMap<String, usize>,
    longest: Duration,
}

/// Makes idempotent calls in sequence until `over` is set.
async fn calls(client: SessionsHttpClientV1, deadline: Duration, over: Arc<AtomicBool>) -> Figures {
    let mut figures = Figures::default();
    let mut id = String::from("none yet");
    while !over.load(Ordering::Relaxed) {
        let (begin, number) = (Instant::now(), figures.calls);
        let call = async {
            let token = json!({ "call": number });
            match number % 4 {
                0 => client.get_sessions(None, None, None).await.map(|page| {
                    id = page.data.into_iter().next().map_or_else(|| "gone".to_owned(), |session| session.id);
                }),
                1 => client.get_session_by_id(None, &id).await.map(|found| {
                    assert!(found.is_none_or(|found| found.id == id));
                }),
                2 => client.store_session_data(None, &id, &token).await.map(|stored| {
                    assert!(stored.is_none_or(|stored| stored.data == Some(token)));
                }),
                _ => client.update_session_user(None, &id, &token).await.map(drop),
            }
        };
        let result = timeout(deadline + SLACK, call).await.expect("no call hangs");
        figures.calls += 1;
        figures.longest = figures.longest.max(begin.elapsed());
        if let Err(error) = result {
            check(&error);
            *figures.failed.entry(format!("{:?}", error.kind())).or_default() += 1;
        }
        // Limits the load on the service.
        sleep(Duration::from_millis(2)).await;
    }
    figures
}

/// Asserts that an error names the operation, the address and the cause.
fn check(error: &Error) {
    let why = matches!(error.kind(), ErrorKind::Connect | ErrorKind::Transport | ErrorKind::Timeout);
    assert!(why && error.is_retryable(), "{error}");
    let text = error.to_string();
    assert!(text.starts_with(error.operation().unwrap()) && text.contains("http://127.0.0.1:"), "{text}");
    assert!((1..=3).contains(&error.attempts()), "{text}");
}

/// Runs all callers with one configuration and sums up their figures.
async fn all(config: ClientConfig, over: Arc<AtomicBool>) -> Figures {
    let client = SessionsHttpClientV1::from_config(&config).unwrap();
    let mut running = JoinSet::new();
    for _ in 0..CALLERS {
        running.spawn(calls(client.clone(), config.deadline(), over.clone()));
    }
    let mut all = Figures::default();
    while let Some(figures) = running.join_next().await {
        let Figures { calls, failed, longest } = figures.unwrap();
        all.calls += calls;
        all.longest = all.longest.max(longest);
        for (kind, count) in failed {
            *all.failed.entry(kind).or_default() += count;
        }
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "kills the real service, which with-service.sh installs"]
async fn no_call_hangs_and_patient_ones_succeed_when_the_service_is_killed() {
    assert!(
        provider().join("node_modules").is_dir(),
        "the service is not installed: run with-service.sh first"
    );
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let mut service = Service::start(free).await;
    let config = ClientConfig::from_url(&format!("http://{free}")).unwrap();
    let client = SessionsHttpClientV1::from_config(&config).unwrap();
    let open = || client.open_session(None, "user-1", None, None, None, None, None);
    open().await.unwrap();

    let hasty = config.clone().with_deadline(Duration::from_secs(5));
    let policy = RetryPolicy::new()
        .with_retries(100)
        .with_backoff(Duration::from_millis(50), Duration::from_millis(500))
        .with_budget(0, 0, 0);
    let patient = config.clone().with_retry_policy(policy);
    let over = Arc::new(AtomicBool::new(false));
    let hasty = tokio::spawn(all(hasty, over.clone()));
    let patient = tokio::spawn(all(patient, over.clone()));
    let mut away = Duration::ZERO;
    for _ in 0..KILLS {
        sleep(Duration::from_secs(1)).await;
        service.kill().await;
        let killed = Instant::now();
        sleep(Duration::from_millis(500)).await;
        service = Service::start(free).await;
        away += killed.elapsed();
        open().await.unwrap();
    }
    sleep(Duration::from_secs(1)).await;
    over.store(true, Ordering::Relaxed);
    let (hasty, patient) = (hasty.await.unwrap(), patient.await.unwrap());
    for (name, Figures { calls, failed, longest }) in [("default", &hasty), ("patient", &patient)] {
        log(&format!(
            "service killed {KILLS} times, down for {away:.1?}, {name} policy: {calls} calls, failed {failed:?}, longest \
             {longest:.1?}"
        ));
    }
    assert!(hasty.calls > hasty.failed.values().sum(), "no call succeeded");
    assert!(!hasty.failed.is_empty(), "no call failed although the service was killed");
    assert!(patient.failed.is_empty(), "{:?}", patient.failed);
    client.get_sessions(None, None, None).await.unwrap();
}
