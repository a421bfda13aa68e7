//! The cases of a check.

use crate::deviations::Pattern;
use contract_tests::suite::Case;
use std::collections::BTreeSet;
use std::fmt;

/// A selection of cases; all of them by default.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Patterns of their operations; empty for all.
    pub operations: Vec<Pattern>,
    /// Patterns of their situations; empty for all.
    pub situations: Vec<Pattern>,
    /// Their names; `None` for all.
    pub names: Option<BTreeSet<String>>,
}

/// The error if no case is selected. It names those that exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NothingSelected(String);

impl fmt::Display for NothingSelected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NothingSelected {}

impl NothingSelected {
    /// The error if no selected case may run: their paths are outside of a base route, or need a service without other
    /// users.
    pub(super) fn without_allowed(is_outside: bool) -> Self {
        let why = if is_outside {
            "no case would run: the selected ones are not sent to a service with a base route"
        } else {
            "no case would run: the selected ones run only with --close-expired"
        };
        Self(why.to_owned())
    }
}

impl Selection {
    /// Returns whether it contains all cases.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.operations.is_empty() && self.situations.is_empty() && self.names.is_none()
    }

    /// Returns the selected cases.
    ///
    /// # Errors
    ///
    /// If there are none, or if none matches one of the patterns.
    pub fn select(&self, mut cases: Vec<Case>) -> Result<Vec<Case>, NothingSelected> {
        check_patterns("operation", &self.operations, cases.iter().map(Case::operation))?;
        cases.retain(|case| matches_any(&self.operations, case.operation()));
        check_patterns("situation", &self.situations, cases.iter().map(Case::situation))?;
        cases.retain(|case| {
            let is_named = self.names.as_ref().is_none_or(|names| names.contains(&case.name()));
            is_named && matches_any(&self.situations, case.situation())
        });
        if cases.is_empty() {
            let why =
                "no case is selected: the selected names, operations and situations have none in common";
            return Err(NothingSelected(why.to_owned()));
        }
        Ok(cases)
    }
}

fn matches_any(patterns: &[Pattern], name: &str) -> bool {
    patterns.is_empty() || patterns.iter().any(|pattern| pattern.matches(name))
}

/// Returns an error for the first pattern that matches none of the names.
fn check_patterns<'n>(
    what: &str,
    patterns: &[Pattern],
    names: impl Iterator<Item = &'n str>,
) -> Result<(), NothingSelected> {
    let names: BTreeSet<&str> = names.collect();
    let unknown = patterns.iter().find(|pattern| !names.iter().any(|name| pattern.matches(name)));
    let Some(unknown) = unknown else { return Ok(()) };
    let distance = |name: &&&str| strsim::damerau_levenshtein(unknown.as_str(), name);
    let nearest = names.iter().min_by_key(distance).filter(|name| distance(name) <= 3);
    let hint = nearest.map(|name| format!(" (did you mean `{name}`?)")).unwrap_or_default();
    let all = names.into_iter().collect::<Vec<_>>().join(", ");
    Err(NothingSelected(format!("no case has the {what} `{unknown}`{hint}: there are {all}")))
}

#[cfg(test)]
mod tests {
    use super::Selection;
    use crate::cases::cases;
    use crate::deviations::Pattern;
    use contract_tests::suite::Case;

    fn selection(operations: &[&str], situations: &[&str]) -> Selection {
        let patterns = |written: &[&str]| written.iter().map(|pattern| Pattern::new(pattern)).collect();
        Selection { operations: patterns(operations), situations: patterns(situations), names: None }
    }

    fn names(selection: &Selection) -> Vec<String> {
        selection.select(cases()).unwrap().iter().map(Case::name).collect()
    }

    #[test]
    fn cases_are_selected_by_patterns() {
        assert_eq!(names(&Selection::default()).len(), cases().len());
        assert_eq!(names(&selection(&["open_session"], &["only_*"])), ["open_session__only_user_id"]);
        let filters = names(&selection(&["get_sessions", "no_*"], &["filter_*", "paths"]));
        assert_eq!(filters.len(), 6, "{filters:?}");
    }

    #[test]
    fn cases_are_selected_by_name() {
        let names: std::collections::BTreeSet<_> = ["close_session__again".to_owned()].into();
        let selection = Selection { names: Some(names), ..Selection::default() };
        assert_eq!(self::names(&selection), ["close_session__again"]);
    }

    #[test]
    fn a_selection_without_a_case_names_those_that_exist() {
        let error = |selection: Selection| selection.select(cases()).unwrap_err().to_string();
        let unknown = error(selection(&["open_session", "open_sesion"], &[]));
        assert!(
            unknown.starts_with("no case has the operation `open_sesion` (did you mean `open_session`?)")
        );
        assert!(unknown.contains("there are close_expired_sessions, close_session, "), "{unknown}");
        let unknown = error(selection(&["close_session"], &["open*x"]));
        assert!(unknown.contains("there are again, argument_session_id, deleted, "), "{unknown}");
        assert!(!unknown.contains("paging"), "only those of the selected operations: {unknown}");
        let other = Selection { names: Some([].into()), ..Selection::default() };
        assert!(error(other).starts_with("no case is selected: "));
    }
}
