use super::*;
use crate::distributed::merge::merge_results;
use crate::metrics::{Ending, FailureSummary, LOCAL_LIMIT, LoadModel, Results, ViolationSummary, sample};
use crate::output::criteria::{failures, verdict_line};

fn good() -> Results {
    sample::results(&sample::calls(1, 12_345, 10))
}

fn violation(kind: &str, count: u64) -> ViolationSummary {
    ViolationSummary { kind: kind.to_owned(), count, examples: Vec::new() }
}

fn signal() -> Ending {
    Ending::Signal { signal: "SIGTERM".to_owned() }
}

#[track_caller]
fn assert_line(results: &Results, exit_code: ExitCode, line: &str) {
    let verdict = evaluate(results, None);
    assert_eq!((verdict.exit_code, verdict_line(results, &verdict).as_str()), (exit_code, line));
}

#[track_caller]
fn assert_verdict(change: impl FnOnce(&mut Results), exit_code: ExitCode, line: &str) {
    let mut results = good();
    change(&mut results);
    assert_line(&results, exit_code, line);
}

fn fail_calls(results: &mut Results, failures: u64) {
    results.operations.get_mut("open_session").unwrap().failures = failures;
}

#[test]
fn a_run_without_failures_passes() {
    let line = "PASS: 12,345 calls, 0 failed, 0 violations, nothing left behind";
    assert_verdict(|_| (), ExitCode::Passed, line);
}

#[test]
fn one_failed_call_fails_the_run() {
    let line = "FAIL: error rate 0.008% (1 of 12,345 calls), limit 0% (12,345 calls, 1 failed, 0 violations, \
                nothing left behind)";
    assert_verdict(|results| fail_calls(results, 1), ExitCode::Failed, line);
}

#[test]
fn failed_calls_pass_up_to_the_maximum_error_rate() {
    let allow = |percent| {
        move |results: &mut Results| {
            fail_calls(results, 123);
            results.pass_criteria.max_error_rate = percent;
        }
    };
    let line = "PASS: 12,345 calls, 123 failed, 0 violations, nothing left behind";
    assert_verdict(allow(1.0), ExitCode::Passed, line);
    let line = "FAIL: error rate 1% (123 of 12,345 calls), limit 0.9% (12,345 calls, 123 failed, 0 violations, \
                nothing left behind)";
    assert_verdict(allow(0.9), ExitCode::Failed, line);
}

#[test]
fn a_run_without_calls_fails() {
    let line = "FAIL: 0 calls, minimum 1; no iteration completed (0 calls, 0 failed, 0 violations, \
                nothing left behind)";
    assert_line(&sample::results(&[]), ExitCode::Failed, line);
}

#[test]
fn dropped_iterations_fail_a_run_in_the_open_model() {
    let dropped = |dropped_iterations| {
        move |results: &mut Results| {
            results.load = LoadModel::Open { steps: Vec::new(), pre_allocated_vus: 10 };
            let generator = &mut results.load_generators[0];
            generator.dropped_iterations = dropped_iterations;
            (0..990).for_each(|_| generator.start_delay.record(1_000));
        }
    };
    let line = "PASS: 12,345 calls, 0 failed, 0 violations, nothing left behind";
    assert_verdict(dropped(10), ExitCode::Passed, line);
    let line = "FAIL: 11 of 1,001 iterations dropped: increase --pre-allocated-vus (12,345 calls, 0 failed, \
                0 violations, nothing left behind)";
    assert_verdict(dropped(11), ExitCode::Failed, line);
}

#[test]
fn a_violation_is_graver_than_failures_and_a_signal() {
    let change = |results: &mut Results| {
        fail_calls(results, 4);
        results.violations =
            vec![violation("session is missing", 0), violation("stale data was returned", 1)];
        results.ending = signal();
    };
    let line = "FAIL: stale data was returned, 1 time; error rate 0.032% (4 of 12,345 calls), limit 0%; stopped by \
                SIGTERM (12,345 calls, 4 failed, 1 violation, nothing left behind)";
    assert_verdict(change, ExitCode::WrongData, line);
}

#[test]
fn a_listed_session_of_another_user_is_wrong_data() {
    let line = "FAIL: 1 session of other users listed for a user of the run (12,345 calls, 0 failed, \
                0 violations, nothing left behind)";
    assert_verdict(|results| results.sessions.foreign.add("id"), ExitCode::WrongData, line);
}

#[test]
fn a_signal_is_graver_than_failures() {
    let change = |results: &mut Results| {
        fail_calls(results, 2);
        results.ending = signal();
        results.sessions.left_behind.add("id");
    };
    let line = "STOPPED: error rate 0.016% (2 of 12,345 calls), limit 0%; stopped by SIGTERM; 1 session left behind \
                (12,345 calls, 2 failed, 0 violations, 1 session left behind)";
    assert_verdict(change, ExitCode::Stopped, line);
}

#[test]
fn a_stopped_run_is_not_blamed_for_being_short() {
    let results = Results { ending: signal(), ..sample::results(&[]) };
    let line = "STOPPED: stopped by SIGTERM (0 calls, 0 failed, 0 violations, nothing left behind)";
    assert_line(&results, ExitCode::Stopped, line);
}

#[test]
fn a_missed_threshold_fails_the_run() {
    let mut results = good();
    results.pass_criteria.thresholds = vec!["max<1us for POST open_session".to_owned(), "p95<10s".to_owned()];
    let verdict = evaluate(&results, None);
    let failures: Vec<_> = failures(&verdict).collect();
    let [failure] = &failures[..] else { panic!("{failures:?}") };
    assert!(failure.starts_with("threshold missed: max<1us for POST open_session, observed "), "{failure}");
    assert_eq!(verdict.exit_code, ExitCode::Failed);
}

#[test]
fn an_invalid_threshold_fails_the_run() {
    let mut results = good();
    results.pass_criteria.thresholds = vec!["p95=1".to_owned()];
    assert_eq!(evaluate(&results, None).exit_code, ExitCode::Failed);
}

#[test]
fn sessions_left_behind_fail_the_run() {
    let line = "FAIL: 2 sessions left behind (12,345 calls, 0 failed, 0 violations, 2 sessions left behind)";
    let change =
        |results: &mut Results| ["a", "b"].into_iter().for_each(|id| results.sessions.left_behind.add(id));
    assert_verdict(change, ExitCode::Failed, line);
}

#[test]
fn a_leftover_check_that_failed_fails_the_run() {
    let line = "FAIL: leftover check failed: it was down (12,345 calls, 0 failed, 0 violations, \
                leftover check failed)";
    let change = |results: &mut Results| results.sessions.check_error = Some("it was down".to_owned());
    assert_verdict(change, ExitCode::Failed, line);
}

#[test]
fn a_run_that_did_not_end_as_planned_fails() {
    for (ending, message) in [
        (Ending::Failed { reason: "it panicked".to_owned() }, "load generator failed: it panicked"),
        (Ending::Threshold { rule: "p95<1ms".to_owned() }, "aborted by a missed threshold: p95<1ms"),
        (Ending::InProgress, "the run has not ended"),
    ] {
        let verdict = evaluate(&Results { ending, ..good() }, None);
        assert_eq!(failures(&verdict).collect::<Vec<_>>(), [message]);
        assert_eq!(verdict.exit_code, ExitCode::Failed);
    }
}

#[test]
fn disabled_checks_are_reported() {
    let verdict = evaluate(&Results { checks_enabled: false, ..good() }, None);
    let skipped = Criterion::ChecksEnabled.skipped(SkipReason::ChecksDisabled);
    assert!(verdict.criteria.contains(&skipped), "{verdict:?}");
    assert_eq!(verdict.exit_code, ExitCode::Passed);
}

fn baseline(results: Results) -> Baseline {
    Baseline { file: "before.json".to_owned(), results }
}

#[test]
fn a_regression_fails_the_run() {
    let calls = sample::calls(1, 60_000, 10);
    let mut slow = calls.clone();
    slow.iter_mut().filter(|call| call.operation == "open_session").for_each(|call| call.micros *= 2);
    let verdict = evaluate(&sample::results(&slow), Some(&baseline(sample::results(&calls))));
    let failures: Vec<_> = failures(&verdict).collect();
    assert_eq!((verdict.exit_code, failures.len()), (ExitCode::Failed, 3));
    for (failure, percentile) in failures.iter().zip(["p50", "p95", "p99"]) {
        assert!(failure.starts_with(&format!("{percentile} of open_session regressed: ")), "{failure}");
        assert!(failure.ends_with(" (+100%), limit +20%"), "{failure}");
    }
    assert_eq!(verdict.comparison.unwrap().rows.len(), 18);
}

#[test]
fn a_baseline_with_a_different_load_fails_the_run() {
    let mut before = good();
    before.load = LoadModel::Closed { users: 1, test_plan: None };
    let verdict = evaluate(&good(), Some(&baseline(before)));
    let message = "the baseline before.json has a different load: the number of users was 1 and is 8";
    assert_eq!(failures(&verdict).collect::<Vec<_>>(), [message]);
    assert_eq!(verdict.exit_code, ExitCode::Failed);
}

fn breakpoint(sustained_rate: Option<f64>) -> LoadModel {
    LoadModel::Breakpoint { steps: Vec::new(), step_seconds: 5.0, pre_allocated_vus: 100, sustained_rate }
}

#[test]
fn a_lower_sustained_rate_is_a_regression() {
    let compare = |before, now| {
        let [before, now] = [before, now].map(|rate| Results { load: breakpoint(rate), ..good() });
        evaluate(&now, Some(&baseline(before))).exit_code
    };
    assert_eq!(compare(Some(1_000.0), Some(900.0)), ExitCode::Passed);
    assert_eq!(compare(Some(1_000.0), Some(700.0)), ExitCode::Failed);
    assert_eq!(compare(Some(1_000.0), None), ExitCode::Failed);
    assert_eq!(compare(None, Some(10.0)), ExitCode::Passed);
}

#[test]
fn the_percentiles_of_breakpoint_searches_are_not_compared() {
    let calls = sample::calls(1, 60_000, 10);
    let mut slow = calls.clone();
    for call in &mut slow {
        call.micros *= 2;
    }
    let [before, now] =
        [calls, slow].map(|calls| Results { load: breakpoint(Some(500.0)), ..sample::results(&calls) });
    let verdict = evaluate(&now, Some(&baseline(before)));
    let kind = CriterionKind::Regression;
    let compared: Vec<_> = verdict.criteria.iter().filter(|result| result.criterion.kind() == kind).collect();
    let [CriterionResult { criterion: Criterion::RateRegression { .. }, status: Status::Passed }] =
        compared[..]
    else {
        panic!("{compared:?}")
    };
    assert_eq!((verdict.exit_code, verdict.comparison), (ExitCode::Passed, None));
}

#[test]
fn a_breakpoint_search_may_miss_its_thresholds() {
    let verdict = |rate| {
        let mut results = good();
        fail_calls(&mut results, 100);
        results.pass_criteria.thresholds = vec!["max<1us".to_owned()];
        results.load = breakpoint(rate);
        evaluate(&results, None)
    };
    assert_eq!(verdict(Some(500.0)).exit_code, ExitCode::Passed);
    let none = verdict(None);
    assert_eq!(failures(&none).collect::<Vec<_>>(), ["no rate was sustained"]);
    assert_eq!(none.exit_code, ExitCode::Failed);
}

#[test]
fn merged_results_are_judged_as_one_run() {
    let calls = sample::calls(1, 900, 3);
    let halves = [0, 1].map(|index| {
        let part: Vec<_> = calls.iter().skip(index as usize).step_by(2).cloned().collect();
        let mut results = sample::results_of_worker(index, 2, &part);
        results.pass_criteria.min_requests = 900;
        (format!("{index}.json"), results)
    });
    assert_eq!(evaluate(&halves[0].1, None).exit_code, ExitCode::Failed);
    assert_eq!(evaluate(&merge_results(halves.into()).unwrap(), None).exit_code, ExitCode::Passed);
}

#[test]
fn a_load_generator_without_resources_measures_nothing() {
    let exhaust = |results: &mut Results| {
        fail_calls(results, 2);
        results.failures.push(FailureSummary {
            operation: "open_session".to_owned(),
            reason: LOCAL_LIMIT.to_owned(),
            count: 2,
            example: Some("no port is free".to_owned()),
        });
    };
    let line = "FAIL: nothing was measured: this machine could not send 2 calls, such as: no port is free \
                (12,345 calls, 2 failed, 0 violations, nothing left behind)";
    assert_verdict(exhaust, ExitCode::CouldNotRun, line);
}
