//! The embedded sessions microservice as a program, for tests in any language.

use clap::Parser;
use sessions_service::{EmbeddedService, ServiceOptions, SessionStore};
use std::io::{self, Write as _};
use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::time::Duration;
use tokio::signal;

/// Serve the sessions microservice from memory, with the responses of the real service
///
/// Prints its URL once it accepts connections, and stops on Ctrl-C or SIGTERM. Sessions are lost when it
/// stops.
#[derive(Parser)]
#[command(version)]
struct Options {
    /// Host name or IP address to listen at
    #[arg(long, default_value = "127.0.0.1")]
    host: String,
    /// Port to listen at; 0 selects a free port
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Port to listen at for gRPC and commandable gRPC; 0 selects a free port [default: no gRPC]
    #[cfg(feature = "grpc")]
    #[arg(long, value_name = "PORT")]
    grpc_port: Option<u16>,
    /// Reject requests beyond N at once with 503 and `Retry-After: 1` [default: no limit]. Commands take microseconds, so
    /// combine it with `--response-delay`
    #[arg(long, value_name = "N")]
    max_concurrent_requests: Option<NonZeroUsize>,
    /// Delay of each command, such as `20ms` or `2s`
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = humantime::parse_duration)]
    response_delay: Duration,
}

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    let store = SessionStore::new();
    let mut service_options = ServiceOptions::new().with_response_delay(options.response_delay);
    if let Some(limit) = options.max_concurrent_requests {
        service_options = service_options.with_max_concurrent_requests(limit);
    }
    let address = (&*options.host, options.port);
    let service = match EmbeddedService::start_with_options(address, store.clone(), service_options).await {
        Ok(service) => service,
        Err(error) => return not_listening(&options.host, options.port, "--port", &error),
    };
    #[cfg(feature = "grpc")]
    let grpc = match options.grpc_port {
        None => None,
        Some(port) => match EmbeddedService::start_grpc((&*options.host, port), store, service_options).await
        {
            Ok(grpc) => Some(grpc),
            Err(error) => return not_listening(&options.host, port, "--grpc-port", &error),
        },
    };
    let stopped = stop_signal();
    // The service also runs without a reader of this line: a closed stdout is not an error.
    let _ = writeln!(io::stdout(), "sessions service listening at {}", service.url());
    #[cfg(feature = "grpc")]
    if let Some(grpc) = &grpc {
        let _ = writeln!(io::stdout(), "gRPC listening at {}", grpc.url());
    }
    match stopped.await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: cannot wait for Ctrl-C: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Prints why the service cannot listen at an address, with the remedy. `option` is that of the port.
fn not_listening(host: &str, port: u16, option: &str, error: &io::Error) -> ExitCode {
    let remedy = match error.kind() {
        io::ErrorKind::AddrInUse => {
            format!("Choose another port with {option}, or {option} 0 for a free one")
        }
        io::ErrorKind::PermissionDenied => {
            format!("Choose a port above 1023 with {option}, or {option} 0 for a free one")
        }
        _ => "Choose an address of this machine with --host, for example --host 127.0.0.1".to_owned(),
    };
    eprintln!("error: cannot listen at {host}:{port}: {error}\n{remedy}");
    ExitCode::FAILURE
}

/// Completes on Ctrl-C or SIGTERM, unless they were ignored when the program started.
#[cfg(unix)]
fn stop_signal() -> impl Future<Output = io::Result<()>> {
    use signal::unix::{SignalKind, signal};
    use std::future::pending;

    // Installed before the caller reports that the service is ready, so that no signal is lost after that.
    let handled = |kind| if is_ignored(kind) { Ok(None) } else { signal(kind).map(Some) };
    let signals = [SignalKind::interrupt(), SignalKind::terminate()].map(handled);
    let received = async |signal: Option<signal::unix::Signal>| match signal {
        Some(mut signal) => signal.recv().await,
        None => pending().await,
    };
    async move {
        let [interrupt, terminate] = signals;
        let (interrupt, terminate) = (interrupt?, terminate?);
        tokio::select! {
            _ = received(interrupt) => {}
            _ = received(terminate) => {}
        }
        Ok(())
    }
}

/// Returns whether the process ignores a signal, as it does if a shell has started it in the background. Only Linux has a
/// way to find that out without unsafe code.
#[cfg(unix)]
fn is_ignored(kind: signal::unix::SignalKind) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|set| u64::from_str_radix(set.trim(), 16).ok()).unwrap_or_default();
    (ignored >> (kind.as_raw_value() - 1)) & 1 == 1
}

/// Completes on Ctrl-C.
#[cfg(not(unix))]
async fn stop_signal() -> io::Result<()> {
    signal::ctrl_c().await
}
