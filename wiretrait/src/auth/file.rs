//! The token in a file.

use super::{Token, TokenProvider};
use crate::error::{Error, ErrorKind, Result};
use crate::runtime::without_mark;
use std::borrow::Cow;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The time after which the file is read again.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// The maximum size of a token, in bytes. Servers accept shorter headers only.
pub(super) const MAX_BYTES: u64 = 64 << 10;

/// The token in a file, such as that of a Kubernetes service account. White space around it is ignored.
///
/// A call reads the file again if that was a second ago, so that a changed file is noticed, and at once after
/// the service has rejected the token.
#[derive(Clone, Debug)]
pub struct FileToken {
    path: PathBuf,
}

impl FileToken {
    /// Creates a provider that returns the content of the file at `path`. The file is not read yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }
}

impl TokenProvider for FileToken {
    async fn fetch(&self) -> Result<Token> {
        let path = self.path.clone();
        // The file may be in a network.
        let token = tokio::task::spawn_blocking(move || read(&path)).await;
        token.map_err(|_| failure(&self.path, "could not be read: the runtime is shutting down"))?
    }

    fn name(&self) -> Cow<'_, str> {
        format!("the file `{}`", self.path.display()).into()
    }
}

fn failure(path: &Path, what: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Credentials, format!("the token file `{}` {what}", path.display()))
}

fn read(path: &Path) -> Result<Token> {
    let mut content = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut content))
        .map_err(|error| failure(path, format_args!("cannot be read: {error}")))?;
    if content.len() as u64 > MAX_BYTES {
        return Err(failure(
            path,
            format_args!("is larger than {MAX_BYTES} bytes: it must contain only a token"),
        ));
    }
    let content = without_mark(&content).trim_ascii();
    if content.is_empty() {
        return Err(failure(path, "is empty"));
    }
    let token = std::str::from_utf8(content).ok().and_then(|content| Token::new(content).ok());
    let token = token.ok_or_else(|| failure(path, "must contain only a token, without spaces in it"))?;
    Ok(token.with_check_interval(CHECK_INTERVAL))
}
