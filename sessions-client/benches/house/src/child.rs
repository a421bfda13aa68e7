//! Children of this program: servers that run until they are let go, and processes that print one line.

use anyhow::{Context, Result, bail, ensure};
use std::env;
use std::io::{Read, Seek};
use std::process::{Command as Std, Stdio};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};

/// This program again.
pub(crate) fn myself() -> Result<String> {
    let program = env::current_exe().context("where this program is")?;
    Ok(program.to_str().context("the path of this program is no text")?.to_owned())
}

/// Which core a process has to itself.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Core {
    /// That of the server.
    Server,
    /// That of the client.
    Client,
}

impl Core {
    /// `program` on this core. Where there is no `taskset`, or only one core, it is wherever it likes.
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

/// A server in a process of its own. It ends when this is dropped, or this program dies: its input ends then.
pub(crate) struct Server {
    /// Its standard input is held open for as long as it is to run.
    process: Child,
    pub(crate) url: String,
}

impl Server {
    /// Starts `command`, which is to print its address, and to end when its standard input does.
    pub(crate) async fn start(mut command: Command) -> Result<Self> {
        // What it tells meanwhile would tear the progress that is shown.
        let mut told = tempfile::tempfile()?;
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(told.try_clone()?);
        let mut process = command.spawn().with_context(|| format!("{:?}", command.as_std()))?;
        let output = process.stdout.take().context("the output of a server")?;
        let mut url = String::new();
        BufReader::new(output).read_line(&mut url).await?;
        if url.is_empty() {
            let mut text = String::new();
            told.rewind()?;
            told.read_to_string(&mut text)?;
            bail!("a server ended before it said where it is: {:?}\n{text}", command.as_std());
        }
        Ok(Self { process, url: url.trim().to_owned() })
    }

    /// Waits for its end, so that it is in nobody's way.
    pub(crate) async fn stop(mut self) -> Result<()> {
        // `wait` closes its input first.
        let status = self.process.wait().await?;
        ensure!(status.success(), "a server ended with {status}");
        Ok(())
    }

    /// The fixed-answer server, which holds each answer back for `delay` microseconds.
    pub(crate) async fn fixed(delay: u64) -> Result<Self> {
        let mut command = Core::Server.command(&myself()?);
        command.args(["answer", "--delay", &delay.to_string()]);
        Self::start(command).await
    }
}

/// Until the parent lets this process go.
pub(crate) async fn released() {
    let _ = tokio::io::stdin().read_to_end(&mut Vec::new()).await;
}

/// What a process prints.
pub(crate) async fn output(mut command: Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true).output().await;
    let output = output.with_context(|| format!("{:?} cannot be started", command.as_std()))?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{:?} failed, {}:\n{errors}", command.as_std(), output.status);
    Ok(String::from_utf8(output.stdout)?)
}

/// The compiler of this workspace, as it calls itself.
pub(crate) async fn rustc() -> Result<String> {
    let mut rustc = Command::new("rustc");
    rustc.arg("--version").current_dir(env!("CARGO_MANIFEST_DIR"));
    Ok(output(rustc).await?.trim().to_owned())
}
