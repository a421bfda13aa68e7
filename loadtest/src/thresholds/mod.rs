//! From what was observed to one line and an exit code.
//!
//! Pure, because a verdict that nobody can test is not believed. goose's own ending was refused: it exits with 0
//! when nothing listened, its thresholds know times and rates but not what was wrong, and its baseline is shown
//! and never held against a run.

mod baseline;
mod exit_code;
mod options;
mod rule;

pub use baseline::{Baseline, Compared, Comparison, Meaning};
pub use exit_code::Exit;
pub use options::JudgeOptions;
pub use rule::{NoRule, Rule};

use crate::format::{self as text, count, counted};
use crate::metrics::{Ending, LoadModel, Record, Rules};
use serde::Serialize;
use std::fmt;

/// What a run has come to.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// How the program ends.
    pub exit: Exit,
    /// Everything that was looked at, the gravest first.
    pub checks: Vec<Check>,
    /// What has become of the earlier run's percentiles.
    pub comparison: Option<Comparison>,
    counts: String,
}

/// One thing that must hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What kind of thing it is.
    pub group: Group,
    /// What must hold.
    pub name: String,
    /// What was there.
    pub observed: String,
    /// Whether it held.
    pub outcome: Outcome,
    /// Why the run fails by it, in a sentence; none if it does not.
    pub reason: Option<String>,
}

/// Kinds of checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    /// What must be true of every answer.
    Invariant,
    /// What must be true of every run.
    Guard,
    /// What was asked of this run.
    Threshold,
    /// What was true of an earlier run.
    Regression,
}

/// Whether something held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It held.
    Passed,
    /// It did not, which fails the run.
    Failed,
    /// There was nothing to tell it by.
    Skipped,
}

impl Check {
    fn new(
        group: Group,
        name: impl Into<String>,
        observed: impl Into<String>,
        reason: Option<String>,
    ) -> Self {
        let outcome = if reason.is_some() { Outcome::Failed } else { Outcome::Passed };
        Self { group, name: name.into(), observed: observed.into(), outcome, reason }
    }

    fn skipped(group: Group, name: impl Into<String>, why: impl Into<String>) -> Self {
        let outcome = Outcome::Skipped;
        Self { group, name: name.into(), observed: why.into(), outcome, reason: None }
    }
}

/// The thresholds of a run of the embedded service for which none were given.
///
/// They are far above what a slow machine needs, and below what a broken build shows.
pub const EMBEDDED_THRESHOLDS: [&str; 2] = ["p95<250ms", "p99<1s"];

/// Judges a run by its rules, and against an earlier one.
#[must_use]
pub fn judge(record: &Record, baseline: Option<&Baseline>) -> Verdict {
    let mut checks = invariants(record);
    checks.extend(guards(record));
    checks.extend(thresholds(record));
    let mut comparison = None;
    if let Some(baseline) = baseline {
        let (more, compared) = regressions(record, baseline);
        checks.extend(more);
        comparison = compared;
    }
    Verdict { exit: exit(record, &checks), checks, comparison, counts: counts(record) }
}

/// Wrong data comes first, because it is true however the run ended; a signal comes before failures, because a
/// run that was cut short is not the measurement that was asked for.
fn exit(record: &Record, checks: &[Check]) -> Exit {
    let mut failed = checks.iter().filter(|check| check.outcome == Outcome::Failed).peekable();
    if failed.peek().is_some_and(|check| check.group == Group::Invariant) {
        Exit::WrongData
    } else if matches!(record.ending, Ending::Signal { .. }) {
        Exit::Stopped
    } else if failed.peek().is_some() {
        Exit::Failed
    } else {
        Exit::Passed
    }
}

fn invariants(record: &Record) -> Vec<Check> {
    let foreign = record.audit.foreign.count;
    let listed = counted(foreign, "session of another user was", "sessions of other users were");
    let mut checks = vec![Check::new(
        Group::Invariant,
        "never: a session of another user was listed",
        counted(foreign, "session", "sessions"),
        (foreign > 0).then(|| format!("{listed} listed for a user of the run")),
    )];
    checks.extend(record.violations.iter().map(|violation| {
        let times = counted(violation.count, "time", "times");
        let reason = (violation.count > 0).then(|| format!("{}, {times}", violation.kind));
        Check::new(Group::Invariant, format!("never: {}", violation.kind), times, reason)
    }));
    if !record.verified {
        let name = "answers are what was stored";
        checks.push(Check::skipped(Group::Invariant, name, "answers were not verified"));
    }
    // Reasons are read in this order.
    checks.sort_by_key(|check| check.outcome != Outcome::Failed);
    checks
}

fn guards(record: &Record) -> Vec<Check> {
    let Rules { max_error_rate, min_requests, .. } = record.rules;
    let (calls, failed, iterations) = (record.calls(), record.failed(), record.iterations());
    let stopped = matches!(record.ending, Ending::Signal { .. });
    let guard = |name: String, observed: String, reason| Check::new(Group::Guard, name, observed, reason);

    #[expect(clippy::cast_precision_loss, reason = "numbers of calls")]
    let rate = if calls > 0 { failed as f64 * 100.0 / calls as f64 } else { 0.0 };
    let (limit, share) = (text::percent(max_error_rate), text::percent(rate));
    let name = format!("at most {limit} of all calls fail");
    let errors = if seeks_limit(record) {
        Check::skipped(Group::Guard, name, SOUGHT)
    } else {
        let observed = format!("{share}, {} of {}", count(failed), count(calls));
        let reason = (rate > max_error_rate).then(|| {
            let calls = counted(calls, "call", "calls");
            format!("{} of {calls} failed ({share}, and at most {limit} may)", count(failed))
        });
        guard(name, observed, reason)
    };

    let name = format!("at least {} made", counted(min_requests, "call is", "calls are"));
    let enough = if stopped {
        Check::skipped(Group::Guard, name, "the run was stopped early")
    } else {
        let made = counted(calls, "call was", "calls were");
        let reason = (calls < min_requests)
            .then(|| format!("only {made} made, and at least {} must be", count(min_requests)));
        guard(name, format!("{made} made"), reason)
    };

    let name = "an iteration of a scenario goes through to its end";
    let complete = if stopped {
        Check::skipped(Group::Guard, name, "the run was stopped early")
    } else {
        let reason =
            (iterations == 0).then(|| "no iteration of a scenario went through to its end".to_owned());
        guard(name.to_owned(), counted(iterations, "iteration", "iterations"), reason)
    };

    let (observed, reason) = match &record.ending {
        Ending::Planned => ("as planned".to_owned(), None),
        Ending::Signal { signal } => (signal.clone(), Some(format!("{signal} ended the run early"))),
        Ending::Threshold { rule } => (
            "at a missed threshold".to_owned(),
            Some(format!("the run was ended when a threshold was missed: {rule}")),
        ),
        Ending::Broken { why } => (why.clone(), Some(format!("the generator broke off: {why}"))),
        Ending::InProgress => {
            let why = "the run has not come to its end";
            (why.to_owned(), Some(why.to_owned()))
        }
    };
    let ending = guard("the run ends as planned".to_owned(), observed, reason);

    let left = record.audit.left_behind.count;
    let (observed, reason) = match &record.audit.unknown {
        Some(why) => ("not known".to_owned(), Some(format!("nobody knows what stays behind: {why}"))),
        None if left == 0 => ("nothing".to_owned(), None),
        None => {
            let sessions = counted(left, "session", "sessions");
            let stay = if left == 1 { "stays" } else { "stay" };
            (sessions.clone(), Some(format!("{sessions} {stay} behind")))
        }
    };
    let clean = guard("no session stays behind".to_owned(), observed, reason);
    [errors, enough, complete].into_iter().chain(begun(record)).chain([ending, clean]).collect()
}

/// The share of arrivals that may be missing from the figures.
const MISSING: f64 = 0.01;

/// Whether open load was the load that was asked for: what was due and never began is in no figure, and is what would
/// have waited the longest.
#[expect(clippy::cast_precision_loss, reason = "numbers of arrivals")]
fn begun(record: &Record) -> Option<Check> {
    let LoadModel::Open { .. } = record.load else { return None };
    let limit = text::percent(MISSING * 100.0);
    let name = format!("at most {limit} of all arrivals find no lane before the end");
    if matches!(record.ending, Ending::Signal { .. }) {
        return Some(Check::skipped(Group::Guard, name, "the run was stopped early"));
    }
    let missing: u64 = record.workers.iter().map(|worker| worker.never_begun).sum();
    let begun: u64 = record.workers.iter().map(|worker| worker.lateness.count()).sum();
    let due = missing + begun;
    let reason = (missing as f64 > due as f64 * MISSING).then(|| {
        let due = counted(due, "arrival", "arrivals");
        format!("{} of {due} never began, and no figure has them: allow more lanes", count(missing))
    });
    let observed = format!("{} of {}", count(missing), count(due));
    Some(Check::new(Group::Guard, name, observed, reason))
}

/// Why a run that raises its load until something breaks is not blamed for what broke.
const SOUGHT: &str = "the load was raised until a threshold broke";

fn seeks_limit(record: &Record) -> bool {
    matches!(record.load, LoadModel::FindLimit { .. })
}

/// Thresholds are what a search for the limit breaks; all that it must do is hold some rate.
fn thresholds(record: &Record) -> Vec<Check> {
    let LoadModel::FindLimit { limit, .. } = &record.load else {
        return record.rules.thresholds.iter().map(|rule| threshold(record, rule)).collect();
    };
    let observed = limit.map_or("none".to_owned(), |limit| format!("{limit:.0} iterations/s"));
    let reason = limit.is_none().then(|| "no rate was held, not even the lowest".to_owned());
    let held = Check::new(Group::Threshold, "a rate is held", observed, reason);
    let sought = record.rules.thresholds.iter().map(|rule| Check::skipped(Group::Threshold, rule, SOUGHT));
    std::iter::once(held).chain(sought).collect()
}

/// What a rate has to hold in a search for the limit, in words.
pub(crate) fn held(rules: &Rules) -> String {
    let failures = format!("at most {} of its calls fail", text::percent(rules.max_error_rate));
    if rules.thresholds.is_empty() {
        return failures;
    }
    format!("{} and {failures}", rules.thresholds.join(", "))
}

fn threshold(record: &Record, text: &str) -> Check {
    let (observed, holds) = match text.parse::<Rule>() {
        Ok(rule) => rule.judge(record),
        Err(error) => (error.to_string(), false),
    };
    let reason = (!holds).then(|| format!("threshold missed: {text}, observed {observed}"));
    Check::new(Group::Threshold, text, observed, reason)
}

fn regressions(record: &Record, baseline: &Baseline) -> (Vec<Check>, Option<Comparison>) {
    if let Err(why) = baseline.is_comparable(record) {
        let name = format!("comparison with {}", baseline.file);
        return (vec![Check::new(Group::Regression, name, why.clone(), Some(why))], None);
    }
    let allowed = record.rules.max_regression;
    if seeks_limit(record) {
        // Each chose its rates on its way: only what they found compares.
        return (limit(record, &baseline.record, allowed).into_iter().collect(), None);
    }
    let comparison = baseline.compare(record, allowed);
    let checks = comparison
        .rows
        .iter()
        .map(|row| {
            let Compared { operation, percentile, before_us, now_us, change, meaning } = row;
            #[expect(clippy::cast_precision_loss, reason = "a time is shown with three digits")]
            let (before, now) = (text::micros(*before_us as f64), text::micros(*now_us as f64));
            let name = format!("p{percentile} of {operation} is at most {} slower", text::percent(allowed));
            let observed = format!("{now}, {before} before ({})", text::change(*change));
            match meaning {
                Meaning::TooFewCalls => {
                    Check::skipped(Group::Regression, name, format!("too few calls to say: {observed}"))
                }
                Meaning::Within => Check::new(Group::Regression, name, observed, None),
                Meaning::Regressed => {
                    let reason = format!(
                        "p{percentile} of {operation} regressed: {observed}, at most {} may be",
                        text::change(allowed)
                    );
                    Check::new(Group::Regression, name, observed, Some(reason))
                }
            }
        })
        .collect();
    (checks, Some(comparison))
}

/// The highest rate that was held, against that of the earlier run.
fn limit(record: &Record, before: &Record, allowed: f64) -> Option<Check> {
    let (LoadModel::FindLimit { limit: now, .. }, LoadModel::FindLimit { limit: Some(before), .. }) =
        (&record.load, &before.load)
    else {
        return None;
    };
    let now = now.unwrap_or(0.0);
    let lowered = (1.0 - now / before) * 100.0;
    let observed = format!("{now:.0}/s, {before:.0}/s before ({})", text::change(-lowered));
    let reason = (lowered > allowed).then(|| format!("the limit regressed: {observed}"));
    let name = format!("the limit is at most {} lower", text::percent(allowed));
    Some(Check::new(Group::Regression, name, observed, reason))
}

fn counts(record: &Record) -> String {
    let left = match (&record.audit.unknown, record.audit.left_behind.count) {
        (Some(_), _) => "not known what is left behind".to_owned(),
        (None, 0) => "nothing left behind".to_owned(),
        (None, left) => format!("{} left behind", counted(left, "session", "sessions")),
    };
    format!(
        "{}, {} failed, {}, {left}",
        counted(record.calls(), "call", "calls"),
        count(record.failed()),
        counted(record.violated(), "violation", "violations"),
    )
}

impl Verdict {
    /// Why the run did not pass, the gravest first.
    pub fn reasons(&self) -> impl Iterator<Item = &str> {
        self.checks.iter().filter_map(|check| check.reason.as_deref())
    }

    /// The word that the line begins with: `PASS`, `FAIL` or `STOPPED`.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self.exit {
            Exit::Passed => "PASS",
            Exit::Stopped => "STOPPED",
            Exit::Failed | Exit::WrongData | Exit::CouldNotRun => "FAIL",
        }
    }

    /// How much there was, in a few words.
    #[must_use]
    pub fn counts(&self) -> &str {
        &self.counts
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reasons: Vec<_> = self.reasons().collect();
        if reasons.is_empty() {
            return write!(f, "{}: {}", self.word(), self.counts);
        }
        write!(f, "{}: {} ({})", self.word(), reasons.join("; "), self.counts)
    }
}

#[cfg(test)]
mod tests;
