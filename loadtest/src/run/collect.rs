//! The collection of results at the start and at the end of a run.

use super::plan::Plan;
use super::service::Service;
use crate::executors::arrivals::ArrivalQueue;
use crate::executors::shared::SharedState;
use crate::metrics::recorder::MetricsSnapshot;
use crate::metrics::resource_usage::ResourceUsage;
use crate::metrics::{
    Ending, FORMAT, LoadGenerator, LoadModel, PassCriteria, Results, ScenarioCounts, SessionSummary,
};
use std::sync::Arc;
use std::thread;

/// The part of the results that is known from the start.
pub(super) struct RunContext {
    pub(super) plan: Plan,
    pub(super) service: Service,
    pub(super) shared: Arc<SharedState>,
    pub(super) criteria: PassCriteria,
    pub(super) usage_before: ResourceUsage,
}

/// The part of the results that is known at the end, except the metrics.
pub(super) struct RunEnd {
    pub(super) load: LoadModel,
    pub(super) ending: Ending,
    pub(super) sessions: SessionSummary,
    pub(super) usage: ResourceUsage,
}

impl RunContext {
    /// The results of the run before its first call.
    pub(super) fn template(&self) -> Results {
        let end = RunEnd {
            load: self.plan.load_model(),
            ending: Ending::InProgress,
            sessions: SessionSummary::default(),
            usage: self.usage_before,
        };
        collect_results(self, end)
    }
}

/// Collects the results of a run.
pub(super) fn collect_results(context: &RunContext, end: RunEnd) -> Results {
    let RunContext { plan, service, shared, criteria, .. } = context;
    let RunEnd { load, ending, sessions, usage } = end;
    let metrics = shared.recorder.snapshot();
    let load_generator = load_generator(context, usage, &metrics);
    let MetricsSnapshot { started, operations, timeline, failures, violations, .. } = metrics;
    Results {
        format: FORMAT,
        test_run_id: plan.test_run_id.clone(),
        program_version: env!("CARGO_PKG_VERSION").to_owned(),
        execution_segment: (plan.segment.of > 1).then_some(plan.segment),
        service: service.info(),
        load,
        iteration: plan.iteration.clone(),
        checks_enabled: shared.config.checks_enabled,
        scenarios: scenario_counts(shared),
        started,
        duration_us: load_generator.duration_us,
        operations,
        timeline,
        failures,
        violations,
        sessions,
        load_generators: vec![load_generator],
        ending,
        pass_criteria: criteria.clone(),
    }
}

fn load_generator(context: &RunContext, usage: ResourceUsage, metrics: &MetricsSnapshot) -> LoadGenerator {
    let cpu = usage.cpu.saturating_sub(context.usage_before.cpu);
    let arrivals = context.shared.arrivals.as_ref();
    LoadGenerator {
        worker: context.plan.segment.index,
        started: metrics.started,
        duration_us: u64::try_from(metrics.duration.as_micros()).unwrap_or(u64::MAX),
        cpu_us: u64::try_from(cpu.as_micros()).unwrap_or(u64::MAX),
        cores: thread::available_parallelism()
            .map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(u32::MAX)),
        peak_memory_bytes: usage.peak_memory_bytes,
        start_delay: arrivals.map(ArrivalQueue::start_delay).unwrap_or_default(),
        delayed_iterations: arrivals.map(ArrivalQueue::delayed).unwrap_or_default(),
        dropped_iterations: arrivals.map(ArrivalQueue::dropped).unwrap_or_default(),
    }
}

fn scenario_counts(shared: &SharedState) -> Vec<ScenarioCounts> {
    let scenarios = shared.config.weights.iter().map(|(scenario, weight)| {
        let [started, completed] = shared.counters.iterations(scenario);
        ScenarioCounts { name: scenario.name().to_owned(), weight, started, completed }
    });
    scenarios.collect()
}
