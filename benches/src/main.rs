//! Benchmarks of the client and the embedded service, compared with hand-written code and other generators.
//!
//! This program contains all clients and servers and the load generator. It runs each measurement in a new
//! child process, which is pinned to one core and prints one line.
#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "all figures are small enough to be exact as `f64`, and are only printed in tables"
)]

mod build_cost;
#[path = "../../sessions-client/benches/by_hand/mod.rs"]
mod by_hand;
mod callgrind;
mod child;
mod clients;
mod codec;
mod compare;
mod count;
mod gates;
mod grpc;
mod http1;
mod load;
mod node;
mod report;
mod responses;
mod scale;
mod servers;
mod table;
mod wire;
mod work;

use crate::build_cost::BuildCost;
use crate::codec::Codec;
use crate::compare::Compare;
use crate::count::Count;
use crate::gates::Gate;
use crate::load::Load;
use crate::report::Report;
use crate::scale::Scale;
use crate::servers::{Kind, Servers};
use crate::work::Work;
use anyhow::Result;
use clap::{Parser, Subcommand};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use std::process::ExitCode;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, LocalOptions};

/// Measure the client and the embedded service, and compare them with alternatives
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Compare all clients against a server that sends fixed responses
    Compare(Compare),
    /// Count the instructions and allocations of all clients, the codec and the embedded service
    Count(Count),
    /// Fail if instructions or allocations exceed their limits
    Gate(Gate),
    /// Compare clients under a growing number of concurrent callers
    Scale(Scale),
    /// Measure the compile time of a program that uses the client
    BuildCost(BuildCost),
    /// Compare the embedded service with the real one
    Servers(Servers),
    /// Print all tables except that of `build-cost`, as Markdown
    Report(Report),
    /// Make calls with one client and print the measurements as JSON
    #[command(hide = true)]
    Work(Work),
    /// Encode requests or decode responses without a network
    #[command(hide = true)]
    Codec(Codec),
    /// Send requests to a server and print the requests per second
    #[command(hide = true)]
    Load(Load),
    /// Run a server until standard input is closed, and print its URL
    #[command(hide = true)]
    Serve { kind: Kind },
    /// Run the server with fixed responses until standard input is closed, and print its URL
    #[command(hide = true)]
    Respond {
        /// Delay of each response, in microseconds
        #[arg(long, default_value_t = 0)]
        delay: u64,
    },
}

fn main() -> ExitCode {
    match start(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sessions-bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start(cli: Cli) -> Result<()> {
    raise_file_limit()?;
    // One thread, because each measured process has one core. Tasks then need not be `Send`.
    let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default())?;
    runtime.block_on(run(cli.command))
}

async fn run(command: Command) -> Result<()> {
    match command {
        Command::Compare(compare) => compare.run().await,
        Command::Count(count) => count.run().await,
        Command::Gate(gate) => gate.run().await,
        Command::Scale(scale) => scale.run().await,
        Command::BuildCost(build) => build.run().await,
        Command::Servers(servers) => servers.run().await,
        Command::Report(report) => report.run().await,
        Command::Load(load) => {
            println!("{}", load.run().await?);
            Ok(())
        }
        Command::Serve { kind } => kind.serve().await,
        Command::Work(work) => {
            println!("{}", serde_json::to_string(&work.run().await?)?);
            Ok(())
        }
        Command::Codec(codec) => codec.run(),
        Command::Respond { delay } => {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            println!("http://{}", listener.local_addr()?);
            tokio::select! {
                result = responses::serve(listener, Duration::from_micros(delay)) => result,
                () = child::stdin_closed() => Ok(()),
            }
        }
    }
}

/// Raises the limit of open files to its maximum, because 1,024 connections exceed the usual default.
fn raise_file_limit() -> Result<()> {
    let (_, max) = getrlimit(Resource::RLIMIT_NOFILE)?;
    Ok(setrlimit(Resource::RLIMIT_NOFILE, max, max)?)
}
