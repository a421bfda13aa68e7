//! From what happened to one line and an exit code.
//!
//! Pure, because a verdict that nobody can test is not believed. goose's own ending was refused: it exits
//! with 0 when nothing listened, and its thresholds know times and rates but not what was wrong.

use crate::judge::Exit;
use crate::text::{count, counted};
use std::fmt;

/// What a run has come to, as far as the verdict depends on it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    pub(crate) requests: u64,
    /// Mismatches included: a wrong answer is a failed request.
    pub(crate) failed: u64,
    pub(crate) mismatches: u64,
    /// Sessions of others on the list of a user of the run. No request of the load has failed by them.
    pub(crate) foreign: u64,
    /// Sessions that went through their whole life.
    pub(crate) lifecycles: u64,
    pub(crate) stopped: bool,
    /// The rules of `--threshold` that do not hold.
    pub(crate) thresholds: Vec<String>,
    /// Why goose could not end properly.
    pub(crate) goose: Option<String>,
    /// Sessions that could not be deleted.
    pub(crate) left_behind: u64,
    /// Why it is not known what is left behind.
    pub(crate) unknown: Option<String>,
}

/// The line at the end, and the exit code that says the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) exit: Exit,
    line: String,
}

impl Verdict {
    /// Wrong data comes first, because it is true however the run ended; a signal comes before failures,
    /// because a run that was cut short is not the measurement that was asked for.
    pub(crate) fn of(facts: &Facts) -> Self {
        let mut reasons = Vec::new();
        if facts.mismatches > 0 {
            reasons.push("what was read back is wrong".to_owned());
        }
        if facts.foreign > 0 {
            reasons.push("sessions of other users are listed".to_owned());
        }
        if facts.failed > facts.mismatches {
            reasons.push("requests failed".to_owned());
        }
        if facts.stopped {
            reasons.push("a signal ended the run early".to_owned());
        } else if facts.lifecycles == 0 {
            reasons.push("no session went through its whole life".to_owned());
        }
        reasons.extend(facts.thresholds.iter().map(|rule| format!("threshold missed: {rule}")));
        reasons.extend(facts.goose.clone());
        if facts.left_behind > 0 {
            reasons.push("sessions stay behind".to_owned());
        }
        if let Some(why) = &facts.unknown {
            reasons.push(format!("nobody knows what stays behind: {why}"));
        }
        let wrong = facts.mismatches > 0 || facts.foreign > 0;
        let exit = match (wrong, facts.stopped, reasons.is_empty()) {
            (true, ..) => Exit::WrongData,
            (false, true, _) => Exit::Stopped,
            (false, false, false) => Exit::Failed,
            (false, false, true) => Exit::Passed,
        };
        let counts = format!(
            "{}, {} failed, {}, {}",
            counted(facts.requests, "request", "requests"),
            count(facts.failed),
            counted(facts.mismatches, "mismatch", "mismatches"),
            match (&facts.unknown, facts.left_behind) {
                (Some(_), _) => "not known what is left behind".to_owned(),
                (None, 0) => "nothing left behind".to_owned(),
                (None, left) => format!("{} left behind", counted(left, "session", "sessions")),
            }
        );
        let line = match exit {
            Exit::Passed => format!("PASS: {counts}"),
            Exit::Stopped => format!("STOPPED: {} ({counts})", reasons.join("; ")),
            _ => format!("FAIL: {} ({counts})", reasons.join("; ")),
        };
        Self { exit, line }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Facts {
        Facts { requests: 12_345, lifecycles: 1_000, ..Facts::default() }
    }

    #[track_caller]
    fn assert_verdict(facts: &Facts, exit: Exit, line: &str) {
        let verdict = Verdict::of(facts);
        assert_eq!((verdict.exit, verdict.to_string().as_str()), (exit, line));
    }

    #[test]
    fn a_run_without_a_fault_passes() {
        let line = "PASS: 12,345 requests, 0 failed, 0 mismatches, nothing left behind";
        assert_verdict(&good(), Exit::Passed, line);
    }

    #[test]
    fn one_failed_request_fails_the_run() {
        let facts = Facts { failed: 1, ..good() };
        let line = "FAIL: requests failed (12,345 requests, 1 failed, 0 mismatches, nothing left behind)";
        assert_verdict(&facts, Exit::Failed, line);
    }

    #[test]
    fn a_run_that_completes_no_session_fails() {
        let line = "FAIL: no session went through its whole life (0 requests, 0 failed, 0 mismatches, \
                    nothing left behind)";
        assert_verdict(&Facts::default(), Exit::Failed, line);
    }

    #[test]
    fn a_mismatch_weighs_more_than_a_failure_and_a_signal() {
        let facts = Facts { failed: 3, mismatches: 1, stopped: true, ..good() };
        let line = "FAIL: what was read back is wrong; requests failed; a signal ended the run early \
                    (12,345 requests, 3 failed, 1 mismatch, nothing left behind)";
        assert_verdict(&facts, Exit::WrongData, line);
    }

    #[test]
    fn sessions_of_others_on_a_list_are_wrong_data_beside_the_requests_that_failed() {
        let facts = Facts { failed: 3, foreign: 5, ..good() };
        let line = "FAIL: sessions of other users are listed; requests failed (12,345 requests, 3 failed, \
                    0 mismatches, nothing left behind)";
        assert_verdict(&facts, Exit::WrongData, line);
    }

    #[test]
    fn a_signal_weighs_more_than_failures() {
        let facts = Facts { failed: 2, stopped: true, left_behind: 1, ..good() };
        let line = "STOPPED: requests failed; a signal ended the run early; sessions stay behind \
                    (12,345 requests, 2 failed, 0 mismatches, 1 session left behind)";
        assert_verdict(&facts, Exit::Stopped, line);
    }

    #[test]
    fn a_run_that_a_signal_ended_at_once_is_not_blamed_for_its_size() {
        let facts = Facts { stopped: true, ..Facts::default() };
        let line = "STOPPED: a signal ended the run early (0 requests, 0 failed, 0 mismatches, \
                    nothing left behind)";
        assert_verdict(&facts, Exit::Stopped, line);
    }

    #[test]
    fn a_missed_threshold_fails_the_run_by_its_rule() {
        let facts = Facts { thresholds: vec!["p95<1ms, observed 3 ms".to_owned()], ..good() };
        let line = "FAIL: threshold missed: p95<1ms, observed 3 ms (12,345 requests, 0 failed, \
                    0 mismatches, nothing left behind)";
        assert_verdict(&facts, Exit::Failed, line);
    }

    #[test]
    fn sessions_that_stay_behind_fail_the_run() {
        let facts = Facts { left_behind: 2, ..good() };
        let line = "FAIL: sessions stay behind (12,345 requests, 0 failed, 0 mismatches, \
                    2 sessions left behind)";
        assert_verdict(&facts, Exit::Failed, line);
    }

    #[test]
    fn an_audit_that_could_not_look_fails_the_run() {
        let facts = Facts { unknown: Some("it was down".to_owned()), ..good() };
        let line = "FAIL: nobody knows what stays behind: it was down (12,345 requests, 0 failed, \
                    0 mismatches, not known what is left behind)";
        assert_verdict(&facts, Exit::Failed, line);
    }

    #[test]
    fn a_report_that_could_not_be_written_fails_the_run() {
        let facts = Facts { goose: Some("the disk is full".to_owned()), ..good() };
        assert_eq!(Verdict::of(&facts).exit, Exit::Failed);
    }
}
