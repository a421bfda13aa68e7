//! Configuration: what each way to give it makes of it, and what it refuses.

mod base_route;
mod builder;
mod environment;
#[cfg(feature = "config")]
mod files;
mod layers;
mod pairs;

use sessions_client::{ClientConfig, ErrorKind, Result};

/// The message of a configuration that is refused.
fn message<T>(outcome: Result<T>) -> String {
    let Err(error) = outcome else { panic!("it is not refused") };
    assert_eq!(error.kind(), ErrorKind::Config);
    error.to_string()
}

fn read(pairs: &[(&str, &str)]) -> ClientConfig {
    ClientConfig::from_pairs(pairs.iter().copied()).unwrap()
}

fn refused(pairs: &[(&str, &str)]) -> String {
    message(ClientConfig::from_pairs(pairs.iter().copied()))
}
