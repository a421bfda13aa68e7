//! The program: arguments in, report and exit code out.

use loadtest::{Cli, Exit};
use mimalloc::MiMalloc;
use std::io::Write;
use std::process::ExitCode;

/// Calls cost less with it than with the allocator of the C library.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    let exit = match Cli::parse() {
        Ok(cli) => match loadtest::run(cli).await {
            Ok(outcome) => {
                // A reader that went away, as `| head` does, has no use for it; the exit code stays.
                let _ = write!(std::io::stdout().lock(), "{outcome}");
                outcome.exit()
            }
            Err(error) => {
                let _ = writeln!(std::io::stderr(), "loadtest: {error}");
                Exit::CouldNotRun
            }
        },
        Err(error) => {
            let _ = error.print();
            // Help was asked for and is no mistake; clap's own code for a mistake means something else here.
            if error.use_stderr() { Exit::CouldNotRun } else { Exit::Passed }
        }
    };
    ExitCode::from(exit.code())
}
