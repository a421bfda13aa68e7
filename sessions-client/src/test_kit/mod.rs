//! Tools for the tests of code that calls a contract: no service, no network, no waiting (feature `test-kit`).
//!
//! They know nothing of sessions, and work for the client of any contract that is made with
//! [`http_api`](crate::http_api):
//!
//! - [`ScriptedTransport`] answers with [`Reply`] after `Reply`, and keeps what was [`Sent`], to be read back as
//!   typed operations,
//! - [`Faults`] puts failures and latency between a client and any transport, by probabilities and a seed,
//! - [`VirtualTime`] is a clock for [policies](crate::policy) that waits for nobody.
//!
//! ```
//! use sessions_client::policy::{Retry, RetryPolicy};
//! use sessions_client::test_kit::{Reply, ScriptedTransport, VirtualTime};
//! use sessions_client::{DynISessionsV1, ISessionsV1, Result, SessionsHttpClientV1, Value, sessions_v1};
//! use serde_json::json;
//!
//! /// The code to be tested: it takes whatever keeps sessions.
//! async fn remember(sessions: &dyn DynISessionsV1, id: &str, book: &str) -> Result<bool> {
//!     let cart = json!({ "items": [book] });
//!     Ok(sessions.store_session_data(None, id, &cart).await?.is_some())
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<()> {
//! // The service is busy once, and then knows no such session.
//! let service = ScriptedTransport::new();
//! service.on(sessions_v1::STORE_SESSION_DATA, Reply::status(503).then(Reply::no_content()));
//!
//! // The client has the policies that the test is about, in a time of their own.
//! let time = VirtualTime::new();
//! let client = SessionsHttpClientV1::new(Retry::new(service.clone(), RetryPolicy::new(), time));
//! assert_eq!(remember(&client, "7", "Emma").await?, false);
//!
//! // What was sent, attempt by attempt, and as it was meant.
//! service.assert_done();
//! assert_eq!(service.sent().len(), 2);
//! let stored = service.sent_as::<sessions_v1::received::StoreSessionData<Value>>()?;
//! assert_eq!((&*stored[1].session_id, &stored[1].data["items"][0]), ("7", &json!("Emma")));
//! # Ok(())
//! # }
//! ```
//!
//! For a service that keeps what it is told there is [`SessionsMemoryClientV1`](crate::SessionsMemoryClientV1),
//! also behind an [`InProcessTransport`](crate::InProcessTransport) with `Faults` around it.

mod faults;
mod reply;
mod script;
mod sent;
mod time;

pub use faults::{Fault, Faults};
pub use reply::Reply;
pub use script::ScriptedTransport;
pub use sent::Sent;
pub use time::VirtualTime;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// A test that panics must not hide behind the panics of others.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
