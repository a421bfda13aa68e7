//! The runtime of a connection.
//!
//! A connection makes progress only while its runtime is running, so a client that several runtimes share
//! needs connections for each of them.

use tokio::runtime::{Handle, Id};

/// Returns the id of the current runtime; `None` outside of one.
pub(super) fn current() -> Option<Id> {
    Handle::try_current().ok().map(|runtime| runtime.id())
}
