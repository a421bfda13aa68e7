//! The kinds of client besides the HTTP client, and their factory.

#[cfg(feature = "tokio")]
mod direct;
mod factory;
mod ids;
mod memory;
#[cfg(feature = "hyper")]
mod network;
mod null;
mod payload;

#[cfg(feature = "tokio")]
pub use direct::SessionsDirectClientV1;
pub use factory::SessionsClientFactory;
pub use memory::SessionsMemoryClientV1;
#[cfg(feature = "hyper")]
pub use network::SessionsNetworkTransportV1;
pub use null::SessionsNullClientV1;
