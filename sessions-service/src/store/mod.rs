//! An in-memory store of sessions that is fast enough for load tests.

mod blocks;
mod ids;
mod sessions;
mod shards;
mod stored;

pub use sessions::SessionStore;
pub(crate) use stored::{Change, Payload};
