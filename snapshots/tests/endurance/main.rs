//! What holds over many calls and real time: idle pauses, a service that is killed, connections that break, calls
//! that are given up.
//!
//! ```sh
//! cargo test -p snapshots --test endurance -- --nocapture
//! snapshots/providers/with-service.sh cargo test -p snapshots --test endurance -- --include-ignored --nocapture
//! ```
//!
//! The first command needs no service and takes a few seconds. The second runs everything, in under two minutes, at
//! the real service. Each test prints its figures. Sessions belong to a user of the run's own and are
//! deleted at its end.
//!
//! * `SESSIONS_URL=http://host:port` is the service for idle pauses and broken connections.
//! * `SESSIONS_DROPPED_CALLS=100000` makes that many calls over each library, of which a third is given up; 10,000 by
//!   default.

mod dropped;
mod idle;
mod outage;
mod proxy;
mod restart;
mod system;

use futures_util::TryStreamExt;
use sessions_client::stream::ISessionsV1Ext;
use sessions_client::{
    Call, Error, FilterParams, ISessionsV1, Response, SessionV1, SessionsHttpClientV1, Transport,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use uuid::Uuid;

/// Nobody else has sessions of this user.
fn own_user() -> String {
    format!("endurance-test-{}", Uuid::new_v4().simple())
}

/// Counts the attempts that are repeats, below the policies.
#[derive(Clone)]
struct CountingRepeats<T> {
    transport: T,
    repeats: Arc<AtomicUsize>,
}

impl<T: Transport> Transport for CountingRepeats<T> {
    async fn send(&self, call: Call) -> Result<Response, Error> {
        if call.attempt > 1 {
            self.repeats.fetch_add(1, Ordering::Relaxed);
        }
        self.transport.send(call).await
    }

    fn peer(&self) -> &str {
        self.transport.peer()
    }
}

/// All sessions of `user_id` at the service.
async fn sessions_of(url: &str, user_id: &str) -> Vec<SessionV1> {
    let client = SessionsHttpClientV1::connect(url).unwrap();
    let mine = FilterParams::new().user_id(user_id);
    client.sessions(mine).try_collect().await.unwrap()
}

/// Deletes all sessions of `user_id`.
async fn clean_up(url: &str, user_id: &str) {
    let client = SessionsHttpClientV1::connect(url).unwrap();
    for session in sessions_of(url, user_id).await {
        // A service that filters wrongly lists sessions that are not ours to delete.
        assert_eq!(session.user_id.as_deref(), Some(user_id));
        client.delete_session_by_id(None, &session.id).await.unwrap();
    }
}
