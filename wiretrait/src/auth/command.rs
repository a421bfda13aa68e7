//! The token that a command prints.

use super::file::MAX_BYTES;
use super::{Token, TokenProvider};
use crate::error::{Error, ErrorKind, Result};
use crate::runtime::without_mark;
use std::borrow::Cow;
use std::ffi::OsString;
use std::fmt;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// The time within which output that is in the pipe is read, if a command in the background keeps it open.
const GRACE: Duration = Duration::from_millis(200);

/// The first line that a command prints to its standard output, such as `gcloud auth print-access-token`.
///
/// The command is run for each fetch, and killed with all that it started if it takes longer than a fetch may. Its standard error is
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

/// A command, which is killed with all that it started unless it has ended.
struct Group(Child);

impl Drop for Group {
    fn drop(&mut self) {
        // The id of a command that has ended may be that of another one.
        #[cfg(unix)]
        if let Some(Ok(group)) = self.0.id().map(i32::try_from) {
            let _ = nix::sys::signal::killpg(nix::unistd::Pid::from_raw(group), nix::sys::signal::SIGKILL);
        }
    }
}

/// Reads all output.
async fn read(from: Option<impl AsyncRead + Unpin>, output: &mut Vec<u8>) -> Result<(), String> {
    let Some(from) = from else { return Ok(()) };
    let mut from = from.take(MAX_BYTES + 1);
    loop {
        match from.read_buf(output).await {
            Ok(0) if output.len() as u64 > MAX_BYTES => {
                return Err(format!("printed more than {MAX_BYTES} bytes: its first line must be the token"));
            }
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(error) => return Err(format!("cannot be read: {error}")),
        }
    }
}

impl TokenProvider for CommandToken {
    async fn fetch(&self) -> Result<Token> {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        #[cfg(unix)]
        command.process_group(0);
        let child = command.kill_on_drop(true).spawn();
        let mut child =
            Group(child.map_err(|error| self.failure(format_args!("cannot be started: {error}")))?);
        let mut output = Vec::new();
        let stdout = child.0.stdout.take();
        let status = {
            let reading = read(stdout, &mut output);
            tokio::pin!(reading);
            let status = tokio::select! {
                read = &mut reading => {
                    read.map_err(|why| self.failure(why))?;
                    child.0.wait().await
                }
                status = child.0.wait() => {
                    // A command in the background may keep the output open. Whatever is missing is in the pipe.
                    if let Ok(read) = timeout(GRACE, reading).await {
                        read.map_err(|why| self.failure(why))?;
                    }
                    status
                }
            };
            status.map_err(|error| self.failure(format_args!("failed: {error}")))?
        };
        if !status.success() {
            return Err(self.failure(format_args!("failed with {status}: run it to see why")));
        }
        let line = without_mark(&output).split(|byte| *byte == b'\n').next().unwrap_or_default().trim_ascii();
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
