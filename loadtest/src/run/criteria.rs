//! The pass criteria of a run, and of each rate of a breakpoint search.

use super::plan::Plan;
use super::service::Service;
use crate::cli::Cli;
use crate::executors::ExecutorConfig;
use crate::executors::breakpoint::EvaluateStep;
use crate::metrics::{Ending, LoadModel, PassCriteria, Results};
use crate::output::criteria::failures;
use crate::thresholds::{EMBEDDED_THRESHOLDS, evaluate};
use std::sync::Arc;

/// The threshold of a breakpoint search for which none was given.
const BREAKPOINT_THRESHOLD: &str = "p99<100ms";

/// Returns the pass criteria of a run.
pub(super) fn pass_criteria(cli: &Cli, plan: &Plan, service: &Service) -> PassCriteria {
    let mut criteria = PassCriteria::default();
    criteria.thresholds.clone_from(&cli.goose.threshold);
    cli.criteria.apply(&mut criteria);
    if criteria.thresholds.is_empty() {
        if matches!(plan.executor, ExecutorConfig::Breakpoint { .. }) {
            criteria.thresholds.push(BREAKPOINT_THRESHOLD.to_owned());
        } else if service.is_embedded() {
            criteria.thresholds = EMBEDDED_THRESHOLDS.map(str::to_owned).into();
        }
    }
    criteria
}

/// Returns the evaluation of one rate of a breakpoint search: it is evaluated like a run with only this rate.
pub(super) fn evaluate_step(template: Results) -> Arc<EvaluateStep> {
    Arc::new(move |operations, duration, completed| {
        let mut results = template.clone();
        results.operations = operations;
        results.duration_us = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        results.ending = Ending::Planned;
        results.load = LoadModel::Open { steps: Vec::new(), pre_allocated_vus: 0 };
        if let Some(scenario) = results.scenarios.first_mut() {
            scenario.completed = completed;
        }
        failures(&evaluate(&results, None)).next()
    })
}

#[cfg(test)]
mod tests {
    use super::super::service::Target;
    use super::*;
    use crate::cli::ServiceOptions;
    use std::time::Duration;

    #[tokio::test]
    async fn a_breakpoint_search_has_a_default_threshold() {
        let target = Target { options: &ServiceOptions::default(), host: None, timeout: None };
        let service = Service::connect(&target).await.unwrap();
        let criteria = |args: &[&str]| {
            let mut cli = Cli::parse_from(["loadtest", "--breakpoint"].iter().chain(args).copied()).unwrap();
            let plan = Plan::new(&mut cli, Duration::from_secs(10)).unwrap();
            pass_criteria(&cli, &plan, &service)
        };
        let default =
            PassCriteria { thresholds: vec![BREAKPOINT_THRESHOLD.to_owned()], ..PassCriteria::default() };
        assert_eq!(criteria(&[]), default);
        let given = criteria(&["--threshold", "p99<20ms", "--max-error-rate", "1%"]);
        assert_eq!((given.thresholds, given.max_error_rate), (vec!["p99<20ms".to_owned()], 1.0));
    }
}
