//! The scheduler of the models of interleavings, and what the models share. It is empty in builds without `--cfg shuttle`.
//!
//! A scheduling point is before each operation on a lock or an atomic of shuttle, and where a future waits. The
//! primitives of tokio are not modeled: each of their operations is one step.

#![cfg(shuttle)]
#![allow(clippy::missing_panics_doc, reason = "a panic is the failure of a model")]

use shuttle::scheduler::{PctScheduler, RandomScheduler};
use shuttle::sync::atomic::{AtomicBool, Ordering};
use shuttle::thread::JoinHandle;
use shuttle::{Config, Runner, thread};
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

/// The schedules of each kind, random ones and those with few preemptions.
const SCHEDULES: usize = 2_000;

/// The maximum number of preemptions of a schedule with few of them.
const PREEMPTIONS: usize = 3;

/// Runs a model in many schedules. A deadlock is a failure too.
pub fn check(model: fn()) {
    let mut config = Config::new();
    // An unoptimized build has large frames, and a list of sessions holds many locks at once.
    config.stack_size = 1 << 20;
    Runner::new(RandomScheduler::new(SCHEDULES), config.clone()).run(model);
    Runner::new(PctScheduler::new(PREEMPTIONS, SCHEDULES), config).run(model);
}

/// Runs `work` in another thread.
pub fn spawn<S: Send + Sync + 'static, T: Send + 'static>(
    shared: &Arc<S>,
    work: impl FnOnce(&S) -> T + Send + 'static,
) -> JoinHandle<T> {
    let shared = Arc::clone(shared);
    thread::spawn(move || work(&shared))
}

/// Waits for threads, and returns their results.
pub fn join<T, const N: usize>(threads: [JoinHandle<T>; N]) -> [T; N] {
    threads.map(|thread| match thread.join() {
        Ok(result) => result,
        Err(panic) => std::panic::resume_unwind(panic),
    })
}

/// Adds a scheduling point.
pub fn scheduling_point() {
    AtomicBool::new(false).load(Ordering::SeqCst);
}

/// Polls `future` at most `polls` times, and then drops it. Returns its output if it is ready by then.
pub async fn canceled_after<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    for _ in 0..polls {
        if let Poll::Ready(output) = poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await {
            return Some(output);
        }
        shuttle::future::yield_now().await;
    }
    None
}
