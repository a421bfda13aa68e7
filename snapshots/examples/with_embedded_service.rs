//! Runs a command against the embedded service and exits with the status of the command.
//!
//! ```sh
//! cargo run -p snapshots --example with_embedded_service -- COMMAND [ARGUMENT…]
//! ```
//!
//! The command finds the service at `$SESSIONS_URL`, as it does with `providers/with-service.sh`, so that the
//! same check can run against both services.

use sessions_service::{EmbeddedService, SessionStore};
use std::env;
use std::io;
use std::process::{ExitCode, ExitStatus};
use tokio::process::{Child, Command};

#[tokio::main]
async fn main() -> ExitCode {
    let mut arguments = env::args_os().skip(1);
    let Some(program) = arguments.next() else {
        eprintln!("usage: with_embedded_service COMMAND [ARGUMENT...]");
        return ExitCode::from(64);
    };
    let service = match EmbeddedService::start("127.0.0.1:0", SessionStore::new()).await {
        Ok(service) => service,
        Err(error) => {
            eprintln!("the embedded service cannot listen at 127.0.0.1: {error}");
            return ExitCode::from(69);
        }
    };
    let child = Command::new(&program)
        .args(arguments)
        .env("SESSIONS_URL", service.url())
        .env("SESSIONS_CLOSE_EXPIRED", "yes")
        // A proxy cannot reach this service.
        .env("NO_PROXY", "127.0.0.1")
        .env("no_proxy", "127.0.0.1")
        .spawn();
    let status = match child {
        Ok(mut child) => end(&mut child).await,
        Err(error) => Err(error),
    };
    match status {
        // A command that was ended by a signal has no exit code.
        Ok(status) => ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)),
        Err(error) => {
            eprintln!("cannot run {}: {error}", program.display());
            ExitCode::from(127)
        }
    }
}

/// Waits for the end of a command, which receives the termination signals of this program. The service runs meanwhile,
/// because the command may still need it to clean up.
#[cfg(unix)]
async fn end(child: &mut Child) -> io::Result<ExitStatus> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut terminate = signal(SignalKind::terminate())?;
    // A terminal sends these to the command as well.
    let _hangup = signal(SignalKind::hangup())?;
    let _interrupt = signal(SignalKind::interrupt())?;
    loop {
        tokio::select! {
            status = child.wait() => return status,
            _ = terminate.recv() => {
                if let Some(id) = child.id() {
                    Command::new("kill").args(["-TERM", &id.to_string()]).status().await?;
                }
            }
        }
    }
}

#[cfg(not(unix))]
async fn end(child: &mut Child) -> io::Result<ExitStatus> {
    child.wait().await
}
