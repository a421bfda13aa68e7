//! What the client and the embedded service cost, beside what people write by hand and what others generate.
//!
//! Measured processes are children of this program, which is its own client, server and load generator: each
//! begins afresh, is pinned to a core of its own, and prints one line.
#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "figures are for tables, and far from where an f64 is not exact"
)]

mod answers;
mod build_cost;
#[path = "../../by_hand/mod.rs"]
mod by_hand;
mod callgrind;
mod child;
mod clients;
mod codec;
mod compare;
mod count;
mod gates;
mod http1;
mod load;
mod node;
mod report;
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

/// What the client and the embedded service cost.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Compares all clients against a server with fixed answers.
    Compare(Compare),
    /// Counts instructions and allocations, of all clients and of the codec.
    Count(Count),
    /// Fails if instructions or allocations have grown.
    Gate(Gate),
    /// Compares one call at a time with ever more.
    Scale(Scale),
    /// Measures what a program on the client costs to build.
    BuildCost(BuildCost),
    /// Compares the embedded service with the real one.
    Servers(Servers),
    /// Prints all tables but that of `build-cost`, in Markdown.
    Report(Report),
    /// Makes calls with one client and prints what was measured, as JSON.
    #[command(hide = true)]
    Work(Work),
    /// Encodes or decodes without a network.
    #[command(hide = true)]
    Codec(Codec),
    /// Loads a server and prints the requests a second.
    #[command(hide = true)]
    Load(Load),
    /// Runs a server until standard input ends, and prints where.
    #[command(hide = true)]
    Serve { kind: Kind },
    /// Answers with fixed bytes until standard input ends, and prints where.
    #[command(hide = true)]
    Answer {
        /// How long each answer is held back, in microseconds.
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
    allow_connections()?;
    // One thread, as each measured process has one core; and tasks need not move.
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
        Command::Answer { delay } => {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            println!("http://{}", listener.local_addr()?);
            tokio::select! {
                result = answers::serve(listener, Duration::from_micros(delay)) => result,
                () = child::released() => Ok(()),
            }
        }
    }
}

/// A thousand connections take more files than a process may have open at first.
fn allow_connections() -> Result<()> {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    Ok(setrlimit(Resource::RLIMIT_NOFILE, most, most)?)
}
