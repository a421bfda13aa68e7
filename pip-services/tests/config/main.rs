//! Configuration: the meaning of each source of settings, and the errors.

mod address;
mod credentials;
mod environment;
#[cfg(feature = "config")]
mod files;
mod kinds;
mod layers;
mod network;
mod options;
mod references;
mod settings;

use pip_services::ConfigParams;
use wiretrait::{ClientConfig, ErrorKind, Result};

/// Returns the message of a configuration error.
fn message<T>(result: Result<T>) -> String {
    let Err(error) = result else { panic!("expected an error") };
    assert_eq!(error.kind(), ErrorKind::Config);
    error.to_string()
}

fn build(pairs: &[(&str, &str)]) -> Result<ClientConfig> {
    ConfigParams::new().with_pairs(pairs.iter().copied())?.build()
}

/// Returns the configuration in `pairs`.
fn read(pairs: &[(&str, &str)]) -> ClientConfig {
    build(pairs).unwrap()
}

/// Returns the message of the error about `pairs`.
fn error(pairs: &[(&str, &str)]) -> String {
    message(build(pairs))
}
