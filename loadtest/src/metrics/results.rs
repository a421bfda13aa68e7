//! What a run observed, and nothing that is concluded from it.
//!
//! A record is written as JSON, which is how workers hand their part to the merge, and how a run becomes the
//! baseline of a later one. Everything that is counted is kept in a form that adds up exactly: times in
//! buckets, seconds on the clock that all machines share. What is judged or shown is worked out from a record
//! anew, so that a run of one worker and a merged one are judged and shown by the same code.

use super::{Histogram, LoadModel, Scenario, Timeline};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// The version of the form in which records are written. Other versions are not read.
pub const FORMAT: u32 = 1;

/// Examples that are kept of each kind of failure and violation, and of sessions.
pub const EXAMPLES: usize = 5;

/// Everything that a run observed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// [`FORMAT`].
    pub format: u32,
    /// What the users' ids of the run have in common; the same for all of its workers.
    pub run: String,
    /// The version of the program that made it.
    pub program: String,
    /// Which worker of how many made it; none for a run of one worker, and for a merged one.
    pub worker: Option<Worker>,
    /// What was loaded.
    pub service: Service,
    /// How the load was made.
    pub load: LoadModel,
    /// What each iteration consists of, in a sentence; not how many there are.
    pub plan: String,
    /// Whose HTTP client made the calls.
    pub client: HttpClient,
    /// Whether what was read was compared with what had been written.
    pub verified: bool,
    /// What the users did, and how often.
    pub scenarios: Vec<Scenario>,
    /// When the first call began.
    pub started: DateTime<Utc>,
    /// From the start of the first call to the end of the last, in microseconds.
    pub span_us: u64,
    /// The calls by the name of their route.
    pub operations: BTreeMap<String, Operation>,
    /// The calls by the time of their end.
    pub timeline: Timeline,
    /// Why calls failed, by operation and name. A wrong answer is a failure as well as a violation.
    pub failures: Vec<Failure>,
    /// What was wrong with answers that arrived well, by kind. What was looked for and never found is counted 0.
    pub violations: Vec<Violation>,
    /// What became of the sessions.
    pub audit: Audit,
    /// What each worker says of itself, in the order of their numbers.
    pub workers: Vec<WorkerHealth>,
    /// How it ended.
    pub ending: Ending,
    /// What it was to be judged by.
    pub rules: Rules,
}

/// Whose HTTP client made the calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HttpClient {
    /// The typed client's.
    Own,
    /// That of goose.
    Goose,
}

/// One of several workers of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Worker {
    /// Counted from 0.
    pub index: u32,
    /// How many there are.
    pub of: u32,
}

/// The service that was loaded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// Its address, without path and credentials.
    pub address: String,
    /// Whether it ran inside the program that loaded it.
    pub embedded: bool,
    /// What it calls itself, if it does.
    pub name: Option<String>,
    /// Which version it says it is, if it does.
    pub version: Option<String>,
}

/// The calls of one operation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Operation {
    /// The HTTP method of its route, as it is part of its name in goose's tables and thresholds.
    pub method: String,
    /// How many were made, failures included.
    pub calls: u64,
    /// How many of them failed, wrong answers included.
    pub failures: u64,
    /// How many were answered with each status; a call without an answer has none.
    pub statuses: BTreeMap<u16, u64>,
    /// From the moment of sending to the last byte of the answer.
    pub times: Histogram,
    /// In open load, from the moment when the call was due.
    pub from_due: Option<Histogram>,
}

impl Operation {
    /// The times that are judged and shown: from the due moment where there was one, so that a slow service
    /// cannot hide its queue.
    #[must_use]
    pub fn latency(&self) -> &Histogram {
        self.from_due.as_ref().unwrap_or(&self.times)
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.method.clone_from(&other.method);
        add(&mut self.calls, other.calls);
        add(&mut self.failures, other.failures);
        for (status, count) in &other.statuses {
            add(self.statuses.entry(*status).or_default(), *count);
        }
        self.times.merge(&other.times);
        if let Some(from_due) = &other.from_due {
            self.from_due.get_or_insert_default().merge(from_due);
        }
    }
}

/// Sums of counts that were read from a file do not overflow.
pub(crate) fn add(sum: &mut u64, more: u64) {
    *sum = sum.saturating_add(more);
}

/// A kind of failure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The name of the route.
    pub operation: String,
    /// A name out of few.
    pub name: String,
    /// How often it happened.
    pub count: u64,
    /// What one of them said in full.
    pub example: Option<String>,
}

/// A kind of wrong answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// A sentence out of few.
    pub kind: String,
    /// How often it happened.
    pub count: u64,
    /// The first of them, [`EXAMPLES`] at most.
    pub examples: Vec<Example>,
}

/// Where a violation can be looked up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Example {
    /// The session's id.
    pub session: String,
    /// The name of the route whose answer was wrong.
    pub operation: String,
    /// What the call was sent with.
    pub correlation_id: Option<String>,
    /// What was expected and what was there.
    pub detail: Option<String>,
}

/// What became of the sessions of the run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audit {
    /// Opened, as far as the service acknowledged it.
    pub opened: u64,
    /// Closed by the users.
    pub closed: u64,
    /// Deleted by the users.
    pub deleted: u64,
    /// Deleted after the run, because no user had.
    pub removed: u64,
    /// Still there after that.
    pub left_behind: Sessions,
    /// Of other users, on a list of a user of the run.
    pub foreign: Sessions,
    /// Why it is not known what is left behind.
    pub unknown: Option<String>,
}

/// Sessions that somebody may want to look for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sessions {
    /// How many there are.
    pub count: u64,
    /// The ids of the first, [`EXAMPLES`] at most.
    pub ids: Vec<String>,
}

impl Sessions {
    /// One more.
    pub fn add(&mut self, id: impl Into<String>) {
        self.count += 1;
        if self.ids.len() < EXAMPLES {
            self.ids.push(id.into());
        }
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        add(&mut self.count, other.count);
        let room = EXAMPLES.saturating_sub(self.ids.len());
        self.ids.extend(other.ids.iter().take(room).cloned());
    }
}

/// Whether a worker could keep up with the load that it was to make.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WorkerHealth {
    /// The number of the worker.
    pub index: u32,
    /// When its first call began.
    pub started: DateTime<Utc>,
    /// From the start of its first call to the end of its last, in microseconds.
    pub span_us: u64,
    /// CPU time that the process used meanwhile, an embedded service included, in microseconds.
    pub cpu_us: u64,
    /// Cores that it could use.
    pub cores: u32,
    /// The most memory that it held, in bytes.
    pub peak_memory: u64,
    /// In open load, how long after its due moment each arrival began.
    pub lateness: Histogram,
    /// In open load, arrivals that found every lane taken.
    pub without_lane: u64,
    /// In open load, arrivals that were due and had found no lane when the run was over.
    #[serde(default)]
    pub never_begun: u64,
}

impl WorkerHealth {
    /// The part of its cores that it used, of 1.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a share is shown in whole percent")]
    pub fn cpu_share(&self) -> Option<f64> {
        let available = self.span_us.saturating_mul(self.cores.into());
        (available > 0).then(|| self.cpu_us as f64 / available as f64)
    }
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "how")]
pub enum Ending {
    /// It has not: the worker is at work, or was killed.
    InProgress,
    /// Its time was over, or everything was done.
    Planned,
    /// A signal ended it early.
    Signal {
        /// Such as `SIGTERM`.
        signal: String,
    },
    /// A threshold was missed so that going on had no use.
    Threshold {
        /// The rule and what was observed.
        rule: String,
    },
    /// The generator broke.
    Broken {
        /// What it said.
        why: String,
    },
}

/// What a run is judged by beside what must hold for every run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rules {
    /// Thresholds in the words of goose, such as `p95<50ms for POST open_session`. In a search for the limit they
    /// are what breaks a rate.
    pub thresholds: Vec<String>,
    /// Calls that may fail, in percent of all; in a search for the limit, of those of a rate.
    pub max_error_rate: f64,
    /// Calls without which there is nothing to judge.
    pub min_requests: u64,
    /// How much slower than in the baseline is a regression, in percent of the time there.
    pub max_regression: f64,
}

impl Default for Rules {
    fn default() -> Self {
        Self { thresholds: Vec::new(), max_error_rate: 0.0, min_requests: 1, max_regression: 20.0 }
    }
}

impl Record {
    /// How many calls were made.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.operations.values().map(|operation| operation.calls).sum()
    }

    /// How many of them failed.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.operations.values().map(|operation| operation.failures).sum()
    }

    /// How many wrong answers there were.
    #[must_use]
    pub fn violated(&self) -> u64 {
        self.violations.iter().map(|violation| violation.count).sum()
    }

    /// How often a scenario went through to its end.
    #[must_use]
    pub fn iterations(&self) -> u64 {
        self.scenarios.iter().map(|scenario| scenario.iterations).sum()
    }

    /// From the start of the first call to the end of the last.
    #[must_use]
    pub fn span(&self) -> Duration {
        Duration::from_micros(self.span_us)
    }

    /// The latency of all operations together.
    #[must_use]
    pub fn latency(&self) -> Histogram {
        let mut all = Histogram::default();
        self.operations.values().for_each(|operation| all.merge(operation.latency()));
        all
    }
}
