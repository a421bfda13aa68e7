//! One setting, as it was given: what every source of settings makes, and what errors name.

use crate::error::{Error, ErrorKind};
use std::fmt;
#[cfg(feature = "config")]
use std::sync::Arc;

/// A setting, as it was given.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) value: String,
    pub(super) origin: Origin,
}

#[derive(Clone)]
pub(super) enum Origin {
    /// The program: its author knows where.
    Pairs,
    Variable(String),
    #[cfg(feature = "config")]
    File(Arc<str>),
}

impl Entry {
    /// Names the key and where it came from, never the value.
    pub(super) fn refused(&self, why: impl fmt::Display) -> Error {
        Error::new(ErrorKind::Config, format!("{self} {why}"))
    }
}

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

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
