//! Models of users that record calls while the metrics are read.

use super::{
    CallMetrics, Duration, MetricsSnapshot, Part, Phase, Recorder, SHARDS, TimedCall, ViolationExample,
};
use interleavings::{check, join, spawn};
use sessions_client::sessions_v1::{GET_SESSIONS, OPEN_SESSION};
use std::sync::Arc;
use wiretrait::Route;
use wiretrait::telemetry::CallPhases;

/// Two users of the same shard, and one of another.
const USERS: [usize; 3] = [0, SHARDS, 1];

/// Records a call that a user starts in this second of the run.
fn call(recorder: &Recorder, user: usize, route: &'static Route, second: u64) {
    let start = recorder.origin.0 + Duration::from_secs(second);
    let call = TimedCall {
        route,
        due: None,
        start,
        end: start + Duration::from_millis(1),
        status: Some(200),
        error: None,
        phases: CallPhases::default(),
    };
    recorder.call(user, &call, Part { scenario: user % 2, phase: Phase::Step(0) });
}

fn recorder() -> Arc<Recorder> {
    Arc::new(Recorder::new(true, 2, 1))
}

/// Returns the number of calls in a snapshot, which all its parts must agree on.
fn calls(snapshot: &MetricsSnapshot) -> u64 {
    let sum = |calls: &[CallMetrics]| calls.iter().map(CallMetrics::calls).sum::<u64>();
    let operations: u64 = snapshot.operations.values().map(|operation| operation.calls).sum();
    let blocks = snapshot.operations.values().flat_map(|operation| operation.blocks.iter());
    let parts = [
        snapshot.timeline.intervals().map(|(_, interval)| interval.calls()).sum(),
        sum(&snapshot.scenarios),
        sum(&snapshot.steps),
        blocks.map(|(_, latencies)| latencies.count()).sum(),
    ];
    assert_eq!(parts, [operations; 4], "the parts of a snapshot have different calls");
    operations
}

#[test]
fn a_snapshot_has_whole_calls_and_none_is_lost() {
    check(|| {
        let recorder = recorder();
        let users = USERS.map(|user| {
            spawn(&recorder, move |recorder| {
                (0..2).for_each(|second| call(recorder, user, &OPEN_SESSION, second));
            })
        });
        let [earlier, later] = [(); 2].map(|()| calls(&recorder.snapshot()));
        assert!(earlier <= later);
        join(users);
        let snapshot = recorder.snapshot();
        assert_eq!((calls(&snapshot), recorder.calls()), (6, 6));
        let seconds: Vec<_> = snapshot.timeline.intervals().map(|(_, interval)| interval.calls()).collect();
        assert_eq!(seconds, [3, 3]);
    });
}

#[test]
fn the_start_of_a_run_is_that_of_its_first_call() {
    check(|| {
        let recorder = recorder();
        // Of different shards, whose locks do not order them.
        let users = [(0, 2), (1, 1), (2, 3)].map(|(user, second)| {
            spawn(&recorder, move |recorder| call(recorder, user, &OPEN_SESSION, second))
        });
        join(users);
        let MetricsSnapshot { started, duration, .. } = recorder.snapshot();
        assert_eq!(started, recorder.origin.1 + Duration::from_secs(1));
        assert_eq!(duration, Duration::from_millis(2_001));
    });
}

#[test]
fn violations_of_several_users_are_all_counted() {
    check(|| {
        let recorder = recorder();
        let find = |kind: &'static str| {
            move |recorder: &Recorder| recorder.violation(kind, ViolationExample::default)
        };
        let users =
            [spawn(&recorder, find("lost")), spawn(&recorder, find("lost")), spawn(&recorder, find("late"))];
        let [_, before] = recorder.failures_and_violations();
        join(users);
        let mut counts = recorder.violation_counts();
        counts.sort();
        assert_eq!(counts, [("late".to_owned(), 1), ("lost".to_owned(), 2)]);
        assert!(before <= 3);
    });
}

#[test]
fn all_that_records_and_all_that_reads_ends() {
    check(|| {
        let recorder = recorder();
        let start = recorder.origin.0;
        let threads = [
            spawn(&recorder, |recorder| call(recorder, 0, &GET_SESSIONS, 1)),
            spawn(&recorder, move |recorder| recorder.interrupted(0, &GET_SESSIONS, start)),
            spawn(&recorder, |recorder| drop(recorder.snapshot())),
            spawn(&recorder, move |recorder| drop(recorder.last_second(start))),
            spawn(&recorder, |recorder| drop((recorder.call_groups(), recorder.load_duration(None)))),
        ];
        call(&recorder, 1, &OPEN_SESSION, 0);
        call(&recorder, 1, &OPEN_SESSION, 2);
        join(threads);
        // Without the call that was given up.
        assert_eq!(recorder.calls(), 3);
    });
}
