//! The collector of `loadtest merge --listen`, to which workers send their results over HTTP.
//!
//! It spares a cluster a volume that all workers can write to. It waits for all workers, but no longer than a
//! limit after the first results: all workers run at the same time, and one that was killed sends nothing.

use super::lost::LostWorkers;
use crate::error::LoadTestError;
use crate::metrics::Results;
use crate::status;
use crate::sync::{Mutex, lock};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, put};
use std::collections::BTreeMap;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, sleep_until, timeout};
use wiretrait::http::StatusCode;

/// The maximum size of the results of a worker: far more than those of the longest run.
const MAX_BYTES: usize = 64 << 20;

/// The time for the last responses.
const GRACE: Duration = Duration::from_secs(5);

/// The status and the message of an error response.
#[derive(Debug)]
struct Rejection(StatusCode, String);

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        let Self(status, message) = self;
        (status, serde_json::json!({ "message": message }).to_string()).into_response()
    }
}

/// The results that workers have sent, or the reasons why they have none.
#[derive(Debug)]
pub(super) struct Collector {
    workers: u32,
    received: Mutex<Received>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Received {
    results: BTreeMap<u32, Results>,
    /// The reasons of workers without results.
    lost: BTreeMap<u32, String>,
    /// The arrival of the first results or reason.
    first: Option<Instant>,
}

impl Collector {
    pub(super) fn new(workers: u32) -> Arc<Self> {
        Arc::new(Self { workers, received: Mutex::default(), changed: Notify::new() })
    }

    /// Serves workers until all have sent their results, at most `limit` after the first have arrived, or until
    /// `stopped`. Returns the results, and the workers without any.
    pub(super) async fn collect(
        self: Arc<Self>,
        listener: TcpListener,
        limit: Duration,
        stopped: impl Future<Output = &'static str>,
    ) -> Result<(Vec<(String, Results)>, LostWorkers), LoadTestError> {
        let (end, ended) = oneshot::channel::<()>();
        let app = Router::new()
            .route("/workers/{worker}", get(check))
            .route("/workers/{worker}/results", put(receive))
            .route("/workers/{worker}/lost", put(lose))
            .layer(DefaultBodyLimit::max(MAX_BYTES))
            .with_state(Arc::clone(&self));
        let serving = axum::serve(listener, app).with_graceful_shutdown(async {
            let _ = ended.await;
        });
        let server = tokio::spawn(async move { serving.await });
        let no_results = self.wait(limit, stopped).await;
        let _ = end.send(());
        let _ = timeout(GRACE, server).await;
        let received = std::mem::take(&mut *lock(&self.received));
        let mut reasons = received.lost;
        for worker in (0..self.workers).filter(|worker| !received.results.contains_key(worker)) {
            reasons.entry(worker).or_insert_with(|| no_results.clone());
        }
        let results = received.results.into_iter();
        let results = results.map(|(worker, results)| (format!("worker {worker}"), results)).collect();
        Ok((results, LostWorkers { reasons, ..LostWorkers::default() }))
    }

    /// Waits until the workers are complete, and returns why those without results have none.
    async fn wait(&self, limit: Duration, stopped: impl Future<Output = &'static str>) -> String {
        let mut stopped = std::pin::pin!(stopped);
        loop {
            let changed = self.changed.notified();
            let (is_complete, first) = {
                let received = lock(&self.received);
                let known = received.results.len() + received.lost.len();
                (known >= self.workers as usize, received.first)
            };
            if is_complete {
                return String::new();
            }
            let expired = async {
                match first {
                    Some(first) => sleep_until(first + limit).await,
                    None => pending().await,
                }
            };
            tokio::select! {
                () = changed => (),
                () = expired => return format!("no results within {limit:?} of the first worker's"),
                signal = &mut stopped => return format!("no results before {signal}"),
            }
        }
    }

    fn check_worker(&self, worker: u32) -> Result<(), Rejection> {
        let of = self.workers;
        if worker < of {
            return Ok(());
        }
        Err(Rejection(
            StatusCode::NOT_FOUND,
            format!("there is no worker {worker} of {of}: give all the same number"),
        ))
    }

    fn add(&self, worker: u32, json: &[u8]) -> Result<(), Rejection> {
        self.check_worker(worker)?;
        let invalid = |why: String| Rejection(StatusCode::BAD_REQUEST, format!("the body {why}"));
        let results = Results::parse(json).map_err(invalid)?;
        let sent_by = results.execution_segment.map_or([0, 1], |segment| [segment.index, segment.of]);
        if sent_by != [worker, self.workers] {
            let [index, of] = sent_by;
            let (worker, workers) = (worker, self.workers);
            let why = format!("results of worker {index}/{of} were sent as those of {worker}/{workers}");
            return Err(Rejection(StatusCode::BAD_REQUEST, why));
        }
        let mut received = lock(&self.received);
        let (id, mut others) = (&results.test_run_id, received.results.values());
        if let Some(other) = others.find(|other| other.test_run_id != *id) {
            let why = format!("test run {id} is not that of the other workers, {}", other.test_run_id);
            return Err(Rejection(StatusCode::CONFLICT, why));
        }
        received.lost.remove(&worker);
        received.results.insert(worker, results);
        received.first.get_or_insert_with(Instant::now);
        drop(received);
        self.changed.notify_one();
        Ok(())
    }

    /// Stores why a worker has no results, unless it has sent some.
    fn lose(&self, worker: u32, reason: String) {
        let mut received = lock(&self.received);
        if !received.results.contains_key(&worker) {
            received.lost.insert(worker, reason);
        }
        received.first.get_or_insert_with(Instant::now);
        drop(received);
        self.changed.notify_one();
    }
}

async fn check(State(collector): State<Arc<Collector>>, Path(worker): Path<u32>) -> Result<(), Rejection> {
    collector.check_worker(worker)
}

async fn receive(
    State(collector): State<Arc<Collector>>,
    Path(worker): Path<u32>,
    body: Bytes,
) -> Result<(), Rejection> {
    let added = collector.add(worker, &body);
    match &added {
        Ok(()) => status::log(format_args!("worker {worker}: results received")),
        Err(Rejection(_, why)) => status::log(format_args!("worker {worker}: results rejected: {why}")),
    }
    added
}

async fn lose(
    State(collector): State<Arc<Collector>>,
    Path(worker): Path<u32>,
    body: String,
) -> Result<(), Rejection> {
    collector.check_worker(worker)?;
    let reason = serde_json::from_str(&body).unwrap_or(body);
    status::log(format_args!("worker {worker}: lost: {reason}"));
    collector.lose(worker, reason);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Hidden;
    use crate::distributed::collector_client::CollectorClient;
    use crate::distributed::merge::merge_results;
    use crate::executors::stop::Stop;
    use crate::metrics::sample;

    const LIMIT: Duration = Duration::from_secs(300);

    /// A collector of three workers, and a client for each.
    async fn start(
        stopped: impl Future<Output = &'static str> + Send + 'static,
    ) -> (tokio::task::JoinHandle<(Vec<(String, Results)>, LostWorkers)>, [CollectorClient; 3]) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let collector = Collector::new(3);
        let collected = async move { collector.collect(listener, LIMIT, stopped).await.unwrap() };
        (
            tokio::spawn(collected),
            [0, 1, 2].map(|worker| CollectorClient::new(&Hidden(url.clone()), worker).unwrap()),
        )
    }

    fn results(worker: u32) -> Results {
        sample::results_of_worker(worker, 3, &sample::calls(worker.into(), 30, 2))
    }

    #[tokio::test]
    async fn the_results_of_all_workers_are_collected() {
        let (collected, clients) = start(pending()).await;
        for (worker, client) in (0..).zip(&clients) {
            client.check().await.unwrap();
            client.send(&results(worker), &Stop::default()).await.unwrap();
        }
        let (parts, lost) = collected.await.unwrap();
        let merged = merge_results(parts, &lost).unwrap();
        assert_eq!((merged.calls(), merged.workers()), (90, [3, 3]));
    }

    #[tokio::test]
    async fn a_worker_that_could_not_run_is_not_waited_for() {
        let (collected, [first, second, third]) = start(pending()).await;
        second.lost("loadtest: the service does not respond", &Stop::default()).await;
        first.send(&results(0), &Stop::default()).await.unwrap();
        third.send(&results(2), &Stop::default()).await.unwrap();
        let (parts, lost) = collected.await.unwrap();
        let merged = merge_results(parts, &lost).unwrap();
        assert_eq!(merged.workers(), [2, 3]);
        assert_eq!(merged.lost_workers[0].reason, "loadtest: the service does not respond");
    }

    #[tokio::test]
    async fn a_signal_ends_the_wait_for_workers() {
        let (stop, stopped) = oneshot::channel();
        let (collected, [first, ..]) = start(async { stopped.await.unwrap() }).await;
        first.send(&results(0), &Stop::default()).await.unwrap();
        stop.send("SIGTERM").unwrap();
        let (parts, lost) = collected.await.unwrap();
        assert_eq!(parts.len(), 1);
        assert_eq!(lost.reasons[&2], "no results before SIGTERM");
    }

    #[tokio::test(start_paused = true)]
    async fn a_killed_worker_is_waited_for_until_the_limit() {
        let collector = Collector::new(2);
        let mut part = results(0);
        part.execution_segment = Some(crate::metrics::ExecutionSegment { index: 0, of: 2 });
        collector.add(0, &serde_json::to_vec(&part).unwrap()).unwrap();
        let start = Instant::now();
        let reason = collector.wait(LIMIT, pending()).await;
        assert_eq!((start.elapsed(), &*reason), (LIMIT, "no results within 300s of the first worker's"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_lost_worker_starts_the_limit_for_the_others() {
        let collector = Collector::new(2);
        collector.lose(0, "the service does not respond".to_owned());
        let start = Instant::now();
        collector.wait(LIMIT, pending()).await;
        assert_eq!(start.elapsed(), LIMIT);
    }

    #[tokio::test(start_paused = true)]
    async fn a_worker_with_results_and_a_reason_counts_once() {
        let collector = Collector::new(3);
        for _ in 0..2 {
            collector.add(0, &serde_json::to_vec(&results(0)).unwrap()).unwrap();
            collector.lose(0, "the response was lost".to_owned());
        }
        collector.lose(1, "killed".to_owned());
        let start = Instant::now();
        collector.wait(LIMIT, pending()).await;
        assert_eq!(start.elapsed(), LIMIT);
        assert_eq!(lock(&collector.received).lost.keys().collect::<Vec<_>>(), [&1]);
    }

    #[tokio::test]
    async fn results_that_do_not_belong_here_are_rejected_with_the_reason() {
        let (_collected, [first, second, _]) = start(pending()).await;
        let rejected = |sent: Result<(), LoadTestError>| sent.unwrap_err().to_string();
        let error = rejected(first.send(&results(1), &Stop::default()).await);
        assert!(error.contains("worker 1/3 were sent as those of 0/3"), "{error}");
        first.send(&results(0), &Stop::default()).await.unwrap();
        let other = Results { test_run_id: "other".to_owned(), ..results(1) };
        let error = rejected(second.send(&other, &Stop::default()).await);
        assert!(error.contains("test run other is not that of the other workers"), "{error}");
    }
}
