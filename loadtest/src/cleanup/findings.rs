//! The findings of the leftover check, which concurrent tasks add to and which are valid at any time.

use crate::metrics::{SessionIds, SessionSummary};
use crate::sync::{Mutex, lock};
use std::collections::HashSet;

/// Consecutive failures after which the check gives up: a service that is down must not be called thousands of
/// times, each up to its timeout. As many calls are made at once.
const MAX_FAILURES: usize = super::leftover_check::CONCURRENCY;

/// The findings of the leftover check.
#[derive(Debug, Default)]
pub(super) struct Findings(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Sessions that existed and were deleted, of users whose check has ended.
    cleaned_up: u64,
    /// Sessions that were deleted, of users whose check is in progress.
    in_progress: u64,
    left_behind: SessionIds,
    /// Sessions of other users; the same ones may be listed for every user.
    foreign: HashSet<String>,
    /// The first error.
    error: Option<String>,
    /// The number of failures since the last success.
    consecutive_failures: usize,
    reason_to_give_up: Option<String>,
}

impl State {
    fn count_failure(&mut self, error: &str) {
        self.consecutive_failures += 1;
        if self.consecutive_failures >= MAX_FAILURES {
            self.reason_to_give_up.get_or_insert_with(|| error.to_owned());
        }
    }
}

impl Findings {
    /// Counts deleted sessions of a user whose check is in progress.
    pub(super) fn deleted(&self, existed: u64) {
        let mut state = lock(&self.0);
        state.in_progress += existed;
        state.consecutive_failures = 0;
    }

    /// Ends the check of a user: of the sessions that existed, `left` are listed after their deletion.
    pub(super) fn owner_ended(&self, [existing, deleted]: [u64; 2], left: HashSet<String>) {
        let mut state = lock(&self.0);
        state.in_progress = state.in_progress.saturating_sub(deleted);
        state.cleaned_up += existing.saturating_sub(left.len() as u64);
        for id in left {
            state.left_behind.add(id);
        }
    }

    pub(super) fn foreign(&self, ids: Vec<String>) {
        lock(&self.0).foreign.extend(ids);
    }

    pub(super) fn succeeded(&self) {
        lock(&self.0).consecutive_failures = 0;
    }

    /// Counts a deletion that failed, and that a list may still show to have happened.
    pub(super) fn failed_deletion(&self, error: &str) {
        lock(&self.0).count_failure(error);
    }

    /// The failure after which no further call should be made.
    pub(super) fn reason_to_give_up(&self) -> Option<String> {
        lock(&self.0).reason_to_give_up.clone()
    }

    pub(super) fn failed(&self, error: String) {
        let mut state = lock(&self.0);
        state.count_failure(&error);
        state.error.get_or_insert(error);
    }

    /// Returns whether no further call should be made.
    pub(super) fn has_given_up(&self) -> bool {
        lock(&self.0).consecutive_failures >= MAX_FAILURES
    }

    /// The number of sessions that were deleted so far.
    pub(super) fn cleaned_up(&self) -> u64 {
        let state = lock(&self.0);
        state.cleaned_up + state.in_progress
    }

    pub(super) fn summary(&self) -> SessionSummary {
        let state = lock(&self.0);
        let mut foreign = SessionIds::default();
        for id in &state.foreign {
            foreign.add(id);
        }
        SessionSummary {
            cleaned_up: state.cleaned_up + state.in_progress,
            left_behind: state.left_behind.clone(),
            foreign,
            check_error: state.error.clone(),
            ..SessionSummary::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_in_progress_count_as_deleted_until_they_are_listed_again() {
        let findings = Findings::default();
        findings.deleted(1);
        findings.deleted(1);
        assert_eq!(findings.cleaned_up(), 2);
        findings.owner_ended([2, 2], HashSet::from(["a".to_owned()]));
        let summary = findings.summary();
        assert_eq!((summary.cleaned_up, summary.left_behind.count), (1, 1));
    }

    #[test]
    fn giving_up_has_a_reason_whatever_failed_last() {
        let findings = Findings::default();
        for _ in 1..MAX_FAILURES {
            findings.failed_deletion("busy");
        }
        assert_eq!(findings.reason_to_give_up(), None);
        findings.failed("gone".to_owned());
        assert_eq!(findings.reason_to_give_up().as_deref(), Some("gone"));
    }

    #[test]
    fn only_failures_in_a_row_give_up() {
        let findings = Findings::default();
        for _ in 1..MAX_FAILURES {
            findings.failed_deletion("busy");
        }
        findings.succeeded();
        findings.failed("busy".to_owned());
        assert!(!findings.has_given_up());
        for _ in 1..MAX_FAILURES {
            findings.failed_deletion("busy");
        }
        assert!(findings.has_given_up());
    }
}
