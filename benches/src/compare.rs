//! `compare`: all clients against the same server with fixed responses, in turns.
//!
//! Each figure is the median of several rounds. A round runs all clients one after another (A B C, A B C, …),
//! so that other load on the machine affects them equally. Absolute figures depend on the machine; ratios are
//! comparable.

use crate::child::{Core, Server, output, this_program};
use crate::clients::Client;
use crate::count::value_name;
use crate::node;
use crate::table::{Table, thousands};
use crate::wire::Operation;
use crate::work::Measured;
use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use std::fmt;
use std::str::FromStr;

/// A client that takes part in the comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Contender {
    /// A client in Rust.
    Rust(Client),
    /// The official client for Node.js, after its code has been compiled.
    Node,
    /// The official client for Node.js in the first second of its process.
    NodeFirstSecond,
    /// The official client for Node.js over commandable gRPC.
    NodeGrpc,
}

impl Contender {
    fn all() -> Vec<Self> {
        Client::value_variants()
            .iter()
            .map(|&client| Self::Rust(client))
            .chain([Self::Node, Self::NodeFirstSecond, Self::NodeGrpc])
            .collect()
    }

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Rust(client) => client.title(),
            Self::Node => "official client, Node.js",
            Self::NodeFirstSecond => "official client, Node.js, first second",
            Self::NodeGrpc => "official client, Node.js, commandable gRPC",
        }
    }
}

impl FromStr for Contender {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let known = Self::all().into_iter().find(|contender| contender.to_string() == name);
        known.ok_or_else(|| {
            let names: Vec<_> = Self::all().iter().map(ToString::to_string).collect();
            format!("unknown client; the known clients are {}", names.join(", "))
        })
    }
}

impl fmt::Display for Contender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rust(client) => f.write_str(&value_name(client)),
            Self::Node => f.write_str("node"),
            Self::NodeFirstSecond => f.write_str("node-first-second"),
            Self::NodeGrpc => f.write_str("node-grpc"),
        }
    }
}

/// Default numbers of concurrent callers.
const CALLERS: [usize; 3] = [1, 16, 64];

/// The arguments of `compare`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Compare {
    /// Clients to compare; by default all
    #[arg(long, value_delimiter = ',')]
    clients: Vec<Contender>,
    /// Operations to call; by default all
    #[arg(long, value_delimiter = ',')]
    operations: Vec<Operation>,
    /// Numbers of concurrent callers
    #[arg(long, value_delimiter = ',', default_values_t = CALLERS)]
    callers: Vec<usize>,
    #[command(flatten)]
    pub(crate) rounds: Rounds,
}

/// Number and duration of measurements.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Rounds {
    /// Number of measurements of each client
    #[arg(long = "rounds", default_value_t = 5)]
    count: usize,
    /// Duration of each measurement, in seconds
    #[arg(long, default_value_t = 1.0)]
    seconds: f64,
    /// Run three short rounds, for a rough comparison
    #[arg(long, conflicts_with_all = ["count", "seconds"])]
    quick: bool,
}

impl Rounds {
    pub(crate) fn count(self) -> usize {
        if self.quick { 3 } else { self.count.max(1) }
    }

    pub(crate) fn seconds(self) -> f64 {
        if self.quick { 0.3 } else { self.seconds }
    }
}

/// The measurements of a contender with an operation and a number of callers, one per round.
struct Cell {
    contender: Contender,
    operation: Operation,
    callers: usize,
    rounds: Vec<Measured>,
}

impl Cell {
    fn median(&self, figure: impl Fn(&Measured) -> f64) -> f64 {
        median(self.rounds.iter().map(figure))
    }

    /// Returns the median over all rounds of the throughput divided by that of `other`.
    fn ratio(&self, other: Option<&Self>) -> String {
        let Some(other) = other else { return String::new() };
        let pairs = self.rounds.iter().zip(&other.rounds);
        format!("{:.2}", median(pairs.map(|(this, other)| this.per_second() / other.per_second())))
    }
}

/// Returns the median, or NaN if there are no figures.
pub(crate) fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut figures: Vec<_> = figures.collect();
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

impl Compare {
    /// Compares all clients and operations.
    pub(crate) fn all(rounds: Rounds) -> Self {
        Self { clients: Vec::new(), operations: Vec::new(), callers: CALLERS.to_vec(), rounds }
    }

    pub(crate) async fn run(self) -> Result<()> {
        let contenders = if self.clients.is_empty() { Contender::all() } else { self.clients.clone() };
        let operations =
            if self.operations.is_empty() { Operation::ALL.to_vec() } else { self.operations.clone() };
        if contenders.iter().any(|contender| !matches!(contender, Contender::Rust(_))) {
            node::install().await?;
        }
        let server = Server::fixed(0).await?;
        let mut cells = Vec::new();
        for &operation in &operations {
            for &callers in &self.callers {
                let cell = |&contender| Cell { contender, operation, callers, rounds: Vec::new() };
                cells.extend(contenders.iter().map(cell));
            }
        }
        let (rounds, total) = (self.rounds.count(), cells.len());
        for round in 1..=rounds {
            for (turn, cell) in cells.iter_mut().enumerate() {
                let Cell { contender, operation, callers, .. } = *cell;
                eprint!("\r\x1b[Kround {round} of {rounds}, turn {} of {total}: ", turn + 1);
                eprint!("{operation}, {callers} callers, {contender}");
                let measured = measure(contender, operation, callers, &server.url, self.rounds.seconds());
                let measured =
                    measured.await.with_context(|| format!("{contender} with {callers} callers"))?;
                cell.rounds.push(measured);
            }
        }
        eprint!("\r\x1b[K");
        // The cells of one operation and number of callers are adjacent.
        for cells in cells.chunks(contenders.len()) {
            let Cell { operation, callers, .. } = cells[0];
            let seconds = self.rounds.seconds();
            println!(
                "\n`{operation}`, {callers} concurrent callers, median of {rounds} rounds of {seconds} s:\n"
            );
            println!("{}", table(cells));
        }
        Ok(())
    }
}

/// Returns the table of an operation with a number of callers.
fn table(cells: &[Cell]) -> Table {
    let find = |contender| cells.iter().find(move |cell| cell.contender == contender);
    let (reqwest, official) = (find(Contender::Rust(Client::Reqwest)), find(Contender::Node));
    let mut table =
        Table::new(["client", "calls/s", "× reqwest", "× official", "CPU µs per call", "p50 ms", "p99 ms"]);
    for cell in cells {
        table.push([
            cell.contender.title().to_owned(),
            thousands(cell.median(Measured::per_second)),
            cell.ratio(reqwest),
            cell.ratio(official),
            format!("{:.1}", cell.median(Measured::cpu_micros_per_call)),
            format!("{:.2}", cell.median(|measured| measured.p50_micros) / 1e3),
            format!("{:.2}", cell.median(|measured| measured.p99_micros) / 1e3),
        ]);
    }
    table
}

/// Runs one measurement in a child process.
pub(crate) async fn measure(
    contender: Contender,
    operation: Operation,
    callers: usize,
    url: &str,
    seconds: f64,
) -> Result<Measured> {
    // Node.js compiles hot code after some thousand calls.
    let warm_up = match contender {
        Contender::Rust(_) => 500_usize,
        Contender::Node | Contender::NodeGrpc => 4_000,
        Contender::NodeFirstSecond => 0,
    };
    let warm_up = warm_up.div_ceil(callers).max(2).to_string();
    let (callers, seconds) = (callers.to_string(), seconds.to_string());
    let mut command = match contender {
        Contender::Rust(client) => {
            let mut command = Core::Client.command(&this_program()?);
            command.args(["work", &value_name(&client)]);
            command
        }
        Contender::Node | Contender::NodeFirstSecond | Contender::NodeGrpc => node::command(),
    };
    if contender == Contender::NodeGrpc {
        command.arg("--commandable-grpc");
    }
    command.args([
        &value_name(&operation),
        url,
        "--callers",
        &callers,
        "--warm-up",
        &warm_up,
        "--seconds",
        &seconds,
    ]);
    let line = output(command).await?;
    serde_json::from_str(&line)
        .with_context(|| format!("the client printed {line:?} instead of its measurements"))
}
