//! Idle pauses around the moment at which the service closes connections.
//!
//! It promises 5 seconds and closes after 6, so pauses of 5.9 to 6.1 seconds are where a request crosses the close.
//! Clients with the default pool never meet it. Others keep connections on purpose for longer than the service does:
//! there a stale connection must be no error for an idempotent call, and `open_session` may fail, but only by
//! saying so: whether the service got such a request, nobody can tell.

use super::{CountingRepeats, clean_up, own_user, sessions_of};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use serde_json::json;
use sessions_client::{
    ClientConfig, Error, ErrorKind, HyperTransport, ISessionsV1, Policies, ReqwestTransport,
    SessionsHttpClientV1, Transport, Value,
};
use snapshots::{service_url, tell};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio::time::sleep;

const CLIENTS: usize = 400;

/// After a first call without a pause; 2,000 in all.
const CALLS_AFTER_PAUSES: usize = 5;

/// For longer than the service keeps a connection.
const LONG: Duration = Duration::from_secs(30);

type Client<T> = SessionsHttpClientV1<Value, Value, Policies<CountingRepeats<T>>>;

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
async fn calls<T: Transport>(client: Client<T>, user_id: String, pause: Duration) -> Figures {
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

/// What all clients of one kind met, and the sessions that they left at the service, before those were deleted.
struct Pool {
    name: &'static str,
    figures: Figures,
    repeats: usize,
    there: usize,
}

async fn pool<T: Transport + 'static>(name: &'static str, url: &str, transport: impl Fn(usize) -> T) -> Pool {
    let (user_id, begin, repeats) = (own_user(), Instant::now(), Arc::new(AtomicUsize::new(0)));
    let mut running = JoinSet::new();
    for number in 0..CLIENTS {
        // For its limits: the address is the transport's.
        let config = ClientConfig::from_url("http://localhost").unwrap();
        let transport = CountingRepeats { transport: transport(number), repeats: repeats.clone() };
        let client = SessionsHttpClientV1::new(Policies::new(transport, &config));
        running.spawn(calls(client, user_id.clone(), pause(number)));
        // To make a client takes a while, and those at work are not to wait for it.
        tokio::task::yield_now().await;
    }
    let mut figures = Figures::default();
    while let Some(outcome) = running.join_next().await {
        figures.add(outcome.unwrap());
    }
    let there = sessions_of(url, &user_id).await.len();
    clean_up(url, &user_id).await;
    let repeats = repeats.load(Ordering::Relaxed);
    tell(&format!(
        "idle pauses, {name}: {} calls, {} errors, {} failures to open, {repeats} repeats, {:.0?}",
        figures.calls,
        figures.failed.len(),
        figures.failed_to_open.len(),
        begin.elapsed(),
    ));
    Pool { name, figures, repeats, there }
}

impl Pool {
    /// Of one that keeps connections for less time than the service.
    fn met_nothing(&self) {
        let Self { name, figures: Figures { failed, failed_to_open, opened, .. }, repeats, there } = self;
        assert!(failed.is_empty() && failed_to_open.is_empty(), "{name}: {failed:?} {failed_to_open:?}");
        assert_eq!(*repeats, 0, "{name}: it keeps connections for longer than the service");
        assert_eq!(there, opened, "{name}");
    }

    /// Of one that keeps them for longer.
    fn failed_only_to_open(&self) {
        let Self { name, figures: Figures { failed, failed_to_open, opened, .. }, there, .. } = self;
        assert!(failed.is_empty(), "{name}: {failed:?}");
        for error in failed_to_open {
            assert_eq!((error.kind(), error.attempts()), (ErrorKind::Transport, 1), "{name}: {error}");
        }
        let possible = *opened..=opened + failed_to_open.len();
        assert!(possible.contains(there), "{name}: {there} sessions, and not {possible:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a service at SESSIONS_URL, and a minute"]
async fn a_connection_that_the_service_closes_is_no_error() {
    let url = service_url().expect("SESSIONS_URL says where the service is");
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
    // A host of its own gives each client a pool of its own.
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
    tell(&format!("reqwest, pool of 30 s: {connections} connections for {} calls", calls + CLIENTS));
    assert!(connections < calls, "it kept no connection for longer than a pause");

    for pool in [default, default_hyper] {
        pool.met_nothing();
    }
    for pool in [long, long_hyper] {
        pool.failed_only_to_open();
    }
}
