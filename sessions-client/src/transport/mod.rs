//! The transports that come with the crate: the only places that do I/O.

#[cfg(any(feature = "hyper", feature = "tower"))]
mod address;
#[cfg(any(feature = "hyper", feature = "reqwest", feature = "tower"))]
mod body;
#[cfg(any(feature = "hyper", feature = "reqwest"))]
mod failure;
#[cfg(feature = "hyper")]
mod hyper;
mod in_process;
#[cfg(any(feature = "hyper", feature = "reqwest"))]
mod permits;
#[cfg(feature = "tokio")]
mod policies;
#[cfg(feature = "reqwest")]
mod reqwest;
#[cfg(feature = "tower")]
mod tower;

#[cfg(feature = "hyper")]
pub use self::hyper::HyperTransport;
pub use self::in_process::InProcessTransport;
#[cfg(feature = "tokio")]
pub use self::policies::Policies;
#[cfg(feature = "reqwest")]
pub use self::reqwest::ReqwestTransport;
#[cfg(feature = "tower")]
pub use self::tower::{TowerTransport, TransportService};

/// The transport of a client whose type names none: reqwest, with limits and repeats around it. Without the feature
/// `reqwest` it is hyper.
#[cfg(feature = "reqwest")]
pub type DefaultTransport = Policies<ReqwestTransport>;

/// The transport of a client whose type names none: hyper, with limits and repeats around it. With the feature
/// `reqwest` it is reqwest.
#[cfg(all(feature = "hyper", not(feature = "reqwest")))]
pub type DefaultTransport = Policies<HyperTransport>;

/// The transport of a client whose type names none: without the features `reqwest` and `hyper` there is none, and such
/// a type has no value.
#[cfg(not(any(feature = "hyper", feature = "reqwest")))]
pub type DefaultTransport = std::convert::Infallible;
