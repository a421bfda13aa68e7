//! `scale`: throughput, 99th percentile and memory for a growing number of concurrent callers.

use crate::child::Server;
use crate::clients::Client;
use crate::compare::{Contender, Rounds, measure, median};
use crate::table::{Table, thousands};
use crate::wire::Operation;
use crate::work::Measured;
use anyhow::{Context, Result};
use clap::Args;

const CLIENTS: [Contender; 6] = [
    Contender::Rust(Client::OursReqwest),
    Contender::Rust(Client::OursHyper),
    Contender::Rust(Client::OursHyperLimited),
    Contender::Rust(Client::OursHyperAdaptive),
    Contender::Rust(Client::Reqwest),
    Contender::Rust(Client::Tcp),
];

/// The arguments of `scale`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Scale {
    /// Clients to compare
    #[arg(long, value_delimiter = ',', default_values_t = CLIENTS)]
    clients: Vec<Contender>,
    #[command(flatten)]
    rounds: Rounds,
}

/// Numbers of concurrent callers.
const CALLERS: [usize; 5] = [1, 16, 64, 256, 1024];

/// Figures of a client with one number of callers.
struct Step {
    callers: usize,
    per_second: f64,
    p99_millis: f64,
    resident: f64,
}

impl Step {
    fn of(callers: usize, rounds: &[Measured]) -> Self {
        let median = |figure: fn(&Measured) -> f64| median(rounds.iter().map(figure));
        Self {
            callers,
            per_second: median(Measured::per_second),
            p99_millis: median(|measured| measured.p99_micros / 1e3),
            resident: median(|measured| measured.resident_bytes as f64),
        }
    }
}

impl Scale {
    /// Compares the default clients: generated ones, hand-written reqwest, and the upper bound.
    pub(crate) fn new(rounds: Rounds) -> Self {
        Self { clients: CLIENTS.to_vec(), rounds }
    }

    pub(crate) async fn run(self) -> Result<()> {
        let server = Server::fixed(0).await?;
        let (rounds, seconds) = (self.rounds.count(), self.rounds.seconds());
        let mut figures = vec![vec![Vec::new(); CALLERS.len()]; self.clients.len()];
        for round in 1..=rounds {
            for (step, &callers) in CALLERS.iter().enumerate() {
                for (&client, figures) in self.clients.iter().zip(&mut figures) {
                    eprint!("\r\x1b[Kround {round} of {rounds}: {callers} callers, {client}");
                    let measured =
                        measure(client, Operation::OpenSession, callers, &server.url, seconds).await;
                    figures[step].push(measured.with_context(|| format!("{client}, {callers} callers"))?);
                }
            }
        }
        eprint!("\r\x1b[K");

        println!(
            "\n`{}`, calls per second and p99 in ms, median of {rounds} rounds of {seconds} s:\n",
            Operation::OpenSession
        );
        let mut head = vec!["client".to_owned()];
        head.extend(["1 caller", "16 callers", "64 callers", "256 callers", "1,024 callers"].map(Into::into));
        head.extend(["change from peak", "max. p99 growth", "memory per connection"].map(Into::into));
        let mut table = Table::new(head);
        for (client, figures) in self.clients.iter().zip(&figures) {
            let steps = CALLERS.iter().zip(figures).map(|(&callers, rounds)| Step::of(callers, rounds));
            let steps: Vec<_> = steps.collect();
            let mut row = vec![client.title().to_owned()];
            row.extend(
                steps.iter().map(|step| format!("{} ({:.2})", thousands(step.per_second), step.p99_millis)),
            );
            row.extend([
                format!("{:+.0} %", change_from_peak(&steps) * 100.0),
                format!("{:.2}", max_p99_growth(&steps)),
                format!("{:.0} KiB", memory_per_connection(&steps) / 1024.0),
            ]);
            table.push(row);
        }
        println!("{table}");
        println!(
            "\nMax. p99 growth: growth of p99 divided by the growth of callers, at its largest between \
             neighbouring columns."
        );
        Ok(())
    }
}

/// Returns the relative change from the peak to the lowest throughput after it; 0 if the peak comes last.
fn change_from_peak(steps: &[Step]) -> f64 {
    let peak = steps.iter().map(|step| step.per_second).fold(0.0, f64::max);
    let after = steps.iter().skip_while(|step| step.per_second < peak);
    after.map(|step| step.per_second / peak - 1.0).fold(0.0, f64::min)
}

/// Returns the largest growth of p99 between two steps, divided by the growth of the number of callers.
fn max_p99_growth(steps: &[Step]) -> f64 {
    let pairs = steps.iter().zip(steps.iter().skip(1));
    pairs
        .map(|(few, many)| many.p99_millis / few.p99_millis / (many.callers as f64 / few.callers as f64))
        .fold(0.0, f64::max)
}

/// Returns the memory per connection, including its caller, in bytes.
fn memory_per_connection(steps: &[Step]) -> f64 {
    match steps {
        [few, .., many] => (many.resident - few.resident) / (many.callers - few.callers) as f64,
        _ => f64::NAN,
    }
}

#[cfg(test)]
mod tests {
    use super::{Step, change_from_peak, max_p99_growth, memory_per_connection};

    fn steps(figures: [(usize, f64, f64, f64); 3]) -> [Step; 3] {
        figures.map(|(callers, per_second, p99_millis, resident)| Step {
            callers,
            per_second,
            p99_millis,
            resident,
        })
    }

    #[test]
    fn change_from_peak_ignores_steps_before_the_peak() {
        let steps = steps([(1, 10.0, 1.0, 0.0), (10, 100.0, 1.0, 0.0), (100, 90.0, 1.0, 0.0)]);
        assert!((change_from_peak(&steps) + 0.1).abs() < 1e-9);
    }

    #[test]
    fn p99_growth_is_relative_to_the_growth_of_callers() {
        let steps = steps([(1, 1.0, 1.0, 0.0), (10, 1.0, 2.0, 0.0), (20, 1.0, 6.0, 0.0)]);
        assert!((max_p99_growth(&steps) - 1.5).abs() < 1e-9);
    }

    #[test]
    fn memory_per_connection_compares_the_first_and_last_step() {
        let steps = steps([(1, 1.0, 1.0, 1000.0), (10, 1.0, 1.0, 5.0), (101, 1.0, 1.0, 2000.0)]);
        assert!((memory_per_connection(&steps) - 10.0).abs() < 1e-9);
    }
}
