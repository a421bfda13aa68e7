//! The transports that come with the crate: the only places that do I/O.

#[cfg(any(feature = "reqwest", feature = "tower"))]
mod body;
mod in_process;
#[cfg(feature = "tokio")]
mod policies;
#[cfg(feature = "reqwest")]
mod reqwest;
#[cfg(feature = "tower")]
mod tower;

pub use self::in_process::InProcessTransport;
#[cfg(feature = "tokio")]
pub use self::policies::Policies;
#[cfg(feature = "reqwest")]
pub use self::reqwest::ReqwestTransport;
#[cfg(feature = "tower")]
pub use self::tower::{TowerTransport, TransportService};

/// The transport of a client whose type names none: reqwest, with limits and repeats around it.
#[cfg(feature = "reqwest")]
pub type DefaultTransport = Policies<ReqwestTransport>;

/// The transport of a client whose type names none: without the feature `reqwest` there is none, and such a
/// type has no value.
#[cfg(not(feature = "reqwest"))]
pub type DefaultTransport = std::convert::Infallible;
