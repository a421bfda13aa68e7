//! The `loadtest` program: parses the command line, runs it, and exits with the verdict.

mod goose_stdout;

use goose_stdout::GooseStdout;
use loadtest::{Cli, ExitCode, LoadTestError};
use mimalloc::MiMalloc;
use std::io::{Write, stderr, stdout};
use std::process;

/// Faster than the allocator of the C library: each call of the load generator costs less CPU.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[tokio::main]
async fn main() -> process::ExitCode {
    let exit = match Cli::parse() {
        Ok(cli) => run(cli).await.unwrap_or_else(|error| {
            let _ = writeln!(stderr(), "loadtest: {error}");
            ExitCode::CouldNotRun
        }),
        Err(error) => {
            let _ = error.print();
            // `--help` is not a usage error. clap's own exit code for usage errors (2) means wrong data here.
            if error.use_stderr() { ExitCode::CouldNotRun } else { ExitCode::Passed }
        }
    };
    process::ExitCode::from(exit.code())
}

async fn run(cli: Cli) -> Result<ExitCode, LoadTestError> {
    let redirected = GooseStdout::redirect(cli.prints_goose_output());
    let output = loadtest::run(cli).await;
    drop(redirected);
    let output = output?;
    // A closed standard output, as after `| head`, changes nothing about the verdict.
    let _ = write!(stdout().lock(), "{output}");
    Ok(output.exit_code())
}
