//! The result of a check, which all report formats are made from.

use super::secrets::Secrets;
use crate::comparison::{Difference, Expected, Folder, Level, contract_hash};
use crate::deviations::{AppliedDeviation, DeviationState, DeviationUse};
use chrono::{DateTime, Utc};
use serde::Serialize;
use std::time::Duration;

/// The result of a check.
#[derive(Clone, Debug, Serialize)]
pub struct CheckReport {
    /// The version of this program.
    pub program_version: String,
    /// The hash of the contract that the service was compared with, see [`contract_hash`].
    pub contract_hash: String,
    /// The service.
    pub service: CheckedService,
    /// The start of the check.
    pub started: DateTime<Utc>,
    /// The duration of the check.
    #[serde(rename = "duration_s", serialize_with = "seconds")]
    pub duration: Duration,
    /// The lowest level of a difference that fails the check.
    pub fail_on: Level,
    /// The selected cases, in the order of their names.
    pub cases: Vec<CheckedCase>,
    /// The number of cases that were not selected. Unless it is 0, there are no shapes: they depend on all cases.
    pub unselected: usize,
    /// All accepted deviations, in the order of their files, with their use in this check.
    pub deviations: Vec<DeviationUse>,
    /// `true` if a deviation that nothing needs any more fails the check.
    pub fail_on_unused: bool,
    /// `true` if a signal stopped the check.
    pub is_stopped: bool,
    /// The reason why the run ended early, if it did, as a sentence.
    pub aborted: Option<String>,
    /// Sessions that were not deleted: their ids, or a sentence about some.
    pub left_behind: Vec<String>,
    /// The ids among them of sessions without a user, which are not among those of the users of the check.
    pub left_unowned: Vec<String>,
    /// The start of the ids of its users, if it has sent requests.
    pub user: Option<String>,
    /// The arguments of the program that name the service, for a command that deletes what is left behind.
    pub target: Option<Vec<String>>,
    /// The reason why the service was not checked at all, if so, as a sentence.
    pub refused: Option<String>,
}

/// The service that was checked.
#[derive(Clone, Debug, Default, Serialize)]
pub struct CheckedService {
    /// Its address, without credentials.
    pub address: String,
    /// Its name, if it states one.
    pub name: Option<String>,
    /// Its version, if it states one.
    pub version: Option<String>,
}

/// The result of a case: one snapshot.
#[derive(Clone, Debug, Serialize)]
pub struct CheckedCase {
    /// The folder of the snapshot.
    pub folder: Folder,
    /// The name of the snapshot: operation and situation, as in `open_session__only_user_id`.
    pub name: String,
    /// The outcome.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// The outcome of a case.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// The responses were compared with the snapshot.
    Compared {
        /// All differences; empty if the snapshot is the same.
        findings: Vec<Finding>,
    },
    /// The case did not run, on purpose.
    Skipped {
        /// The reason, as a sentence.
        reason: String,
    },
    /// The case ended before its last step, such as without a response.
    Failed {
        /// The reason, as a sentence.
        reason: String,
    },
    /// The run ended before the case.
    NotReached,
}

/// A difference, and what it means for clients.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// The difference.
    #[serde(flatten)]
    pub difference: Difference,
    /// Its level.
    pub level: Level,
    /// The reason for the level, as a sentence.
    pub reason: String,
    /// The deviation that accepts the difference, or accepted it until it expired.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deviation: Option<AppliedDeviation>,
}

impl Finding {
    /// Returns whether a deviation accepts the difference.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        self.deviation.as_ref().is_some_and(|deviation| !deviation.is_expired)
    }

    /// Returns whether a deviation accepted the difference until it expired.
    #[must_use]
    pub fn is_expired(&self) -> bool {
        self.deviation.as_ref().is_some_and(|deviation| deviation.is_expired)
    }
}

impl CheckReport {
    /// Returns the report of a check that has no result yet: no case was reached.
    #[must_use]
    pub fn new(service: CheckedService, started: DateTime<Utc>, fail_on: Level) -> Self {
        let names = |folder: Folder| Expected.names(folder).into_iter().map(move |name| (folder, name));
        let all = Folder::ALL.into_iter().flat_map(names).filter(|(_, name)| !name.contains('@'));
        let cases = all.map(|(folder, name)| CheckedCase {
            folder,
            name: name.to_owned(),
            outcome: Outcome::NotReached,
        });
        Self {
            program_version: env!("CARGO_PKG_VERSION").to_owned(),
            contract_hash: contract_hash(),
            service,
            started,
            duration: Duration::ZERO,
            fail_on,
            cases: cases.collect(),
            unselected: 0,
            deviations: Vec::new(),
            fail_on_unused: false,
            is_stopped: false,
            aborted: None,
            left_behind: Vec::new(),
            left_unowned: Vec::new(),
            user: None,
            target: None,
            refused: None,
        }
    }

    /// Returns the report of a check that did not run for a reason, which is a sentence.
    #[must_use]
    pub fn not_run(address: &str, fail_on: Level, reason: String) -> Self {
        let service = CheckedService { address: address.to_owned(), ..CheckedService::default() };
        Self { refused: Some(reason), ..Self::new(service, Utc::now(), fail_on) }
    }

    /// Hides secrets in everything that the service may have returned.
    pub(super) fn hide(&mut self, secrets: &Secrets) {
        for case in &mut self.cases {
            match &mut case.outcome {
                Outcome::Compared { findings } => {
                    for Finding { difference, .. } in findings {
                        let evidence = &mut difference.evidence;
                        let values = [&mut difference.step, &mut difference.is, &mut evidence.key];
                        // A key or a header may be named after a credential.
                        let others = difference.location.name_mut().into_iter().chain(&mut evidence.is_json);
                        values.into_iter().chain(others).for_each(|value| secrets.hide(value));
                    }
                }
                Outcome::Failed { reason } => secrets.hide(reason),
                Outcome::Skipped { .. } | Outcome::NotReached => {}
            }
        }
        let service = [&mut self.service.name, &mut self.service.version].into_iter().flatten();
        let sentences = self.aborted.iter_mut().chain(&mut self.refused).chain(&mut self.left_behind);
        let sentences = sentences.chain(&mut self.left_unowned);
        sentences.chain(service).for_each(|value| secrets.hide(value));
    }

    /// Returns all differences, with their cases.
    pub fn findings(&self) -> impl Iterator<Item = (&CheckedCase, &Finding)> {
        self.cases.iter().flat_map(|case| case.findings().iter().map(move |finding| (case, finding)))
    }

    /// Returns the cases that ended before their last step, with the reasons.
    pub fn failed(&self) -> impl Iterator<Item = (&CheckedCase, &str)> {
        self.cases.iter().filter_map(|case| match &case.outcome {
            Outcome::Failed { reason } => Some((case, &**reason)),
            Outcome::Compared { .. } | Outcome::Skipped { .. } | Outcome::NotReached => None,
        })
    }

    /// Returns the differences that no deviation accepts, with their cases.
    pub fn open_findings(&self) -> impl Iterator<Item = (&CheckedCase, &Finding)> {
        self.findings().filter(|(_, finding)| !finding.is_accepted())
    }

    /// Returns whether a difference fails the check: no deviation accepts it, and it has the level that fails,
    /// or its deviation has expired.
    #[must_use]
    pub fn fails_on(&self, finding: &Finding) -> bool {
        !finding.is_accepted() && (finding.level >= self.fail_on || finding.is_expired())
    }

    /// Returns whether the check passed: it sent all selected cases to their ends, left nothing behind, and found
    /// no difference that fails it.
    #[must_use]
    pub fn passes(&self) -> bool {
        let has_ended_well = self.refused.is_none() && self.aborted.is_none() && self.left_behind.is_empty();
        let is_complete = has_ended_well && self.failed().next().is_none();
        let has_unused = self.deviations.iter().any(|used| used.state == DeviationState::Unused);
        is_complete
            && !(has_unused && self.fail_on_unused)
            && !self.findings().any(|(_, finding)| self.fails_on(finding))
    }
}

impl CheckedCase {
    /// The operation.
    #[must_use]
    pub fn operation(&self) -> &str {
        self.name.split_once("__").map_or(&self.name, |(operation, _)| operation)
    }

    /// The situation, or the class of status for a shape.
    #[must_use]
    pub fn situation(&self) -> &str {
        self.name.split_once("__").map_or("", |(_, situation)| situation)
    }

    /// Returns all differences.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        match &self.outcome {
            Outcome::Compared { findings } => findings,
            Outcome::Skipped { .. } | Outcome::Failed { .. } | Outcome::NotReached => &[],
        }
    }
}

fn seconds<S: serde::Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_secs_f64())
}
