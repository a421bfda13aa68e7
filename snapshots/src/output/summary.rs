//! The parts of a report that several formats show: the verdict, the counts and the causes.

use crate::check::{CheckReport, CheckedCase, Finding, Outcome};
use crate::comparison::{Cause, Folder, Level, causes};
use crate::deviations::{AppliedDeviation, DeviationState, DeviationUse};
use serde::Serialize;
use std::collections::BTreeMap;

/// The number of sessions left behind that are shown. JSON and `JUnit` reports contain all.
const MAX_LEFT_BEHIND: usize = 5;

/// The verdict on a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    /// The service satisfies the contract.
    Passed,
    /// A difference of the level that fails the check, sessions left behind, or an incomplete run.
    Failed,
    /// The service does not respond as a sessions service, so that no case was sent.
    NotRun,
    /// A signal stopped the run.
    Stopped,
}

impl Verdict {
    /// The verdict on a report.
    pub(crate) fn of(report: &CheckReport) -> Self {
        match report {
            _ if report.refused.is_some() => Self::NotRun,
            _ if report.is_stopped => Self::Stopped,
            _ if report.passes() => Self::Passed,
            _ => Self::Failed,
        }
    }

    /// The verdict in one word.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Passed => "PASS",
            Self::Failed => "FAIL",
            Self::NotRun => "NOT RUN",
            Self::Stopped => "STOPPED",
        }
    }
}

/// The numbers of snapshots by their outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Counts {
    /// All snapshots.
    pub(super) snapshots: usize,
    /// Those without a difference.
    pub(super) same: usize,
    /// Those of which deviations accept all differences.
    pub(super) accepted: usize,
    /// Those with a difference that no deviation accepts.
    pub(super) different: usize,
    /// Those whose case failed before its end, such as without a response.
    pub(super) failed: usize,
    /// Those that were not compared on purpose.
    pub(super) skipped: usize,
    /// Those that were not compared, because the run ended early.
    pub(super) not_reached: usize,
    /// Those that were not selected, which are not among all snapshots.
    pub(super) not_selected: usize,
}

/// A report with what follows from it.
pub(super) struct Summary<'r> {
    pub(super) report: &'r CheckReport,
    pub(super) verdict: Verdict,
    pub(super) counts: Counts,
    /// The causes of all differences that no deviation accepts, the most serious and most frequent first.
    pub(super) causes: Vec<Cause<'r>>,
}

impl<'r> Summary<'r> {
    pub(super) fn of(report: &'r CheckReport) -> Self {
        let mut counts =
            Counts { snapshots: report.cases.len(), not_selected: report.unselected, ..Counts::default() };
        for case in &report.cases {
            match &case.outcome {
                Outcome::Compared { findings } if findings.is_empty() => counts.same += 1,
                Outcome::Compared { findings } if findings.iter().all(Finding::is_accepted) => {
                    counts.accepted += 1;
                }
                Outcome::Compared { .. } => counts.different += 1,
                Outcome::Failed { .. } => counts.failed += 1,
                Outcome::Skipped { .. } => counts.skipped += 1,
                Outcome::NotReached => counts.not_reached += 1,
            }
        }
        Self { report, verdict: Verdict::of(report), counts, causes: causes(report) }
    }

    /// Returns whether a cause fails the check by its level, whether or not a deviation of it has expired.
    pub(super) fn fails(&self, cause: &Cause<'_>) -> bool {
        cause.level >= self.report.fail_on
    }

    /// The deviations that were checked, the expired and unused ones first.
    pub(super) fn deviations(&self) -> Vec<&'r DeviationUse> {
        let checked = |used: &&DeviationUse| used.state != DeviationState::NotChecked;
        let mut all: Vec<_> = self.report.deviations.iter().filter(checked).collect();
        all.sort_by_key(|used| match used.state {
            DeviationState::Expired => 0,
            DeviationState::Unused => 1,
            DeviationState::Used | DeviationState::NotChecked => 2,
        });
        all
    }

    /// The deviations that have expired, and with that fail the check.
    pub(super) fn expired(&self) -> Vec<&'r DeviationUse> {
        self.deviations().into_iter().filter(|used| used.state == DeviationState::Expired).collect()
    }

    /// The deviations that are unused, if that fails the check.
    pub(super) fn failing_deviations(&self) -> Vec<String> {
        let fails =
            |used: &&&DeviationUse| self.report.fail_on_unused && used.state == DeviationState::Unused;
        self.deviations().iter().filter(fails).map(ToString::to_string).collect()
    }

    /// The number of causes of each level, the most serious first: `1 breaking and 2 harmless causes`.
    fn levels(&self) -> String {
        let count = |level: Level| self.causes.iter().filter(|cause| cause.level == level).count();
        let levels = Level::ALL.into_iter().rev().map(|level| (level, count(level)));
        let counts: Vec<String> =
            levels.filter(|(_, count)| *count > 0).map(|(level, count)| format!("{count} {level}")).collect();
        format!("{} {}", enumerated(&counts), if self.causes.len() == 1 { "cause" } else { "causes" })
    }

    /// The verdict without its word, as one line.
    pub(super) fn result(&self) -> String {
        let Counts { snapshots, same, accepted, different, failed, skipped, not_reached, not_selected } =
            self.counts;
        if let Some(refused) = &self.report.refused {
            return refused.clone();
        }
        let are = if same == 1 || snapshots == 1 { "is" } else { "are" };
        let mut parts = vec![match same {
            2.. if same == snapshots => format!("all {snapshots} snapshots are the same"),
            _ => format!("{same} of {} {are} the same", counted(snapshots, "snapshot")),
        }];
        if accepted > 0 {
            let differ = if accepted == 1 { "differs as accepted" } else { "differ as accepted" };
            parts.push(format!("{accepted} {differ}"));
        }
        if different > 0 {
            let differ = if different == 1 { "differs" } else { "differ" };
            parts.push(format!("{different} {differ} ({})", self.levels()));
        }
        let others = [
            (failed, "failed"),
            (skipped, "skipped"),
            (not_reached, "not reached"),
            // They depend on all cases.
            (not_selected, "not selected, shapes not compared"),
        ];
        let others = others.into_iter().filter(|(count, _)| *count > 0);
        parts.extend(others.map(|(count, outcome)| format!("{count} {outcome}")));
        match self.expired().len() {
            0 => {}
            1 => parts.push("1 deviation has expired".to_owned()),
            expired => parts.push(format!("{expired} deviations have expired")),
        }
        if !self.report.left_behind.is_empty() {
            parts.push("sessions were left behind".to_owned());
        }
        parts.join(", ")
    }

    /// Sentences about a run that did not end well, in addition to [`result`](Self::result).
    pub(super) fn problems(&self) -> Vec<String> {
        let aborted = self.report.aborted.iter().map(|aborted| format!("the run ended early: {aborted}"));
        let all = &self.report.left_behind;
        let left = all.iter().take(MAX_LEFT_BEHIND).map(|left| format!("left behind: {left}"));
        let more = all.len().checked_sub(MAX_LEFT_BEHIND).filter(|more| *more > 0);
        let more = more.map(|more| format!("left behind: and {more} more; a JSON report lists all"));
        aborted
            .chain(left)
            .chain(more)
            .chain(self.cleanup_command())
            .chain(self.failing_deviations())
            .collect()
    }

    /// The command that deletes what is left behind, as a sentence.
    fn cleanup_command(&self) -> Option<String> {
        let CheckReport { left_behind, left_unowned, user, target, .. } = self.report;
        let (user, target) = (user.as_ref()?, target.as_ref()?);
        // Paths may have spaces. Ids are strings of the service, which may begin with a hyphen.
        let id = |id: &String| shlex::try_quote(id).map(|id| format!("--session={id}"));
        let mut words = left_unowned.iter().map(id).collect::<Result<Vec<_>, _>>().ok()?;
        words.push(shlex::try_join(target.iter().map(String::as_str)).ok()?);
        let words = words.join(" ");
        (!left_behind.is_empty()).then(|| format!("delete them with: contract cleanup --user {user} {words}"))
    }

    /// Sentences about cases that failed.
    pub(super) fn failures(&self) -> Vec<String> {
        self.report.failed().map(|(case, reason)| format!("{} failed: {reason}", case.name)).collect()
    }

    /// The snapshots that were not compared, by reason, apart from failures; empty if none was.
    pub(super) fn not_run(&self) -> BTreeMap<&'r str, Vec<&'r CheckedCase>> {
        let mut reasons: BTreeMap<_, Vec<_>> = BTreeMap::new();
        if self.verdict == Verdict::NotRun {
            return reasons;
        }
        for case in &self.report.cases {
            if let Some(reason) = not_run(case) {
                reasons.entry(reason).or_default().push(case);
            }
        }
        reasons
    }

    /// The service with its name and version: `https://sessions.example (service-sessions 1.2.0)`.
    pub(super) fn service(&self) -> String {
        let service = &self.report.service;
        let known: Vec<&str> =
            [&service.name, &service.version].into_iter().flatten().map(|part| &**part).collect();
        if known.is_empty() {
            return service.address.clone();
        }
        format!("{} ({})", service.address, known.join(" "))
    }

    /// The start of the contract's hash, for people.
    pub(super) fn short_hash(&self) -> &str {
        let digits = self.report.contract_hash.trim_start_matches("sha256:");
        digits.get(..12).unwrap_or(digits)
    }
}

/// The reason why a case did not run, if so.
pub(super) fn not_run(case: &CheckedCase) -> Option<&str> {
    match &case.outcome {
        Outcome::Compared { .. } | Outcome::Failed { .. } => None,
        Outcome::Skipped { reason } => Some(reason),
        Outcome::NotReached => Some("the run ended early"),
    }
}

/// A difference with the name of its snapshot.
pub(super) fn difference(case: &CheckedCase, finding: &Finding) -> String {
    format!("{}: {}", case_name(case), finding.difference)
}

/// A difference with its level, and the reason for the level or for its acceptance.
pub(super) fn explained(finding: &Finding) -> String {
    let Finding { difference, level, reason, deviation } = finding;
    let reason = reason.trim_end_matches('.');
    match deviation {
        None => format!("{level}: {difference} ({reason})"),
        Some(AppliedDeviation { origin, until: Some(until), is_expired: true, .. }) => {
            format!("{level}: {difference} ({reason}; {origin} expired after {until})")
        }
        Some(AppliedDeviation { origin, reason, .. }) => {
            format!("accepted: {difference} ({origin}: {})", reason.trim_end_matches('.'))
        }
    }
}

/// The name of a snapshot, with its folder if it is not a case.
pub(super) fn case_name(case: &CheckedCase) -> String {
    match case.folder {
        Folder::Service => case.name.clone(),
        Folder::Shapes => format!("{}/{}", case.folder, case.name),
    }
}

/// A number with its noun: `1 snapshot`, `2 snapshots`.
pub(super) fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// Joins parts of a sentence with commas and `and`.
fn enumerated(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [only] => only.clone(),
        [all @ .., last] => format!("{} and {last}", all.join(", ")),
    }
}
