//! The reports of the load test when a service, a proxy or a network is wrong, and when it is only slow, lossy
//! or busy.
//!
//! Both are tables in `snapshots`. A row of the first must have a violation or failed calls, a row of the
//! second has no violation. `LOADTEST_ADVERSE_RUNS` is the number of runs of each row of the second.

mod adverse;
mod proxy;
#[allow(dead_code, reason = "other tests use the rest")]
#[path = "../runs/mod.rs"]
mod runs;
mod signals;
mod table;
mod wrong;
mod wrong_effects;
mod wrong_values;

use proxy::{Behaviour, Reply, Request, Response, Upstream};
use sessions_client::Value;
use std::sync::Arc;

const OPEN: &str = "open_session";
const READ: &str = "get_session_by_id";
const STORE: &str = "store_session_data";
const UPDATE: &str = "update_session_user";
const CLOSE: &str = "close_session";
const DELETE: &str = "delete_session_by_id";
const LIST: &str = "get_sessions";

/// The operations that change a session.
const WRITES: &[&str] = &[STORE, UPDATE, CLOSE, DELETE];

/// All operations about a session.
const SESSION: &[&str] = &[OPEN, READ, STORE, UPDATE, CLOSE, DELETE];

/// All operations of the load test.
const ALL: &[&str] = &[OPEN, READ, STORE, UPDATE, CLOSE, DELETE, LIST];

fn behaviour<F, R>(behaviour: F) -> Behaviour
where
    F: Fn(Upstream, Request) -> R + Send + Sync + 'static,
    R: Future<Output = Reply> + Send + 'static,
{
    Arc::new(move |upstream, request| Box::pin(behaviour(upstream, request)))
}

/// A proxy that changes the responses of some operations.
fn changed(
    operations: &'static [&'static str],
    change: impl Fn(&mut Value) + Copy + Send + Sync + 'static,
) -> Behaviour {
    every(1, operations, move |upstream, request| async move {
        Reply::Respond(upstream.send(&request).await.change(change))
    })
}

/// A proxy that handles every `n`-th request of some operations, and passes the others on.
fn every<F, R>(n: u64, operations: &'static [&'static str], handle: F) -> Behaviour
where
    F: Fn(Upstream, Request) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Reply> + Send + 'static,
{
    behaviour(move |upstream, request| {
        let handle = handle.clone();
        async move {
            if request.is(operations, n) {
                upstream.event();
                handle(upstream, request).await
            } else {
                Reply::Respond(upstream.send(&request).await)
            }
        }
    })
}

fn error(status: u16) -> Reply {
    Reply::Respond(Response::new(status, "<html>an error of a gateway</html>"))
}
