//! The verdict on a run.

use super::baseline::{Assessment, Baseline, Comparison};
use super::criteria::{Criterion, CriterionKind, CriterionResult, SkipReason, Status};
use super::exit_code::ExitCode;
use super::rule::{Observation, Rule};
use crate::metrics::{Ending, LoadModel, Results};

/// The verdict on a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// The exit code of the program.
    pub exit_code: ExitCode,
    /// All criteria, the gravest first.
    pub criteria: Vec<CriterionResult>,
    /// The percentiles of this run and of the baseline.
    pub comparison: Option<Comparison>,
}

/// The thresholds of a run of the embedded service for which none were given.
///
/// They are far above the latencies of a slow machine, and below those of a broken build.
pub const EMBEDDED_THRESHOLDS: [&str; 2] = ["p95<250ms", "p99<1s"];

/// The highest share of dropped iterations, in percent.
const MAX_DROPPED_PERCENT: f64 = 1.0;

/// Evaluates the pass criteria of a run, and compares it with a baseline.
#[must_use]
pub fn evaluate(results: &Results, baseline: Option<&Baseline>) -> Verdict {
    let mut criteria = consistency(results);
    criteria.extend(run_health(results));
    criteria.extend(thresholds(results));
    let (regressions, comparison) =
        baseline.map_or_else(Default::default, |baseline| regressions(results, baseline));
    criteria.extend(regressions);
    Verdict { exit_code: exit_code(results, &criteria), criteria, comparison }
}

/// Without the resources of its machine, a load generator measures nothing. Wrong data comes next, because it
/// is true however the run ended. A signal comes before failures, because a run that was stopped is not the
/// measurement that was asked for.
fn exit_code(results: &Results, criteria: &[CriterionResult]) -> ExitCode {
    if results.unsent_calls() > 0 {
        return ExitCode::CouldNotRun;
    }
    let failed = |result: &&CriterionResult| result.status == Status::Failed;
    let gravest = criteria.iter().filter(failed).map(|result| result.criterion.kind()).min();
    match gravest {
        Some(CriterionKind::Consistency) => ExitCode::WrongData,
        _ if is_stopped(results) => ExitCode::Stopped,
        Some(_) => ExitCode::Failed,
        None => ExitCode::Passed,
    }
}

fn is_stopped(results: &Results) -> bool {
    matches!(results.ending, Ending::Signal { .. })
}

fn is_breakpoint_search(results: &Results) -> bool {
    matches!(results.load, LoadModel::Breakpoint { .. })
}

fn consistency(results: &Results) -> Vec<CriterionResult> {
    let listed = results.sessions.foreign.count;
    let mut criteria = vec![Criterion::NoForeignSessions { listed }.passes_if(listed == 0)];
    criteria.extend(results.violations.iter().map(|violation| {
        let (kind, count) = (violation.kind.clone(), violation.count);
        Criterion::NoViolation { kind, count }.passes_if(count == 0)
    }));
    if !results.checks_enabled {
        criteria.push(Criterion::ChecksEnabled.skipped(SkipReason::ChecksDisabled));
    }
    // Failed criteria first: the verdict lists them in this order.
    criteria.sort_by_key(|result| result.status != Status::Failed);
    criteria
}

fn run_health(results: &Results) -> impl Iterator<Item = CriterionResult> {
    [error_rate(results), min_calls(results), completed_iteration(results)]
        .into_iter()
        .chain(dropped_iterations(results))
        .chain(load_generator_limits(results))
        .chain([planned_ending(results), nothing_left_behind(results)])
}

#[expect(clippy::cast_precision_loss, reason = "numbers of calls")]
fn error_rate(results: &Results) -> CriterionResult {
    let max_percent = results.pass_criteria.max_error_rate;
    let unsent = results.unsent_calls();
    let (failed, calls) =
        (results.failed_calls().saturating_sub(unsent), results.calls().saturating_sub(unsent));
    let criterion = Criterion::ErrorRate { failed, calls, max_percent };
    if is_breakpoint_search(results) {
        return criterion.skipped(SkipReason::BreakpointSearch);
    }
    criterion.passes_if(calls == 0 || failed as f64 * 100.0 / calls as f64 <= max_percent)
}

/// The criterion only exists if it failed.
fn load_generator_limits(results: &Results) -> Option<CriterionResult> {
    let failed = results.unsent_calls();
    let example = results.unsent().find_map(|failure| failure.example.clone());
    (failed > 0).then(|| Criterion::LoadGeneratorLimits { failed, example }.passes_if(false))
}

fn min_calls(results: &Results) -> CriterionResult {
    let (calls, min) = (results.calls(), results.pass_criteria.min_requests);
    unless_stopped(results, Criterion::MinCalls { calls, min }, calls >= min)
}

fn completed_iteration(results: &Results) -> CriterionResult {
    let completed = results.completed_iterations();
    unless_stopped(results, Criterion::CompletedIteration { completed }, completed > 0)
}

#[expect(clippy::cast_precision_loss, reason = "numbers of iterations")]
fn dropped_iterations(results: &Results) -> Option<CriterionResult> {
    let LoadModel::Open { .. } = results.load else { return None };
    let dropped = results.load_generators.iter().map(|generator| generator.dropped_iterations).sum();
    let started: u64 = results.load_generators.iter().map(|generator| generator.start_delay.count()).sum();
    let due = dropped + started;
    let passes = dropped as f64 * 100.0 <= due as f64 * MAX_DROPPED_PERCENT;
    let criterion = Criterion::DroppedIterations { dropped, due, max_percent: MAX_DROPPED_PERCENT };
    Some(unless_stopped(results, criterion, passes))
}

/// A stopped run is not blamed for being short.
fn unless_stopped(results: &Results, criterion: Criterion, passes: bool) -> CriterionResult {
    if is_stopped(results) {
        criterion.skipped(SkipReason::StoppedEarly)
    } else {
        criterion.passes_if(passes)
    }
}

fn planned_ending(results: &Results) -> CriterionResult {
    let ending = results.ending.clone();
    let passes = ending == Ending::Planned;
    Criterion::PlannedEnding { ending }.passes_if(passes)
}

fn nothing_left_behind(results: &Results) -> CriterionResult {
    let left_behind = results.sessions.left_behind.count;
    let check_error = results.sessions.check_error.clone();
    let passes = left_behind == 0 && check_error.is_none();
    Criterion::NothingLeftBehind { left_behind, check_error }.passes_if(passes)
}

/// A breakpoint search misses its thresholds on purpose; it only has to find a rate that passes them.
fn thresholds(results: &Results) -> Vec<CriterionResult> {
    let rules = results.pass_criteria.thresholds.iter();
    let LoadModel::Breakpoint { sustained_rate: rate, .. } = results.load else {
        return rules.map(|rule| threshold(results, rule)).collect();
    };
    let sustained = Criterion::SustainedRate { rate }.passes_if(rate.is_some());
    let searched = rules.map(|rule| {
        let (rule, observed) = (rule.clone(), Observation::NoCalls);
        Criterion::Threshold { rule, observed }.skipped(SkipReason::BreakpointSearch)
    });
    std::iter::once(sustained).chain(searched).collect()
}

fn threshold(results: &Results, text: &str) -> CriterionResult {
    let (observed, passes) = match text.parse::<Rule>() {
        Ok(rule) => rule.evaluate(results),
        Err(error) => (Observation::InvalidRule(error.to_string()), false),
    };
    Criterion::Threshold { rule: text.to_owned(), observed }.passes_if(passes)
}

fn regressions(results: &Results, baseline: &Baseline) -> (Vec<CriterionResult>, Option<Comparison>) {
    if let Err(difference) = baseline.check_comparable(results) {
        let (file, difference) = (baseline.file.clone(), Some(difference.to_string()));
        return (vec![Criterion::ComparableBaseline { file, difference }.passes_if(false)], None);
    }
    let max_percent = results.pass_criteria.max_regression;
    if is_breakpoint_search(results) {
        // The two searches tried different rates: only the sustained rates are comparable.
        return (rate_regression(results, &baseline.results, max_percent).into_iter().collect(), None);
    }
    let comparison = baseline.compare(results, max_percent);
    let criteria = comparison.rows.iter().map(|change| {
        let criterion = Criterion::PercentileRegression { change: change.clone(), max_percent };
        match change.assessment {
            Assessment::TooFewCalls => criterion.skipped(SkipReason::TooFewCalls),
            Assessment::WithinLimit => criterion.passes_if(true),
            Assessment::Regressed => criterion.passes_if(false),
        }
    });
    (criteria.collect(), Some(comparison))
}

fn rate_regression(results: &Results, baseline: &Results, max_percent: f64) -> Option<CriterionResult> {
    let (
        LoadModel::Breakpoint { sustained_rate: current, .. },
        LoadModel::Breakpoint { sustained_rate: Some(baseline), .. },
    ) = (&results.load, &baseline.load)
    else {
        return None;
    };
    let (current, baseline) = (current.unwrap_or(0.0), *baseline);
    let passes = (1.0 - current / baseline) * 100.0 <= max_percent;
    Some(Criterion::RateRegression { baseline, current, max_percent }.passes_if(passes))
}
