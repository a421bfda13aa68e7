//! Marks the differences of a check that deviations accept.

use super::entry::Deviation;
use super::near_miss::NearMiss;
use super::{Deviations, Origin};
use crate::check::{CheckedCase, Finding, Outcome};
use crate::comparison::{Difference, Expected, Folder, Location, ObjectKind};
use chrono::NaiveDate;
use serde::Serialize;
use std::fmt;

/// The deviation that accepts a difference, or accepted it until it expired.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AppliedDeviation {
    /// Its file and its number there.
    #[serde(flatten)]
    pub origin: Origin,
    /// The reason why the difference is accepted.
    pub reason: String,
    /// The person or team that is responsible for it.
    pub owner: Option<String>,
    /// The last day on which it holds, in UTC.
    pub until: Option<NaiveDate>,
    /// `true` if that day is over, so that the difference is no longer accepted.
    pub is_expired: bool,
}

/// A deviation, and its use in a check.
#[derive(Clone, Debug, Serialize)]
pub struct DeviationUse {
    /// The deviation.
    #[serde(flatten)]
    pub deviation: Deviation,
    /// Its use.
    pub state: DeviationState,
    /// The number of differences that it matches.
    pub differences: usize,
    /// If it has expired: the deviation that accepts a difference in its place.
    #[serde(skip)]
    pub replaced_by: Option<Origin>,
    /// If it matches no difference: the condition that may be misspelled.
    #[serde(skip)]
    pub near_miss: Option<NearMiss>,
}

/// The use of a deviation in a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviationState {
    /// It accepts differences.
    Used,
    /// Its last day is over, and there are still differences that only it would accept.
    Expired,
    /// All cases that it names were compared, and it matches no difference.
    Unused,
    /// It matches no difference, but some of the cases that it names did not run.
    NotChecked,
}

impl Deviations {
    /// Marks the differences that the deviations accept on the day `today`, and returns the use of each deviation.
    ///
    /// A deviation that has expired marks only differences that no other deviation accepts.
    pub fn apply(&self, cases: &mut [CheckedCase], today: NaiveDate) -> Vec<DeviationUse> {
        let is_expired = |deviation: &Deviation| deviation.until.is_some_and(|until| until < today);
        let mut differences = vec![0; self.all.len()];
        let mut replaced = vec![None; self.all.len()];
        for case in &mut *cases {
            let (folder, name) = (case.folder, case.name.clone());
            let Outcome::Compared { findings } = &mut case.outcome else { continue };
            for finding in findings {
                finding.deviation = None;
                let matching = self
                    .all
                    .iter()
                    .enumerate()
                    .filter(|(_, deviation)| deviation.matches(folder, &name, finding));
                let (expired, valid): (Vec<_>, Vec<_>) =
                    matching.partition(|(_, deviation)| is_expired(deviation));
                if let Some((_, valid)) = valid.first() {
                    for (index, _) in &expired {
                        replaced[*index].get_or_insert_with(|| valid.origin.clone());
                    }
                }
                let (counted, is_expired) = if valid.is_empty() { (expired, true) } else { (valid, false) };
                for (index, _) in &counted {
                    differences[*index] += 1;
                }
                finding.deviation = counted.first().map(|(_, deviation)| AppliedDeviation {
                    origin: deviation.origin.clone(),
                    reason: deviation.reason.clone(),
                    owner: deviation.owner.clone(),
                    until: deviation.until,
                    is_expired,
                });
            }
        }
        let uses = self.all.iter().zip(differences).zip(replaced);
        let uses = uses.map(|((deviation, differences), replaced_by)| {
            let state = match differences {
                0 if was_checked(deviation, cases) => DeviationState::Unused,
                0 => DeviationState::NotChecked,
                _ if is_expired(deviation) => DeviationState::Expired,
                _ => DeviationState::Used,
            };
            let is_unused = state == DeviationState::Unused;
            let near_miss = is_unused.then(|| deviation.near_miss(cases)).flatten();
            DeviationUse { deviation: deviation.clone(), state, differences, replaced_by, near_miss }
        });
        uses.collect()
    }
}

/// Returns whether all cases that a deviation names were compared, except for those that need a service without
/// other users: an ordinary check has none of them.
fn was_checked(deviation: &Deviation, cases: &[CheckedCase]) -> bool {
    let named = |folder: Folder| {
        let names = Expected.names(folder).into_iter().map(move |name| (folder, name));
        names.filter(|(_, name)| deviation.names_case(name))
    };
    let outcome = |folder: Folder, name: &str| {
        cases.iter().find(|case| case.folder == folder && case.name == name).map(|case| &case.outcome)
    };
    let mut compared = 0;
    for (folder, name) in Folder::ALL.into_iter().flat_map(named) {
        match outcome(folder, name) {
            Some(Outcome::Compared { .. }) => compared += 1,
            Some(Outcome::Skipped { .. }) => {}
            Some(Outcome::Failed { .. } | Outcome::NotReached) | None => return false,
        }
    }
    compared > 0
}

impl Deviation {
    /// Returns whether the deviation names a case: a snapshot such as `open_session__only_user_id`.
    pub(super) fn names_case(&self, name: &str) -> bool {
        let (operation, situation) = name.split_once("__").unwrap_or((name, ""));
        any(&self.operation, operation) && any(&self.situation, situation)
    }

    fn matches(&self, folder: Folder, name: &str, finding: &Finding) -> bool {
        self.names_case(name) && self.unmet(folder, name, finding).next().is_none()
    }

    /// Returns the keys of the conditions that a difference of a named case does not meet.
    pub(super) fn unmet(
        &self,
        folder: Folder,
        name: &str,
        finding: &Finding,
    ) -> impl Iterator<Item = &'static str> {
        let difference = &finding.difference;
        let conditions = [
            ("step", self.matches_step(difference)),
            ("part", self.part.is_none_or(|part| part == difference.location.part())),
            ("change", self.change.is_none_or(|change| change == difference.change)),
            ("level", self.level.is_none_or(|level| level >= finding.level)),
            ("was", any(&self.was, &difference.was)),
            ("is", any(&self.is, &difference.is)),
            ("path", self.matches_path(folder, name, difference)),
        ];
        conditions.into_iter().filter(|(_, is_met)| !is_met).map(|(key, _)| key)
    }

    fn matches_step(&self, difference: &Difference) -> bool {
        let label = match &difference.location {
            Location::Row(label) => label,
            _ => &difference.step,
        };
        any(&self.step, &difference.step) || any(&self.step, label)
    }

    fn matches_path(&self, folder: Folder, case: &str, difference: &Difference) -> bool {
        let Some(name) = difference.location.name() else { return self.path.is_empty() };
        let all = without_indices(name);
        any(&self.path, name) || any(&self.path, &all) || any(&self.path, &in_item(folder, case, difference))
    }
}

/// Returns the path of a location within the session: without the page that it is on and without indices.
/// Returns other names unchanged.
pub(super) fn in_item(folder: Folder, case: &str, difference: &Difference) -> String {
    let Difference { location, evidence, .. } = difference;
    let name = location.name().unwrap_or_default();
    if matches!(location, Location::Message(_) | Location::Header(_))
        || matches!((location, folder), (Location::Row(_), Folder::Service))
    {
        return name.to_owned();
    }
    let path = without_indices(name);
    // Cases of other operations list sessions, too. A payload that is a list has the same paths.
    let is_page = |key: &str| {
        case.starts_with("get_sessions__") || (evidence.object == ObjectKind::Entity && evidence.key == key)
    };
    path.strip_prefix("data[].").filter(|key| is_page(key)).map_or(path.clone(), str::to_owned)
}

/// Replaces `[0]`, `[1]` and so on by `[]`.
fn without_indices(path: &str) -> String {
    let mut parts = path.split('[');
    let mut all = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        all.push('[');
        all.push_str(part.trim_start_matches(|character: char| character.is_ascii_digit()));
    }
    all
}

/// Returns whether one of the patterns matches. An empty list stands for all strings.
fn any(patterns: &[super::Pattern], string: &str) -> bool {
    patterns.is_empty() || patterns.iter().any(|pattern| pattern.matches(string))
}

/// Describes the use in one sentence: `` staging.yaml, deviation 2: accepts 12 differences: … ``.
impl fmt::Display for DeviationUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            deviation: Deviation { origin, reason, owner, until, .. },
            state,
            differences,
            replaced_by,
            near_miss,
        } = self;
        let s = if *differences == 1 { "" } else { "s" };
        write!(f, "{origin}: ")?;
        if let (0, Some(until), Some(other)) = (*differences, until, replaced_by) {
            let by = by(owner.as_deref(), None);
            return write!(f, "expired after {until}, and {other} replaces it: remove it ({reason}){by}");
        }
        match (state, until) {
            (DeviationState::Used, _) => write!(f, "accepts {differences} difference{s}: {reason}")?,
            (DeviationState::Expired, Some(until)) => {
                return write!(
                    f,
                    "expired after {until} and no longer accepts {differences} difference{s}: {reason}{}",
                    by(owner.as_deref(), None)
                );
            }
            (DeviationState::Expired | DeviationState::Unused, _) => match near_miss {
                Some(near_miss) => write!(f, "matches no difference: {near_miss} ({reason})")?,
                None => write!(f, "matches no difference any more: remove it ({reason})")?,
            },
            (DeviationState::NotChecked, _) => {
                write!(f, "was not checked, since not all of its cases ran: {reason}")?;
            }
        }
        f.write_str(&by(owner.as_deref(), *until))
    }
}

/// Returns the owner and the last day, if they are known.
fn by(owner: Option<&str>, until: Option<NaiveDate>) -> String {
    let until = until.map(|until| format!("until {until}"));
    let known: Vec<String> = owner.map(str::to_owned).into_iter().chain(until).collect();
    if known.is_empty() { String::new() } else { format!(" ({})", known.join(", ")) }
}
