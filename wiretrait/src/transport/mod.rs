//! The transports of this crate, which are its only modules that send requests.

#[cfg(any(feature = "hyper", feature = "reqwest"))]
mod adaptive_limit;
#[cfg(any(feature = "hyper", feature = "reqwest", feature = "tower"))]
mod address;
#[cfg(any(feature = "hyper", feature = "reqwest"))]
mod age;
#[cfg(any(feature = "hyper", feature = "reqwest", feature = "tower"))]
mod body;
#[cfg(any(feature = "hyper", feature = "reqwest"))]
mod connecting;
#[cfg(any(feature = "hyper", feature = "reqwest", feature = "tower"))]
mod content_encoding;
#[cfg(any(feature = "hyper", feature = "reqwest", feature = "tower"))]
mod default_headers;
#[cfg(any(feature = "hyper", feature = "reqwest"))]
mod dial;
#[cfg(any(feature = "hyper", feature = "reqwest"))]
pub mod doctor;
#[cfg(any(feature = "hyper", feature = "reqwest"))]
mod failover;
#[cfg(any(feature = "hyper", feature = "reqwest"))]
mod failure;
#[cfg(feature = "grpc")]
pub(crate) mod grpc;
#[cfg(feature = "hyper")]
mod hyper;
mod in_process;
#[cfg(any(feature = "hyper", feature = "reqwest"))]
mod keep_alive;
#[cfg(any(feature = "hyper", feature = "reqwest"))]
mod permits;
#[cfg(feature = "hyper")]
mod phases;
#[cfg(feature = "tokio")]
mod policies;
#[cfg(any(feature = "hyper", feature = "reqwest"))]
mod protocol;
#[cfg(any(feature = "hyper", feature = "reqwest"))]
mod proxy;
#[cfg(feature = "reqwest")]
mod reqwest;
#[cfg(any(feature = "hyper", feature = "reqwest"))]
mod resolver;
#[cfg(any(feature = "hyper", feature = "reqwest"))]
mod runtime_id;
#[cfg(all(feature = "rustls", any(feature = "hyper", feature = "reqwest")))]
mod tls;
#[cfg(feature = "tower")]
mod tower;
#[cfg(any(feature = "hyper", feature = "reqwest"))]
mod tunnel;

#[cfg(all(fuzzing, feature = "hyper"))]
pub(crate) use self::dial::tunnel_over;
#[cfg(feature = "hyper")]
pub use self::hyper::HyperTransport;
pub use self::in_process::InProcessTransport;
#[cfg(feature = "hyper")]
pub use self::phases::{CallPhases, measure_phases};
#[cfg(feature = "tokio")]
pub use self::policies::Policies;
#[cfg(any(feature = "hyper", feature = "reqwest"))]
pub(crate) use self::proxy::{ProxyRoute, host_and_port};
#[cfg(feature = "reqwest")]
pub use self::reqwest::ReqwestTransport;
#[cfg(feature = "tower")]
pub use self::tower::{TowerTransport, TransportService};

#[cfg(all(feature = "hyper", not(feature = "reqwest")))]
pub(crate) use self::hyper::HyperTransport as NetworkTransport;
#[cfg(feature = "reqwest")]
pub(crate) use self::reqwest::ReqwestTransport as NetworkTransport;

/// The default transport of generated clients: reqwest with all policies. Without the feature `reqwest` it is
/// hyper.
#[cfg(feature = "reqwest")]
pub type DefaultTransport = Policies<ReqwestTransport>;

/// The default transport of generated clients: hyper with all policies. With the feature `reqwest` it is
/// reqwest.
#[cfg(all(feature = "hyper", not(feature = "reqwest")))]
pub type DefaultTransport = Policies<HyperTransport>;

/// The default transport of generated clients. Without the features `reqwest` and `hyper` it is an empty
/// type, so clients need another transport.
#[cfg(not(any(feature = "hyper", feature = "reqwest")))]
pub type DefaultTransport = std::convert::Infallible;
