//! Idle pauses around the moment at which the service closes connections.
//!
//! It promises 5 seconds and closes after 6, so pauses of 5.9 to 6.1 seconds are where a request crosses the close.
//! Clients with the default pool never meet it. Others keep connections on purpose for longer than the service does:
//! there a stale connection must be no error for an idempotent call, and `open_session` may fail, but only by
//! saying so: whether the service got such a request, nobody can tell.

use super::system::connections_at;
use super::{CountingRepeats, clean_up, own_user, sessions_of};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use serde_json::json;
use sessions_client::{
    ClientConfig, Error, ErrorKind, ISessionsV1, Policies, ReqwestTransport, SessionsHttpClientV1, Value,
};
use snapshots::{service_url, tell};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio::time::sleep;

const CLIENTS: usize = 400;

/// After a first call without a pause; 2,000 in all.
const CALLS_AFTER_PAUSES: usize = 5;

type Client = SessionsHttpClientV1<Value, Value, Policies<CountingRepeats<ReqwestTransport>>>;

/// The pause between the calls of a client: 4 s, 5 s, or for most of them 5.9 to 6.1 s.
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
    /// Of calls of `open_session`, and of others.
    failed_to_open: Vec<Error>,
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

/// One client, one call after the other.
async fn calls(client: Client, user_id: String, pause: Duration) -> Figures {
    let mut figures = Figures { opened: 1, ..Figures::default() };
    let open = || client.open_session(None, &user_id, None, None, None, None, None);
    let id = open().await.expect("a service that opens sessions").id;
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

/// Leads every name to the service, and counts: a client asks for each connection that it makes.
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

/// The figures of all clients together.
async fn all(
    clients: impl Fn(usize) -> ReqwestTransport,
    repeats: &Arc<AtomicUsize>,
    user_id: &str,
) -> Figures {
    let mut running = JoinSet::new();
    for number in 0..CLIENTS {
        // For its limits: the address is the transport's.
        let config = ClientConfig::from_url("http://localhost").unwrap();
        let transport = CountingRepeats { transport: clients(number), repeats: repeats.clone() };
        let client = SessionsHttpClientV1::new(Policies::new(transport, &config));
        running.spawn(calls(client, user_id.to_owned(), pause(number)));
        // To make a client takes a while, and those at work are not to wait for it.
        tokio::task::yield_now().await;
    }
    let mut figures = Figures::default();
    while let Some(outcome) = running.join_next().await {
        figures.add(outcome.unwrap());
    }
    figures
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a service at SESSIONS_URL, and a minute"]
async fn a_connection_that_the_service_closes_is_no_error() {
    let url = service_url().expect("SESSIONS_URL says where the service is");
    let service: SocketAddr = url.trim_start_matches("http://").parse().expect("an address and a port");
    let (default_user, long_user, begin) = (own_user(), own_user(), Instant::now());

    let is_over = Arc::new(AtomicBool::new(false));
    let over = is_over.clone();
    let watch = tokio::spawn(async move {
        let mut seen = BTreeSet::new();
        while !over.load(Ordering::Relaxed) {
            seen.extend(connections_at(service.port()).unwrap_or_default());
            sleep(Duration::from_millis(500)).await;
        }
        seen.len()
    });

    let config = ClientConfig::from_url(&url).unwrap();
    let repeats = Arc::new(AtomicUsize::new(0));
    let default = all(|_| ReqwestTransport::new(&config).unwrap(), &repeats, &default_user);

    let connections = Arc::new(AtomicUsize::new(0));
    let resolver = CountingConnections { service, connections: connections.clone() };
    let keeping = reqwest::Client::builder()
        .no_proxy()
        .pool_idle_timeout(Duration::from_secs(30))
        .dns_resolver(Arc::new(resolver))
        .build()
        .unwrap();
    let long_repeats = Arc::new(AtomicUsize::new(0));
    // A host of its own gives each client a pool of its own.
    let long = |number: usize| {
        let url = format!("http://client-{number}.test:{}", service.port());
        ReqwestTransport::with_client(keeping.clone(), &ClientConfig::from_url(&url).unwrap()).unwrap()
    };
    let long = all(long, &long_repeats, &long_user);

    let (default, long) = tokio::join!(default, long);
    is_over.store(true, Ordering::Relaxed);
    let (seen, connections) = (watch.await.unwrap(), connections.load(Ordering::Relaxed));
    let (repeats, long_repeats) = (repeats.load(Ordering::Relaxed), long_repeats.load(Ordering::Relaxed));
    let (there, long_there) =
        (sessions_of(&url, &default_user).await.len(), sessions_of(&url, &long_user).await.len());
    clean_up(&url, &default_user).await;
    clean_up(&url, &long_user).await;

    let line = |pool: &str, figures: &Figures, connections: String, repeats: usize| {
        tell(&format!(
            "idle pauses, {pool}: {} calls, {} errors, {} failures to open, {connections} connections, {repeats} repeats, \
             {:.0?}",
            figures.calls,
            figures.failed.len(),
            figures.failed_to_open.len(),
            begin.elapsed(),
        ));
    };
    line("default pool (4 s)", &default, format!("about {}", seen.saturating_sub(connections)), repeats);
    line("pool of 30 s", &long, connections.to_string(), long_repeats);

    let failed: Vec<_> = default.failed.iter().chain(&default.failed_to_open).collect();
    assert!(failed.is_empty(), "{failed:?}");
    assert_eq!(repeats, 0, "the default pool keeps connections for longer than the service");
    assert!(long.failed.is_empty(), "{:?}", long.failed);
    for error in &long.failed_to_open {
        assert_eq!((error.kind(), error.attempts()), (ErrorKind::Transport, 1), "{error}");
    }
    assert_eq!(there, default.opened);
    assert!(
        (long.opened..=long.opened + long.failed_to_open.len()).contains(&long_there),
        "{long_there} sessions"
    );
}
