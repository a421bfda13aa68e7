//! A table of conditions, each with the load that is run under it and the result.

use crate::proxy::{Behaviour, Proxy};
use crate::runs::run;
use loadtest::{CommandOutput, LoadTestError, Report};
use std::collections::HashSet;
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Runs at the same time. Most of them wait for goose.
const CONCURRENCY: usize = 16;

/// The time limit of a call, unless calls must be given up.
pub(crate) const LONGEST_TIMEOUT: Duration = Duration::from_secs(30);

/// A condition. Its run ends after some iterations: the end of a run time ends all runs of the process, because
/// goose has one kill switch.
#[derive(Clone)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) options: &'static str,
    /// The time limit of a call.
    pub(crate) timeout: Duration,
    pub(crate) behaviour: Behaviour,
}

/// The result of a run under a condition.
pub(crate) struct Outcome {
    pub(crate) name: &'static str,
    pub(crate) report: Report,
    /// The number of times that something happened to a call.
    pub(crate) events: u64,
    /// True if calls are given up soon: a busy machine may be too slow for any to succeed.
    pub(crate) is_impatient: bool,
}

impl Outcome {
    /// The kinds of violations that were found.
    pub(crate) fn violations(&self) -> Vec<&str> {
        let found = self.report.results.violations.iter().filter(|violation| violation.count > 0);
        found.map(|violation| &*violation.kind).collect()
    }

    /// The reasons of failed calls that are not violations.
    pub(crate) fn failures(&self) -> Vec<&str> {
        let violations: HashSet<_> = self.violations().into_iter().collect();
        let mut reasons: Vec<_> =
            self.report.results.failures.iter().map(|failure| &*failure.reason).collect();
        reasons.sort_unstable();
        reasons.dedup();
        reasons.retain(|reason| !violations.contains(reason));
        reasons
    }
}

/// Runs all rows, some at a time, and returns their outcomes in the same order.
pub(crate) async fn run_rows(rows: Vec<Row>) -> Vec<Outcome> {
    let names: HashSet<_> = rows.iter().map(|row| row.name).collect();
    assert_eq!(names.len(), rows.len(), "two rows have the same name");
    let permits = Arc::new(Semaphore::new(CONCURRENCY));
    let mut tasks = JoinSet::new();
    for (number, row) in rows.into_iter().enumerate() {
        let (permits, runtime) = (Arc::clone(&permits), Handle::current());
        // On one thread each, because the future of a run is not `Send`.
        tasks.spawn_blocking(move || {
            runtime.block_on(async {
                let _permit = permits.acquire().await;
                (number, outcome(row).await)
            })
        });
    }
    let mut outcomes = tasks.join_all().await;
    outcomes.sort_by_key(|(number, _)| *number);
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}

async fn outcome(row: Row) -> Outcome {
    let Row { name, options, mut timeout, behaviour } = row;
    let proxy = Proxy::start(behaviour).await;
    let file = format!("{}/{}.json", env!("CARGO_TARGET_TMPDIR"), name.replace(['/', ' '], "-"));
    let url = proxy.url();
    loop {
        let seconds = timeout.as_secs_f64().to_string();
        let always = ["--host", &url, "--report-file", &file, "--timeout", &seconds];
        let options: Vec<_> = always.into_iter().chain(options.split_whitespace()).collect();
        match run(&options).await {
            Ok(CommandOutput::LoadTest { report, .. }) => {
                let is_impatient = timeout < LONGEST_TIMEOUT;
                return Outcome { name, report: *report, events: proxy.events(), is_impatient };
            }
            // A busy machine needs more time for the calls before the run.
            Err(LoadTestError::Service(_)) if timeout < LONGEST_TIMEOUT => timeout = timeout.mul_f64(1.1),
            other => panic!("{name}: {other:?}"),
        }
    }
}

/// A Markdown table whose columns are aligned.
pub(crate) fn markdown<const N: usize>(header: [&str; N], rows: &[[String; N]]) -> String {
    let widths: [usize; N] = std::array::from_fn(|column| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([header[column].chars().count()]).max().unwrap_or_default()
    });
    let mut table = String::new();
    let mut line = |cells: [&str; N]| {
        for (cell, width) in cells.iter().zip(widths) {
            let _ = write!(table, "| {cell:width$} ");
        }
        table.push_str("|\n");
    };
    line(header);
    line(widths.map(|width| "-".repeat(width)).each_ref().map(|cell| &**cell));
    for row in rows {
        line(row.each_ref().map(|cell| &**cell));
    }
    table
}
