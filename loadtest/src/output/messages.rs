//! Sentences that several reports share.

use crate::format::{self, counted};
use crate::metrics::{LoadGenerator, LoadModel, Results, SessionIds, ViolationExample};

/// The used share of its cores above which a load generator may be the bottleneck.
const BUSY: f64 = 0.9;

/// The start delay above which the load generator was held up, in microseconds. Its clock is more precise.
const HELD_UP_US: u64 = 10_000;

/// The address of the service, and the name and version that it reports.
pub(super) fn service(results: &Results) -> String {
    let service = &results.service;
    let known = [service.name.as_deref(), service.version.as_deref()];
    let known = known.into_iter().flatten().collect::<Vec<_>>().join(" ");
    let mut address = if service.embedded {
        format!("the embedded service ({})", service.address)
    } else {
        service.address.clone()
    };
    if service.insecure {
        address.push_str(" (insecure: its certificate was not verified)");
    }
    if known.is_empty() { address } else { format!("{address}, {known}") }
}

/// The load model with its numbers.
pub(super) fn load(results: &Results) -> String {
    match &results.load {
        LoadModel::Closed { users, test_plan } => {
            let users = counted(*users, "user", "users");
            let steps = test_plan.as_ref().map(|plan| format!(" (test plan {plan})")).unwrap_or_default();
            format!("closed model: {users}, each waits for a response before its next call{steps}")
        }
        LoadModel::Open { steps, pre_allocated_vus } => {
            format!("open model: iterations at {}, {}", LoadModel::rates(steps), vus(*pre_allocated_vus))
        }
        LoadModel::Breakpoint { sustained_rate, step_seconds, pre_allocated_vus, .. } => {
            let found = match sustained_rate {
                Some(rate) => format!("{rate:.0} iterations/s sustained"),
                None => "no rate sustained".to_owned(),
            };
            let vus = vus(*pre_allocated_vus);
            let criteria = results.pass_criteria.of_a_rate();
            format!("breakpoint search, {step_seconds} s per rate, {vus}: {found} ({criteria})")
        }
    }
}

fn vus(number: u64) -> String {
    counted(number, "pre-allocated VU", "pre-allocated VUs")
}

/// The definition of latency in these results.
pub(super) fn latency(results: &Results) -> &'static str {
    match results.load {
        LoadModel::Closed { .. } => {
            "Latency is the time from sending a request to the last byte of its response. Users that wait for a \
             response send fewer requests while the service stalls, so a stall has less weight here than in the open \
             model (coordinated omission)."
        }
        LoadModel::Open { .. } | LoadModel::Breakpoint { .. } => {
            "Latency is the time from the moment when a call was due to the last byte of its response, even if the \
             request could not be sent at that moment: a stall counts for every iteration that was due during it."
        }
    }
}

/// The work that was done.
pub(super) fn completed(results: &Results) -> String {
    let iterations = counted(results.completed_iterations(), "iteration", "iterations");
    let calls = counted(results.calls(), "call", "calls");
    format!("{iterations} in {:.1} s, {calls}", results.duration().as_secs_f64())
}

/// The session and the call of a violation.
pub(super) fn example(example: &ViolationExample) -> String {
    let ViolationExample { session_id, operation, correlation_id, detail } = example;
    let mut text = format!("session {session_id}, {operation}");
    if let Some(id) = correlation_id {
        text = format!("{text}, correlation id {id}");
    }
    match detail {
        Some(detail) => format!("{text}: {detail}"),
        None => text,
    }
}

/// Notes on the validity of the results.
pub(super) fn notes(results: &Results) -> Vec<String> {
    let mut notes: Vec<_> = results.load_generators.iter().flat_map(load_generator).collect();
    if !results.checks_enabled {
        notes.push("responses were not checked: wrong ones count as successful".to_owned());
    }
    let sessions = &results.sessions;
    if sessions.cleaned_up > 0 {
        let cleaned_up = counted(sessions.cleaned_up, "session", "sessions");
        notes.push(format!("{cleaned_up} not deleted by users, deleted after the run"));
    }
    if !sessions.left_behind.ids.is_empty() {
        let ids = ids(&sessions.left_behind);
        notes.push(format!("left behind, of users loadtest-{}-*: {ids}", results.test_run_id));
    }
    if !sessions.foreign.ids.is_empty() {
        notes.push(format!("of other users, listed for a user of the run: {}", ids(&sessions.foreign)));
    }
    if results.service.embedded {
        notes.push(
            "service and load generator shared their cores: a separate service has a higher limit".to_owned(),
        );
    }
    notes
}

fn ids(sessions: &SessionIds) -> String {
    let ids = sessions.ids.join(", ");
    if sessions.count > sessions.ids.len() as u64 { format!("{ids}, …") } else { ids }
}

fn load_generator(generator: &LoadGenerator) -> Vec<String> {
    let worker = format!("worker {}", generator.worker);
    let mut notes = Vec::new();
    if let Some(share) = generator.cpu_share().filter(|share| *share > BUSY) {
        let share = format::percent((share * 100.0).round());
        notes.push(format!("{worker} used {share} of its cores: the load generator may be the bottleneck"));
    }
    if generator.delayed_iterations > 0 {
        let iterations = counted(generator.delayed_iterations, "iteration", "iterations");
        notes.push(format!(
            "{worker}: {iterations} had to wait for a free VU: increase --pre-allocated-vus or lower the rate"
        ));
    }
    if generator.dropped_iterations > 0 {
        let iterations = counted(generator.dropped_iterations, "iteration", "iterations");
        notes.push(format!("{worker} dropped {iterations}, which are in no latency"));
    }
    let p99 = generator.start_delay.percentile(99.0);
    if let Some(delay) = p99.filter(|delay| *delay > HELD_UP_US && generator.delayed_iterations == 0) {
        let delay = format::latency(Some(delay));
        notes.push(format!("{worker} started 1% of its iterations {delay} late or more: it was held up"));
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{RateStep, sample};

    fn results() -> Results {
        sample::results(&sample::calls(1, 100, 1))
    }

    #[test]
    fn a_service_is_shown_with_its_name_and_version() {
        let mut results = results();
        assert_eq!(service(&results), "http://127.0.0.1:8080");
        results.service.version = Some("1.2.0".to_owned());
        results.service.name = Some("sessions".to_owned());
        results.service.embedded = true;
        assert_eq!(service(&results), "the embedded service (http://127.0.0.1:8080), sessions 1.2.0");
    }

    #[test]
    fn every_load_model_is_described() {
        let mut results = results();
        let closed = "closed model: 8 users, each waits for a response before its next call";
        assert_eq!(load(&results), closed);
        let steps = vec![RateStep { from: 20.0, to: 20.0, seconds: 5.0 }];
        results.load = LoadModel::Open { steps, pre_allocated_vus: 1 };
        assert_eq!(load(&results), "open model: iterations at 20/s for 5 s, 1 pre-allocated VU");
        results.load = LoadModel::Breakpoint {
            steps: Vec::new(),
            step_seconds: 5.0,
            pre_allocated_vus: 9,
            sustained_rate: Some(400.0),
        };
        results.pass_criteria.thresholds = vec!["p99<100ms".to_owned()];
        let breakpoint = "breakpoint search, 5 s per rate, 9 pre-allocated VUs: 400 iterations/s sustained \
                          (p99<100ms and error rate at most 0%)";
        assert_eq!(load(&results), breakpoint);
    }

    #[test]
    fn a_busy_load_generator_is_noted() {
        let mut generator = results().load_generators.remove(0);
        assert_eq!(load_generator(&generator), Vec::<String>::new());
        generator.cpu_us = generator.duration_us * 2;
        generator.start_delay = [20_000; 10].into_iter().collect();
        assert_eq!(
            load_generator(&generator),
            [
                "worker 0 used 100% of its cores: the load generator may be the bottleneck",
                "worker 0 started 1% of its iterations 20.0 ms late or more: it was held up",
            ]
        );
        (generator.delayed_iterations, generator.dropped_iterations) = (3, 1);
        assert!(
            load_generator(&generator)[1].starts_with("worker 0: 3 iterations had to wait for a free VU")
        );
        assert!(load_generator(&generator)[2].starts_with("worker 0 dropped 1 iteration,"));
    }

    #[test]
    fn an_ellipsis_stands_for_further_ids() {
        let mut sessions = SessionIds::default();
        (0..5).for_each(|id| sessions.add(id.to_string()));
        assert_eq!(ids(&sessions), "0, 1, 2, 3, 4");
        sessions.add("5");
        assert_eq!(ids(&sessions), "0, 1, 2, 3, 4, …");
    }
}
