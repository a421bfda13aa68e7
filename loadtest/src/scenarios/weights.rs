//! The weights of several scenarios in one run.
//!
//! The scenario is chosen for each iteration, within goose's transaction. Rejected alternative: goose's
//! scenarios and weights, because goose assigns each user one scenario for the whole run, and shuffles
//! transactions once for all users.

use super::ScenarioInfo;
use std::fmt;

/// Scenarios with their weights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScenarioWeights(Vec<Weighted>);

/// A scenario with its weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Weighted {
    /// The index among all scenarios of the load test.
    pub(crate) index: usize,
    pub(crate) name: &'static str,
    pub(crate) weight: u32,
}

/// The highest weight of a scenario.
const MAX_WEIGHT: u32 = 1_000_000;

/// The fractional part of the golden ratio. Its multiples modulo 1 are spread evenly over any number of
/// iterations.
const GOLDEN: f64 = 0.618_033_988_749_894_9;

impl ScenarioWeights {
    /// Parses weights of these scenarios, such as `lifecycle=3,browse`.
    pub(crate) fn parse(text: &str, names: &[&'static str]) -> Result<Self, String> {
        let mut weights = Vec::<Weighted>::new();
        for part in text.split(',') {
            let (name, weight) = part.split_once('=').unwrap_or((part, "1"));
            let index = index_of(name.trim(), names)?;
            let weight = weight.trim().parse().ok().filter(|weight| is_valid(*weight));
            let weight = weight.ok_or_else(|| invalid_weight(name.trim()))?;
            if weights.iter().any(|other| other.index == index) {
                return Err(format!("`{}` is given twice", names[index]));
            }
            weights.push(Weighted { index, name: names[index], weight });
        }
        Ok(Self(weights))
    }

    /// Chooses the scenario of an iteration, counted from 0. Returns its index. Any sequence of
    /// iterations has about the right proportions.
    #[expect(clippy::cast_precision_loss, reason = "only the frequency of a scenario matters, not its order")]
    pub(crate) fn choose(&self, iteration: u64) -> usize {
        let total: u32 = self.0.iter().map(|scenario| scenario.weight).sum();
        let mut position = (iteration as f64 * GOLDEN).fract() * f64::from(total);
        for scenario in &self.0 {
            position -= f64::from(scenario.weight);
            if position < 0.0 {
                return scenario.index;
            }
        }
        self.0[self.0.len() - 1].index
    }

    /// The number of slots for metrics of each scenario by index; 0 for a single scenario, whose calls are all
    /// calls.
    pub(crate) fn slots(&self) -> usize {
        let last = self.0.iter().map(|scenario| scenario.index).max().unwrap_or_default();
        if self.0.len() > 1 { last + 1 } else { 0 }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Weighted> {
        self.0.iter().copied()
    }
}

impl FromIterator<Weighted> for ScenarioWeights {
    fn from_iter<I: IntoIterator<Item = Weighted>>(scenarios: I) -> Self {
        Self(scenarios.into_iter().collect())
    }
}

fn is_valid(weight: u32) -> bool {
    (1..=MAX_WEIGHT).contains(&weight)
}

fn invalid_weight(name: &str) -> String {
    format!("the weight of `{name}` must be a whole number from 1 to {MAX_WEIGHT}")
}

/// Checks the scenarios of a load test: each can be chosen with `--scenario`.
pub(crate) fn check_scenarios(scenarios: &[ScenarioInfo]) -> Result<(), String> {
    if scenarios.is_empty() {
        return Err("the load test has no scenario: add one with LoadTest::scenario".to_owned());
    }
    for (index, ScenarioInfo { name, weight, .. }) in scenarios.iter().enumerate() {
        if name.trim() != *name || name.is_empty() || name.contains([',', '=']) {
            return Err(format!(
                "the scenario name `{name}` must not be empty, contain `,` or `=`, or begin or end with a space"
            ));
        }
        if scenarios[..index].iter().any(|other| other.name == *name) {
            return Err(format!("the load test has two scenarios `{name}`: rename one"));
        }
        if !is_valid(*weight) {
            return Err(invalid_weight(name));
        }
    }
    Ok(())
}

fn index_of(name: &str, names: &[&'static str]) -> Result<usize, String> {
    names.iter().position(|known| *known == name).ok_or_else(|| {
        let nearest = names
            .iter()
            .map(|known| (strsim::jaro_winkler(known, name), known))
            .filter(|(similarity, _)| *similarity > 0.7)
            .max_by(|one, other| one.0.total_cmp(&other.0));
        let suggestion = nearest.map(|(_, known)| format!("; did you mean `{known}`?")).unwrap_or_default();
        format!("there is no scenario `{name}`{suggestion}; the scenarios are {}", names.join(", "))
    })
}

impl fmt::Display for ScenarioWeights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, Weighted { name, weight, .. }) in self.0.iter().enumerate() {
            let comma = if index > 0 { "," } else { "" };
            match (self.0.len(), weight) {
                (1, _) | (_, 1) => write!(f, "{comma}{name}")?,
                _ => write!(f, "{comma}{name}={weight}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenarios::BuiltIn;

    fn parse(text: &str) -> Result<ScenarioWeights, String> {
        ScenarioWeights::parse(text, &BuiltIn::ALL.map(BuiltIn::name))
    }

    fn error(text: &str) -> String {
        parse(text).unwrap_err()
    }

    #[test]
    fn a_single_name_is_valid() {
        let weights = parse("browse").unwrap();
        assert_eq!(weights.iter().collect::<Vec<_>>(), [Weighted { index: 1, name: "browse", weight: 1 }]);
        assert_eq!(weights.to_string(), "browse");
        assert!((0..100).all(|iteration| weights.choose(iteration) == 1));
    }

    #[test]
    fn any_sequence_of_iterations_has_the_right_proportions() {
        let weights = parse("lifecycle=3,browse").unwrap();
        for start in [0, 7, 1_000_000_000] {
            let browses = (start..start + 100).filter(|it| weights.choose(*it) == 1).count();
            assert!((24..=26).contains(&browses), "{browses} of 100 from {start}");
        }
        assert_eq!(weights.to_string(), "lifecycle=3,browse");
    }

    #[test]
    fn an_unknown_name_is_rejected_with_a_suggestion() {
        let message = error("lifecycle=2,brwose");
        assert!(message.contains("no scenario `brwose`; did you mean `browse`?"), "{message}");
        assert!(message.ends_with("lifecycle, browse, hot-session, churn, read-mostly"), "{message}");
        assert!(!error("xyz").contains("did you mean"));
    }

    #[track_caller]
    fn assert_rejected(scenarios: &[(&'static str, u32)], message: &str) {
        let scenarios =
            scenarios.iter().map(|(name, weight)| ScenarioInfo { name, weight: *weight, built_in: None });
        assert_eq!(check_scenarios(&scenarios.collect::<Vec<_>>()), Err(message.to_owned()));
    }

    #[test]
    fn scenarios_that_cannot_be_chosen_are_rejected() {
        assert_rejected(&[], "the load test has no scenario: add one with LoadTest::scenario");
        assert_rejected(&[("a", 1), ("b", 1), ("a", 2)], "the load test has two scenarios `a`: rename one");
        for weight in [0, MAX_WEIGHT + 1, u32::MAX] {
            assert_rejected(&[("a", weight)], "the weight of `a` must be a whole number from 1 to 1000000");
        }
        for name in ["", " a", "a,b", "a=2"] {
            let message = format!(
                "the scenario name `{name}` must not be empty, contain `,` or `=`, or begin or end with a space"
            );
            assert_rejected(&[(name, 1)], &message);
        }
    }

    #[test]
    fn the_built_in_scenarios_are_valid() {
        let scenarios = BuiltIn::ALL.map(|scenario| scenario.scenario().info());
        assert_eq!(check_scenarios(&scenarios), Ok(()));
    }

    #[test]
    fn invalid_weights_and_duplicate_names_are_rejected() {
        for weight in ["0", "-1", "1.5", "", "much", "4000000000"] {
            let message = error(&format!("browse={weight}"));
            assert_eq!(message, "the weight of `browse` must be a whole number from 1 to 1000000");
        }
        assert_eq!(error("browse,browse=2"), "`browse` is given twice");
        assert!(error("browse,").contains("no scenario ``"));
    }
}
