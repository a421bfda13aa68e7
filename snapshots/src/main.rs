//! The program `contract`, which checks a sessions service against the contract.

use std::process::ExitCode;

fn main() -> ExitCode {
    snapshots::cli::main()
}
