//! Where the service is and how to talk to it: in Rust, or in the keys of the official clients, so that one
//! configuration serves both.

mod address;
mod builder;
mod entry;
mod environment;
#[cfg(feature = "config")]
mod file;
mod keys;
mod kind;
mod params;

pub use builder::ClientConfig;
pub use kind::ClientKind;
pub use params::ConfigParams;
