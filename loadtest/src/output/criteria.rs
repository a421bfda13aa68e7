//! Verdicts and their criteria in words.

use super::messages;
use crate::checks::violation::is_own_check;
use crate::format::{self, change, count, counted, micros, percent};
use crate::metrics::{Ending, LostWorker, RateStep, Results, StepMetrics};
use crate::thresholds::{
    Assessment, Criterion, CriterionKind, CriterionResult, ExitCode, Observation, PercentileChange,
    SkipReason, Status, Verdict,
};
use chrono::DateTime;

/// The number of inconclusive criteria in the line of the verdict.
const MAX_INCONCLUSIVE: usize = 3;

/// The word that a verdict begins with.
pub(crate) fn verdict_word(verdict: &Verdict) -> &'static str {
    exit_word(verdict.exit_code)
}

fn exit_word(exit_code: ExitCode) -> &'static str {
    match exit_code {
        ExitCode::Passed => "PASS",
        ExitCode::Stopped => "STOPPED",
        ExitCode::Inconclusive => "INCONCLUSIVE",
        ExitCode::Failed | ExitCode::WrongData | ExitCode::CouldNotRun => "FAIL",
    }
}

/// The verdict in one line: its word, the failed criteria, and the most important counts.
pub(crate) fn verdict_line(results: &Results, verdict: &Verdict) -> String {
    let (word, counts) = (verdict_word(verdict), counts(results));
    let mut failures: Vec<_> = failures(verdict).collect();
    if failures.is_empty() {
        failures = inconclusive(verdict);
    }
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

/// The inconclusive criteria in words, of which the first are enough.
fn inconclusive(verdict: &Verdict) -> Vec<String> {
    let all = verdict.criteria.iter().filter(|result| result.status == Status::Inconclusive);
    let mut all: Vec<_> = all.map(|result| failure(&result.criterion)).collect();
    if let Some(more) = all.len().checked_sub(MAX_INCONCLUSIVE).filter(|more| *more > 0) {
        all.truncate(MAX_INCONCLUSIVE);
        all.push(format!("and {more} more"));
    }
    all
}

/// The most important counts of a run.
pub(crate) fn counts(results: &Results) -> String {
    let left = match (&results.sessions.check_error, results.sessions.left_behind.count) {
        _ if !results.contract.has_sessions => String::new(),
        _ if results.service.embedded && results.ending == Ending::InProgress => String::new(),
        (Some(_), _) => ", clean-up failed".to_owned(),
        (None, 0) => ", nothing left behind".to_owned(),
        (None, left) => format!(", {} left behind", counted(left, "session", "sessions")),
    };
    let expected = match results.expected_failures.calls {
        0 => String::new(),
        calls => format!(" ({} of them during faults)", count(calls)),
    };
    format!(
        "{}, {} failed{expected}, {}{left}",
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
        Criterion::NoViolation { kind, .. } => {
            let must = if is_own_check(kind) { "always" } else { "never" };
            format!("{must}: {kind}")
        }
        Criterion::ChecksEnabled => "responses agree with all earlier writes".to_owned(),
        Criterion::ConsistentDuringFaults { .. } => "no write is lost while faults are injected".to_owned(),
        Criterion::FaultInEffect { fault, .. } => format!("the fault {fault} affects connections"),
        Criterion::AllWorkers { .. } => "all workers have results".to_owned(),
        Criterion::ErrorRate { max_percent, .. } => format!("error rate at most {}", percent(*max_percent)),
        Criterion::StaleConnections { max_percent, .. } => {
            format!("idle connections closed in at most {} of calls", percent(*max_percent))
        }
        Criterion::Outage { max_s, .. } => format!("at most {max_s} s without a successful call"),
        Criterion::MinCalls { min, .. } => format!("at least {}", counted(*min, "call", "calls")),
        Criterion::CompletedIteration { .. } => "at least one iteration completes".to_owned(),
        Criterion::DroppedIterations { max_percent, .. } => {
            format!("at most {} of iterations dropped", percent(*max_percent))
        }
        Criterion::HeldRate { number, step, .. } => {
            format!("the service keeps up with step {number}, {}", step.rate())
        }
        Criterion::LoadGeneratorLimits { .. } => "the load generator can send all calls".to_owned(),
        Criterion::PlannedEnding { .. } => "the run ends as planned".to_owned(),
        Criterion::NothingLeftBehind { .. } => "no session is left behind".to_owned(),
        Criterion::Teardown { .. } => "the teardown succeeds".to_owned(),
        Criterion::ReportsWritten { .. } => "all report files are written".to_owned(),
        Criterion::Threshold { threshold, .. } => threshold.clone(),
        Criterion::SustainedRate { .. } => "a rate is sustained".to_owned(),
        Criterion::ComparableBaseline { files, .. } => format!("comparable with {}", files.join(", ")),
        Criterion::OtherService { address, .. } => format!("{address} passes as well"),
        Criterion::OperationCalled { operation, .. } => format!("{operation} is called"),
        Criterion::EnoughCalls => "enough calls to compare a percentile".to_owned(),
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
        Status::Skipped(SkipReason::Faults) => {
            format!("not judged, because faults were injected: {}", value(&result.criterion))
        }
        Status::Skipped(SkipReason::NotInBaseline) => "not in the baseline".to_owned(),
        Status::Passed | Status::Failed | Status::Inconclusive => value(&result.criterion),
    }
}

fn value(criterion: &Criterion) -> String {
    match criterion {
        Criterion::NoForeignSessions { listed } => counted(*listed, "session", "sessions"),
        Criterion::NoViolation { count, .. } => counted(*count, "time", "times"),
        Criterion::ChecksEnabled => "checked".to_owned(),
        Criterion::ConsistentDuringFaults { violations, faults, failed } => format!(
            "{} in {}, {} meanwhile",
            counted(*violations, "violation", "violations"),
            counted(*faults as u64, "fault", "faults"),
            counted(*failed, "failed call", "failed calls"),
        ),
        Criterion::FaultInEffect { connections, .. } => counted(*connections, "connection", "connections"),
        Criterion::AllWorkers { lost, workers: [complete, all] } => lost_workers(lost, *complete, *all),
        Criterion::ErrorRate { failed, calls, .. } => error_rate(*failed, *calls),
        Criterion::StaleConnections { closed, calls, .. } => error_rate(*closed, *calls),
        Criterion::Outage { seconds, run_s, first, .. } => outage(*seconds, *run_s, *first),
        Criterion::MinCalls { calls, .. } => counted(*calls, "call", "calls"),
        Criterion::CompletedIteration { completed, .. } => counted(*completed, "iteration", "iterations"),
        Criterion::DroppedIterations { dropped, due, .. } => {
            format!("{} of {}", count(*dropped), count(*due))
        }
        Criterion::HeldRate { step, metrics, .. } => held_rate(step, metrics),
        Criterion::LoadGeneratorLimits { failed, .. } => counted(*failed, "call", "calls"),
        Criterion::PlannedEnding { ending } => self::ending(ending),
        Criterion::NothingLeftBehind { check_error: Some(_), .. } => "unknown".to_owned(),
        Criterion::NothingLeftBehind { left_behind, .. } => counted(*left_behind, "session", "sessions"),
        Criterion::Teardown { .. } => "failed".to_owned(),
        Criterion::ReportsWritten { errors } => counted(errors.len() as u64, "error", "errors"),
        Criterion::Threshold { observed, .. } => observation(observed),
        Criterion::SustainedRate { rate } => {
            rate.map_or("none".to_owned(), |rate| format!("{} iterations/s", format::rate(Some(rate))))
        }
        Criterion::ComparableBaseline { difference, .. } => {
            difference.clone().unwrap_or_else(|| "same load".to_owned())
        }
        Criterion::OtherService { calls, missed, .. } => {
            let calls = counted(*calls, "call", "calls");
            std::iter::once(calls).chain(missed.iter().map(failure)).collect::<Vec<_>>().join("; ")
        }
        Criterion::OperationCalled { .. } => "no successful call".to_owned(),
        Criterion::EnoughCalls => "too few calls".to_owned(),
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
        Criterion::NoViolation { kind, .. } => format!("{}, {observed}", messages::violation(kind)),
        Criterion::ChecksEnabled => "responses were not checked".to_owned(),
        Criterion::ConsistentDuringFaults { .. } => {
            format!("data was wrong while faults were injected: {observed}")
        }
        Criterion::FaultInEffect { fault, .. } => {
            format!("the fault {fault} affected no connection: run longer, or change its schedule")
        }
        Criterion::AllWorkers { .. } => format!("partial: {observed}"),
        Criterion::ErrorRate { max_percent, .. } => {
            format!("error rate {observed}, limit {}", percent(*max_percent))
        }
        Criterion::StaleConnections { max_percent, .. } => {
            format!("idle connections closed by the peer in {observed}, limit {}", percent(*max_percent))
        }
        Criterion::Outage { max_s, .. } => format!("no call succeeded for {observed}, limit {max_s} s"),
        Criterion::MinCalls { min, .. } => format!("{observed}, minimum {}", count(*min)),
        Criterion::CompletedIteration { interrupted: 0, .. } => "no iteration completed".to_owned(),
        Criterion::CompletedIteration { interrupted, .. } => format!(
            "no iteration completed, {} interrupted by the end of the run: increase --run-time",
            count(*interrupted)
        ),
        Criterion::DroppedIterations { .. } => {
            format!("{observed} iterations dropped: increase --pre-allocated-vus")
        }
        Criterion::HeldRate { number, step, metrics } => {
            let held = format::rate(metrics.held_rate(step));
            let dropped = match metrics.dropped() {
                0 => String::new(),
                dropped => format!(", {} dropped", counted(dropped, "iteration", "iterations")),
            };
            format!("the service did not keep up with step {number}, {}: {held}/s held{dropped}", step.rate())
        }
        Criterion::LoadGeneratorLimits { example, .. } => {
            let example = example.as_ref().map(|error| format!(", such as: {error}")).unwrap_or_default();
            format!("nothing was measured: this machine could not send {observed}{example}")
        }
        Criterion::PlannedEnding { ending } => self::ending(ending),
        Criterion::Teardown { error } => error.clone(),
        Criterion::ReportsWritten { errors } => errors.join("; "),
        Criterion::NothingLeftBehind { left_behind, check_error, remedy } => {
            let left = counted(*left_behind, "session", "sessions");
            let mut message = match check_error {
                None => format!("{left} left behind"),
                Some(error) if *left_behind == 0 => format!("clean-up failed: {error}"),
                Some(error) => format!("clean-up failed: {error}; {left} left behind"),
            };
            if let Some(command) = remedy {
                message = format!("{message}: {command}");
            }
            message
        }
        Criterion::Threshold { threshold, .. } => {
            format!("threshold missed: {threshold}, observed {observed}")
        }
        Criterion::SustainedRate { .. } => "no rate was sustained".to_owned(),
        Criterion::ComparableBaseline { .. } => observed,
        Criterion::OtherService { address, .. } => format!("{address}: {observed}"),
        Criterion::OperationCalled { operation, .. } => {
            format!("no successful call of {operation}, which is in the baseline: run longer")
        }
        Criterion::EnoughCalls => "too few calls to compare with the baseline: run longer".to_owned(),
        Criterion::PercentileRegression {
            change: PercentileChange { operation, percentile, assessment, .. },
            max_percent,
        } => {
            let (limit, regressed) = (change(*max_percent), *assessment == Assessment::Regressed);
            let verb = if regressed { "regressed" } else { "may have regressed" };
            format!("p{percentile} of {operation} {verb}: {observed}, limit {limit}")
        }
        Criterion::RateRegression { max_percent, .. } => {
            format!("sustained rate regressed: {observed}, limit {}", change(-max_percent))
        }
    }
}

fn held_rate(step: &RateStep, metrics: &StepMetrics) -> String {
    let [p50, p95, p99] = [50.0, 95.0, 99.0].map(|p| format::latency(metrics.calls.latency.percentile(p)));
    format!(
        "{}/s held, p50 {p50}, p95 {p95}, p99 {p99}, {} failed, {} dropped",
        format::rate(metrics.held_rate(step)),
        counted(metrics.calls.failures, "call", "calls"),
        counted(metrics.dropped(), "iteration", "iterations"),
    )
}

#[expect(clippy::cast_precision_loss, reason = "numbers of calls")]
fn error_rate(failed: u64, calls: u64) -> String {
    let rate = if calls > 0 { failed as f64 * 100.0 / calls as f64 } else { 0.0 };
    format!("{} ({} of {})", percent(rate), count(failed), counted(calls, "call", "calls"))
}

/// A time without a successful call, with its start.
pub(super) fn outage(seconds: u64, run_s: u64, first: Option<u64>) -> String {
    let first = first.and_then(|second| DateTime::from_timestamp(i64::try_from(second).ok()?, 0));
    let first = first.map(|time| format!(", first at {}", time.format("%H:%M:%S"))).unwrap_or_default();
    format!("{seconds} s of {run_s} s{first}")
}

fn lost_workers(lost: &[LostWorker], complete: usize, all: usize) -> String {
    let lost = lost.iter().map(|LostWorker { worker, reason }| format!("worker {worker} ({reason})"));
    format!("{complete} of {all} workers, lost: {}", lost.collect::<Vec<_>>().join(", "))
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

/// The observed value of a threshold in words.
pub(crate) fn observation(observation: &Observation) -> String {
    match observation {
        Observation::Latency(latency) => micros(*latency),
        Observation::ErrorRate(rate) => percent(*rate),
        Observation::CallsPerSecond(rate) => format!("{rate:.1} calls/s"),
        Observation::NoCalls => "no calls".to_owned(),
        Observation::InvalidThreshold(error) => error.clone(),
    }
}

fn percentile_change(row: &PercentileChange) -> String {
    let [current, baseline] = [row.current_us, row.baseline_us].map(|us| format::latency(Some(us)));
    let at_least = row.at_least_percent.filter(|_| row.assessment != Assessment::WithinLimit);
    let at_least =
        at_least.map(|percent| format!(", lower confidence bound {}", change(percent))).unwrap_or_default();
    format!("{current}, baseline {baseline} ({}{at_least})", change(row.change_percent))
}

fn rate_change(baseline: f64, current: f64) -> String {
    format!("{current:.0}/s, baseline {baseline:.0}/s ({})", change((current / baseline - 1.0) * 100.0))
}
