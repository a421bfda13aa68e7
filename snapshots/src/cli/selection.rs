//! The options for a selection of cases.

use crate::check::{LastCheck, Selection, results_folder};
use crate::comparison::Level;
use crate::deviations::Pattern;
use clap::Args;
use std::collections::BTreeSet;
use std::error::Error;

#[derive(Args, Debug)]
pub(super) struct SelectionArgs {
    /// Only cases of this operation, such as `open_session` or `get_*`; can be given several times
    #[arg(long, value_name = "PATTERN")]
    operation: Vec<String>,

    /// Only cases of this situation, such as `only_user_id` or `filter_*`; can be given several times
    #[arg(long, value_name = "PATTERN")]
    situation: Vec<String>,
}

#[derive(Args, Debug)]
pub(super) struct LastCheckArgs {
    /// Only cases that failed the last check of this service
    #[arg(long)]
    last_failed: bool,

    /// Only cases that had a difference of at least this level in the last check of this service
    #[arg(long, value_name = "LEVEL")]
    level: Option<Level>,
}

impl SelectionArgs {
    pub(super) fn selection(&self) -> Selection {
        let patterns = |written: &[String]| written.iter().map(|pattern| Pattern::new(pattern)).collect();
        Selection {
            operations: patterns(&self.operation),
            situations: patterns(&self.situation),
            names: None,
        }
    }
}

impl LastCheckArgs {
    /// Returns the names of the selected cases; `None` for all.
    ///
    /// # Errors
    ///
    /// If there was no check of the service at `address`, or no such case.
    pub(super) fn names(&self, address: &str) -> Result<Option<BTreeSet<String>>, Box<dyn Error>> {
        if !self.last_failed && self.level.is_none() {
            return Ok(None);
        }
        let folder = results_folder();
        let last = LastCheck::read(&folder, address);
        let last = last.map_err(|error| format!("the last check in {}: {error}", folder.display()))?;
        let last = last.ok_or_else(|| {
            format!("there was no check of {address} yet: run one without --last-failed and --level")
        })?;
        let mut names: Option<BTreeSet<String>> = None;
        if self.last_failed {
            names = Some(last.failed().cloned().collect());
        }
        if let Some(level) = self.level {
            let serious: BTreeSet<String> = last.with_level(level).cloned().collect();
            names = Some(names.map_or(serious.clone(), |names| &names & &serious));
        }
        if names.as_ref().is_some_and(BTreeSet::is_empty) {
            let what = match self.level {
                None => "failed".to_owned(),
                Some(level) if self.last_failed => {
                    format!("failed with a difference of at least the level {level}")
                }
                Some(level) => format!("had a difference of at least the level {level}"),
            };
            return Err(format!("no case {what} in the last check of {address}").into());
        }
        Ok(names)
    }
}
