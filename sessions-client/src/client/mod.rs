//! The kinds of client, each an [`ISessionsV1`](crate::ISessionsV1).

#[cfg(feature = "tokio")]
mod direct;
mod factory;
#[cfg(any(feature = "hyper", feature = "reqwest"))]
mod http;
mod ids;
mod memory;
mod null;

#[cfg(feature = "tokio")]
pub use direct::SessionsDirectClientV1;
pub use factory::SessionsClientFactory;
pub use memory::SessionsMemoryClientV1;
#[cfg(feature = "server")]
pub(crate) use memory::{Change, Json, Sessions};
pub use null::SessionsNullClientV1;
