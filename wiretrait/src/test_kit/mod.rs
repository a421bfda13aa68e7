//! Test tools for code that calls a contract: without a service, a network or real time (feature `test-kit`).
//!
//! They work with the client of any contract:
//!
//! - [`ScriptedTransport`] responds with a script of [`Reply`]s, and records requests as [`Sent`], which can
//!   be decoded as typed operations.
//! - [`Cassette`] responds with the recorded responses of a HAR file.
//! - [`Faults`] injects failures and latency between a client and any transport, with probabilities and a
//!   seed.
//! - [`VirtualTime`] is a virtual clock for [policies](crate::policy).
//!
//! ```
//! # mod library { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/library.rs")); }
//! use library::{Books, BooksClient, DynBooks, books};
//! use wiretrait::Result;
//! use wiretrait::policy::{Retry, RetryPolicy};
//! use wiretrait::test_kit::{Reply, ScriptedTransport, VirtualTime};
//!
//! /// The code under test, which accepts any implementation of the contract.
//! async fn rename(books: &dyn DynBooks, id: u64, title: &str) -> Result<bool> {
//!     Ok(books.rename(id, title).await?.is_some())
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<()> {
//! // The service is unavailable once, and then responds that the book does not exist.
//! let service = ScriptedTransport::new();
//! service.on(books::RENAME, Reply::status(503).then(Reply::no_content()));
//!
//! // The client has the policy under test, with a virtual clock.
//! let time = VirtualTime::new();
//! let client = BooksClient::new(Retry::new(service.clone(), RetryPolicy::new(), time));
//! assert_eq!(rename(&client, 7, "Emma").await?, false);
//!
//! // All attempts are recorded and can be decoded.
//! service.assert_done();
//! assert_eq!(service.sent().len(), 2);
//! let sent = service.sent_as::<books::received::Rename>()?;
//! assert_eq!((sent[1].id, &*sent[1].title), (7, "Emma"));
//! # Ok(())
//! # }
//! ```
//!
//! For a stateful service, use an in-memory implementation of the contract, also behind an
//! [`InProcessTransport`](crate::InProcessTransport) with `Faults` around it.

mod cassette;
mod faults;
mod har;
mod reply;
mod script;
mod sent;
mod time;

pub use cassette::Cassette;
pub use faults::{Fault, Faults};
pub use reply::Reply;
pub use script::ScriptedTransport;
pub use sent::Sent;
pub use time::VirtualTime;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Ignores poisoning, so that the first panic of a test is not hidden by others.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
