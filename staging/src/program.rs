//! Programs that run until they are dropped.

use std::env;
use std::fs::{self, File};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::process::Command as AsyncCommand;

/// The time within which a program must accept connections.
const START: Duration = Duration::from_secs(20);

/// The time within which a program must end that was asked to.
pub(crate) const END: Duration = Duration::from_secs(30);

/// A pause between two looks at a program: it reports neither that it listens nor that it has ended.
const POLL: Duration = Duration::from_millis(20);

/// A child process. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Program {
    name: &'static str,
    child: Child,
    log: PathBuf,
}

impl Program {
    /// Starts the program `name` with its output in `folder`, and waits until it accepts connections at
    /// `address`.
    pub(crate) async fn start(
        name: &'static str,
        arguments: &[&str],
        folder: &Path,
        address: SocketAddr,
    ) -> io::Result<Self> {
        let log = folder.join(format!("{name}.log"));
        let output = File::options().create(true).append(true).open(&log)?;
        let child = Command::new(find(name).ok_or_else(|| io::Error::other(format!("{name} is missing")))?)
            .args(arguments)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()?;
        let mut program = Self { name, child, log };
        program.wait_until_it_listens(address).await?;
        Ok(program)
    }

    async fn wait_until_it_listens(&mut self, address: SocketAddr) -> io::Result<()> {
        let deadline = Instant::now() + START;
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Err(self.error(&format!("ended with {status}")));
            }
            if TcpStream::connect(address).await.is_ok() {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(self.error(&format!("does not listen at {address}")));
            }
            tokio::time::sleep(POLL).await;
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it ends by itself.
    pub(crate) async fn wait(mut self) -> io::Result<()> {
        let deadline = Instant::now() + END;
        while self.child.try_wait()?.is_none() {
            if Instant::now() > deadline {
                return Err(self.error("does not end"));
            }
            tokio::time::sleep(POLL).await;
        }
        Ok(())
    }

    /// Returns an error with the output of the program.
    pub(crate) fn error(&self, why: &str) -> io::Error {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        io::Error::other(format!("{} {why}\n{log}", self.name))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a program to its end, in `folder`.
pub(crate) async fn run(name: &str, arguments: &[&str], folder: &Path) -> io::Result<()> {
    let output =
        AsyncCommand::new(name).args(arguments).current_dir(folder).stdin(Stdio::null()).output().await?;
    if output.status.success() {
        return Ok(());
    }
    let log = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(format!("{name} {} ended with {}\n{log}", arguments.join(" "), output.status)))
}

/// Returns those of `names` that are not installed.
#[must_use]
pub fn missing_programs<'n>(names: &[&'n str]) -> Vec<&'n str> {
    names.iter().copied().filter(|name| find(name).is_none()).collect()
}

/// Returns the path of a program. Debian installs servers where the search path of users does not lead.
fn find(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders =
        env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into(), "/usr/local/sbin".into()]);
    folders.map(|folder| folder.join(name)).find(|path| path.is_file())
}
