//! The verdict on a run.

use super::baseline::Baseline;
use super::comparison::{self, Assessment, Comparison, UnmatchedOperation};
use super::criteria::{Criterion, CriterionKind, CriterionResult, SkipReason, Status};
use super::exit_code::ExitCode;
use super::threshold::{Observation, Threshold};
use crate::metrics::{Ending, FaultWindow, LoadModel, MAX_DROPPED_PERCENT, Results, sum};

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

impl Verdict {
    /// Fails the verdict because a report could not be written.
    pub(crate) fn fail_unwritten(&mut self, error: String) {
        let known = self.criteria.iter_mut().find_map(|result| match &mut result.criterion {
            Criterion::ReportsWritten { errors } => Some(errors),
            _ => None,
        });
        match known {
            Some(errors) => errors.push(error),
            None => self.criteria.push(Criterion::ReportsWritten { errors: vec![error] }.passes_if(false)),
        }
        self.exit_code = self.exit_code.graver(ExitCode::Failed);
    }
}

/// The thresholds of a run of the embedded service for which none were given.
///
/// They are far above the latencies of a slow machine, and below those of a broken build.
pub const EMBEDDED_THRESHOLDS: [&str; 2] = ["p95<250ms", "p99<1s"];

/// The highest share of calls whose idle connection was closed by the peer, in percent.
const MAX_STALE_PERCENT: f64 = 1.0;

/// Evaluates the pass criteria of a run, and compares it with the other service that it loaded, or with a baseline.
#[must_use]
pub fn evaluate(results: &Results, baseline: Option<&Baseline>) -> Verdict {
    match &results.against {
        Some(against) => evaluate_pair(results, against),
        None => evaluate_service(results, baseline),
    }
}

/// Evaluates the pass criteria of one service.
fn evaluate_service(results: &Results, baseline: Option<&Baseline>) -> Verdict {
    let mut criteria = consistency(results);
    criteria.extend(run_health(results));
    criteria.extend(thresholds(results));
    let (regressions, comparison) =
        baseline.map_or_else(Default::default, |baseline| regressions(results, baseline));
    criteria.extend(regressions);
    Verdict { exit_code: exit_code(results, &criteria), criteria, comparison }
}

/// Evaluates the pass criteria of two services that were loaded at the same time, and compares the first with
/// the second.
fn evaluate_pair(results: &Results, against: &Results) -> Verdict {
    let [mut own, other] = [results, against].map(|results| evaluate_service(results, None));
    let has = |status| other.criteria.iter().any(|result| result.status == status);
    let status = [Status::Failed, Status::Inconclusive].into_iter().find(|status| has(*status));
    let missed = other.criteria.into_iter().filter(|result| Some(result.status) == status);
    let missed = missed.map(|result| result.criterion).collect();
    let address = against.service.address.clone();
    let with = vec![address.clone()];
    let criterion = Criterion::OtherService { address, calls: against.calls(), missed };
    own.criteria.push(CriterionResult { criterion, status: status.unwrap_or(Status::Passed) });
    let max_percent = results.pass_criteria.max_regression;
    let comparison = comparison::compare(with, &[against], results, max_percent, true);
    own.criteria.extend(comparison_criteria(&comparison, max_percent));
    let exit_code = exit_code(results, &own.criteria).graver(other.exit_code);
    Verdict { exit_code, criteria: own.criteria, comparison: Some(comparison) }
}

/// Without the resources of its machine, or after an internal failure, a load generator measures nothing. Wrong
/// data comes next, because it is true however the run ended. A signal comes before failures, because a run that
/// was stopped is not the measurement that was asked for. A failure comes before what is inconclusive.
fn exit_code(results: &Results, criteria: &[CriterionResult]) -> ExitCode {
    if results.unsent_calls() > 0 || matches!(results.ending, Ending::Failed { .. }) {
        return ExitCode::CouldNotRun;
    }
    let failed = |result: &&CriterionResult| result.status == Status::Failed;
    let gravest = criteria.iter().filter(failed).map(|result| result.criterion.kind()).min();
    match gravest {
        Some(CriterionKind::Consistency) => ExitCode::WrongData,
        _ if is_stopped(results) => ExitCode::Stopped,
        Some(_) => ExitCode::Failed,
        None if criteria.iter().any(|result| result.status == Status::Inconclusive) => ExitCode::Inconclusive,
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
    let mut criteria = Vec::new();
    if results.contract.has_sessions {
        criteria.push(Criterion::NoForeignSessions { listed }.passes_if(listed == 0));
    }
    criteria.extend(results.violations.iter().map(|violation| {
        let (kind, count) = (violation.kind.clone(), violation.count);
        Criterion::NoViolation { kind, count }.passes_if(count == 0)
    }));
    criteria.extend(consistent_during_faults(results));
    if !results.checks_enabled {
        criteria.push(Criterion::ChecksEnabled.skipped(SkipReason::ChecksDisabled));
    }
    // Failed criteria first: the verdict lists them in this order.
    criteria.sort_by_key(|result| result.status != Status::Failed);
    criteria
}

/// The criterion for which faults are injected.
fn consistent_during_faults(results: &Results) -> Option<CriterionResult> {
    let violations = results.violation_count();
    let (faults, failed) = (results.faults.len(), results.expected_failures.calls);
    let criterion = Criterion::ConsistentDuringFaults { violations, faults, failed };
    let judged = |criterion: Criterion| {
        if results.checks_enabled {
            criterion.passes_if(violations == 0)
        } else {
            criterion.skipped(SkipReason::ChecksDisabled)
        }
    };
    (faults > 0).then(|| judged(criterion))
}

/// A fault without an effect has tested nothing.
fn faults_in_effect(results: &Results) -> Vec<CriterionResult> {
    let in_effect = |window: &FaultWindow| {
        let (fault, connections) = (window.fault.clone(), window.connections);
        let criterion = Criterion::FaultInEffect { fault, connections };
        match connections {
            0 if is_stopped(results) => criterion.skipped(SkipReason::StoppedEarly),
            0 => criterion.inconclusive(),
            _ => criterion.passes_if(true),
        }
    };
    results.faults.iter().map(in_effect).collect()
}

fn run_health(results: &Results) -> impl Iterator<Item = CriterionResult> {
    lost_workers(results)
        .into_iter()
        .chain([error_rate(results), outage(results), min_calls(results), completed_iteration(results)])
        .chain(stale_connections(results))
        .chain(dropped_iterations(results))
        .chain(steps(results))
        .chain(load_generator_limits(results))
        .chain(faults_in_effect(results))
        .chain([planned_ending(results)])
        .chain(nothing_left_behind(results))
}

/// The criterion only exists if it failed.
fn lost_workers(results: &Results) -> Option<CriterionResult> {
    let (lost, workers) = (results.lost_workers.clone(), results.workers());
    (!lost.is_empty()).then(|| Criterion::AllWorkers { lost, workers }.passes_if(false))
}

#[expect(clippy::cast_precision_loss, reason = "numbers of calls")]
fn error_rate(results: &Results) -> CriterionResult {
    let max_percent = results.pass_criteria.max_error_rate;
    let unsent = results.unsent_calls();
    let others = sum([unsent, results.stale_connections(), results.expected_failed_calls()]);
    let failed = results.failed_calls().saturating_sub(others);
    let calls = results.calls().saturating_sub(unsent);
    let criterion = Criterion::ErrorRate { failed, calls, max_percent };
    if is_breakpoint_search(results) {
        return criterion.skipped(SkipReason::BreakpointSearch);
    }
    criterion.passes_if(calls == 0 || failed as f64 * 100.0 / calls as f64 <= max_percent)
}

/// The criterion only exists if there are such calls.
#[expect(clippy::cast_precision_loss, reason = "numbers of calls")]
fn stale_connections(results: &Results) -> Option<CriterionResult> {
    let (closed, calls) = (results.stale_connections(), results.calls());
    let passes = closed as f64 * 100.0 <= calls as f64 * MAX_STALE_PERCENT;
    let criterion = Criterion::StaleConnections { closed, calls, max_percent: MAX_STALE_PERCENT };
    (closed > 0).then(|| criterion.passes_if(passes))
}

fn outage(results: &Results) -> CriterionResult {
    let outages = results.unexpected_outages();
    let max_s = results.pass_criteria.max_outage_s;
    let criterion = Criterion::Outage {
        seconds: outages.count(),
        run_s: results.load_us.div_ceil(1_000_000),
        first: outages.first(),
        max_s,
    };
    if is_breakpoint_search(results) {
        return criterion.skipped(SkipReason::BreakpointSearch);
    }
    criterion.passes_if(outages.count() <= max_s)
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
    let (completed, interrupted) = (results.completed_iterations(), results.interrupted_iterations());
    let criterion = Criterion::CompletedIteration { completed, interrupted };
    // The run was too short for its iterations, which says nothing about the service.
    if completed == 0 && interrupted > 0 && !is_stopped(results) {
        return criterion.inconclusive();
    }
    unless_stopped(results, criterion, completed > 0)
}

#[expect(clippy::cast_precision_loss, reason = "numbers of iterations")]
fn dropped_iterations(results: &Results) -> Option<CriterionResult> {
    let LoadModel::Open { .. } = results.load else { return None };
    let dropped = results.load_generators.iter().map(|generator| generator.dropped_iterations).sum();
    let started: u64 = results.load_generators.iter().map(|generator| generator.start_delay.count()).sum();
    let due = dropped + started;
    let passes = dropped as f64 * 100.0 <= due as f64 * MAX_DROPPED_PERCENT;
    let criterion = Criterion::DroppedIterations { dropped, due, max_percent: MAX_DROPPED_PERCENT };
    if is_slowed_down(results) {
        return Some(criterion.skipped(SkipReason::Faults));
    }
    Some(unless_stopped(results, criterion, passes))
}

/// Returns whether iterations may be late because of faults.
fn is_slowed_down(results: &Results) -> bool {
    !(results.faults.is_empty() || results.pass_criteria.counts_faults)
}

/// Judges each step of the rate.
fn steps(results: &Results) -> Vec<CriterionResult> {
    let LoadModel::Open { steps, .. } = &results.load else { return Vec::new() };
    let steps = steps.iter().zip(&results.steps).zip(1..);
    steps
        .map(|((step, metrics), number)| {
            let passes = metrics.kept_up(step);
            let criterion = Criterion::HeldRate { number, step: step.clone(), metrics: metrics.clone() };
            match metrics.held_rate(step) {
                _ if is_slowed_down(results) => criterion.skipped(SkipReason::Faults),
                None if step.iterations() >= 1.0 => criterion.skipped(SkipReason::StoppedEarly),
                _ => unless_stopped(results, criterion, passes),
            }
        })
        .collect()
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

/// Without sessions there is only a teardown, whose criterion only exists if it failed.
fn nothing_left_behind(results: &Results) -> Option<CriterionResult> {
    let left_behind = results.sessions.left_behind.count;
    let check_error = results.sessions.check_error.clone();
    if !results.contract.has_sessions {
        return check_error.map(|error| Criterion::Teardown { error }.passes_if(false));
    }
    // Its sessions are in the memory of the process, and end with it.
    if results.service.embedded && results.ending == Ending::InProgress {
        return None;
    }
    let passes = left_behind == 0 && check_error.is_none();
    let remedy = results.cleanup_command.clone();
    Some(Criterion::NothingLeftBehind { left_behind, check_error, remedy }.passes_if(passes))
}

/// A breakpoint search misses its thresholds on purpose; it only has to find a rate that passes them.
fn thresholds(results: &Results) -> Vec<CriterionResult> {
    let given = results.pass_criteria.thresholds.iter();
    let LoadModel::Breakpoint { sustained_rate: rate, .. } = results.load else {
        return given.map(|text| threshold(results, text)).collect();
    };
    let sustained = Criterion::SustainedRate { rate }.passes_if(rate.is_some());
    let searched = given.map(|text| {
        let (threshold, observed) = (text.clone(), Observation::NoCalls);
        Criterion::Threshold { threshold, observed }.skipped(SkipReason::BreakpointSearch)
    });
    std::iter::once(sustained).chain(searched).collect()
}

fn threshold(results: &Results, text: &str) -> CriterionResult {
    let (observed, passes) = match text.parse::<Threshold>() {
        Ok(threshold) => threshold.evaluate(results),
        Err(error) => (Observation::InvalidThreshold(error.to_string()), false),
    };
    Criterion::Threshold { threshold: text.to_owned(), observed }.passes_if(passes)
}

fn regressions(results: &Results, baseline: &Baseline) -> (Vec<CriterionResult>, Option<Comparison>) {
    if let Err(difference) = baseline.check_comparable(results) {
        let (files, difference) = (baseline.files(), Some(difference.to_string()));
        return (vec![Criterion::ComparableBaseline { files, difference }.passes_if(false)], None);
    }
    if is_breakpoint_search(results) {
        // The searches tried different rates: only the sustained rates are comparable.
        return (vec![rate_regression(results, baseline)], None);
    }
    let comparison = baseline.compare(results);
    (comparison_criteria(&comparison, results.pass_criteria.max_regression), Some(comparison))
}

/// The criteria of a comparison. Failed ones come first, then those that are inconclusive.
fn comparison_criteria(comparison: &Comparison, max_percent: f64) -> Vec<CriterionResult> {
    let enough = (!comparison.is_possible()).then(|| Criterion::EnoughCalls.inconclusive());
    let unmatched = comparison.unmatched.iter().map(|UnmatchedOperation { operation, in_baseline }| {
        let criterion =
            Criterion::OperationCalled { operation: operation.clone(), in_baseline: *in_baseline };
        if *in_baseline { criterion.inconclusive() } else { criterion.skipped(SkipReason::NotInBaseline) }
    });
    let changes = comparison.rows.iter().map(|change| {
        let criterion = Criterion::PercentileRegression { change: change.clone(), max_percent };
        match change.assessment {
            Assessment::TooFewCalls => criterion.skipped(SkipReason::TooFewCalls),
            Assessment::WithinLimit => criterion.passes_if(true),
            Assessment::Regressed => criterion.passes_if(false),
            Assessment::Inconclusive => criterion.inconclusive(),
        }
    });
    let mut criteria: Vec<_> = enough.into_iter().chain(unmatched).chain(changes).collect();
    criteria.sort_by_key(|result| match result.status {
        Status::Failed => 0,
        Status::Inconclusive => 1,
        Status::Passed | Status::Skipped(_) => 2,
    });
    criteria
}

/// Compares the sustained rate with the average of the baseline, whose searches that sustained no rate do not
/// count.
#[expect(clippy::cast_precision_loss, reason = "a number of files")]
fn rate_regression(results: &Results, baseline: &Baseline) -> CriterionResult {
    let sustained = |results: &Results| match results.load {
        LoadModel::Breakpoint { sustained_rate, .. } => sustained_rate,
        _ => None,
    };
    let before: Vec<f64> = baseline.runs.iter().filter_map(|run| sustained(&run.results)).collect();
    if before.is_empty() {
        let files = baseline.files();
        let difference = format!("no rate was sustained in the baseline {}", files.join(", "));
        return Criterion::ComparableBaseline { files, difference: Some(difference) }.inconclusive();
    }
    let baseline = before.iter().sum::<f64>() / before.len() as f64;
    let current = sustained(results).unwrap_or(0.0);
    let max_percent = results.pass_criteria.max_regression;
    let passes = (1.0 - current / baseline) * 100.0 <= max_percent;
    Criterion::RateRegression { baseline, current, max_percent }.passes_if(passes)
}
