//! What a run is judged by, and each step of a search for the limit.

use super::plan::{Pacing, Plan};
use super::service::Service;
use crate::cli::Cli;
use crate::executors::arrival_rate::Judge;
use crate::metrics::{Ending, LoadModel, Record, Rules};
use crate::thresholds::{EMBEDDED_THRESHOLDS, judge};
use std::sync::Arc;

/// What breaks a rate in the search for the limit, if nobody says.
const LIMIT_THRESHOLD: &str = "p99<100ms";

/// What a run is judged by.
pub(super) fn rules(cli: &Cli, plan: &Plan, service: &Service) -> Rules {
    let mut rules = Rules::default();
    rules.thresholds.clone_from(&cli.goose.threshold);
    cli.judge.apply(&mut rules);
    if rules.thresholds.is_empty() {
        if matches!(plan.pacing, Pacing::FindLimit { .. }) {
            rules.thresholds.push(LIMIT_THRESHOLD.to_owned());
        } else if service.is_embedded() {
            rules.thresholds = EMBEDDED_THRESHOLDS.map(str::to_owned).into();
        }
    }
    rules
}

/// What breaks a step of the search for the limit: what would fail a run of that step alone.
pub(super) fn judge_of_steps(template: Record) -> Arc<Judge> {
    Arc::new(move |operations, span, iterations| {
        let mut record = template.clone();
        record.operations.clone_from(operations);
        record.span_us = u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
        record.ending = Ending::Planned;
        record.load = LoadModel::Open { steps: Vec::new(), lanes: 0 };
        if let Some(scenario) = record.scenarios.first_mut() {
            scenario.iterations = iterations;
        }
        judge(&record, None).reasons().next().map(str::to_owned)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test]
    async fn a_search_for_the_limit_keeps_what_breaks_a_rate() {
        let service = Service::at(None, None).await.unwrap();
        let rules = |args: &[&str]| {
            let mut cli = Cli::parse_from(["loadtest", "--find-limit"].iter().chain(args).copied()).unwrap();
            let plan = Plan::of(&mut cli, Duration::from_secs(10)).unwrap();
            rules(&cli, &plan, &service)
        };
        assert_eq!(rules(&[]), Rules { thresholds: vec![LIMIT_THRESHOLD.to_owned()], ..Rules::default() });
        let given = rules(&["--threshold", "p99<20ms", "--max-error-rate", "1%"]);
        assert_eq!((given.thresholds, given.max_error_rate), (vec!["p99<20ms".to_owned()], 1.0));
    }
}
