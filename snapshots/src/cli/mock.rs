//! The command `contract mock`.

use super::Exit;
use crate::cassette::{MockService, Recorded};
use crate::environment::log;
use clap::Args;
use std::io::{self, Write as _};
use std::path::PathBuf;

/// Serve a recording as a mock service, for clients in any language
///
/// A request is matched by method, target and body; the ids of users may differ from the recorded ones. The same
/// request again receives the next recorded response. A request that was not recorded receives the status 501 and
/// the nearest recorded one.
#[derive(Args, Debug)]
pub(super) struct MockCommand {
    /// The recording, in the format HAR 1.2: of `contract check --record`, a browser or a proxy
    file: PathBuf,

    /// Host name or IP address to listen at
    #[arg(long, default_value = "127.0.0.1")]
    host: String,

    /// Port to listen at; 0 selects a free port
    #[arg(long, default_value_t = 8080)]
    port: u16,
}

impl MockCommand {
    pub(super) async fn run(self) -> Exit {
        match self.try_run().await {
            Ok(()) => Exit::Passed,
            Err(error) => {
                log(&format!("error: {error}"));
                Exit::CouldNotRun
            }
        }
    }

    async fn try_run(self) -> Result<(), Box<dyn std::error::Error>> {
        let Self { file, host, port } = self;
        let recorded = Recorded::read(&file)?;
        let mock = MockService::start((&*host, port), recorded)
            .await
            .map_err(|error| format!("cannot listen at {host}:{port}: {error}"))?;
        let stopped = stop_signal();
        // The mock also runs without a reader of this line: a closed standard output is not an error.
        let _ = writeln!(io::stdout(), "mock service listening at {}", mock.url());
        stopped.await?;
        Ok(())
    }
}

/// Completes on Ctrl-C or SIGTERM, unless they were ignored when the program started.
#[cfg(unix)]
fn stop_signal() -> impl Future<Output = io::Result<()>> {
    use programs::signals::TerminationSignal;
    use tokio::signal::unix::SignalKind;

    // Installed before the caller reports that the mock is ready, so that no signal is lost after that.
    let signals = [SignalKind::interrupt(), SignalKind::terminate()].map(TerminationSignal::new);
    async move {
        let [interrupt, terminate] = signals;
        let (mut interrupt, mut terminate) = (interrupt?, terminate?);
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        Ok(())
    }
}

/// Completes on Ctrl-C.
#[cfg(not(unix))]
async fn stop_signal() -> io::Result<()> {
    tokio::signal::ctrl_c().await
}
