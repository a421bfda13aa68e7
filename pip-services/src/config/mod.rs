//! Configuration in the keys of the framework's official clients, so that one configuration serves both.

mod address;
mod entry;
mod environment;
#[cfg(feature = "config")]
mod file;
mod keys;
mod kind;
mod params;

pub use kind::ClientKind;
pub use params::ConfigParams;

use std::fmt;
use wiretrait::{Error, ErrorKind};

/// Returns an error that names `key`. `why` completes the sentence.
fn config_error(key: &str, why: impl fmt::Display) -> Error {
    Error::new(ErrorKind::Config, format!("`{key}` {why}"))
}
