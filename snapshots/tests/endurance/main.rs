//! Tests with many calls and in real time: idle pauses, a service that is killed, broken connections,
//! cancelled calls.
//!
//! ```sh
//! cargo test -p snapshots --test endurance -- --ignored --nocapture cancelled
//! snapshots/providers/with-service.sh cargo test -p snapshots --test endurance -- --include-ignored --nocapture
//! ```
//!
//! The first command needs no service and takes a minute or two. The second runs everything, also against the real
//! service. Without these options, only what takes a second runs, also if `SESSIONS_URL` is set. Each test prints its
//! results. Sessions belong to a dedicated user and are deleted at the end.
//!
//! * `SESSIONS_URL=http://host:port` is the service for idle pauses and broken connections.
//! * `SESSIONS_DROPPED_CALLS=100000` is the number of calls over each library, of which a third is cancelled;
//!   10,000 by default.

mod dropped;
mod idle;
mod outage;
mod proxy;
mod restart;
mod system;

use futures_util::TryStreamExt;
use sessions_client::stream::ISessionsV1Ext;
use sessions_client::{
    Call, Encoding, Error, FilterParams, ISessionsV1, Response, SessionV1, SessionsHttpClientV1, Transport,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use uuid::Uuid;

/// Returns a user id that no other run uses.
fn unique_user() -> String {
    format!("endurance-test-{}", Uuid::new_v4().simple())
}

/// A transport below the policies that counts retries.
#[derive(Clone)]
struct RetryCounter<T> {
    transport: T,
    retries: Arc<AtomicUsize>,
}

impl<T: Transport> Transport for RetryCounter<T> {
    async fn send(&self, call: Call) -> Result<Response, Error> {
        if call.attempt > 1 {
            self.retries.fetch_add(1, Ordering::Relaxed);
        }
        self.transport.send(call).await
    }

    fn peer(&self) -> &str {
        self.transport.peer()
    }

    fn encoding(&self) -> Encoding {
        self.transport.encoding()
    }
}

/// Returns all sessions of `user_id` at the service.
async fn sessions_of(url: &str, user_id: &str) -> Vec<SessionV1> {
    let client = SessionsHttpClientV1::connect(url).unwrap();
    let mine = FilterParams::new().user_id(user_id);
    client.sessions(mine).try_collect().await.unwrap()
}

/// Deletes all sessions of `user_id`.
async fn clean_up(url: &str, user_id: &str) {
    let client = SessionsHttpClientV1::connect(url).unwrap();
    for session in sessions_of(url, user_id).await {
        // A service with a broken filter may list sessions of other users.
        assert_eq!(session.user_id.as_deref(), Some(user_id));
        client.delete_session_by_id(None, &session.id).await.unwrap();
    }
}
