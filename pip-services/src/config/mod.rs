//! Configuration in the keys of the framework's official clients, so that one configuration serves both.

mod address;
mod credentials;
mod entry;
mod environment;
#[cfg(feature = "config")]
mod file;
mod keys;
mod kind;
mod network;
mod params;
mod reference;
mod setting;

#[cfg(feature = "config")]
pub use file::{Section, read_section};
pub use kind::ClientKind;
pub use params::ConfigParams;
pub use setting::Setting;

use std::fmt;
use wiretrait::{Error, ErrorKind};

/// Returns an error that names `key`. `why` completes the sentence.
fn config_error(key: &str, why: impl fmt::Display) -> Error {
    error(format!("`{key}` {why}"))
}

/// Returns an error of one line: names of keys, variables and files in the message may contain control characters.
fn error(message: String) -> Error {
    let has_control_characters = message.contains(char::is_control);
    Error::new(
        ErrorKind::Config,
        if has_control_characters { message.replace(char::is_control, " ") } else { message },
    )
}
