//! Whether finding a session takes longer where there are more of them, and how much memory one takes.
//!
//! `cargo bench --bench store`. The same calls are made where there are 1,000, 100,000 and 1,000,000 sessions,
//! ten of each user: of the memory client, and of the service that it is behind the dispatcher. The growth of a
//! call from the first to the last counts, absolute times belong to the machine. No call searches; what the memory
//! client alone shows is that a thousand sessions fit into a cache, and a million do not. Memory is what the
//! process has more of after the sessions were opened than before.

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use serde_json::json;
use sessions_client::{
    FilterParams, ISessionsV1, InProcessTransport, SessionsHttpClientV1, SessionsMemoryClientV1, sessions_v1,
};
use std::cell::Cell;
use std::fs;
use std::hint::black_box;
use tokio::runtime::{Builder, Runtime};

/// How many sessions each user has.
const OF_A_USER: usize = 10;

/// Unoptimized, the bench only shows that it runs.
const SIZES: &[usize] = if cfg!(debug_assertions) { &[1_000] } else { &[1_000, 100_000, 1_000_000] };

/// A step from one session to the next that meets all of them, and neighbours never one after the other.
const STRIDE: usize = 7_919;

fn runtime() -> Runtime {
    Builder::new_current_thread().build().unwrap()
}

fn user(number: usize) -> String {
    format!("user-{number}")
}

/// Sessions in memory, and their ids.
async fn filled(size: usize) -> (SessionsMemoryClientV1, Vec<String>) {
    let sessions = SessionsMemoryClientV1::new();
    let data = json!({ "items": ["book", "pen"] });
    let mut ids = Vec::with_capacity(size);
    for number in 0..size {
        // The sessions of a user are far from each other.
        let user_id = user(number % (size / OF_A_USER));
        let opened = sessions.open_session(
            None,
            &user_id,
            Some("User"),
            Some("127.0.0.1"),
            Some("bench"),
            None,
            Some(&data),
        );
        ids.push(opened.await.unwrap().id);
    }
    (sessions, ids)
}

fn calls<S: ISessionsV1>(criterion: &mut Criterion, kind: &str, size: usize, sessions: &S, ids: &[String]) {
    let runtime = &runtime();
    let turn = Cell::new(0);
    let next = || {
        turn.set((turn.get() + STRIDE) % size);
        turn.get()
    };
    let mut group = criterion.benchmark_group(kind);
    group.bench_function(BenchmarkId::new("get", size), |bencher| {
        bencher
            .to_async(runtime)
            .iter(|| async { sessions.get_session_by_id(None, &ids[next()]).await.unwrap() });
    });
    group.bench_function(BenchmarkId::new("close", size), |bencher| {
        bencher
            .to_async(runtime)
            .iter(|| async { sessions.close_session(None, &ids[next()]).await.unwrap() });
    });
    // What is opened is deleted, or the number of sessions would not be what it is said to be.
    group.bench_function(BenchmarkId::new("open_and_delete", size), |bencher| {
        bencher.to_async(runtime).iter(|| async {
            let user_id = user(next() / OF_A_USER);
            let opened = sessions.open_session(None, &user_id, None, None, None, None, None).await.unwrap();
            sessions.delete_session_by_id(None, &opened.id).await.unwrap()
        });
    });
    group.bench_function(BenchmarkId::new("list_by_user", size), |bencher| {
        bencher.to_async(runtime).iter(|| async {
            let filter = FilterParams::new().user_id(user(next() / OF_A_USER));
            let page = sessions.get_sessions(None, Some(&filter), None).await.unwrap();
            assert_eq!(black_box(&page).data.len(), OF_A_USER);
            page
        });
    });
    group.finish();
}

/// The pages of memory that the process has, in bytes; only Linux says so.
fn resident() -> Option<usize> {
    let pages: usize = fs::read_to_string("/proc/self/statm").ok()?.split(' ').nth(1)?.parse().ok()?;
    Some(pages * 4096)
}

/// Tells what one session takes. It comes first, while the process holds nothing else.
fn memory(_: &mut Criterion) {
    let size = SIZES[SIZES.len() - 1];
    let before = resident();
    let (sessions, ids) = runtime().block_on(filled(size));
    let after = resident();
    // The ids are held by the bench.
    let ids: usize = ids.iter().map(|id| id.capacity() + size_of::<String>()).sum();
    if let (Some(before), Some(after)) = (before, after) {
        let each = after.saturating_sub(before + ids) / sessions.len();
        println!("memory: {each} bytes a session, of {size}");
    }
}

fn store(criterion: &mut Criterion) {
    for &size in SIZES {
        let (sessions, ids) = runtime().block_on(filled(size));
        calls(criterion, "memory client", size, &sessions, &ids);
        let service = InProcessTransport::new(sessions_v1::Handler::new(sessions));
        calls(criterion, "embedded service", size, &SessionsHttpClientV1::new(service), &ids);
    }
}

criterion_group!(benches, memory, store);
criterion_main!(benches);
