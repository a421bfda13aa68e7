//! The collection of results at the start and at the end of a run.

use super::plan::Plan;
use super::service::Service;
use crate::executors::arrivals::ArrivalQueue;
use crate::executors::breakpoint::SearchOutcome;
use crate::executors::rate_limit::On429;
use crate::executors::shared::SharedState;
use crate::faults::injection::FaultInjection;
use crate::metrics::recorder::MetricsSnapshot;
use crate::metrics::resource_usage::ResourceUsage;
use crate::metrics::{
    CallMetrics, Ending, FORMAT, LoadGenerator, PassCriteria, Results, ScenarioMetrics, SessionSummary,
    WarmUp,
};
use crate::scenarios::Weighted;
use crate::sync::{Mutex, lock};
use crate::workload::ActiveWorkload;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// The part of the results that is known from the start.
pub(super) struct RunContext {
    pub(super) plan: Plan,
    pub(super) service: Service,
    pub(super) shared: Arc<SharedState>,
    pub(super) active: Box<dyn ActiveWorkload>,
    pub(super) criteria: PassCriteria,
    /// The command that deletes the sessions of the run.
    pub(super) cleanup_command: Option<String>,
    /// The outcome of a breakpoint search so far.
    pub(super) search: Arc<Mutex<SearchOutcome>>,
}

/// The part of the results that is known at the end, except the metrics.
pub(super) struct RunEnd {
    pub(super) ending: Ending,
    pub(super) sessions: SessionSummary,
    pub(super) usage: ResourceUsage,
}

impl RunContext {
    /// The results of the run before its first call.
    pub(super) fn template(&self) -> Results {
        let end = RunEnd {
            ending: Ending::InProgress,
            sessions: SessionSummary::default(),
            usage: ResourceUsage::now(),
        };
        collect_results(self, end)
    }
}

/// The end of a run that is still in progress when its results are collected.
pub(super) fn in_progress(context: &RunContext) -> RunEnd {
    let sessions = context.active.sessions();
    RunEnd { ending: Ending::InProgress, sessions, usage: ResourceUsage::now() }
}

/// Collects the results of a run.
pub(super) fn collect_results(context: &RunContext, end: RunEnd) -> Results {
    let RunContext { plan, service, shared, criteria, search, cleanup_command, .. } = context;
    let RunEnd { ending, sessions, usage } = end;
    let mut load = plan.load_model();
    lock(search).clone().complete(&mut load);
    let metrics = shared.recorder.snapshot();
    let load_generator = load_generator(context, usage, &metrics);
    let MetricsSnapshot { started, operations, timeline, availability, failures, violations, .. } = metrics;
    let warm_up = WarmUp {
        seconds: plan.warm_up.as_secs_f64(),
        calls: metrics.warm_up,
        failures: metrics.warm_up_failures,
    };
    let arrivals = shared.arrivals.as_ref();
    let end = shared.stop.ended_at().unwrap_or_else(Instant::now);
    let injection = shared.faults.as_ref();
    let faults =
        injection.map(|faults| faults.windows(end, |time| shared.recorder.date(time))).unwrap_or_default();
    let expected_failures = injection.map(FaultInjection::expected_failures).unwrap_or_default();
    Results {
        format: FORMAT,
        test_run_id: plan.test_run_id.clone(),
        tags: shared.config.tags.clone(),
        program_version: env!("CARGO_PKG_VERSION").to_owned(),
        execution_segment: (plan.segment.of > 1).then_some(plan.segment),
        contract: service.contract.info(),
        service: service.info(),
        load,
        iteration: plan.iteration.clone(),
        checks_enabled: shared.config.checks_enabled,
        scenarios: scenario_metrics(shared, &metrics.scenarios),
        steps: arrivals.map(|arrivals| arrivals.steps(metrics.steps)).unwrap_or_default(),
        warm_up: (!plan.warm_up.is_zero()).then_some(warm_up),
        started,
        duration_us: load_generator.duration_us,
        load_us: micros(shared.recorder.load_duration(shared.stop.ended_at())),
        operations,
        phases: metrics.phases,
        timeline,
        availability,
        faults,
        expected_failures,
        rate_limit: (shared.config.on_429 == On429::Wait).then(|| shared.recorder.rate_limit_delays()),
        failures,
        violations,
        sessions,
        load_generators: vec![load_generator],
        lost_workers: Vec::new(),
        ending,
        pass_criteria: criteria.clone(),
        cleanup_command: cleanup_command.clone(),
        sent_again: shared.sent_again.get(),
        other_calls: [("probe", &service.probes), ("clean-up", &shared.cleanup_calls)]
            .map(|(purpose, counts)| (purpose.to_owned(), counts.get()))
            .into(),
        against: None,
    }
}

fn load_generator(context: &RunContext, usage: ResourceUsage, metrics: &MetricsSnapshot) -> LoadGenerator {
    let micros = |duration: Duration| u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
    let (executor_started, before) = context.shared.executor_started.get().copied().unzip();
    let before = before.unwrap_or(usage);
    let arrivals = context.shared.arrivals.as_ref();
    LoadGenerator {
        worker: context.plan.segment.index,
        started: metrics.started,
        executor_started,
        duration_us: micros(metrics.duration),
        planned_us: context.plan.planned.map(micros),
        clock_offset: context.service.clock_offset(),
        cpu_us: micros(usage.cpu.saturating_sub(before.cpu)),
        elapsed_us: micros(usage.time.saturating_duration_since(before.time)),
        cores: thread::available_parallelism()
            .map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(u32::MAX)),
        peak_memory_bytes: usage.peak_memory_bytes,
        start_delay: arrivals.map(ArrivalQueue::start_delay).unwrap_or_default(),
        delayed_iterations: arrivals.map(ArrivalQueue::delayed).unwrap_or_default(),
        dropped_iterations: arrivals.map(ArrivalQueue::dropped).unwrap_or_default(),
        telemetry_note: None,
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

fn scenario_metrics(shared: &SharedState, calls: &[CallMetrics]) -> Vec<ScenarioMetrics> {
    let scenarios = shared.config.weights.iter().map(|Weighted { index, name, weight }| {
        let [started, completed, interrupted] = shared.counters.iterations(index);
        let calls = calls.get(index).cloned();
        ScenarioMetrics { name: name.to_owned(), weight, started, completed, interrupted, calls }
    });
    scenarios.collect()
}
