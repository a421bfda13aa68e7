//! What a run is judged by, and each step of a search for the limit.

use super::open_load::Judge;
use super::plan::{Pacing, Plan};
use super::service::Service;
use crate::cli::Cli;
use crate::judge::{EMBEDDED_THRESHOLDS, judge};
use crate::record::{Ending, LoadModel, Record, Rules};
use std::sync::Arc;

/// What breaks a rate in the search for the limit, if nobody says.
const LIMIT_THRESHOLD: &str = "p99<100ms";

/// What a run is judged by.
pub(super) fn rules(cli: &Cli, plan: &Plan, service: &Service) -> Rules {
    let mut rules = Rules::default();
    rules.thresholds.clone_from(&cli.goose.threshold);
    cli.judge.apply(&mut rules);
    if matches!(plan.pacing, Pacing::FindLimit { .. }) {
        // They are there to be broken; the limit is what is judged.
        rules.thresholds.clear();
        rules.max_error_rate = 100.0;
    } else if service.is_embedded() && rules.thresholds.is_empty() {
        rules.thresholds = EMBEDDED_THRESHOLDS.map(str::to_owned).into();
    }
    rules
}

/// What breaks a step of the search for the limit: what would fail a run of that step alone.
pub(super) fn judge_of_steps(cli: &Cli, template: Record) -> Arc<Judge> {
    let mut rules = Rules::default();
    rules.thresholds.clone_from(&cli.goose.threshold);
    if rules.thresholds.is_empty() {
        rules.thresholds.push(LIMIT_THRESHOLD.to_owned());
    }
    cli.judge.apply(&mut rules);
    Arc::new(move |operations, span, iterations| {
        let mut record = template.clone();
        record.operations.clone_from(operations);
        record.span_us = u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
        record.rules.clone_from(&rules);
        record.ending = Ending::Planned;
        record.load = LoadModel::Open { steps: Vec::new(), lanes: 0 };
        if let Some(scenario) = record.scenarios.first_mut() {
            scenario.iterations = iterations;
        }
        judge(&record, None).reasons().next().map(str::to_owned)
    })
}
