//! The weights of several scenarios in one run.
//!
//! The scenario is chosen for each iteration, within goose's transaction. Rejected alternative: goose's
//! scenarios and weights, because goose assigns each user one scenario for the whole run, and shuffles
//! transactions once for all users.

use super::Scenario;
use std::fmt;
use std::str::FromStr;

/// Scenarios with their weights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScenarioWeights(Vec<(Scenario, u32)>);

/// The fractional part of the golden ratio. Its multiples modulo 1 are spread evenly over any number of
/// iterations.
const GOLDEN: f64 = 0.618_033_988_749_894_9;

impl ScenarioWeights {
    /// Chooses the scenario of an iteration, counted from 0. Any sequence of iterations has about the right
    /// proportions.
    #[expect(clippy::cast_precision_loss, reason = "only the frequency of a scenario matters, not its order")]
    pub(crate) fn choose(&self, iteration: u64) -> Scenario {
        let total: u32 = self.0.iter().map(|(_, weight)| weight).sum();
        let mut position = (iteration as f64 * GOLDEN).fract() * f64::from(total);
        for (scenario, weight) in &self.0 {
            position -= f64::from(*weight);
            if position < 0.0 {
                return *scenario;
            }
        }
        self.0[self.0.len() - 1].0
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Scenario, u32)> {
        self.0.iter().copied()
    }
}

impl FromStr for ScenarioWeights {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut weights = Vec::new();
        for part in text.split(',') {
            let (name, weight) = part.split_once('=').unwrap_or((part, "1"));
            let scenario = by_name(name.trim())?;
            let weight =
                weight.trim().parse().ok().filter(|weight| (1..=1_000_000).contains(weight)).ok_or_else(
                    || format!("the weight of `{}` must be a whole number from 1 to 1000000", name.trim()),
                )?;
            if weights.iter().any(|(other, _)| *other == scenario) {
                return Err(format!("`{}` is given twice", scenario.name()));
            }
            weights.push((scenario, weight));
        }
        Ok(Self(weights))
    }
}

fn by_name(name: &str) -> Result<Scenario, String> {
    Scenario::ALL.into_iter().find(|scenario| scenario.name() == name).ok_or_else(|| {
        let names = Scenario::ALL.map(Scenario::name);
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
        for (index, (scenario, weight)) in self.0.iter().enumerate() {
            let comma = if index > 0 { "," } else { "" };
            match (self.0.len(), weight) {
                (1, _) | (_, 1) => write!(f, "{comma}{}", scenario.name())?,
                _ => write!(f, "{comma}{}={weight}", scenario.name())?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        text.parse::<ScenarioWeights>().unwrap_err()
    }

    #[test]
    fn a_single_name_is_valid() {
        let weights: ScenarioWeights = "browse".parse().unwrap();
        assert_eq!(weights.iter().collect::<Vec<_>>(), [(Scenario::Browse, 1)]);
        assert_eq!(weights.to_string(), "browse");
        assert!((0..100).all(|iteration| weights.choose(iteration) == Scenario::Browse));
    }

    #[test]
    fn any_sequence_of_iterations_has_the_right_proportions() {
        let weights: ScenarioWeights = "lifecycle=3,browse".parse().unwrap();
        for start in [0, 7, 1_000_000_000] {
            let browses = (start..start + 100).filter(|it| weights.choose(*it) == Scenario::Browse).count();
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
