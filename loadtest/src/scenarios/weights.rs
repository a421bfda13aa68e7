//! Several scenarios in one run, each with its weight.
//!
//! Each iteration is chosen anew, within one transaction of goose: goose would give each user one scenario for good, and shuffles
//! transactions once for all users.

use super::Scenario;
use std::fmt;
use std::str::FromStr;

/// Scenarios with their weights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mix(Vec<(Scenario, u32)>);

/// The golden ratio, less one: its multiples are spread over the unit interval as evenly as can be, at any length.
const GOLDEN: f64 = 0.618_033_988_749_894_9;

impl Mix {
    /// The scenario of an iteration, counted from 0. Every stretch of iterations has about the proportions of the mix.
    #[expect(
        clippy::cast_precision_loss,
        reason = "which scenario comes when does not matter, how often does"
    )]
    pub(crate) fn choose(&self, iteration: u64) -> Scenario {
        let total: u32 = self.0.iter().map(|(_, weight)| weight).sum();
        let mut place = (iteration as f64 * GOLDEN).fract() * f64::from(total);
        for (scenario, weight) in &self.0 {
            place -= f64::from(*weight);
            if place < 0.0 {
                return *scenario;
            }
        }
        self.0[self.0.len() - 1].0
    }

    pub(crate) fn scenarios(&self) -> impl Iterator<Item = (Scenario, u32)> {
        self.0.iter().copied()
    }
}

impl FromStr for Mix {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut mix = Vec::new();
        for part in text.split(',') {
            let (name, weight) = part.split_once('=').unwrap_or((part, "1"));
            let scenario = named(name.trim())?;
            let weight =
                weight.trim().parse().ok().filter(|weight| (1..=1_000_000).contains(weight)).ok_or_else(
                    || format!("the weight of `{}` must be a whole number from 1 to 1000000", name.trim()),
                )?;
            if mix.iter().any(|(other, _)| *other == scenario) {
                return Err(format!("`{}` is named twice: give it one weight", scenario.name()));
            }
            mix.push((scenario, weight));
        }
        Ok(Self(mix))
    }
}

fn named(name: &str) -> Result<Scenario, String> {
    Scenario::ALL.into_iter().find(|scenario| scenario.name() == name).ok_or_else(|| {
        let names = Scenario::ALL.map(Scenario::name);
        let nearest = names
            .iter()
            .map(|known| (strsim::jaro_winkler(known, name), known))
            .filter(|(similarity, _)| *similarity > 0.7)
            .max_by(|one, other| one.0.total_cmp(&other.0));
        let meant = nearest.map(|(_, known)| format!("; did you mean `{known}`?")).unwrap_or_default();
        format!("there is no scenario `{name}`{meant} There are {}", names.join(", "))
    })
}

impl fmt::Display for Mix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (scenario, weight)) in self.0.iter().enumerate() {
            let comma = if place > 0 { "," } else { "" };
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
        text.parse::<Mix>().unwrap_err()
    }

    #[test]
    fn a_name_alone_is_a_mix() {
        let mix: Mix = "browse".parse().unwrap();
        assert_eq!(mix.scenarios().collect::<Vec<_>>(), [(Scenario::Browse, 1)]);
        assert_eq!(mix.to_string(), "browse");
        assert!((0..100).all(|iteration| mix.choose(iteration) == Scenario::Browse));
    }

    #[test]
    fn every_stretch_of_iterations_has_the_proportions_of_the_mix() {
        let mix: Mix = "lifecycle=3,browse".parse().unwrap();
        for start in [0, 7, 1_000_000_000] {
            let browses = (start..start + 100).filter(|it| mix.choose(*it) == Scenario::Browse).count();
            assert!((24..=26).contains(&browses), "{browses} of 100 from {start}");
        }
        assert_eq!(mix.to_string(), "lifecycle=3,browse");
    }

    #[test]
    fn an_unknown_name_is_told_the_nearest_and_all_others() {
        let text = error("lifecycle=2,brwose");
        assert!(text.contains("no scenario `brwose`; did you mean `browse`?"), "{text}");
        assert!(text.ends_with("lifecycle, browse, hot-session, churn, read-mostly"), "{text}");
        assert!(!error("xyz").contains("did you mean"));
    }

    #[test]
    fn weights_are_positive_and_names_are_given_once() {
        for weight in ["0", "-1", "1.5", "", "much", "4000000000"] {
            let text = error(&format!("browse={weight}"));
            assert_eq!(text, "the weight of `browse` must be a whole number from 1 to 1000000");
        }
        assert_eq!(error("browse,browse=2"), "`browse` is named twice: give it one weight");
        assert!(error("browse,").contains("no scenario ``"));
    }
}
