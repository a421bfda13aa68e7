//! The program `contract`, which checks a sessions service against the contract.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    snapshots::cli::main().await
}
