//! Verdicts and their criteria in words.

use crate::format::{self, change, count, counted, micros, percent};
use crate::metrics::{Ending, Results};
use crate::thresholds::{
    Criterion, CriterionKind, CriterionResult, ExitCode, Observation, PercentileChange, SkipReason, Status,
    Verdict,
};

/// The word that a verdict begins with.
pub(crate) fn verdict_word(verdict: &Verdict) -> &'static str {
    match verdict.exit_code {
        ExitCode::Passed => "PASS",
        ExitCode::Stopped => "STOPPED",
        ExitCode::Failed | ExitCode::WrongData | ExitCode::CouldNotRun => "FAIL",
    }
}

/// The verdict in one line: its word, the failed criteria, and the most important counts.
pub(crate) fn verdict_line(results: &Results, verdict: &Verdict) -> String {
    let (word, counts) = (verdict_word(verdict), counts(results));
    let failures: Vec<_> = failures(verdict).collect();
    if failures.is_empty() {
        return format!("{word}: {counts}");
    }
    format!("{word}: {} ({counts})", failures.join("; "))
}

/// The failed criteria in words, the gravest first.
pub(crate) fn failures(verdict: &Verdict) -> impl Iterator<Item = String> {
    let failed = verdict.criteria.iter().filter(|result| result.status == Status::Failed);
    failed.map(|result| failure(&result.criterion))
}

/// The most important counts of a run.
pub(crate) fn counts(results: &Results) -> String {
    let left = match (&results.sessions.check_error, results.sessions.left_behind.count) {
        (Some(_), _) => "leftover check failed".to_owned(),
        (None, 0) => "nothing left behind".to_owned(),
        (None, left) => format!("{} left behind", counted(left, "session", "sessions")),
    };
    format!(
        "{}, {} failed, {}, {left}",
        counted(results.calls(), "call", "calls"),
        count(results.failed_calls()),
        counted(results.violation_count(), "violation", "violations"),
    )
}

/// The name of a kind of criteria.
pub(super) fn kind_name(kind: CriterionKind) -> &'static str {
    match kind {
        CriterionKind::Consistency => "consistency",
        CriterionKind::RunHealth => "run health",
        CriterionKind::Threshold => "threshold",
        CriterionKind::Regression => "regression",
    }
}

/// The criterion with its limit.
pub(super) fn name(criterion: &Criterion) -> String {
    match criterion {
        Criterion::NoForeignSessions { .. } => {
            "never: sessions of other users are listed after the run".to_owned()
        }
        Criterion::NoViolation { kind, .. } => format!("never: {kind}"),
        Criterion::ChecksEnabled => "responses agree with all earlier writes".to_owned(),
        Criterion::ErrorRate { max_percent, .. } => format!("error rate at most {}", percent(*max_percent)),
        Criterion::MinCalls { min, .. } => format!("at least {}", counted(*min, "call", "calls")),
        Criterion::CompletedIteration { .. } => "at least one iteration completes".to_owned(),
        Criterion::DroppedIterations { max_percent, .. } => {
            format!("at most {} of iterations dropped", percent(*max_percent))
        }
        Criterion::LoadGeneratorLimits { .. } => "the load generator can send all calls".to_owned(),
        Criterion::PlannedEnding { .. } => "the run ends as planned".to_owned(),
        Criterion::NothingLeftBehind { .. } => "no session is left behind".to_owned(),
        Criterion::Threshold { rule, .. } => rule.clone(),
        Criterion::SustainedRate { .. } => "a rate is sustained".to_owned(),
        Criterion::ComparableBaseline { file, .. } => format!("comparable with {file}"),
        Criterion::PercentileRegression { change, max_percent } => {
            let PercentileChange { operation, percentile, .. } = change;
            format!("p{percentile} of {operation} at most {} above the baseline", percent(*max_percent))
        }
        Criterion::RateRegression { max_percent, .. } => {
            format!("sustained rate at most {} below the baseline", percent(*max_percent))
        }
    }
}

/// The observed value of a criterion, or the reason why it was skipped.
pub(super) fn observed(result: &CriterionResult) -> String {
    match result.status {
        Status::Skipped(SkipReason::ChecksDisabled) => "checks were disabled".to_owned(),
        Status::Skipped(SkipReason::StoppedEarly) => "the run was stopped early".to_owned(),
        Status::Skipped(SkipReason::BreakpointSearch) => {
            "the rate was raised until a criterion failed".to_owned()
        }
        Status::Skipped(SkipReason::TooFewCalls) => {
            format!("too few calls for an assessment: {}", value(&result.criterion))
        }
        Status::Passed | Status::Failed => value(&result.criterion),
    }
}

fn value(criterion: &Criterion) -> String {
    match criterion {
        Criterion::NoForeignSessions { listed } => counted(*listed, "session", "sessions"),
        Criterion::NoViolation { count, .. } => counted(*count, "time", "times"),
        Criterion::ChecksEnabled => "checked".to_owned(),
        Criterion::ErrorRate { failed, calls, .. } => error_rate(*failed, *calls),
        Criterion::MinCalls { calls, .. } => counted(*calls, "call", "calls"),
        Criterion::CompletedIteration { completed } => counted(*completed, "iteration", "iterations"),
        Criterion::DroppedIterations { dropped, due, .. } => {
            format!("{} of {}", count(*dropped), count(*due))
        }
        Criterion::LoadGeneratorLimits { failed, .. } => counted(*failed, "call", "calls"),
        Criterion::PlannedEnding { ending } => self::ending(ending),
        Criterion::NothingLeftBehind { check_error: Some(_), .. } => "unknown".to_owned(),
        Criterion::NothingLeftBehind { left_behind, .. } => counted(*left_behind, "session", "sessions"),
        Criterion::Threshold { observed, .. } => observation(observed),
        Criterion::SustainedRate { rate } => {
            rate.map_or("none".to_owned(), |rate| format!("{rate:.0} iterations/s"))
        }
        Criterion::ComparableBaseline { difference, .. } => {
            difference.clone().unwrap_or_else(|| "same load".to_owned())
        }
        Criterion::PercentileRegression { change, .. } => percentile_change(change),
        Criterion::RateRegression { baseline, current, .. } => rate_change(*baseline, *current),
    }
}

/// The message of a criterion that failed.
pub(super) fn failure(criterion: &Criterion) -> String {
    let observed = value(criterion);
    match criterion {
        Criterion::NoForeignSessions { .. } => {
            format!("{observed} of other users listed for a user of the run")
        }
        Criterion::NoViolation { kind, .. } => format!("{kind}, {observed}"),
        Criterion::ChecksEnabled => "responses were not checked".to_owned(),
        Criterion::ErrorRate { max_percent, .. } => {
            format!("error rate {observed}, limit {}", percent(*max_percent))
        }
        Criterion::MinCalls { min, .. } => format!("{observed}, minimum {}", count(*min)),
        Criterion::CompletedIteration { .. } => "no iteration completed".to_owned(),
        Criterion::DroppedIterations { .. } => {
            format!("{observed} iterations dropped: increase --pre-allocated-vus")
        }
        Criterion::LoadGeneratorLimits { example, .. } => {
            let example = example.as_ref().map(|error| format!(", such as: {error}")).unwrap_or_default();
            format!("nothing was measured: this machine could not send {observed}{example}")
        }
        Criterion::PlannedEnding { ending } => self::ending(ending),
        Criterion::NothingLeftBehind { check_error: Some(error), .. } => {
            format!("leftover check failed: {error}")
        }
        Criterion::NothingLeftBehind { .. } => format!("{observed} left behind"),
        Criterion::Threshold { rule, .. } => format!("threshold missed: {rule}, observed {observed}"),
        Criterion::SustainedRate { .. } => "no rate was sustained".to_owned(),
        Criterion::ComparableBaseline { .. } => observed,
        Criterion::PercentileRegression {
            change: PercentileChange { operation, percentile, .. },
            max_percent,
        } => {
            format!("p{percentile} of {operation} regressed: {observed}, limit {}", change(*max_percent))
        }
        Criterion::RateRegression { max_percent, .. } => {
            format!("sustained rate regressed: {observed}, limit {}", change(-max_percent))
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "numbers of calls")]
fn error_rate(failed: u64, calls: u64) -> String {
    let rate = if calls > 0 { failed as f64 * 100.0 / calls as f64 } else { 0.0 };
    format!("{} ({} of {})", percent(rate), count(failed), counted(calls, "call", "calls"))
}

fn ending(ending: &Ending) -> String {
    match ending {
        Ending::Planned => "as planned".to_owned(),
        Ending::Signal { signal } => format!("stopped by {signal}"),
        Ending::Threshold { rule } => format!("aborted by a missed threshold: {rule}"),
        Ending::Failed { reason } => format!("load generator failed: {reason}"),
        Ending::InProgress => "the run has not ended".to_owned(),
    }
}

fn observation(observation: &Observation) -> String {
    match observation {
        Observation::Latency(latency) => micros(*latency),
        Observation::ErrorRate(rate) => percent(*rate),
        Observation::CallsPerSecond(rate) => format!("{rate:.1} calls/s"),
        Observation::NoCalls => "no calls".to_owned(),
        Observation::InvalidRule(error) => error.clone(),
    }
}

fn percentile_change(row: &PercentileChange) -> String {
    let [current, baseline] = [row.current_us, row.baseline_us].map(|us| format::latency(Some(us)));
    format!("{current}, baseline {baseline} ({})", change(row.change_percent))
}

fn rate_change(baseline: f64, current: f64) -> String {
    format!("{current:.0}/s, baseline {baseline:.0}/s ({})", change((current / baseline - 1.0) * 100.0))
}
