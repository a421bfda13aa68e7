//! `compare`: every client against the same fixed-answer server, in turns.
//!
//! Each figure is the median of several rounds, and a round has all clients in it (A B C, A B C, …), so that what
//! the machine does meanwhile happens to all of them. Ratios count, absolute figures belong to the machine.

use crate::child::{Core, Server, myself, output};
use crate::clients::Client;
use crate::count::word;
use crate::node;
use crate::table::{Table, thousands};
use crate::wire::Operation;
use crate::work::Measured;
use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use std::fmt;
use std::str::FromStr;

/// Who takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Contender {
    /// A client in Rust.
    Rust(Client),
    /// The official client, for Node.js, once its code is compiled.
    Node,
    /// The same in the first second of its process.
    NodeAtFirst,
}

impl Contender {
    fn all() -> Vec<Self> {
        Client::value_variants()
            .iter()
            .map(|&client| Self::Rust(client))
            .chain([Self::Node, Self::NodeAtFirst])
            .collect()
    }

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Rust(client) => client.title(),
            Self::Node => "official client, Node.js",
            Self::NodeAtFirst => "official client, Node.js, at first",
        }
    }
}

impl FromStr for Contender {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let known = Self::all().into_iter().find(|contender| contender.to_string() == name);
        known.ok_or_else(|| {
            let names: Vec<_> = Self::all().iter().map(ToString::to_string).collect();
            format!("there is no such client; there are {}", names.join(", "))
        })
    }
}

impl fmt::Display for Contender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rust(client) => f.write_str(&word(client)),
            Self::Node => f.write_str("node"),
            Self::NodeAtFirst => f.write_str("node-at-first"),
        }
    }
}

/// One caller, some, and many.
const CALLERS: [usize; 3] = [1, 16, 64];

/// The arguments of `compare`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Compare {
    /// The clients, all if none is named.
    #[arg(long, value_delimiter = ',')]
    clients: Vec<Contender>,
    /// The operations, all if none is named.
    #[arg(long, value_delimiter = ',')]
    operations: Vec<Operation>,
    /// Callers at once.
    #[arg(long, value_delimiter = ',', default_values_t = CALLERS)]
    callers: Vec<usize>,
    #[command(flatten)]
    pub(crate) rounds: Rounds,
}

/// How long and how often something is measured.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Rounds {
    /// How often each client has its turn.
    #[arg(long = "rounds", default_value_t = 5)]
    count: usize,
    /// How long a turn takes, in seconds.
    #[arg(long, default_value_t = 1.0)]
    seconds: f64,
    /// Three short rounds: to see that it runs, and to see what is far from the rest.
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

/// What a contender did with an operation and a number of callers, a figure a round.
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

    /// How many times the throughput of `other` this is, round by round.
    fn times(&self, other: Option<&Self>) -> String {
        let Some(other) = other else { return String::new() };
        let pairs = self.rounds.iter().zip(&other.rounds);
        format!("{:.2}", median(pairs.map(|(this, other)| this.per_second() / other.per_second())))
    }
}

/// The figure in the middle.
pub(crate) fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut figures: Vec<_> = figures.collect();
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

impl Compare {
    /// Compares everything.
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
        // The clients are next to each other.
        for cells in cells.chunks(contenders.len()) {
            let Cell { operation, callers, .. } = cells[0];
            let seconds = self.rounds.seconds();
            println!("\n`{operation}`, {callers} at once, median of {rounds} rounds of {seconds} s:\n");
            println!("{}", table(cells));
        }
        Ok(())
    }
}

/// The figures of an operation with a number of callers, and the client's throughput beside that of others.
fn table(cells: &[Cell]) -> Table {
    let beside = |contender| cells.iter().find(move |cell| cell.contender == contender);
    let (usual, official) = (beside(Contender::Rust(Client::Reqwest)), beside(Contender::Node));
    let mut table =
        Table::new(["client", "calls/s", "× reqwest", "× official", "CPU µs a call", "p50 ms", "p99 ms"]);
    for cell in cells {
        table.push([
            cell.contender.title().to_owned(),
            thousands(cell.median(Measured::per_second)),
            cell.times(usual),
            cell.times(official),
            format!("{:.1}", cell.median(Measured::cpu_micros_a_call)),
            format!("{:.2}", cell.median(|measured| measured.p50_micros) / 1e3),
            format!("{:.2}", cell.median(|measured| measured.p99_micros) / 1e3),
        ]);
    }
    table
}

/// One turn.
pub(crate) async fn measure(
    contender: Contender,
    operation: Operation,
    callers: usize,
    url: &str,
    seconds: f64,
) -> Result<Measured> {
    // Node.js compiles what runs often, some thousand calls later.
    let warm_up = match contender {
        Contender::Rust(_) => 500_usize,
        Contender::Node => 4_000,
        Contender::NodeAtFirst => 0,
    };
    let warm_up = warm_up.div_ceil(callers).max(2).to_string();
    let (callers, seconds) = (callers.to_string(), seconds.to_string());
    let mut command = match contender {
        Contender::Rust(client) => {
            let mut command = Core::Client.command(&myself()?);
            command.args(["work", &word(&client)]);
            command
        }
        Contender::Node | Contender::NodeAtFirst => node::command(),
    };
    command.args([
        &word(&operation),
        url,
        "--callers",
        &callers,
        "--warm-up",
        &warm_up,
        "--seconds",
        &seconds,
    ]);
    let line = output(command).await?;
    serde_json::from_str(&line).with_context(|| format!("what a client printed: {line:?}"))
}
