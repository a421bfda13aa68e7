//! The kinds of client, each an [`ISessionsV1`](crate::ISessionsV1).

#[cfg(feature = "reqwest")]
mod http;
mod memory;

pub use memory::SessionsMemoryClientV1;
