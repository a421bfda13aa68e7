//! The `simulation` program: runs seeds, and prints the log of one that fails.

use clap::{Parser, ValueEnum};
use simulation::{Bug, Report, outage_table, run};
use std::collections::BTreeMap;
use std::io;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Simulate the client and the service over a faulty network
#[derive(Parser)]
struct Options {
    /// Run one seed and print its log
    #[arg(long, conflicts_with_all = ["seeds", "from"])]
    seed: Option<u64>,
    /// Number of seeds to run
    #[arg(long, default_value_t = 1_000)]
    seeds: u64,
    /// First seed
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Print a table of an outage of 60 s with different policies
    #[arg(long, conflicts_with_all = ["seed", "seeds", "from", "plant"])]
    outage: bool,
    /// Bug to plant around the client
    #[arg(long, value_enum)]
    plant: Option<Bug>,
}

fn main() -> io::Result<ExitCode> {
    let options = Options::parse();
    if options.outage {
        print!("{}", outage_table()?);
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(seed) = options.seed {
        let report = run(seed, options.plant)?;
        println!("{report}");
        return Ok(exit_code(report.violations.is_empty()));
    }
    let summary = run_all(&options)?;
    println!("{summary}");
    Ok(exit_code(summary.failed.is_empty()))
}

fn exit_code(holds: bool) -> ExitCode {
    if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The results of many runs.
#[derive(Default)]
struct Summary {
    runs: u64,
    outcomes: BTreeMap<&'static str, u64>,
    slowest_recovery: Duration,
    /// The first violation of each seed that fails.
    failed: BTreeMap<u64, String>,
    elapsed: Duration,
    plant: Option<Bug>,
}

impl Summary {
    fn add(&mut self, report: Report) {
        self.runs += 1;
        for (outcome, count) in report.outcomes {
            *self.outcomes.entry(outcome).or_default() += count;
        }
        self.slowest_recovery = self.slowest_recovery.max(report.recovery);
        if let Some(violation) = report.violations.into_iter().next() {
            self.failed.insert(report.seed, violation);
        }
    }
}

impl std::fmt::Display for Summary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (seed, violation) in self.failed.iter().take(20) {
            writeln!(f, "seed {seed}: {violation}")?;
        }
        let calls: u64 = self.outcomes.values().sum();
        writeln!(f, "{} seeds with {calls} calls in {:.1} s", self.runs, self.elapsed.as_secs_f64())?;
        for (outcome, count) in &self.outcomes {
            writeln!(f, "  {outcome:<20} {count:>10}")?;
        }
        writeln!(f, "slowest recovery: {:?} after the last fault", self.slowest_recovery)?;
        write!(f, "{} seeds failed", self.failed.len())?;
        let Some(seed) = self.failed.keys().next() else { return Ok(()) };
        write!(f, "; the log of the first one: cargo run -p simulation -- --seed {seed}")?;
        match self.plant.as_ref().and_then(ValueEnum::to_possible_value) {
            Some(bug) => write!(f, " --plant {}", bug.get_name()),
            None => Ok(()),
        }
    }
}

/// Runs all seeds, on all cores.
fn run_all(options: &Options) -> io::Result<Summary> {
    let start = Instant::now();
    let (next, summary) = (AtomicU64::new(options.from), Mutex::new(Ok(Summary::default())));
    let end = options.from.saturating_add(options.seeds);
    let worker = || loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= end {
            return;
        }
        let report = run(seed, options.plant);
        let mut summary = summary.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match (&mut *summary, report) {
            (Ok(summary), Ok(report)) => summary.add(report),
            (Ok(_), Err(error)) => {
                *summary = Err(error);
                return;
            }
            (Err(_), _) => return,
        }
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|threads| {
        for _ in 0..cores {
            threads.spawn(worker);
        }
    });
    let mut summary = summary.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)?;
    summary.elapsed = start.elapsed();
    summary.plant = options.plant;
    Ok(summary)
}
