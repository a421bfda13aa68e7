//! The kinds of client, each an [`ISessionsV1`](crate::ISessionsV1).

#[cfg(feature = "reqwest")]
mod http;
mod memory;
mod store;

pub use memory::SessionsMemoryClientV1;
