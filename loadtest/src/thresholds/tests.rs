use super::*;
use crate::distributed::lost::LostWorkers;
use crate::distributed::merge::merge_results;
use crate::metrics::sample::{self, Call};
use crate::metrics::{
    CallMetrics, Ending, FailureSummary, LOCAL_LIMIT, LoadModel, RateStep, Results, STALE_CONNECTION,
    StepMetrics, ViolationSummary,
};
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

/// The calls of ten seconds, of which those from the third to the fifth second fail, one in each.
fn with_outage() -> Results {
    let mut calls = sample::calls(1, 12_345, 10);
    calls.retain(|call| !(2_750_000..4_750_000).contains(&(call.at_us + call.micros)));
    for at_us in [3_000_000, 4_000_000] {
        let failure = Some("connection failed");
        calls.push(Call { operation: "open_session", at_us, micros: 100, failure });
    }
    sample::results(&calls)
}

#[test]
fn an_outage_fails_a_run_whose_error_rate_hides_it() {
    let mut results = with_outage();
    results.pass_criteria.max_error_rate = 1.0;
    let verdict = evaluate(&results, None);
    let message = "no call succeeded for 2 s of 10 s, first at 12:00:03, limit 0 s";
    assert_eq!(
        (verdict.exit_code, failures(&verdict).collect()),
        (ExitCode::Failed, vec![message.to_owned()])
    );
    results.pass_criteria.max_outage_s = 2;
    assert_eq!(evaluate(&results, None).exit_code, ExitCode::Passed);
}

#[test]
fn the_seconds_that_another_worker_succeeded_in_do_not_count_as_outage() {
    let calls = sample::calls(2, 12_345, 10);
    let mut results = sample::results_of_worker(1, 2, &calls);
    let mut down = Results { execution_segment: results.execution_segment, ..with_outage() };
    down.execution_segment.as_mut().unwrap().index = 0;
    for results in [&mut results, &mut down] {
        results.pass_criteria.max_error_rate = 1.0;
    }
    assert_eq!(evaluate(&down, None).exit_code, ExitCode::Failed);
    let merged =
        merge_results(vec![("0".to_owned(), down), ("1".to_owned(), results)], &LostWorkers::default())
            .unwrap();
    assert_eq!(evaluate(&merged, None).exit_code, ExitCode::Passed);
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
fn a_step_that_the_service_did_not_keep_up_with_is_named() {
    let step = |due: u64, per_second: u64| StepMetrics {
        due,
        started: due,
        ended: (0..due).map(|number| number * 1_000_000 / per_second).collect(),
        calls: CallMetrics::default(),
    };
    let change = |results: &mut Results| {
        let rates = [100.0, 200.0].map(|rate| RateStep { from: rate, to: rate, seconds: 10.0 });
        results.load = LoadModel::Open { steps: rates.into(), pre_allocated_vus: 10 };
        results.steps = vec![step(1_000, 100), step(2_000, 100)];
    };
    let line = "FAIL: the service did not keep up with step 2, 200/s: 99.9/s held (12,345 calls, 0 failed, \
                0 violations, nothing left behind)";
    assert_verdict(change, ExitCode::Failed, line);
}

#[test]
fn a_step_that_was_not_reached_is_skipped() {
    let mut results = good();
    let steps = vec![RateStep { from: 100.0, to: 100.0, seconds: 10.0 }];
    results.load = LoadModel::Open { steps, pre_allocated_vus: 10 };
    results.steps = vec![StepMetrics::default()];
    let verdict = evaluate(&results, None);
    let held = |result: &&CriterionResult| matches!(result.criterion, Criterion::HeldRate { .. });
    let status = verdict.criteria.iter().find(held).unwrap().status;
    assert_eq!(status, Status::Skipped(SkipReason::StoppedEarly));
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
    let line = "STOPPED: error rate 0.016% (2 of 12,345 calls), limit 0%; stopped by SIGTERM; 1 session left behind: \
                loadtest cleanup --test-run-id 4f2a91c07be3 --host http://127.0.0.1:8080 \
                (12,345 calls, 2 failed, 0 violations, 1 session left behind)";
    assert_verdict(change, ExitCode::Stopped, line);
}

#[test]
fn a_run_that_is_shorter_than_its_iterations_is_inconclusive() {
    let change = |results: &mut Results| {
        (results.scenarios[0].completed, results.scenarios[0].interrupted) = (0, 8);
    };
    let line = "INCONCLUSIVE: no iteration completed, 8 interrupted by the end of the run: increase --run-time \
                (12,345 calls, 0 failed, 0 violations, nothing left behind)";
    assert_verdict(change, ExitCode::Inconclusive, line);
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
    let line = "FAIL: 2 sessions left behind: loadtest cleanup --test-run-id 4f2a91c07be3 --host http://127.0.0.1:8080 \
                (12,345 calls, 0 failed, 0 violations, 2 sessions left behind)";
    let change =
        |results: &mut Results| ["a", "b"].into_iter().for_each(|id| results.sessions.left_behind.add(id));
    assert_verdict(change, ExitCode::Failed, line);
}

#[test]
fn a_leftover_check_that_failed_fails_the_run() {
    let line = "FAIL: clean-up failed: it was down: loadtest cleanup --test-run-id 4f2a91c07be3 --host http://127.0.0.1:8080 \
                (12,345 calls, 0 failed, 0 violations, clean-up failed)";
    let change = |results: &mut Results| results.sessions.check_error = Some("it was down".to_owned());
    assert_verdict(change, ExitCode::Failed, line);
}

#[test]
fn a_run_that_did_not_end_as_planned_fails() {
    let panicked = Ending::Failed { reason: "it panicked".to_owned() };
    let aborted = Ending::Threshold { rule: "p95<1ms".to_owned() };
    for (ending, exit_code, message) in [
        (panicked, ExitCode::CouldNotRun, "load generator failed: it panicked"),
        (aborted, ExitCode::Failed, "aborted by a missed threshold: p95<1ms"),
        (Ending::InProgress, ExitCode::Failed, "the run has not ended"),
    ] {
        let verdict = evaluate(&Results { ending, ..good() }, None);
        assert_eq!(failures(&verdict).collect::<Vec<_>>(), [message]);
        assert_eq!(verdict.exit_code, exit_code);
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
    Baseline { runs: vec![BaselineRun { file: "before.json".to_owned(), results }] }
}

#[test]
fn a_regression_fails_the_run() {
    let calls = sample::calls(1, 60_000, 10);
    let mut slow = calls.clone();
    slow.iter_mut().filter(|call| call.operation == "open_session").for_each(|call| call.micros *= 2);
    let verdict = evaluate(&sample::results(&slow), Some(&baseline(sample::results(&calls))));
    let failures: Vec<_> = failures(&verdict).collect();
    assert_eq!(verdict.exit_code, ExitCode::Failed);
    for (failure, percentile) in failures.iter().zip(["p50", "p95", "p99"]) {
        assert!(failure.starts_with(&format!("{percentile} of open_session regressed: ")), "{failure}");
        assert!(
            failure.contains(" (+100%, lower confidence bound +") && failure.ends_with("), limit +20%"),
            "{failure}"
        );
    }
    // Those of six operations and of all together.
    assert_eq!(verdict.comparison.unwrap().rows.len(), 21);
}

/// Returns the calls with some percent of their latency.
fn scaled(calls: &[Call], percent: u64) -> Results {
    let scale = |call: &Call| Call { micros: call.micros * percent / 100, ..call.clone() };
    sample::results(&calls.iter().map(scale).collect::<Vec<_>>())
}

#[test]
fn an_increase_that_may_be_chance_is_inconclusive() {
    let calls = sample::calls(1, 600, 10);
    let verdict = evaluate(&scaled(&calls, 130), Some(&baseline(sample::results(&calls))));
    assert_eq!(verdict.exit_code, ExitCode::Inconclusive);
    let line = verdict_line(&scaled(&calls, 130), &verdict);
    assert!(line.starts_with("INCONCLUSIVE: p50 of close_session may have regressed: "), "{line}");
    assert!(line.contains(", limit +20%; and "), "{line}");
}

#[test]
fn a_failure_is_graver_than_an_inconclusive_comparison() {
    let calls = sample::calls(1, 600, 10);
    let mut results = scaled(&calls, 130);
    fail_calls(&mut results, 1);
    assert_eq!(evaluate(&results, Some(&baseline(sample::results(&calls)))).exit_code, ExitCode::Failed);
}

#[test]
fn an_operation_that_is_missing_is_inconclusive() {
    let results = sample::results(&sample::calls(1, 60_000, 10));
    let mut without = results.clone();
    without.operations.remove("open_session");
    let verdict = evaluate(&without, Some(&baseline(results.clone())));
    let missing = Criterion::OperationCalled { operation: "open_session".to_owned(), in_baseline: true };
    assert!(verdict.criteria.contains(&missing.inconclusive()), "{verdict:?}");
    assert_eq!(verdict.exit_code, ExitCode::Inconclusive);
    let added = evaluate(&results, Some(&baseline(without)));
    let added_only = Criterion::OperationCalled { operation: "open_session".to_owned(), in_baseline: false };
    assert!(added.criteria.contains(&added_only.skipped(SkipReason::NotInBaseline)), "{added:?}");
    assert_eq!(added.exit_code, ExitCode::Passed);
}

#[test]
fn a_comparison_without_enough_calls_is_inconclusive() {
    let few = sample::results(&sample::calls(1, 6, 10));
    let verdict = evaluate(&few, Some(&baseline(few.clone())));
    assert_eq!(verdict.exit_code, ExitCode::Inconclusive);
    assert!(verdict.criteria.contains(&Criterion::EnoughCalls.inconclusive()), "{verdict:?}");
}

#[test]
fn a_service_that_is_ten_times_slower_never_passes() {
    for count in [1, 2, 3, 6, 10, 20, 60, 200, 2_000] {
        for seconds in [0, 1, 10] {
            let calls = sample::calls(count, count, seconds);
            let verdict = evaluate(&scaled(&calls, 1_000), Some(&baseline(sample::results(&calls))));
            assert_ne!(verdict.exit_code, ExitCode::Passed, "{count} calls in {seconds} s");
        }
    }
}

#[test]
fn ten_calls_of_each_operation_show_a_service_ten_times_slower() {
    let calls = sample::calls(1, 60, 10);
    let verdict = evaluate(&scaled(&calls, 1_000), Some(&baseline(sample::results(&calls))));
    assert_eq!(verdict.exit_code, ExitCode::Failed);
}

#[test]
fn several_baselines_that_differ_allow_for_more() {
    let calls = sample::calls(1, 60_000, 10);
    let run = |percent: u64| BaselineRun { file: percent.to_string(), results: scaled(&calls, percent) };
    let exit = |percents: &[u64]| {
        let runs = percents.iter().map(|percent| run(*percent)).collect();
        evaluate(&scaled(&calls, 170), Some(&Baseline { runs })).exit_code
    };
    assert_eq!(exit(&[100]), ExitCode::Failed);
    assert_eq!(exit(&[100, 101, 99]), ExitCode::Failed);
    assert_eq!(exit(&[100, 140, 70]), ExitCode::Inconclusive);
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
}

#[test]
fn a_baseline_without_a_sustained_rate_is_inconclusive() {
    let [none, some] = [None, Some(10.0)].map(|rate| Results { load: breakpoint(rate), ..good() });
    let verdict = evaluate(&some, Some(&baseline(none.clone())));
    assert_eq!(verdict.exit_code, ExitCode::Inconclusive);
    let inconclusive = verdict.criteria.iter().find(|result| result.status == Status::Inconclusive).unwrap();
    let Criterion::ComparableBaseline { files, difference } = &inconclusive.criterion else {
        panic!("{inconclusive:?}")
    };
    let expected = format!("no rate was sustained in the baseline {}", files.join(", "));
    assert_eq!(difference.as_deref(), Some(&*expected));
    // A run without one fails, whatever the baseline is.
    assert_eq!(evaluate(&none, Some(&baseline(none.clone()))).exit_code, ExitCode::Failed);
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
    assert_eq!(
        evaluate(&merge_results(halves.into(), &LostWorkers::default()).unwrap(), None).exit_code,
        ExitCode::Passed
    );
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
            trace_id: None,
            seen: [results.started; 2],
        });
    };
    let line = "FAIL: nothing was measured: this machine could not send 2 calls, such as: no port is free \
                (12,345 calls, 2 failed, 0 violations, nothing left behind)";
    assert_verdict(exhaust, ExitCode::CouldNotRun, line);
}

/// Some calls whose idle connection was closed by the peer.
fn close_idle_connections(count: u64) -> impl FnOnce(&mut Results) {
    move |results| {
        fail_calls(results, count);
        results.failures.push(FailureSummary {
            operation: "open_session".to_owned(),
            reason: STALE_CONNECTION.to_owned(),
            count,
            example: None,
            trace_id: None,
            seen: [results.started; 2],
        });
    }
}

#[test]
fn a_few_stale_connections_are_not_in_the_error_rate() {
    let line = "PASS: 12,345 calls, 123 failed, 0 violations, nothing left behind";
    assert_verdict(close_idle_connections(123), ExitCode::Passed, line);
}

#[test]
fn many_stale_connections_fail_the_run() {
    let line = "FAIL: idle connections closed by the peer in 1% (124 of 12,345 calls), limit 1% (12,345 calls, \
                124 failed, 0 violations, nothing left behind)";
    assert_verdict(close_idle_connections(124), ExitCode::Failed, line);
}
