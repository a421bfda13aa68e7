//! Idle pauses around the moment at which the service closes connections.
//!
//! The service announces a keep-alive of 5 seconds and closes after 6, so that pauses of 5.9 to 6.1 seconds
//! race with the close. Clients with the default pool never encounter it. Other clients keep connections
//! longer than the service does: a stale connection must not be an error for an idempotent call.
//! `open_session` may return an error, since it is unknown whether the service received the request.

use super::{RetryCounter, clean_up, sessions_of, unique_user};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use serde_json::json;
use sessions_client::{
    ClientConfig, Error, ErrorKind, HyperTransport, ISessionsV1, Policies, ReqwestTransport,
    SessionsHttpClientV1, Transport, Value,
};
use snapshots::{log, service_url};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio::time::sleep;

const CLIENTS: usize = 400;

/// Number of calls after the first one, each after a pause; 2,000 in total.
const CALLS_AFTER_PAUSES: usize = 5;

/// Longer than the keep-alive of the service.
const LONG: Duration = Duration::from_secs(30);

type Client<T> = SessionsHttpClientV1<Value, Value, Policies<RetryCounter<T>>>;

/// Returns the pause between the calls of a client: 4 s, 5 s, or for most clients 5.9 to 6.1 s.
fn pause(client: usize) -> Duration {
    match client % 5 {
        0 => Duration::from_secs(4),
        1 => Duration::from_secs(5),
        _ => Duration::from_micros(5_900_000 + 200_000 * client as u64 / CLIENTS as u64),
    }
}

#[derive(Default)]
struct Figures {
    calls: usize,
    opened: usize,
    /// Errors of `open_session`.
    failed_to_open: Vec<Error>,
    /// Errors of other operations.
    failed: Vec<Error>,
}

impl Figures {
    fn add(&mut self, other: Self) {
        self.calls += other.calls;
        self.opened += other.opened;
        self.failed_to_open.extend(other.failed_to_open);
        self.failed.extend(other.failed);
    }
}

/// Makes the calls of one client, in sequence.
async fn calls<T: Transport>(client: Client<T>, user_id: String, pause: Duration) -> Figures {
    let mut figures = Figures { opened: 1, ..Figures::default() };
    let open = || client.open_session(None, &user_id, None, None, None, None, None);
    let id = open().await.expect("the service opens sessions").id;
    for call in 0..CALLS_AFTER_PAUSES {
        sleep(pause).await;
        figures.calls += 1;
        let token = json!({ "call": call });
        let result = match call % 4 {
            0 => client.get_session_by_id(None, &id).await.map(|found| assert_eq!(found.unwrap().id, id)),
            1 => client.store_session_data(None, &id, &token).await.map(|stored| {
                assert_eq!(stored.unwrap().data, Some(token));
            }),
            2 => match open().await {
                Ok(_) => {
                    figures.opened += 1;
                    Ok(())
                }
                Err(error) => {
                    figures.failed_to_open.push(error);
                    Ok(())
                }
            },
            _ => client.close_session(None, &id).await.map(|closed| assert!(!closed.unwrap().active)),
        };
        figures.failed.extend(result.err());
    }
    figures
}

/// Resolves every name to the service and counts the resolutions, one for each new connection.
struct CountingConnections {
    service: SocketAddr,
    connections: Arc<AtomicUsize>,
}

impl Resolve for CountingConnections {
    fn resolve(&self, _: Name) -> Resolving {
        self.connections.fetch_add(1, Ordering::Relaxed);
        let addresses: Addrs = Box::new([self.service].into_iter());
        Box::pin(async { Ok(addresses) })
    }
}

/// The results of all clients of one kind, and the number of their sessions at the service before the
/// clean-up.
struct Pool {
    name: &'static str,
    figures: Figures,
    retries: usize,
    stored: usize,
}

async fn pool<T: Transport + 'static>(name: &'static str, url: &str, transport: impl Fn(usize) -> T) -> Pool {
    let (user_id, begin, retries) = (unique_user(), Instant::now(), Arc::new(AtomicUsize::new(0)));
    let mut running = JoinSet::new();
    for number in 0..CLIENTS {
        // Only for its limits: the address is that of the transport.
        let config = ClientConfig::from_url("http://localhost").unwrap();
        let transport = RetryCounter { transport: transport(number), retries: retries.clone() };
        let client = SessionsHttpClientV1::new(Policies::new(transport, &config));
        running.spawn(calls(client, user_id.clone(), pause(number)));
        // Building a client takes a while, and must not delay those that are running.
        tokio::task::yield_now().await;
    }
    let mut figures = Figures::default();
    while let Some(outcome) = running.join_next().await {
        figures.add(outcome.unwrap());
    }
    let stored = sessions_of(url, &user_id).await.len();
    clean_up(url, &user_id).await;
    let retries = retries.load(Ordering::Relaxed);
    log(&format!(
        "idle pauses, {name}: {} calls, {} errors, {} failures to open, {retries} retries, {:.0?}",
        figures.calls,
        figures.failed.len(),
        figures.failed_to_open.len(),
        begin.elapsed(),
    ));
    Pool { name, figures, retries, stored }
}

impl Pool {
    /// Asserts the results of clients that keep connections shorter than the service.
    fn expect_no_errors(&self) {
        let Self { name, figures: Figures { failed, failed_to_open, opened, .. }, retries, stored } = self;
        assert!(failed.is_empty() && failed_to_open.is_empty(), "{name}: {failed:?} {failed_to_open:?}");
        assert_eq!(*retries, 0, "{name}: keeps connections longer than the service");
        assert_eq!(stored, opened, "{name}");
    }

    /// Asserts the results of clients that keep connections longer than the service.
    fn expect_only_open_errors(&self) {
        let Self { name, figures: Figures { failed, failed_to_open, opened, .. }, stored, .. } = self;
        assert!(failed.is_empty(), "{name}: {failed:?}");
        for error in failed_to_open {
            assert_eq!((error.kind(), error.attempts()), (ErrorKind::Transport, 1), "{name}: {error}");
        }
        let possible = *opened..=opened + failed_to_open.len();
        assert!(possible.contains(stored), "{name}: {stored} sessions, and not {possible:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a service at SESSIONS_URL, and a minute"]
async fn a_connection_closed_by_the_service_is_not_an_error() {
    let url = service_url().expect("SESSIONS_URL is the URL of the service");
    let service: SocketAddr = url.trim_start_matches("http://").parse().expect("an address and a port");
    let config = ClientConfig::from_url(&url).unwrap();
    let long_config = config.clone().with_pool_idle_timeout(LONG);

    let connections = Arc::new(AtomicUsize::new(0));
    let resolver = CountingConnections { service, connections: connections.clone() };
    let keeping = reqwest::Client::builder()
        .no_proxy()
        .pool_idle_timeout(LONG)
        .dns_resolver(Arc::new(resolver))
        .build()
        .unwrap();
    // A separate host gives each client a separate pool.
    let long = |number: usize| {
        let url = format!("http://client-{number}.test:{}", service.port());
        ReqwestTransport::with_client(keeping.clone(), &ClientConfig::from_url(&url).unwrap()).unwrap()
    };

    let (default, default_hyper, long, long_hyper) = tokio::join!(
        pool("reqwest, default pool (4 s)", &url, |_| ReqwestTransport::new(&config).unwrap()),
        pool("hyper, default pool (4 s)", &url, |_| HyperTransport::new(&config).unwrap()),
        pool("reqwest, pool of 30 s", &url, long),
        pool("hyper, pool of 30 s", &url, |_| HyperTransport::new(&long_config).unwrap()),
    );
    let (calls, connections) = (long.figures.calls, connections.load(Ordering::Relaxed));
    log(&format!("reqwest, pool of 30 s: {connections} connections for {} calls", calls + CLIENTS));
    assert!(connections < calls, "the client kept no connection longer than a pause");

    for pool in [default, default_hyper] {
        pool.expect_no_errors();
    }
    for pool in [long, long_hyper] {
        pool.expect_only_open_errors();
    }
}
