//! A single setting: the common form of all sources of settings, and the name of a setting in errors.

use std::fmt;
#[cfg(feature = "config")]
use std::sync::Arc;
use wiretrait::{Error, ErrorKind};

/// A key and its value, unchecked.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) value: String,
    pub(super) origin: Origin,
}

/// The source of a setting.
#[derive(Clone)]
pub(super) enum Origin {
    /// The program itself.
    Pairs,
    /// The environment variable with this name.
    Variable(String),
    /// The file at this path.
    #[cfg(feature = "config")]
    File(Arc<str>),
}

impl Entry {
    /// Returns an error that names the key and its origin, but never the value. `why` completes the sentence.
    pub(super) fn error(&self, why: impl fmt::Display) -> Error {
        Error::new(ErrorKind::Config, format!("{self} {why}"))
    }
}

/// Writes the key and its origin.
impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.key)?;
        match &self.origin {
            Origin::Pairs => Ok(()),
            Origin::Variable(name) => write!(f, " ({name})"),
            #[cfg(feature = "config")]
            Origin::File(path) => write!(f, " ({path})"),
        }
    }
}

/// Shows the key and its origin, without the value.
impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
