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
use tokio::process::Command;

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
    let mut command = Command::new(&program);
    command
        .args(arguments)
        .env("SESSIONS_URL", service.url())
        .env("SESSIONS_CLOSE_EXPIRED", "yes")
        // A proxy cannot reach this service.
        .env("NO_PROXY", "127.0.0.1")
        .env("no_proxy", "127.0.0.1")
        .kill_on_drop(true);
    let status = run(command).await;
    match status {
        // A command that was ended by a signal has no exit code.
        Ok(status) => ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)),
        Err(error) => {
            eprintln!("cannot run {}: {error}", program.display());
            ExitCode::from(127)
        }
    }
}

/// Runs a command, which receives the termination signals of this program. The service runs meanwhile, because the command
/// may still need it to clean up.
#[cfg(unix)]
async fn run(mut command: Command) -> io::Result<ExitStatus> {
    use programs::signals::TerminationSignal;
    use tokio::signal::unix::SignalKind;

    // Before the command starts, so that no signal leaves it behind. The command inherits which signals are ignored.
    let mut terminate = TerminationSignal::new(SignalKind::terminate())?;
    // A terminal sends these to the command as well. A second one would make some programs end without cleaning up.
    let _hangup = TerminationSignal::new(SignalKind::hangup())?;
    let _interrupt = TerminationSignal::new(SignalKind::interrupt())?;
    let mut child = command.spawn()?;
    loop {
        tokio::select! {
            status = child.wait() => return status,
            _ = terminate.recv() => {
                let Some(id) = child.id() else { continue };
                let sent = Command::new("kill").args(["-TERM", &id.to_string()]).status().await;
                if !sent.is_ok_and(|status| status.success()) {
                    eprintln!("the program `kill` is missing or has failed: the command is ended without cleaning up");
                    child.start_kill()?;
                }
            }
        }
    }
}

#[cfg(not(unix))]
async fn run(mut command: Command) -> io::Result<ExitStatus> {
    command.spawn()?.wait().await
}
