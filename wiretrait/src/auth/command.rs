//! The token that a command prints.

use super::file::MAX_BYTES;
use super::{Token, TokenProvider};
use crate::error::{Error, ErrorKind, Result};
use std::borrow::Cow;
use std::ffi::OsString;
use std::fmt;
use std::process::Stdio;
use tokio::io::AsyncReadExt;
use tokio::process::Command;

/// The first line that a command prints to its standard output, such as `gcloud auth print-access-token`.
///
/// The command is run for each fetch, and killed if it takes longer than a fetch may. Its standard error is
/// discarded, since it may contain secrets. An error contains the program and its exit status. If the token is
/// not a JWT, it is used until the service rejects it.
#[derive(Clone)]
pub struct CommandToken {
    /// The program, or a word for it, for messages.
    shown: String,
    program: OsString,
    arguments: Vec<OsString>,
}

impl CommandToken {
    /// Creates a provider that runs `program` with `arguments`, without a shell.
    pub fn new(
        program: impl Into<OsString>,
        arguments: impl IntoIterator<Item = impl Into<OsString>>,
    ) -> Self {
        let program = program.into();
        let shown = program.to_string_lossy().into_owned();
        Self { shown, program, arguments: arguments.into_iter().map(Into::into).collect() }
    }

    /// Creates a provider that runs a command line in a shell: `sh`, or `cmd` on Windows.
    #[must_use]
    pub fn shell(line: &str) -> Self {
        // Arguments and assignments in front of the program may be secrets, and quoted ones may have spaces.
        let mut words =
            line.split_whitespace().take_while(|word| !word.contains(['\'', '"', '$', '`', '\\']));
        let program = words.find(|word| !word.contains('='));
        let shown = program.filter(|word| word.chars().all(is_of_a_path)).unwrap_or("the shell").to_owned();
        let (shell, flag) = if cfg!(windows) { ("cmd", "/C") } else { ("sh", "-c") };
        Self { shown, ..Self::new(shell, [flag, line]) }
    }

    fn failure(&self, what: impl fmt::Display) -> Error {
        Error::new(ErrorKind::Credentials, format!("the token command `{}` {what}", self.shown))
    }
}

fn is_of_a_path(c: char) -> bool {
    c.is_alphanumeric() || "-._/\\:".contains(c)
}

impl TokenProvider for CommandToken {
    async fn fetch(&self) -> Result<Token> {
        let mut child = Command::new(&self.program)
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| self.failure(format_args!("cannot be started: {error}")))?;
        let mut output = Vec::new();
        if let Some(stdout) = child.stdout.take() {
            let reading = stdout.take(MAX_BYTES + 1).read_to_end(&mut output).await;
            reading.map_err(|error| self.failure(format_args!("cannot be read: {error}")))?;
        }
        if output.len() as u64 > MAX_BYTES {
            return Err(self.failure(format_args!(
                "printed more than {MAX_BYTES} bytes: its first line must be the token"
            )));
        }
        let status = child.wait().await.map_err(|error| self.failure(format_args!("failed: {error}")))?;
        if !status.success() {
            return Err(self.failure(format_args!("failed with {status}: run it to see why")));
        }
        let line = output.split(|byte| *byte == b'\n').next().unwrap_or_default().trim_ascii();
        if line.is_empty() {
            return Err(self.failure("printed no token: its first line is empty"));
        }
        let token = std::str::from_utf8(line).ok().and_then(|line| Token::new(line).ok());
        token.ok_or_else(|| self.failure("printed something else than a token in its first line"))
    }

    fn name(&self) -> Cow<'_, str> {
        format!("the command `{}`", self.shown).into()
    }
}

/// Omits the arguments, which may be secrets.
impl fmt::Debug for CommandToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CommandToken").field("program", &self.shown).finish_non_exhaustive()
    }
}
