//! Restarts of services and of their gateway, while clients open sessions.

use crate::requirements::programs;
use sessions_client::{
    ClientConfig, Error, ErrorKind, HttpVersion, HyperTransport, ISessionsV1, ReqwestTransport,
    SessionsHttpClientV1, Transport,
};
use sessions_service::{EmbeddedService, SessionStore};
use staging::Haproxy;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// The time limit of each step, far above what it needs.
const LIMIT: Duration = Duration::from_secs(20);

/// The number of concurrent calls.
const TASKS: usize = 8;

/// Tasks that open sessions as fast as they can.
struct Load {
    tasks: JoinSet<()>,
    is_over: Arc<AtomicBool>,
    opened: Arc<AtomicUsize>,
    /// A permit for each opened session that has not been waited for.
    progress: Arc<Semaphore>,
    errors: Arc<Mutex<Vec<Error>>>,
}

impl Load {
    fn start<T: Transport + 'static>(transport: T, config: &ClientConfig) -> Self {
        let client = Arc::new(SessionsHttpClientV1::from_transport(transport, config).unwrap());
        let mut load = Self {
            tasks: JoinSet::new(),
            is_over: Arc::default(),
            opened: Arc::default(),
            progress: Arc::new(Semaphore::new(0)),
            errors: Arc::default(),
        };
        for _ in 0..TASKS {
            let (client, is_over) = (Arc::clone(&client), Arc::clone(&load.is_over));
            let (opened, progress) = (Arc::clone(&load.opened), Arc::clone(&load.progress));
            let errors = Arc::clone(&load.errors);
            load.tasks.spawn(async move {
                while !is_over.load(Ordering::Relaxed) {
                    match client.open_session(None, "ann", None, None, None, None, None).await {
                        Ok(_) => {
                            opened.fetch_add(1, Ordering::Relaxed);
                            progress.add_permits(1);
                        }
                        Err(error) => errors.lock().unwrap().push(error),
                    }
                }
            });
        }
        load
    }

    /// Waits until `sessions` more have been opened.
    async fn wait_for(&self, sessions: u32) {
        let opened = self.progress.acquire_many(sessions);
        let Ok(opened) = tokio::time::timeout(LIMIT, opened).await else {
            let last = self.errors.lock().unwrap().pop();
            panic!("no progress; the last error: {last:?}");
        };
        opened.unwrap().forget();
    }

    /// Ends the load. Returns the number of opened sessions, and the errors.
    async fn end(mut self) -> (usize, Vec<Error>) {
        self.is_over.store(true, Ordering::Relaxed);
        while let Some(task) = self.tasks.join_next().await {
            task.unwrap();
        }
        (self.opened.load(Ordering::Relaxed), std::mem::take(&mut self.errors.lock().unwrap()))
    }
}

/// A kind of transport: its name, its version of HTTP, and the start of its load.
type Kind = (&'static str, HttpVersion, fn(&ClientConfig) -> Load);

const KINDS: [Kind; 4] = [
    ("reqwest", HttpVersion::Http1, |config| Load::start(ReqwestTransport::new(config).unwrap(), config)),
    ("hyper", HttpVersion::Http1, |config| Load::start(HyperTransport::new(config).unwrap(), config)),
    ("reqwest, HTTP/2", HttpVersion::Http2, |config| {
        Load::start(ReqwestTransport::new(config).unwrap(), config)
    }),
    ("hyper, HTTP/2", HttpVersion::Http2, |config| Load::start(HyperTransport::new(config).unwrap(), config)),
];

/// Two services with the same sessions behind haproxy.
struct Deployment {
    sessions: SessionStore,
    services: Vec<Option<EmbeddedService>>,
    haproxy: Haproxy,
    config: ClientConfig,
}

impl Deployment {
    async fn start(version: HttpVersion, directives: &str) -> Self {
        let sessions = SessionStore::new();
        let mut services = Vec::new();
        for _ in 0..2 {
            services.push(Some(EmbeddedService::start("127.0.0.1:0", sessions.clone()).await.unwrap()));
        }
        let addresses: Vec<_> = services.iter().flatten().map(EmbeddedService::address).collect();
        let bind = if version == HttpVersion::Http2 { "proto h2" } else { "" };
        let haproxy = Haproxy::start(&addresses, bind, directives).await.unwrap();
        let config = ClientConfig::from_url(&format!("http://{}", haproxy.address())).unwrap();
        let config = config.with_http_version(version);
        Self { sessions, services, haproxy, config }
    }

    /// Drains one service, ends it, and starts it again.
    async fn restart(&mut self, index: usize) {
        let name = format!("s{}", index + 1);
        self.haproxy.command(&format!("set server services/{name} state drain")).await.unwrap();
        self.haproxy.wait_until_idle(&name).await.unwrap();
        let address = self.services[index].take().unwrap().address();
        let deadline = Instant::now() + LIMIT;
        let restarted = loop {
            // The socket of the old one is closed soon after it was dropped.
            match EmbeddedService::start(address, self.sessions.clone()).await {
                Ok(service) => break service,
                Err(error) => assert!(Instant::now() < deadline, "{error}"),
            }
            tokio::task::yield_now().await;
        };
        self.services[index] = Some(restarted);
        self.haproxy.command(&format!("set server services/{name} state ready")).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_fails_while_drained_services_restart() {
    if programs().is_none() {
        return;
    }
    for (name, version, load) in KINDS {
        let mut deployment = Deployment::start(version, "").await;
        let load = load(&deployment.config);
        for index in [0, 1] {
            load.wait_for(200).await;
            deployment.restart(index).await;
        }
        load.wait_for(200).await;
        let (opened, errors) = load.end().await;
        assert!(errors.is_empty(), "{name}: {errors:#?}");
        assert_eq!(deployment.sessions.len(), opened, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_fails_while_the_gateway_is_replaced_with_care() {
    if programs().is_none() {
        return;
    }
    for (name, version, load) in KINDS {
        let mut deployment = Deployment::start(version, "option idle-close-on-response").await;
        let load = load(&deployment.config);
        for _ in 0..3 {
            load.wait_for(200).await;
            deployment.haproxy.reload().await.unwrap();
        }
        load.wait_for(200).await;
        let (opened, errors) = load.end().await;
        assert!(errors.is_empty(), "{name}: {errors:#?}");
        assert_eq!(deployment.sessions.len(), opened, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_session_is_opened_twice_while_the_gateway_is_replaced() {
    if programs().is_none() {
        return;
    }
    for (name, version, load) in KINDS {
        let mut deployment = Deployment::start(version, "").await;
        let load = load(&deployment.config);
        for _ in 0..3 {
            load.wait_for(200).await;
            deployment.haproxy.reload().await.unwrap();
        }
        load.wait_for(200).await;
        let (opened, errors) = load.end().await;
        for error in &errors {
            assert_eq!(error.kind(), ErrorKind::Transport, "{name}: {error}");
            assert!(!error.is_unprocessed() && !error.is_connect(), "{name}: {error}");
        }
        let sessions = deployment.sessions.len();
        let possible = opened..=opened + errors.len();
        assert!(
            possible.contains(&sessions),
            "{name}: {sessions} sessions, but {opened} opened, {errors:#?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_a_gateway_had_sent_is_reported_as_unknown() {
    if programs().is_none() {
        return;
    }
    for (name, version, load) in KINDS {
        // A service that receives requests and does not respond.
        let service = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let bind = if version == HttpVersion::Http2 { "proto h2" } else { "" };
        let haproxy = Haproxy::start(&[service.local_addr().unwrap()], bind, "").await.unwrap();
        let config = ClientConfig::from_url(&format!("http://{}", haproxy.address())).unwrap();
        let load = load(&config.with_http_version(version));
        let receive = async {
            let mut received = Vec::new();
            for _ in 0..TASKS {
                let (mut stream, _) = service.accept().await.unwrap();
                assert!(stream.read(&mut [0; 4096]).await.unwrap() > 0, "{name}");
                received.push(stream);
            }
            received
        };
        let received = tokio::time::timeout(LIMIT, receive).await.expect("the requests do not arrive");
        load.is_over.store(true, Ordering::Relaxed);
        drop(haproxy);
        let (opened, errors) = load.end().await;
        assert_eq!((opened, errors.len()), (0, received.len()), "{name}: {errors:#?}");
        for error in &errors {
            assert_eq!((error.kind(), error.attempts()), (ErrorKind::Transport, 1), "{name}: {error}");
            assert!(!error.is_unprocessed() && !error.is_connect(), "{name}: {error}");
        }
    }
}
