//! `scale`: what becomes of throughput, of the slowest calls and of memory when ever more calls are made at once.

use crate::child::Server;
use crate::clients::Client;
use crate::compare::{Contender, Rounds, measure, median};
use crate::table::{Table, thousands};
use crate::wire::Operation;
use crate::work::Measured;
use anyhow::{Context, Result};
use clap::Args;

const CLIENTS: [Contender; 5] = [
    Contender::Rust(Client::OursReqwest),
    Contender::Rust(Client::OursHyper),
    Contender::Rust(Client::OursHyperLimited),
    Contender::Rust(Client::Reqwest),
    Contender::Rust(Client::Tcp),
];

/// The arguments of `scale`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Scale {
    /// The clients.
    #[arg(long, value_delimiter = ',', default_values_t = CLIENTS)]
    clients: Vec<Contender>,
    #[command(flatten)]
    rounds: Rounds,
}

/// Calls at once.
const CALLERS: [usize; 5] = [1, 16, 64, 256, 1024];

/// Figures of one client with one number of callers.
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
    /// Our clients, what people write, and what the machine does by itself.
    pub(crate) fn usual(rounds: Rounds) -> Self {
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

        println!("\n`{}`, median of {rounds} rounds of {seconds} s:\n", Operation::OpenSession);
        let mut head = vec!["client".to_owned()];
        head.extend(CALLERS.map(|callers| format!("calls/s (p99 ms), {callers} callers")));
        head.extend(["after the peak", "p99 beside callers, at most", "memory a connection"].map(Into::into));
        let mut table = Table::new(head);
        for (client, figures) in self.clients.iter().zip(&figures) {
            let steps = CALLERS.iter().zip(figures).map(|(&callers, rounds)| Step::of(callers, rounds));
            let steps: Vec<_> = steps.collect();
            let mut row = vec![client.title().to_owned()];
            row.extend(
                steps.iter().map(|step| format!("{} ({:.2})", thousands(step.per_second), step.p99_millis)),
            );
            row.extend([
                format!("{:+.0} %", fall(&steps) * 100.0),
                format!("{:.2}", growth(&steps)),
                format!("{:.0} KiB", memory(&steps) / 1024.0),
            ]);
            table.push(row);
        }
        println!("{table}");
        println!(
            "\np99 beside callers: how often p99 grew for each time that callers did, between neighbours."
        );
        Ok(())
    }
}

/// The lowest throughput after its peak, beside it: 0 where none is lower.
fn fall(steps: &[Step]) -> f64 {
    let peak = steps.iter().map(|step| step.per_second).fold(0.0, f64::max);
    let after = steps.iter().skip_while(|step| step.per_second < peak);
    after.map(|step| step.per_second / peak - 1.0).fold(0.0, f64::min)
}

/// The most that p99 grew from one step to the next, as a share of what callers grew.
fn growth(steps: &[Step]) -> f64 {
    let pairs = steps.iter().zip(steps.iter().skip(1));
    pairs
        .map(|(few, many)| many.p99_millis / few.p99_millis / (many.callers as f64 / few.callers as f64))
        .fold(0.0, f64::max)
}

/// What a connection takes, with the caller that uses it, in bytes.
fn memory(steps: &[Step]) -> f64 {
    match steps {
        [few, .., many] => (many.resident - few.resident) / (many.callers - few.callers) as f64,
        _ => f64::NAN,
    }
}

#[cfg(test)]
mod tests {
    use super::{Step, fall, growth, memory};

    fn steps(figures: [(usize, f64, f64, f64); 3]) -> [Step; 3] {
        figures.map(|(callers, per_second, p99_millis, resident)| Step {
            callers,
            per_second,
            p99_millis,
            resident,
        })
    }

    #[test]
    fn what_was_before_the_peak_is_no_fall() {
        let steps = steps([(1, 10.0, 1.0, 0.0), (10, 100.0, 1.0, 0.0), (100, 90.0, 1.0, 0.0)]);
        assert!((fall(&steps) + 0.1).abs() < 1e-9);
    }

    #[test]
    fn p99_is_held_against_the_callers_step_by_step() {
        let steps = steps([(1, 1.0, 1.0, 0.0), (10, 1.0, 2.0, 0.0), (20, 1.0, 6.0, 0.0)]);
        assert!((growth(&steps) - 1.5).abs() < 1e-9);
    }

    #[test]
    fn memory_is_that_of_the_connections_between_first_and_last() {
        let steps = steps([(1, 1.0, 1.0, 1000.0), (10, 1.0, 1.0, 5.0), (101, 1.0, 1.0, 2000.0)]);
        assert!((memory(&steps) - 10.0).abs() < 1e-9);
    }
}
