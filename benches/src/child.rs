//! Child processes: servers that run until their standard input is closed, and programs that print one line.

use anyhow::{Context, Result, bail, ensure};
use std::env;
use std::io::{Read, Seek};
use std::process::{Command as Std, Stdio};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};

/// Returns the path of this program.
pub(crate) fn this_program() -> Result<String> {
    let program = env::current_exe().context("cannot find the path of this program")?;
    Ok(program.to_str().context("the path of this program is not valid UTF-8")?.to_owned())
}

/// The core that a process is pinned to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Core {
    /// The core of the server.
    Server,
    /// The core of the client.
    Client,
}

impl Core {
    /// Returns a command that runs `program` on this core, or on any core if `taskset` is missing or there is
    /// only one core.
    pub(crate) fn command(self, program: &str) -> Command {
        let core = match self {
            Self::Server => "0",
            Self::Client => "1",
        };
        let can_be_pinned = Std::new("taskset")
            .args(["-c", core, "true"])
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success());
        if !can_be_pinned {
            return Command::new(program);
        }
        let mut command = Command::new("taskset");
        command.args(["-c", core, program]);
        command
    }
}

/// A server in a child process. It ends when this value is dropped or this program ends, which close its
/// standard input.
pub(crate) struct Server {
    /// Holds the server's standard input open.
    process: Child,
    pub(crate) url: String,
}

impl Server {
    /// Starts `command`, which must print its URL and end when its standard input is closed.
    pub(crate) async fn start(mut command: Command) -> Result<Self> {
        // A file, because messages of the server would break the progress line of this program.
        let mut errors = tempfile::tempfile()?;
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(errors.try_clone()?);
        let mut process = command.spawn().with_context(|| format!("{:?}", command.as_std()))?;
        let output = process.stdout.take().context("the standard output of the server is not captured")?;
        let mut url = String::new();
        BufReader::new(output).read_line(&mut url).await?;
        if url.is_empty() {
            let mut message = String::new();
            errors.rewind()?;
            errors.read_to_string(&mut message)?;
            bail!("the server ended before it printed its URL: {:?}\n{message}", command.as_std());
        }
        Ok(Self { process, url: url.trim().to_owned() })
    }

    /// Stops the server and waits until its process has ended, so that it does not disturb the next
    /// measurement.
    pub(crate) async fn stop(mut self) -> Result<()> {
        // `wait` closes standard input first.
        let status = self.process.wait().await?;
        ensure!(status.success(), "the server ended with {status}");
        Ok(())
    }

    /// Starts the server with fixed responses, which delays each by `delay` microseconds.
    pub(crate) async fn fixed(delay: u64) -> Result<Self> {
        let mut command = Core::Server.command(&this_program()?);
        command.args(["respond", "--delay", &delay.to_string()]);
        Self::start(command).await
    }
}

/// Waits until the parent closes the standard input of this process.
pub(crate) async fn stdin_closed() {
    let _ = tokio::io::stdin().read_to_end(&mut Vec::new()).await;
}

/// Runs `command` and returns its standard output.
pub(crate) async fn output(mut command: Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true).output().await;
    let output = output.with_context(|| format!("cannot start {:?}", command.as_std()))?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{:?} failed, {}:\n{errors}", command.as_std(), output.status);
    Ok(String::from_utf8(output.stdout)?)
}

/// Returns the version of the compiler of this workspace, as printed by `rustc --version`.
pub(crate) async fn rustc() -> Result<String> {
    let mut rustc = Command::new("rustc");
    rustc.arg("--version").current_dir(env!("CARGO_MANIFEST_DIR"));
    Ok(output(rustc).await?.trim().to_owned())
}
