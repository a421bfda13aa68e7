use super::*;
use crate::metrics::{RateStep, Violation, sample};

fn good() -> Record {
    sample::record(&sample::calls(1, 12_345, 10))
}

fn violation(kind: &str, count: u64) -> Violation {
    Violation { kind: kind.to_owned(), count, examples: Vec::new() }
}

fn signal() -> Ending {
    Ending::Signal { signal: "SIGTERM".to_owned() }
}

#[track_caller]
fn assert_verdict(change: impl FnOnce(&mut Record), exit: Exit, line: &str) {
    let mut record = good();
    change(&mut record);
    let verdict = judge(&record, None);
    assert_eq!((verdict.exit, verdict.to_string().as_str()), (exit, line));
}

fn fail_calls(record: &mut Record, failures: u64) {
    record.operations.get_mut("open_session").unwrap().failures = failures;
}

#[test]
fn a_run_without_a_fault_passes() {
    let line = "PASS: 12,345 calls, 0 failed, 0 violations, nothing left behind";
    assert_verdict(|_| (), Exit::Passed, line);
}

#[test]
fn one_failed_call_fails_the_run() {
    let line = "FAIL: 1 of 12,345 calls failed (0.008%, and at most 0% may) (12,345 calls, 1 failed, \
                0 violations, nothing left behind)";
    assert_verdict(|record| fail_calls(record, 1), Exit::Failed, line);
}

#[test]
fn failed_calls_pass_where_they_are_allowed() {
    let allow = |percent| {
        move |record: &mut Record| {
            fail_calls(record, 123);
            record.rules.max_error_rate = percent;
        }
    };
    let line = "PASS: 12,345 calls, 123 failed, 0 violations, nothing left behind";
    assert_verdict(allow(1.0), Exit::Passed, line);
    let line = "FAIL: 123 of 12,345 calls failed (1%, and at most 0.9% may) (12,345 calls, 123 failed, \
                0 violations, nothing left behind)";
    assert_verdict(allow(0.9), Exit::Failed, line);
}

#[test]
fn a_run_against_nothing_fails() {
    let verdict = judge(&sample::record(&[]), None);
    let line = "FAIL: only 0 calls were made, and at least 1 must be; no iteration of a scenario went through \
                to its end (0 calls, 0 failed, 0 violations, nothing left behind)";
    assert_eq!((verdict.exit, verdict.to_string().as_str()), (Exit::Failed, line));
}

#[test]
fn open_load_of_which_a_part_never_began_is_not_the_load_that_was_asked_for() {
    let missing = |never_begun| {
        move |record: &mut Record| {
            record.load = LoadModel::Open { steps: Vec::new(), lanes: 10 };
            let worker = &mut record.workers[0];
            worker.never_begun = never_begun;
            (0..990).for_each(|_| worker.lateness.record(1_000));
        }
    };
    let line = "PASS: 12,345 calls, 0 failed, 0 violations, nothing left behind";
    assert_verdict(missing(10), Exit::Passed, line);
    let line = "FAIL: 11 of 1,001 arrivals never began, and no figure has them: allow more lanes (12,345 calls, \
                0 failed, 0 violations, nothing left behind)";
    assert_verdict(missing(11), Exit::Failed, line);
}

#[test]
fn a_violation_weighs_more_than_failures_and_a_signal() {
    let change = |record: &mut Record| {
        fail_calls(record, 4);
        record.violations = vec![violation("session is gone", 0), violation("stale data was returned", 1)];
        record.ending = signal();
    };
    let line = "FAIL: stale data was returned, 1 time; 4 of 12,345 calls failed (0.032%, and at most 0% may); \
                SIGTERM ended the run early (12,345 calls, 4 failed, 1 violation, nothing left behind)";
    assert_verdict(change, Exit::WrongData, line);
}

#[test]
fn a_session_of_another_user_on_a_list_is_wrong_data() {
    let line = "FAIL: 1 session of another user was listed for a user of the run (12,345 calls, 0 failed, \
                0 violations, nothing left behind)";
    assert_verdict(|record| record.audit.foreign.add("id"), Exit::WrongData, line);
}

#[test]
fn a_signal_weighs_more_than_failures() {
    let change = |record: &mut Record| {
        fail_calls(record, 2);
        record.ending = signal();
        record.audit.left_behind.add("id");
    };
    let line = "STOPPED: 2 of 12,345 calls failed (0.016%, and at most 0% may); SIGTERM ended the run early; \
                1 session stays behind (12,345 calls, 2 failed, 0 violations, 1 session left behind)";
    assert_verdict(change, Exit::Stopped, line);
}

#[test]
fn a_run_that_a_signal_ended_at_once_is_not_blamed_for_its_size() {
    let mut record = sample::record(&[]);
    record.ending = signal();
    let verdict = judge(&record, None);
    let line = "STOPPED: SIGTERM ended the run early (0 calls, 0 failed, 0 violations, nothing left behind)";
    assert_eq!((verdict.exit, verdict.to_string().as_str()), (Exit::Stopped, line));
}

#[test]
fn a_missed_threshold_fails_the_run_by_its_rule() {
    let change = |record: &mut Record| {
        record.rules.thresholds = vec!["max<1us for POST open_session".to_owned(), "p95<10s".to_owned()];
    };
    let mut record = good();
    change(&mut record);
    let verdict = judge(&record, None);
    let reasons: Vec<_> = verdict.reasons().collect();
    let [reason] = reasons[..] else { panic!("{reasons:?}") };
    assert!(reason.starts_with("threshold missed: max<1us for POST open_session, observed "), "{reason}");
    assert_eq!(verdict.exit, Exit::Failed);
}

#[test]
fn a_rule_that_cannot_be_read_is_missed() {
    let mut record = good();
    record.rules.thresholds = vec!["p95=1".to_owned()];
    assert_eq!(judge(&record, None).exit, Exit::Failed);
}

#[test]
fn sessions_that_stay_behind_fail_the_run() {
    let line = "FAIL: 2 sessions stay behind (12,345 calls, 0 failed, 0 violations, 2 sessions left behind)";
    let change = |record: &mut Record| ["a", "b"].into_iter().for_each(|id| record.audit.left_behind.add(id));
    assert_verdict(change, Exit::Failed, line);
}

#[test]
fn an_audit_that_could_not_look_fails_the_run() {
    let line = "FAIL: nobody knows what stays behind: it was down (12,345 calls, 0 failed, 0 violations, \
                not known what is left behind)";
    assert_verdict(|record| record.audit.unknown = Some("it was down".to_owned()), Exit::Failed, line);
}

#[test]
fn a_run_that_did_not_end_as_planned_fails() {
    for (ending, reason) in [
        (Ending::Broken { why: "it panicked".to_owned() }, "the generator broke off: it panicked"),
        (
            Ending::Threshold { rule: "p95<1ms".to_owned() },
            "the run was ended when a threshold was missed: p95<1ms",
        ),
        (Ending::InProgress, "the run has not come to its end"),
    ] {
        let verdict = judge(&Record { ending, ..good() }, None);
        assert_eq!((verdict.exit, verdict.reasons().collect::<Vec<_>>()), (Exit::Failed, vec![reason]));
    }
}

#[test]
fn a_run_that_verified_nothing_says_so() {
    let verdict = judge(&Record { verified: false, ..good() }, None);
    let check = verdict.checks.iter().find(|check| check.outcome == Outcome::Skipped).unwrap();
    assert_eq!((check.group, &*check.observed), (Group::Invariant, "answers were not verified"));
    assert_eq!(verdict.exit, Exit::Passed);
}

fn baseline(record: Record) -> Baseline {
    Baseline { file: "before.json".to_owned(), record }
}

#[test]
fn a_regression_fails_the_run_by_what_became_slower() {
    let calls = sample::calls(1, 60_000, 10);
    let mut slow = calls.clone();
    slow.iter_mut().filter(|call| call.operation == "open_session").for_each(|call| call.micros *= 2);
    let verdict = judge(&sample::record(&slow), Some(&baseline(sample::record(&calls))));
    let reasons: Vec<_> = verdict.reasons().collect();
    assert_eq!((verdict.exit, reasons.len()), (Exit::Failed, 3));
    for (reason, percentile) in reasons.iter().zip(["p50", "p95", "p99"]) {
        assert!(reason.starts_with(&format!("{percentile} of open_session regressed: ")), "{reason}");
        assert!(reason.ends_with(" before (+100%), at most +20% may be"), "{reason}");
    }
    assert_eq!(verdict.comparison.unwrap().rows.len(), 18);
}

#[test]
fn a_baseline_of_another_load_fails_the_run() {
    let mut before = good();
    before.load = LoadModel::Closed { users: 1, test_plan: None };
    let verdict = judge(&good(), Some(&baseline(before)));
    let reason = "the baseline before.json was made with another load: the number of users was 1 and is 8";
    assert_eq!((verdict.exit, verdict.reasons().collect::<Vec<_>>()), (Exit::Failed, vec![reason]));
}

fn sought(limit: Option<f64>) -> LoadModel {
    LoadModel::FindLimit { steps: Vec::new(), seconds: 5.0, lanes: 100, limit }
}

#[test]
fn a_lower_limit_than_before_is_a_regression() {
    let against = |before, now| {
        let [before, now] = [before, now].map(|limit| Record { load: sought(limit), ..good() });
        judge(&now, Some(&baseline(before))).exit
    };
    assert_eq!(against(Some(1_000.0), Some(900.0)), Exit::Passed);
    assert_eq!(against(Some(1_000.0), Some(700.0)), Exit::Failed);
    assert_eq!(against(Some(1_000.0), None), Exit::Failed);
    assert_eq!(against(None, Some(10.0)), Exit::Passed);
}

#[test]
fn a_search_for_the_limit_is_not_blamed_for_calls_at_rates_that_it_did_not_have_to_hold() {
    let calls = sample::calls(1, 60_000, 10);
    let mut slow = calls.clone();
    for call in &mut slow {
        call.micros *= 2;
    }
    let [before, now] =
        [calls, slow].map(|calls| Record { load: sought(Some(500.0)), ..sample::record(&calls) });
    let verdict = judge(&now, Some(&baseline(before)));
    let compared: Vec<_> = verdict.checks.iter().filter(|check| check.group == Group::Regression).collect();
    let [check] = compared[..] else { panic!("{compared:?}") };
    assert_eq!((check.name.as_str(), check.outcome), ("the limit is at most 20% lower", Outcome::Passed));
    assert_eq!((verdict.exit, verdict.comparison), (Exit::Passed, None));
}

#[test]
fn a_search_for_the_limit_is_not_blamed_for_the_thresholds_that_it_broke() {
    let verdict = |limit| {
        let mut record = good();
        fail_calls(&mut record, 100);
        record.rules.thresholds = vec!["max<1us".to_owned()];
        record.load = sought(limit);
        judge(&record, None)
    };
    assert_eq!(verdict(Some(500.0)).exit, Exit::Passed);
    let nothing = verdict(None);
    let reasons: Vec<_> = nothing.reasons().collect();
    assert_eq!((nothing.exit, reasons), (Exit::Failed, vec!["no rate was held, not even the lowest"]));
}

#[test]
fn a_run_of_several_workers_is_judged_over_all() {
    let calls = sample::calls(1, 900, 3);
    let halves = [0, 1].map(|index| {
        let share: Vec<_> = calls.iter().skip(index as usize).step_by(2).cloned().collect();
        let mut record = sample::of_worker(index, 2, &share);
        record.rules.min_requests = 900;
        (format!("{index}.json"), record)
    });
    assert_eq!(judge(&halves[0].1, None).exit, Exit::Failed);
    assert_eq!(judge(&crate::metrics::merge(halves.into()).unwrap(), None).exit, Exit::Passed);
}

#[test]
fn rates_are_told_with_their_times() {
    let steps = [(10.0, 10.0), (10.0, 200.0)].map(|(from, to)| RateStep { from, to, seconds: 30.0 });
    assert_eq!(LoadModel::rates(&steps), "10/s for 30 s, 10 to 200/s in 30 s");
    let share = [RateStep { from: 100.0 / 3.0, to: 100.0 / 3.0, seconds: 5.0 }];
    assert_eq!(LoadModel::rates(&share), "33.33/s for 5 s");
}
