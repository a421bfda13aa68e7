//! Deviations that accept the differences of a check.

use super::Pattern;
use super::apply::in_item;
use super::entry::{Deviation, Origin};
use crate::check::{CheckReport, CheckedCase, Finding};
use crate::comparison::{Cause, Change, Expected, Folder, Level, Location, Part, causes};
use chrono::NaiveDate;
use std::collections::{BTreeMap, BTreeSet};

/// The most values that a deviation lists. More are described by their part and their cases.
const MOST_VALUES: usize = 5;

/// The most situations, or steps of one situation, that a deviation lists if it has another condition on the value.
const MOST_SITUATIONS: usize = 3;

/// The statement of a user who accepts differences.
#[derive(Clone, Debug)]
pub struct Statement {
    /// The reason why they are accepted.
    pub reason: String,
    /// The person or team that is responsible for them.
    pub owner: Option<String>,
    /// The last day on which they are accepted, in UTC.
    pub until: Option<NaiveDate>,
}

/// The deviations that accept a change of the service.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// The change, as a sentence.
    pub change: String,
    /// The deviations.
    pub deviations: Vec<Deviation>,
}

/// Returns deviations for all differences that fail a check, a group for each cause. No two of them are equal.
#[must_use]
pub fn accept(report: &CheckReport, statement: &Statement) -> Vec<Accepted> {
    let mut all: Vec<Accepted> = Vec::new();
    for mut cause in causes(report) {
        // Some differences of a cause may be below the level that fails the check.
        cause.findings.retain(|(_, finding)| report.fails_on(finding));
        let is_new =
            |deviation: &Deviation| !all.iter().any(|earlier| earlier.deviations.contains(deviation));
        let deviations: Vec<_> = deviations(&cause, statement).into_iter().filter(is_new).collect();
        if !deviations.is_empty() {
            let count = cause.snapshots();
            let s = if count == 1 { "" } else { "s" };
            all.push(Accepted { change: format!("{}: {count} snapshot{s}", cause.title), deviations });
        }
    }
    all
}

/// Differences that one deviation can state.
#[derive(Default)]
struct Group<'r> {
    operations: BTreeSet<&'r str>,
    situations: BTreeSet<&'r str>,
    steps: BTreeSet<&'r str>,
    paths: BTreeSet<String>,
    expected: BTreeSet<&'r str>,
    observed: BTreeSet<&'r str>,
    level: Option<Level>,
}

fn deviations(cause: &Cause<'_>, statement: &Statement) -> Vec<Deviation> {
    let mut groups: BTreeMap<(Part, Change, Option<String>), Group<'_>> = BTreeMap::new();
    for (case, finding) in cause.findings.iter().copied() {
        let difference = &finding.difference;
        let path = path(case, finding);
        // The rows of a case have long labels, and many of them one reason.
        let own = path.clone().filter(|_| !is_label(case, &difference.location));
        let group = groups.entry((difference.location.part(), difference.change, own)).or_default();
        group.operations.insert(case.operation());
        group.situations.insert(case.situation());
        group.steps.insert(&difference.step);
        group.paths.extend(path);
        group.expected.insert(&difference.was);
        group.observed.insert(&difference.is);
        group.level = group.level.max(Some(finding.level));
    }
    groups.into_iter().map(|((part, change, _), group)| group.deviation(part, change, statement)).collect()
}

impl Group<'_> {
    fn deviation(self, part: Part, change: Change, statement: &Statement) -> Deviation {
        let literals = |values: &BTreeSet<&str>| values.iter().map(|value| Pattern::literal(value)).collect();
        // A status has no path: only its values and its cases distinguish it from others.
        let is_status = part == Part::Status;
        let was = if is_status { literals(&self.expected) } else { Vec::new() };
        let has_few = is_status || self.observed.len() <= MOST_VALUES;
        let is = if has_few { literals(&self.observed) } else { Vec::new() };
        let paths: BTreeSet<&str> = self.paths.iter().map(String::as_str).collect();
        let path = if paths.len() <= MOST_VALUES { literals(&paths) } else { Vec::new() };
        let is_exact = !is.is_empty() && (paths.is_empty() || !path.is_empty());
        let all: BTreeSet<_> = Folder::ALL
            .into_iter()
            .flat_map(|folder| Expected.names(folder))
            .filter_map(|name| name.split_once("__").map(|(operation, _)| operation))
            .filter(|operation| *operation != "no_operation")
            .collect();
        let is_everywhere = self.operations.is_superset(&all);
        let has_many = self.situations.len() > MOST_SITUATIONS && is_exact && !is_status;
        let is_one_case = self.operations.len() == 1
            && self.situations.len() == 1
            && self.steps.len() <= MOST_SITUATIONS
            && !self.steps.contains("");
        Deviation {
            origin: Origin { file: String::new(), entry: 0 },
            operation: if is_everywhere { Vec::new() } else { literals(&self.operations) },
            situation: if has_many { Vec::new() } else { literals(&self.situations) },
            step: if is_one_case { literals(&self.steps) } else { Vec::new() },
            part: Some(part),
            path,
            change: Some(change),
            was,
            is,
            level: self.level,
            reason: statement.reason.clone(),
            owner: statement.owner.clone(),
            until: statement.until,
        }
    }
}

/// Returns the path that a deviation has for a difference.
fn path(case: &CheckedCase, finding: &Finding) -> Option<String> {
    let difference = &finding.difference;
    difference.location.name().map(|_| in_item(case.folder, &case.name, difference))
}

/// Returns whether the name of a location is a whole line.
fn is_label(case: &CheckedCase, location: &Location) -> bool {
    matches!((location, case.folder), (Location::Row(_), Folder::Service) | (Location::Message(_), _))
}
