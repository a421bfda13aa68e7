//! Deviations that match no difference because one of their conditions is misspelled.

use super::apply::in_item;
use super::entry::{Deviation, is_near};
use crate::check::{CheckedCase, Finding};
use crate::comparison::Folder;
use std::collections::BTreeMap;
use std::fmt;

/// The only condition of a deviation that some open differences do not meet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NearMiss {
    /// The key of the condition.
    pub key: &'static str,
    /// The value of the differences.
    pub observed: String,
    /// The number of differences.
    pub differences: usize,
}

impl fmt::Display for NearMiss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, observed, differences } = self;
        let s = if *differences == 1 { "" } else { "s" };
        write!(
            f,
            "with `{key}: {observed}`, it would match {differences} difference{s}: correct or remove it"
        )
    }
}

impl Deviation {
    /// Returns the condition that is the only one which most open differences do not meet, if it may be misspelled.
    pub(super) fn near_miss(&self, cases: &[CheckedCase]) -> Option<NearMiss> {
        let mut misses = BTreeMap::new();
        for case in cases.iter().filter(|case| self.names_case(&case.name)) {
            for finding in case.findings().iter().filter(|finding| !finding.is_accepted()) {
                let mut unmet = self.unmet(case.folder, &case.name, finding);
                if let (Some(key), None) = (unmet.next(), unmet.next())
                    && let Some(observed) = self.observed(key, case.folder, &case.name, finding)
                {
                    *misses.entry((key, observed)).or_insert(0) += 1;
                }
            }
        }
        let ((key, observed), differences) =
            misses.into_iter().max_by_key(|(_, differences)| *differences)?;
        Some(NearMiss { key, observed, differences })
    }

    /// Returns the value of a difference for a key, if that of the deviation is similar.
    fn observed(&self, key: &str, folder: Folder, case: &str, finding: &Finding) -> Option<String> {
        let difference = &finding.difference;
        let (patterns, observed) = match key {
            "step" => (&self.step, difference.step.clone()),
            "was" => (&self.was, difference.was.clone()),
            "is" => (&self.is, difference.is.clone()),
            "path" => (&self.path, in_item(folder, case, difference)),
            // Other conditions are chosen from a list. They are of use only if the path is right.
            _ if self.path.is_empty() => return None,
            "part" => return Some(difference.location.part().name().to_owned()),
            "change" => return Some(difference.change.name().to_owned()),
            _ => return Some(finding.level.name().to_owned()),
        };
        patterns.iter().any(|pattern| is_near(pattern.as_str(), &observed)).then_some(observed)
    }
}
