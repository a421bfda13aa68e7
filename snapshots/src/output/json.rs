//! The report as JSON, for programs. Its schema is `docs/contract-report.schema.json`, which a test derives from these
//! types.
//!
//! The types of the check may change; these only gain keys, unless [`FORMAT`] changes.

use super::escape::printable_json;
use super::summary::{Counts, Summary, Verdict, case_name};
use crate::check::{CheckedCase, Finding, Outcome};
use crate::comparison::{Cause, Folder, Level};
use crate::deviations::{Deviation, DeviationState, DeviationUse};
use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;

/// The version of the format. It changes if a key is removed, or gets another meaning.
pub(super) const FORMAT: u32 = 1;

/// The report of a contract check.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(title = "Report of a contract check"))]
pub(super) struct JsonReport<'r> {
    #[serde(flatten)]
    head: Head<'r>,
    /// The reason why no case was sent, if so.
    refused: Option<&'r str>,
    /// The reason why the run ended before its last case, if it did.
    aborted: Option<&'r str>,
    /// Sessions that were not deleted: their ids, or a sentence about some.
    left_behind: &'r [String],
    /// The causes of all differences that no deviation accepts, the most serious and most frequent first.
    causes: Vec<JsonCause<'r>>,
    /// All accepted deviations, in the order of their files.
    deviations: Vec<JsonDeviation<'r>>,
    /// All snapshots, in the order of their names.
    snapshots: Vec<JsonSnapshot<'r>>,
}

/// The part of a report that is also a line of the history: which version was verified where, and the verdict.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Head<'r> {
    /// The version of this format: 1.
    format: u32,
    /// The start of the check.
    started: DateTime<Utc>,
    /// The duration of the check in seconds.
    duration_s: f64,
    /// The service that was checked.
    service: JsonService<'r>,
    /// The hash of the contract that the service was compared with.
    contract: &'r str,
    /// The version of the program `contract`.
    program: &'r str,
    /// The lowest level of a difference that fails the check.
    fail_on: &'static str,
    /// The verdict.
    verdict: Verdict,
    /// The verdict in words: the last line on the console, without its first word.
    result: String,
    /// The numbers of snapshots by their outcome.
    counts: Counts,
    /// The numbers of causes by their level.
    levels: Levels,
}

/// The service that was checked.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct JsonService<'r> {
    /// Its address, without credentials.
    address: &'r str,
    /// The name in its status; `null` without one.
    name: Option<&'r str>,
    /// The version in its status, or else that of `--service-version`; `null` if both are missing.
    version: Option<&'r str>,
}

/// The numbers of causes by their level.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Levels {
    breaking: usize,
    uncertain: usize,
    harmless: usize,
}

/// A change of the service, with its extent.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct JsonCause<'r> {
    /// The change, as a sentence.
    title: &'r str,
    /// The most serious level of its differences.
    level: &'static str,
    /// The reason for the level, as a sentence.
    reason: &'r str,
    /// The operations with such differences.
    operations: Vec<&'r str>,
    /// The snapshots with such differences.
    snapshots: Vec<String>,
    /// The number of its differences.
    differences: usize,
}

/// An accepted deviation, with its use.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct JsonDeviation<'r> {
    /// The file, or the name of a known implementation.
    file: &'r str,
    /// The number of the entry in the file, from 1.
    entry: usize,
    /// `used`; `expired` if its last day is over and differences remain; `unused` if it matches no difference;
    /// `not_checked` if some of its cases did not run.
    #[cfg_attr(test, schemars(with = "String"))]
    state: DeviationState,
    /// The number of differences that it matches.
    differences: usize,
    /// The reason why the differences are accepted.
    reason: &'r str,
    /// The person or team that is responsible for it.
    owner: Option<&'r str>,
    /// The last day on which it holds, in UTC.
    until: Option<NaiveDate>,
}

/// The result of a snapshot.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct JsonSnapshot<'r> {
    /// `service` for requests and responses, `shapes` for the keys and types of all responses.
    folder: &'static str,
    /// Operation and situation, as in `open_session__only_user_id`.
    name: &'r str,
    /// The operation.
    operation: &'r str,
    /// The situation.
    situation: &'r str,
    /// The outcome.
    outcome: JsonOutcome,
    /// The reason why it was not compared, if so.
    reason: Option<&'r str>,
    /// All differences.
    differences: Vec<JsonDifference<'r>>,
}

/// The outcome of a snapshot.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
enum JsonOutcome {
    /// There is no difference.
    Same,
    /// Deviations accept all differences.
    Accepted,
    /// There are differences that no deviation accepts.
    Different,
    /// The case ended before its last step, such as without a response.
    Failed,
    /// It was not compared on purpose.
    Skipped,
    /// It was not compared, because the run ended early.
    NotReached,
}

/// A difference between a snapshot and a service.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct JsonDifference<'r> {
    /// The level.
    level: &'static str,
    /// The reason for the level, as a sentence.
    reason: &'r str,
    /// The difference, as a sentence.
    sentence: String,
    /// The step of the case; empty if the snapshot has no steps.
    step: &'r str,
    /// The part of the exchange that differs, in the words of deviations: `body`, `status`, `header` and others.
    part: &'static str,
    /// The name within the part: the path of a value, the name of a header, or the label of a row.
    path: Option<&'r str>,
    /// The kind of change, in the words of deviations: `added`, `removed`, `type`, `value` and others.
    change: &'static str,
    /// The expected value, in words.
    was: &'r str,
    /// The observed value, in words.
    is: &'r str,
    /// The deviation that accepts the difference, or accepted it until it expired; `null` without one.
    deviation: Option<JsonOrigin<'r>>,
}

/// A deviation, by its file and its number there.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct JsonOrigin<'r> {
    /// The file, or the name of a known implementation.
    file: &'r str,
    /// The number of the entry in the file, from 1.
    entry: usize,
    /// `true` if its last day is over, so that the difference is no longer accepted.
    is_expired: bool,
}

impl<'r> Head<'r> {
    pub(super) fn of(summary: &Summary<'r>) -> Self {
        let report = summary.report;
        let count = |level: Level| summary.causes.iter().filter(|cause| cause.level == level).count();
        Self {
            format: FORMAT,
            started: report.started,
            duration_s: report.duration.as_secs_f64(),
            service: JsonService {
                address: &report.service.address,
                name: report.service.name.as_deref(),
                version: report.service.version.as_deref(),
            },
            contract: &report.contract_hash,
            program: &report.program_version,
            fail_on: report.fail_on.name(),
            verdict: summary.verdict,
            result: summary.result(),
            counts: summary.counts,
            levels: Levels {
                breaking: count(Level::Breaking),
                uncertain: count(Level::Uncertain),
                harmless: count(Level::Harmless),
            },
        }
    }
}

impl<'r> JsonCause<'r> {
    fn of<'c>(cause: &'c Cause<'r>) -> JsonCause<'c> {
        let mut snapshots: Vec<String> = cause.findings.iter().map(|(case, _)| case_name(case)).collect();
        snapshots.sort();
        snapshots.dedup();
        JsonCause {
            title: &cause.title,
            level: cause.level.name(),
            reason: cause.reason,
            operations: cause.operations().into_iter().collect(),
            snapshots,
            differences: cause.findings.len(),
        }
    }
}

impl<'r> JsonDeviation<'r> {
    fn of(used: &'r DeviationUse) -> Self {
        let Deviation { origin, reason, owner, until, .. } = &used.deviation;
        Self {
            file: &origin.file,
            entry: origin.entry,
            state: used.state,
            differences: used.differences,
            reason,
            owner: owner.as_deref(),
            until: *until,
        }
    }
}

impl<'r> JsonSnapshot<'r> {
    fn of(case: &'r CheckedCase) -> Self {
        let (outcome, reason) = match &case.outcome {
            Outcome::Compared { findings } if findings.is_empty() => (JsonOutcome::Same, None),
            Outcome::Compared { findings } if findings.iter().all(Finding::is_accepted) => {
                (JsonOutcome::Accepted, None)
            }
            Outcome::Compared { .. } => (JsonOutcome::Different, None),
            Outcome::Failed { reason } => (JsonOutcome::Failed, Some(reason.as_str())),
            Outcome::Skipped { .. } => (JsonOutcome::Skipped, super::summary::not_run(case)),
            Outcome::NotReached => (JsonOutcome::NotReached, super::summary::not_run(case)),
        };
        Self {
            folder: Folder::name(case.folder),
            name: &case.name,
            operation: case.operation(),
            situation: case.situation(),
            outcome,
            reason,
            differences: case.findings().iter().map(JsonDifference::of).collect(),
        }
    }
}

impl<'r> JsonDifference<'r> {
    fn of(finding: &'r Finding) -> Self {
        let difference = &finding.difference;
        Self {
            level: finding.level.name(),
            reason: &finding.reason,
            sentence: difference.to_string(),
            step: &difference.step,
            part: difference.location.part().name(),
            path: difference.location.name(),
            change: difference.change.name(),
            was: &difference.was,
            is: &difference.is,
            deviation: finding.deviation.as_ref().map(|deviation| JsonOrigin {
                file: &deviation.origin.file,
                entry: deviation.origin.entry,
                is_expired: deviation.is_expired,
            }),
        }
    }
}

pub(super) fn render(summary: &Summary<'_>) -> Result<String, serde_json::Error> {
    let report = summary.report;
    let json = JsonReport {
        head: Head::of(summary),
        refused: report.refused.as_deref(),
        aborted: report.aborted.as_deref(),
        left_behind: &report.left_behind,
        causes: summary.causes.iter().map(JsonCause::of).collect(),
        deviations: report.deviations.iter().map(JsonDeviation::of).collect(),
        snapshots: report.cases.iter().map(JsonSnapshot::of).collect(),
    };
    serde_json::to_string_pretty(&json).map(|json| printable_json(&json) + "\n")
}

/// Renders the result as one line of a history.
pub(super) fn line(summary: &Summary<'_>) -> Result<String, serde_json::Error> {
    serde_json::to_string(&Head::of(summary)).map(|json| printable_json(&json) + "\n")
}
