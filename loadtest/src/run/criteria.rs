//! The pass criteria of a run, and of each rate of a breakpoint search.

use super::plan::Plan;
use super::service::Service;
use crate::cli::{Cli, ScenarioOptions};
use crate::error::LoadTestError;
use crate::executors::ExecutorConfig;
use crate::executors::breakpoint::EvaluateRate;
use crate::metrics::{Ending, LoadModel, PassCriteria, Results};
use crate::output::criteria::failures;
use crate::scenarios::{ScenarioWeights, Weighted};
use crate::thresholds::{EMBEDDED_THRESHOLDS, ScopeNames, Threshold, evaluate};
use crate::workload::Workload;
use std::sync::Arc;

/// The threshold of a breakpoint search for which none was given.
const BREAKPOINT_THRESHOLD: &str = "p99<100ms";

/// Returns the pass criteria of a run.
pub(super) fn pass_criteria(cli: &Cli, service: &Service) -> PassCriteria {
    let mut criteria = PassCriteria::default();
    criteria.thresholds.clone_from(&cli.goose.threshold);
    cli.criteria.apply(&mut criteria);
    criteria.counts_faults = cli.faults.count_faults;
    if criteria.thresholds.is_empty()
        && let Some((thresholds, _)) = default_thresholds(cli, service.is_embedded())
    {
        criteria.thresholds = thresholds.iter().map(|&threshold| threshold.to_owned()).collect();
    }
    criteria
}

/// Returns the thresholds of a run for which none was given, and the kind of run that has them.
pub(super) fn default_thresholds(
    cli: &Cli,
    is_embedded: bool,
) -> Option<(&'static [&'static str], &'static str)> {
    if cli.executor.breakpoint {
        Some((&[BREAKPOINT_THRESHOLD], "--breakpoint"))
    } else if is_embedded && cli.faults.all().is_empty() {
        Some((&EMBEDDED_THRESHOLDS, "the embedded service"))
    } else {
        // Faults are slow on purpose.
        None
    }
}

/// Returns what the thresholds of a run can be about.
pub(super) fn scope_names(plan: &Plan, options: &ScenarioOptions, workload: &dyn Workload) -> ScopeNames {
    let scenarios = workload.scenarios();
    let routes = plan.weights.iter().flat_map(|Weighted { index, .. }| {
        // One's own scenarios can call any operation of the contract.
        let built_in = scenarios[index].built_in;
        built_in.map_or_else(|| workload.contract().routes.to_vec(), |it| it.operations(&options.params()))
    });
    let mut operations = Vec::new();
    for route in routes {
        let operation = (route.method.to_string(), route.name.to_owned());
        if !operations.contains(&operation) {
            operations.push(operation);
        }
    }
    ScopeNames {
        operations,
        scenarios: plan.weights.iter().map(|scenario| scenario.name.to_owned()).collect(),
        steps: match &plan.executor {
            ExecutorConfig::ArrivalRate(steps) => steps.clone(),
            ExecutorConfig::ConstantUsers | ExecutorConfig::Breakpoint { .. } => Vec::new(),
        },
    }
}

/// Parses and checks the thresholds that were given.
pub(super) fn check_thresholds(
    given: &[String],
    names: &ScopeNames,
) -> Result<Vec<Threshold>, LoadTestError> {
    let checked = given.iter().map(|text| {
        let threshold: Threshold = text.parse()?;
        threshold.check(names)?;
        Ok(threshold)
    });
    checked.collect()
}

/// Returns the evaluation of one rate of a breakpoint search: it is evaluated like a run with only this rate.
pub(super) fn evaluate_rate(template: Results, weights: ScenarioWeights) -> Arc<EvaluateRate> {
    Arc::new(move |metrics, duration| {
        let mut results = template.clone();
        results.operations = metrics.operations();
        results.duration_us = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        results.load_us = results.duration_us;
        results.ending = Ending::Planned;
        results.load = LoadModel::Open { steps: Vec::new(), pre_allocated_vus: 0 };
        if let Some(scenario) = results.scenarios.first_mut() {
            scenario.completed = metrics.completed();
        }
        let calls = metrics.scenarios();
        for (scenario, weighted) in results.scenarios.iter_mut().zip(weights.iter()) {
            scenario.calls = calls.get(weighted.index).cloned();
        }
        failures(&evaluate(&results, None)).next()
    })
}

#[cfg(test)]
mod tests {
    use super::super::service::Target;
    use super::*;
    use crate::builder::LoadTest;
    use crate::cli::ServiceOptions;
    use crate::contract::Contract;
    use crate::executors::user::{IterationResult, VirtualUser};
    use sessions_client::sessions_v1;

    async fn nothing(_: &mut VirtualUser<()>) -> IterationResult {
        Ok(())
    }

    #[test]
    fn thresholds_for_operations_that_a_contract_lacks_are_rejected() {
        let shop = LoadTest::new("shop", sessions_v1::ROUTES, |_| ());
        let shop = shop.scenario("one", nothing).scenario("two", nothing);
        let check = |threshold: &str| {
            let mut cli = Cli::parse_for(&shop, ["shop", "--threshold", threshold]).unwrap();
            Plan::new(&mut cli, &shop).map(|_| ())
        };
        check("max<1s for open_session").unwrap();
        let error = check("max<1s for open_sesion").unwrap_err().to_string();
        assert!(error.contains("no operation `open_sesion`; did you mean `open_session`?"), "{error}");
        assert_eq!(error.matches("close_session").count(), 1, "{error}");
        let error = check("max<1s for GET open_session").unwrap_err().to_string();
        assert!(error.contains("`open_session` has the method POST"), "{error}");
    }

    #[tokio::test]
    async fn a_breakpoint_search_has_a_default_threshold() {
        let target = Target {
            contract: &Contract::SESSIONS,
            options: &ServiceOptions::default(),
            host: None,
            timeout: None,
            file_replaces_variables: false,
        };
        let service = Service::connect(&target).await.unwrap();
        let criteria = |args: &[&str]| {
            let mut cli = Cli::parse_from(["loadtest", "--breakpoint"].iter().chain(args).copied()).unwrap();
            Plan::new(&mut cli, &LoadTest::sessions()).unwrap();
            pass_criteria(&cli, &service)
        };
        let default =
            PassCriteria { thresholds: vec![BREAKPOINT_THRESHOLD.to_owned()], ..PassCriteria::default() };
        assert_eq!(criteria(&[]), default);
        let given = criteria(&["--threshold", "p99<20ms", "--max-error-rate", "1%"]);
        assert_eq!((given.thresholds, given.max_error_rate), (vec!["p99<20ms".to_owned()], 1.0));
    }
}
