//! Differences that the users of a service accept: data in their files, each with a reason.

mod accept;
mod apply;
mod entry;
mod file;
mod known;
mod near_miss;
mod pattern;
mod write;

pub use accept::{Accepted, Statement, accept};
pub use apply::{AppliedDeviation, DeviationState, DeviationUse};
pub(crate) use entry::parse_date;
pub use entry::{Deviation, DeviationError, Origin};
pub(crate) use known::known_file;
pub use known::known_names;
pub use near_miss::NearMiss;
pub use pattern::Pattern;
pub use write::{add_to_file, check_writable};

use std::path::Path;

/// The accepted deviations of a check, the first match first.
#[derive(Clone, Debug, Default)]
pub struct Deviations {
    all: Vec<Deviation>,
}

impl Deviations {
    /// Reads the deviations in the description of a deployment, if there is one, and those of `names`: paths of
    /// files and known implementations, such as `old`.
    ///
    /// # Errors
    ///
    /// If a file cannot be read, an implementation is not known, or a deviation is not valid.
    pub fn load(description: Option<&Path>, names: &[String]) -> Result<Self, DeviationError> {
        let mut all = Self::default();
        if let Some(description) = description {
            all.extend(Self::in_description(description)?.all);
        }
        for name in names {
            all.extend(Self::named(name)?.all);
        }
        Ok(all)
    }

    /// Returns the deviations, in the order of their files.
    #[must_use]
    pub fn all(&self) -> &[Deviation] {
        &self.all
    }
}

impl Extend<Deviation> for Deviations {
    fn extend<I: IntoIterator<Item = Deviation>>(&mut self, deviations: I) {
        self.all.extend(deviations);
    }
}
