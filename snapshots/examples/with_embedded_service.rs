//! Runs a command while the embedded service runs beside it, and ends as the command ends.
//!
//! ```sh
//! cargo run -p snapshots --example with_embedded_service -- COMMAND [ARGUMENT…]
//! ```
//!
//! The command finds the service at `$SESSIONS_URL`, as it does under `providers/with-service.sh`: the same
//! check can be made of both services.

use sessions_client::SessionsMemoryClientV1;
use sessions_client::server::EmbeddedService;
use std::env;
use std::process::ExitCode;
use tokio::process::Command;

#[tokio::main]
async fn main() -> ExitCode {
    let mut arguments = env::args_os().skip(1);
    let Some(program) = arguments.next() else {
        eprintln!("usage: with_embedded_service COMMAND [ARGUMENT...]");
        return ExitCode::from(64);
    };
    let service = match EmbeddedService::start("127.0.0.1:0", SessionsMemoryClientV1::new()).await {
        Ok(service) => service,
        Err(error) => {
            eprintln!("the embedded service cannot listen at 127.0.0.1: {error}");
            return ExitCode::from(69);
        }
    };
    let status = Command::new(&program)
        .args(arguments)
        .env("SESSIONS_URL", service.url())
        .env("SESSIONS_CLOSE_EXPIRED", "yes")
        // A proxy has no way to this service.
        .env("NO_PROXY", "127.0.0.1")
        .env("no_proxy", "127.0.0.1")
        .status()
        .await;
    match status {
        // A command that a signal ended has no code of its own.
        Ok(status) => ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)),
        Err(error) => {
            eprintln!("{} cannot be run: {error}", program.display());
            ExitCode::from(127)
        }
    }
}
