//! An in-memory store of sessions that is fast enough for load tests.

mod blocks;
mod ids;
#[cfg(all(test, shuttle))]
mod interleavings;
mod ordered;
mod sessions;
mod shards;
mod stored;
mod sync;

pub use sessions::SessionStore;
pub(crate) use stored::{Change, Payload};
