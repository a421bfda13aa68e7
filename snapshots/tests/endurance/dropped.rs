//! Calls that are cancelled at any point leave nothing behind and do not affect other calls.
//!
//! A future is dropped after a number of polls, not after a time: before its connection is made, after its
//! request is sent, or within its response.

use super::system::{connections_at, resident_kib};
use serde_json::json;
use sessions_client::{
    ClientConfig, HyperTransport, ISessionsV1, Policies, ReqwestTransport, SessionsHttpClientV1, Transport,
    Value,
};
use sessions_service::{EmbeddedService, SessionStore};
use snapshots::log;
use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

/// Maximum number of tasks, each of which makes at least `CALLS_OF_TASK` calls.
const TASKS: usize = 200;

const CALLS_OF_TASK: usize = 50;

/// Maximum growth of memory between a fifth of the calls and all of them: 200 bytes for each of 80,000 calls.
const GROWTH_KIB: u64 = 16 << 10;

/// Time limit of a call and of opening a connection: long enough for valgrind on a busy machine.
const LIMIT: Duration = Duration::from_secs(600);

const SEED: u64 = 20_261_124;

/// Polls `future` up to `polls` times, then drops it and returns `None`.
async fn drop_after<F: Future>(future: F, polls: u32) -> Option<F::Output> {
    let (mut future, mut left) = (pin!(future), polls);
    std::future::poll_fn(|context| {
        left -= 1;
        match future.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// Number of cancelled calls, by their number of polls.
type Dropped = BTreeMap<u32, usize>;

type Client<T> = SessionsHttpClientV1<Value, Value, Policies<T>>;

/// Makes `calls` calls on a dedicated session, and asserts that no response belongs to another session.
async fn calls<T: Transport>(client: Client<T>, seed: u64, calls: usize, done: Arc<AtomicUsize>) -> Dropped {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut dropped = Dropped::new();
    let id = client.open_session(None, "user-1", None, None, None, None, None).await.unwrap().id;
    for call in 0..calls {
        // Most calls complete with their second poll, those with a new connection or a long response later.
        let polls = if random.u8(..100) < 32 { 1 } else { random.u32(2..=8) };
        let padding = if random.u8(..16) == 0 { 32 << 10 } else { 0 };
        let token = json!(format!("{id} {call} {}", "x".repeat(padding)));
        let finished = match random.u8(..3) {
            0 => drop_after(client.get_session_by_id(None, &id), polls).await.map(|found| {
                let found = found.unwrap().expect("the session is there");
                assert_eq!(found.id, id);
                // A cancelled store may still take effect, even later; but only those of this task.
                let data = found.data.unwrap_or_else(|| token.clone());
                assert!(data.as_str().unwrap().starts_with(&id), "data of another call");
            }),
            1 => drop_after(client.store_session_data(None, &id, &token), polls).await.map(|answer| {
                let answer = answer.unwrap().expect("the session is there");
                assert_eq!((&answer.id, answer.data.as_ref()), (&id, Some(&token)));
            }),
            _ => {
                let unknown = format!("{id} {call}");
                drop_after(client.get_session_by_id(None, &unknown), polls)
                    .await
                    .map(|found| assert_eq!(found.unwrap(), None))
            }
        };
        if finished.is_none() {
            *dropped.entry(polls).or_default() += 1;
        }
        done.fetch_add(1, Ordering::Relaxed);
    }
    dropped
}

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// Waits until `is_so` returns true; fails after 30 seconds.
async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < Duration::from_secs(30), "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[test]
#[ignore = "takes half a minute"]
fn cancelled_calls_over_reqwest_leave_nothing_behind() {
    drop_calls("reqwest", |config| ReqwestTransport::new(config).unwrap());
}

#[test]
#[ignore = "takes half a minute"]
fn cancelled_calls_over_hyper_leave_nothing_behind() {
    drop_calls("hyper", |config| HyperTransport::new(config).unwrap());
}

/// Serializes the tests, since each measures the memory of the process.
static TURN: Mutex<()> = Mutex::new(());

fn drop_calls<T: Transport + Clone + 'static>(library: &str, transport: impl Fn(&ClientConfig) -> T) {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let total =
        std::env::var("SESSIONS_DROPPED_CALLS").map_or(10_000, |calls| calls.parse().expect("a number"));
    let tasks = (total / CALLS_OF_TASK).clamp(1, TASKS);
    // Separate runtimes, so that only tasks of the client are counted.
    let (there, here) = (runtime(), runtime());
    let service = there.block_on(EmbeddedService::start("127.0.0.1:0", SessionStore::new())).unwrap();
    let port = service.address().port();
    let begin = Instant::now();

    let figures = here.block_on(async {
        let config = ClientConfig::from_url(&service.url()).unwrap();
        let config = config.with_timeout(LIMIT).with_connect_timeout(LIMIT);
        let client: Client<T> = SessionsHttpClientV1::new(Policies::new(transport(&config), &config));
        let done = Arc::new(AtomicUsize::new(0));
        let mut running = JoinSet::new();
        for task in 0..tasks {
            running.spawn(calls(client.clone(), SEED + task as u64, total / tasks, done.clone()));
        }
        let (mut warm, mut most, mut looked) = (None, 0, Instant::now());
        let mut dropped = Dropped::new();
        while !running.is_empty() {
            let tick = tokio::time::timeout(Duration::from_millis(100), running.join_next());
            if let Ok(Some(task)) = tick.await {
                for (polls, count) in task.unwrap() {
                    *dropped.entry(polls).or_default() += count;
                }
            }
            if warm.is_none() && done.load(Ordering::Relaxed) >= total / 5 {
                warm = resident_kib();
            }
            // Not at every tick, since the table is long: it contains all connections closed in the last
            // minute.
            if looked.elapsed() > Duration::from_secs(1) {
                most = most.max(connections_at(port).unwrap_or_default().len());
                looked = Instant::now();
            }
        }
        let hot = resident_kib();
        let took = begin.elapsed();
        // The service may not have noticed some cancelled calls yet.
        until("there are more connections than calls at a time", || {
            connections_at(port).is_none_or(|open| open.len() <= tasks)
        })
        .await;
        let kept = connections_at(port).map(|open| open.len());
        drop(client);
        until("connections outlive their client", || connections_at(port).is_none_or(|open| open.is_empty()))
            .await;
        let alive = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
        until("tasks outlive their client", || alive() == 0).await;
        (dropped, warm, hot, most, kept, took)
    });

    let (dropped, warm, hot, most, kept, took) = figures;
    let cancelled: usize = dropped.values().sum();
    log(&format!(
        "calls over {library} cancelled: {cancelled} of {total} (by polls {dropped:?}), {tasks} tasks, {took:.1?}; connections: at most \
         {most}, {kept:?} kept, 0 left; tasks left: 0; memory: {warm:?} KiB warm, {hot:?} KiB at the end"
    ));
    assert!(cancelled * 3 >= total, "only {cancelled} calls of {total} were cancelled");
    assert!(dropped.len() >= 3, "calls were cancelled at too few points: {dropped:?}");
    match (warm, hot) {
        (Some(warm), Some(hot)) => {
            assert!(hot <= warm + GROWTH_KIB, "memory grew from {warm} KiB to {hot} KiB");
        }
        _ => log("skipped: counting connections and memory needs /proc"),
    }
}
