//! The calls that a threshold is about: `for open_session`, `for scenario browse`, `for step 2`, `for rate 200`.

use crate::metrics::{CallMetrics, Histogram, LoadModel, RateStep, Results};
use std::fmt::Display;

/// The calls that a threshold is about.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Scope {
    /// All calls.
    Run,
    /// Those of an operation.
    Operation { method: Option<String>, name: String },
    /// Those of a scenario.
    Scenario(String),
    /// Those of a step of the rate, counted from 1.
    Step(usize),
    /// Those of the steps with this rate.
    Rate { from: f64, to: f64 },
}

/// The calls of a scope, and the time in which they were made.
pub(super) struct Scoped {
    pub(super) latency: Histogram,
    pub(super) calls: u64,
    pub(super) failures: u64,
    pub(super) seconds: f64,
}

/// The names that thresholds of a run can have in their scope.
#[derive(Clone, Debug, Default)]
pub(crate) struct ScopeNames {
    /// The method and the name of each operation.
    pub(crate) operations: Vec<(String, String)>,
    pub(crate) scenarios: Vec<String>,
    pub(crate) steps: Vec<RateStep>,
}

impl ScopeNames {
    /// Returns what the results have calls of.
    pub(crate) fn of(results: &Results) -> Self {
        let operations = results.operations.iter();
        let steps = match &results.load {
            LoadModel::Open { steps, .. } => steps.clone(),
            LoadModel::Closed { .. } | LoadModel::Breakpoint { .. } => Vec::new(),
        };
        Self {
            operations: operations.map(|(name, it)| (it.method.clone(), name.clone())).collect(),
            scenarios: results.scenarios.iter().map(|scenario| scenario.name.clone()).collect(),
            steps,
        }
    }
}

impl Scope {
    /// Parses what follows ` for `.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let invalid = |what: &str| format!("`for {text}` {what}");
        let words: Vec<_> = text.split_whitespace().collect();
        match words[..] {
            ["scenario", name] => Ok(Self::Scenario(name.to_owned())),
            ["step", number] => match number.parse() {
                Ok(number) if number > 0 => Ok(Self::Step(number)),
                _ => Err(invalid("must name a step by its number, counted from 1")),
            },
            ["rate", rate] => {
                let (from, to) = rate.split_once("..").unwrap_or((rate, rate));
                match (from.parse(), to.parse()) {
                    (Ok(from), Ok(to)) => Ok(Self::Rate { from, to }),
                    _ => Err(invalid("must name a rate of --rate, such as `for rate 200`")),
                }
            }
            [name] if !matches!(name, "scenario" | "step" | "rate") => {
                Ok(Self::Operation { method: None, name: name.to_owned() })
            }
            [method, name] if method.bytes().all(|byte| byte.is_ascii_uppercase()) => {
                Ok(Self::Operation { method: Some(method.to_owned()), name: name.to_owned() })
            }
            _ => Err(invalid(
                "is not valid: expected `for open_session`, `for scenario browse`, `for step 2` or `for rate 200`",
            )),
        }
    }

    /// Checks that a run has such calls.
    pub(super) fn check(&self, names: &ScopeNames) -> Result<(), String> {
        match self {
            Self::Run => Ok(()),
            Self::Operation { method, name } => {
                let operations = &names.operations;
                let known = operations.iter().map(|(_, name)| name);
                match operations.iter().find(|(_, known)| known == name) {
                    None => Err(unknown("operation", name, known)),
                    Some((known, _)) if method.as_ref().is_some_and(|method| method != known) => {
                        Err(format!("`{name}` has the method {known}: write `for {name}`"))
                    }
                    Some(_) => Ok(()),
                }
            }
            Self::Scenario(name) if names.scenarios.contains(name) => Ok(()),
            Self::Scenario(name) => Err(unknown("scenario", name, names.scenarios.iter())),
            Self::Step(_) | Self::Rate { .. } if names.steps.is_empty() => {
                Err("the run has no steps, which --rate 50,100,200 makes".to_owned())
            }
            Self::Step(number) if *number <= names.steps.len() => Ok(()),
            Self::Step(number) => Err(format!("there is no step {number}: --rate has {}", names.steps.len())),
            Self::Rate { from, to } if names.steps.iter().any(|step| has_rate(step, *from, *to, 1.0)) => {
                Ok(())
            }
            Self::Rate { .. } => {
                let rates: Vec<_> = names.steps.iter().map(RateStep::rate).collect();
                Err(format!("no step has this rate: --rate has {}", rates.join(", ")))
            }
        }
    }

    /// Returns the calls of this scope.
    pub(super) fn of(&self, results: &Results) -> Option<Scoped> {
        let seconds = results.load_duration().as_secs_f64();
        match self {
            Self::Run => Some(Scoped {
                latency: results.latency(),
                calls: results.calls(),
                failures: results.failed_calls(),
                seconds,
            }),
            Self::Operation { method, name } => {
                let operation = results.operations.get(name)?;
                if method.as_ref().is_some_and(|method| *method != operation.method) {
                    return None;
                }
                Some(Scoped {
                    latency: operation.latency().clone(),
                    calls: operation.calls,
                    failures: operation.failures,
                    seconds,
                })
            }
            Self::Scenario(name) => {
                let scenario = results.scenarios.iter().find(|scenario| scenario.name == *name)?;
                match &scenario.calls {
                    Some(calls) => Some(scoped(calls, seconds)),
                    None => Self::Run.of(results),
                }
            }
            Self::Step(number) => of_steps(results, |index, _| index + 1 == *number),
            Self::Rate { from, to } => {
                // A worker has its part of the rate.
                let parts = results.execution_segment.map_or(1.0, |segment| f64::from(segment.of));
                of_steps(results, |_, step| has_rate(step, *from, *to, parts))
            }
        }
    }
}

fn has_rate(step: &RateStep, from: f64, to: f64, parts: f64) -> bool {
    let scaled = RateStep { from: step.from * parts, to: step.to * parts, seconds: 1.0 };
    scaled.is_close_to(&RateStep { from, to, seconds: 1.0 })
}

fn of_steps(results: &Results, is_chosen: impl Fn(usize, &RateStep) -> bool) -> Option<Scoped> {
    let LoadModel::Open { steps, .. } = &results.load else { return None };
    let mut sum = CallMetrics::default();
    let mut seconds = 0.0;
    for (index, (step, metrics)) in steps.iter().zip(&results.steps).enumerate() {
        if is_chosen(index, step) {
            sum.merge(&metrics.calls);
            seconds += step.seconds;
        }
    }
    (seconds > 0.0).then(|| scoped(&sum, seconds))
}

fn scoped(calls: &CallMetrics, seconds: f64) -> Scoped {
    Scoped { latency: calls.latency.clone(), calls: calls.calls(), failures: calls.failures, seconds }
}

/// The message for a name that nothing in the run has, with the nearest one that there is.
fn unknown<S: AsRef<str> + Display>(
    what: &str,
    name: &str,
    known: impl Iterator<Item = S> + Clone,
) -> String {
    let nearest = known
        .clone()
        .map(|known| (strsim::jaro_winkler(known.as_ref(), name), known))
        .filter(|(similarity, _)| *similarity > 0.7)
        .max_by(|one, other| one.0.total_cmp(&other.0));
    let suggestion = nearest.map(|(_, known)| format!("; did you mean `{known}`?")).unwrap_or_default();
    let known: Vec<_> = known.map(|known| known.to_string()).collect();
    format!("the run has no {what} `{name}`{suggestion}; it has {}", known.join(", "))
}
