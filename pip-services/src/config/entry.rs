//! A single setting: the common form of all sources of settings, and the name of a setting in errors.

use super::credentials::TOKEN_COMMAND;
use std::fmt;
use std::path::{Path, PathBuf};
#[cfg(feature = "config")]
use std::sync::Arc;
use wiretrait::Error;

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
    /// The option of the command line with this name.
    Flag(String),
    /// The environment variable with this name.
    Variable(String),
    /// The file at this path.
    #[cfg(feature = "config")]
    File(Arc<Path>),
}

impl Entry {
    /// Returns an error that names the key and its origin, but never the value. `why` completes the sentence.
    pub(super) fn error(&self, why: impl fmt::Display) -> Error {
        super::error(format!("{self} {why}"))
    }

    /// Returns the error of a setter of the client, with this setting in place of its argument `name`.
    pub(super) fn renamed(&self, name: &str, error: &Error) -> Error {
        let message = error.to_string();
        self.error(message.strip_prefix(&format!("`{name}` ")).unwrap_or(&message))
    }

    /// Returns whether the value may contain references. A command of the shell has the variables of the shell.
    pub(super) fn has_references(&self) -> bool {
        self.key != TOKEN_COMMAND && !matches!(self.origin, Origin::Pairs)
    }

    /// Returns the value as a path. In a file, a relative path is relative to that file.
    pub(super) fn path(&self) -> PathBuf {
        self.origin.resolve(&self.value)
    }
}

impl Origin {
    /// Returns `path`, relative to the file of the setting if it has one.
    pub(super) fn resolve(&self, path: &str) -> PathBuf {
        match self {
            #[cfg(feature = "config")]
            Self::File(file) => file.parent().unwrap_or(Path::new("")).join(path),
            _ => Path::new(path).to_owned(),
        }
    }
}

/// Writes the key and its origin.
impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.key)?;
        match &self.origin {
            Origin::Pairs => Ok(()),
            origin => write!(f, " ({origin})"),
        }
    }
}

/// Writes the name of the source.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pairs => f.write_str("program"),
            Self::Flag(name) | Self::Variable(name) => f.write_str(name),
            #[cfg(feature = "config")]
            Self::File(path) => write!(f, "{}", path.display()),
        }
    }
}

/// Shows the key and its origin, without the value.
impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
