//! From what was observed to the record.

use super::plan::Plan;
use super::service::Service;
use crate::executors::arrivals::Arrivals;
use crate::executors::shared::{IterationCounts, Load};
use crate::metrics::recorder::Observed;
use crate::metrics::resource_usage::Usage;
use crate::metrics::{self, Ending, LoadModel, Record, Rules, WorkerHealth};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

/// A run as far as it has come.
pub(super) struct Run<'r> {
    pub(super) load: &'r Load,
    pub(super) plan: &'r Plan,
    pub(super) service: &'r Service,
    pub(super) before: Usage,
    pub(super) used: Usage,
}

/// What is known of a run beside what its users have done.
pub(super) struct RunDetails {
    pub(super) model: LoadModel,
    pub(super) audit: metrics::Audit,
    pub(super) ending: Ending,
    pub(super) rules: Rules,
}

pub(super) fn record(run: &Run<'_>, details: RunDetails) -> Record {
    let RunDetails { model, audit, ending, rules } = details;
    let Run { load, plan, service, before, used } = run;
    let Observed { started, span, operations, timeline, failures, violations } = load.recorder.observed();
    let span_us = u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
    let arrivals = load.arrivals.as_ref();
    let health = WorkerHealth {
        index: plan.share.index,
        started,
        span_us,
        cpu_us: u64::try_from(used.cpu.saturating_sub(before.cpu).as_micros()).unwrap_or(u64::MAX),
        cores: thread::available_parallelism()
            .map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(u32::MAX)),
        peak_memory: used.peak_memory,
        lateness: arrivals.map(Arrivals::lateness).unwrap_or_default(),
        without_lane: arrivals.map(Arrivals::without_lane).unwrap_or_default(),
        never_begun: arrivals.map(Arrivals::never_begun).unwrap_or_default(),
    };
    let scenarios = load.mix.scenarios().map(|(scenario, weight)| {
        let count = |count: fn(&IterationCounts) -> &AtomicU64| {
            load.iteration_counts.get(&scenario).map_or(0, |counts| count(counts).load(Ordering::Relaxed))
        };
        metrics::Scenario {
            name: scenario.name().to_owned(),
            weight,
            begun: count(|counts| &counts.begun),
            iterations: count(|counts| &counts.completed),
        }
    });
    Record {
        format: metrics::FORMAT,
        run: plan.run.clone(),
        program: env!("CARGO_PKG_VERSION").to_owned(),
        worker: (plan.share.of > 1).then_some(plan.share),
        service: service.described(),
        load: model,
        plan: plan.iteration.clone(),
        client: if load.goose_client.is_some() {
            metrics::HttpClient::Goose
        } else {
            metrics::HttpClient::Own
        },
        verified: load.verify,
        scenarios: scenarios.collect(),
        started,
        span_us,
        operations,
        timeline,
        failures,
        violations,
        audit,
        workers: vec![health],
        ending,
        rules,
    }
}
