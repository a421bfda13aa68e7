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

fn main() -> process::ExitCode {
    let exit = match Cli::parse() {
        Ok(cli) => run_to_end(cli).unwrap_or_else(|error| {
            let _ = writeln!(stderr(), "loadtest: {error}");
            error.exit_code()
        }),
        Err(error) => {
            let _ = error.print();
            // `--help` is not a usage error. clap's own exit code for usage errors (2) means wrong data here.
            if error.use_stderr() { ExitCode::CouldNotRun } else { ExitCode::Passed }
        }
    };
    process::ExitCode::from(exit.code())
}

fn run_to_end(cli: Cli) -> Result<ExitCode, LoadTestError> {
    let runtime = tokio::runtime::Runtime::new()
        .map_err(|error| LoadTestError::LoadGenerator(format!("the runtime cannot start: {error}")))?;
    let exit = runtime.block_on(run(cli));
    // Dropping the runtime would wait for a name lookup that hangs.
    runtime.shutdown_background();
    exit
}

async fn run(cli: Cli) -> Result<ExitCode, LoadTestError> {
    // goose exits after it has only printed something, before its output could be forwarded.
    let redirected = (!cli.makes_no_load()).then(|| GooseStdout::redirect(cli.prints_goose_output()));
    let output = loadtest::run(cli).await;
    drop(redirected);
    let output = output?;
    // A closed standard output, as after `| head`, changes nothing about the verdict.
    let _ = write!(stdout().lock(), "{output}");
    Ok(output.exit_code())
}
