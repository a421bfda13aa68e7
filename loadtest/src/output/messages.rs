//! Sentences that several reports share.

use super::{criteria, summary};
use crate::checks::violation::is_own_check;
use crate::format::{self, count, counted};
use crate::metrics::{
    Ending, FailureSummary, FaultWindow, LoadGenerator, LoadModel, RateLimitDelays, Results, SessionIds,
    ViolationExample, ViolationSummary, WarmUp, sum,
};
use chrono::TimeDelta;

/// The used share of its cores above which a load generator may be the bottleneck.
const BUSY: f64 = 0.9;

/// The start delay above which the load generator was held up, in microseconds. Its clock is more precise.
const HELD_UP_US: u64 = 10_000;

/// The address of the service, and the name and version that it reports.
pub(super) fn service(results: &Results) -> String {
    let service = &results.service;
    let versions: Vec<_> = service.version.iter().chain(&service.other_versions).map(|it| &**it).collect();
    let versions = (!versions.is_empty()).then(|| versions.join(" and "));
    let known = [service.name.as_deref(), versions.as_deref()];
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
                Some(rate) => format!("{} iterations/s sustained", format::rate(Some(*rate))),
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
    format!("{iterations} in {:.1} s, {calls}", results.load_duration().as_secs_f64())
}

/// The share of the run in which calls succeeded, and the seconds in which calls failed.
#[expect(clippy::cast_precision_loss, reason = "seconds of a run")]
pub(super) fn availability(results: &Results) -> String {
    let (outages, failed) = (results.outages(), results.seconds_with_failures().count());
    let run_s = results.load_us.div_ceil(1_000_000).max(1);
    let failed = if failed == 0 { String::new() } else { format!("; calls failed in {failed} s") };
    if results.calls() > 0 && results.failed_calls() == results.calls() {
        return format!("0%, no call succeeded{failed}");
    }
    let share = format::percent(100.0 - outages.count() as f64 * 100.0 / run_s as f64);
    match outages.count() {
        0 => format!("{share}{failed}"),
        seconds => {
            let outage = criteria::outage(seconds, run_s, outages.first());
            format!("{share}, no call succeeded for {outage}{failed}")
        }
    }
}

/// The calls before the measured part of the run.
pub(super) fn warm_up(warm_up: &WarmUp) -> String {
    let WarmUp { seconds, calls, failures } = warm_up;
    let reasons: Vec<_> =
        failures.iter().map(|it| format!("{}: {}, {}", it.operation, it.reason, count(it.count))).collect();
    let reasons = if reasons.is_empty() { String::new() } else { format!(" ({})", reasons.join("; ")) };
    format!(
        "{seconds} s, not judged: {}, {} failed{reasons}, p95 {}",
        counted(calls.calls(), "call", "calls"),
        count(calls.failures),
        format::latency(calls.latency.percentile(95.0)),
    )
}

/// The tags of the run.
pub(super) fn tags(results: &Results) -> Option<String> {
    let tags: Vec<_> = results.tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
    (!tags.is_empty()).then(|| tags.join(", "))
}

/// The calls with statuses that a scenario expected.
fn expected_statuses(results: &Results) -> Option<String> {
    let statuses = summary::operations(results).into_iter().flat_map(|(name, operation)| {
        operation
            .expected
            .iter()
            .map(move |(status, calls)| format!("expected {status} of {name}: {}", count(*calls)))
    });
    let statuses: Vec<_> = statuses.collect();
    (!statuses.is_empty()).then(|| statuses.join(", "))
}

/// The calls that a rate limit delayed.
pub(super) fn rate_limit(results: &Results) -> Option<String> {
    let RateLimitDelays { calls, rejections, .. } = results.delayed_calls()?;
    let waited = results.delayed_calls()?.waited().as_secs_f64();
    let calls = counted(*calls, "call", "calls");
    let times = counted(*rejections, "response", "responses");
    Some(format!("{calls} delayed for {waited:.1} s in total, after {times} with status 429"))
}

/// The faults that were injected, each with its times and its effect.
pub(super) fn faults(results: &Results) -> Vec<String> {
    let describe = |window: &FaultWindow| {
        let seconds = |time| summary::seconds_between(results.started, time).max(0.0);
        let [from, to] = [window.from, window.to].map(seconds);
        let [start, end] = [window.from, window.to].map(|time| time.format("%H:%M:%S"));
        format!(
            "{} from {from:.1} s to {to:.1} s ({start} to {end}), {}, {}",
            window.fault,
            counted(window.connections, "connection", "connections"),
            counted(window.failed_calls, "failed call", "failed calls"),
        )
    };
    results.faults.iter().map(describe).collect()
}

/// A violation in words: a check of a scenario by its name, which is what must be true.
pub(super) fn violation(kind: &str) -> String {
    if is_own_check(kind) { format!("does not hold: \"{kind}\"") } else { kind.to_owned() }
}

/// The number of some violations, and the number of those that are shown.
pub(super) fn times(violation: &ViolationSummary) -> String {
    let times = counted(violation.count, "time", "times");
    match violation.examples.len() as u64 {
        shown if shown == 0 || shown == violation.count => times,
        shown => format!("{times}, the first {shown} are shown"),
    }
}

/// The session and the call of a violation.
pub(super) fn example(example: &ViolationExample) -> String {
    let ViolationExample {
        session_id,
        operation,
        correlation_id,
        trace_id,
        virtual_user,
        time,
        expected,
        observed,
    } = example;
    let mut text = time.format("%H:%M:%S%.3f:").to_string();
    if !session_id.is_empty() {
        text = format!("{text} session {session_id},");
    }
    text = format!("{text} {operation}");
    match virtual_user {
        Some(user) => text = format!("{text}, virtual user {user}"),
        None => text.push_str(", after the run"),
    }
    for (name, id) in [("correlation id", correlation_id), ("trace id", trace_id)] {
        if let Some(id) = id {
            text = format!("{text}, {name} {id}");
        }
    }
    for (name, value) in [("expected", expected), ("observed", observed)] {
        if let Some(value) = value {
            text = format!("{text}; {name} {value}");
        }
    }
    text
}

/// The times at which some failed calls ended.
pub(super) fn seen(failure: &FailureSummary) -> String {
    let [first, last] = failure.seen.map(|time| time.format("%H:%M:%S%.3f"));
    if failure.count == 1 { format!("at {first}") } else { format!("first {first}, last {last}") }
}

/// The message of the first of some failed calls, with its trace id.
pub(super) fn failure_example(failure: &FailureSummary) -> Option<String> {
    let example = failure.example.as_ref()?;
    Some(match &failure.trace_id {
        Some(id) => format!("{example}, trace id {id}"),
        None => example.clone(),
    })
}

/// The median and the 99th percentile of each phase of calls; `None` if they were not measured.
pub(super) fn phases(results: &Results) -> Option<String> {
    let all = results.calls().saturating_sub(results.failed_calls());
    let phases: Vec<_> = summary::phases(results)
        .into_iter()
        .map(|(name, times)| {
            let [p50, p99] = [50.0, 99.0].map(|percent| format::latency(times.percentile(percent)));
            // Most calls use a pooled connection.
            let part = if times.count() < all {
                format!(" in {}", counted(times.count(), "call", "calls"))
            } else {
                String::new()
            };
            format!("{name} {p50} / {p99}{part}")
        })
        .collect();
    (!phases.is_empty()).then(|| format!("{} (p50 / p99)", phases.join(", ")))
}

/// Notes on the validity of the results.
pub(super) fn notes(results: &Results) -> Vec<String> {
    let mut notes: Vec<_> = lost_workers(results).into_iter().chain(clocks(results)).collect();
    if !results.service.other_versions.is_empty() {
        notes.push(
            "the version of the service differs between workers: the results are of all of them".to_owned(),
        );
    }
    notes.extend(results.load_generators.iter().flat_map(load_generator));
    if !results.checks_enabled {
        notes.push("responses were not checked: wrong ones count as successful".to_owned());
    }
    if results.ending == Ending::InProgress {
        notes.push(unfinished(results));
    }
    notes.extend(interrupted(results));
    notes.extend(sent_again(results));
    notes.extend(other_calls(results));
    notes.extend(expected_statuses(results));
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

/// The note on results that were written while the run went on.
fn unfinished(results: &Results) -> String {
    let last_call = results.started + results.duration();
    let up_to =
        format!("the run is in progress or was killed: calls up to {}", last_call.format("%H:%M:%S UTC"));
    let services = std::iter::once(results).chain(results.against.as_deref());
    let commands: Vec<_> = services.filter_map(|results| results.cleanup_command.as_deref()).collect();
    if commands.is_empty() {
        return up_to;
    }
    format!("{up_to}; if it was killed, delete its sessions: {}", commands.join("; "))
}

/// The command that deletes the sessions of lost workers.
fn lost_workers(results: &Results) -> Option<String> {
    let command = results.cleanup_command.as_ref().filter(|_| !results.lost_workers.is_empty())?;
    Some(format!("lost workers may have left sessions behind: delete them with {command}"))
}

/// The largest certain difference between the clocks of two workers.
fn clocks(results: &Results) -> Option<String> {
    let clocks =
        results.load_generators.iter().filter_map(|generator| Some((generator, generator.clock_offset?)));
    let clocks: Vec<_> = clocks.collect();
    if clocks.len() < results.load_generators.len() && results.load_generators.len() > 1 {
        return Some(
            "the clocks of the workers were not compared, because responses had no `Date`".to_owned(),
        );
    }
    let (first, earliest) = clocks.iter().min_by_key(|(_, clock)| clock.offset_us)?;
    let (last, latest) = clocks.iter().max_by_key(|(_, clock)| clock.offset_us)?;
    (latest.ahead_of(*earliest) > TimeDelta::zero()).then(|| {
        let difference = latest.offset_us.abs_diff(earliest.offset_us);
        let uncertainty = latest.uncertainty_with(*earliest);
        format!(
            "the clock of worker {} is {} ahead of that of worker {} (± {}): synchronize the clocks (NTP). The start \
             times were corrected, the times in charts and examples were not",
            last.worker,
            format::latency(Some(difference)),
            first.worker,
            format::latency(Some(uncertainty)),
        )
    })
}

/// The requests that were sent again at once.
fn sent_again(results: &Results) -> Option<String> {
    let operations = summary::by_operation(&results.sent_again)?;
    Some(format!(
        "requests sent again at once, because they were certainly not processed or their token was rejected: {operations}"
    ))
}

/// The calls outside the load.
fn other_calls(results: &Results) -> Option<String> {
    let purposes = results.other_calls.iter().map(|(purpose, calls)| (purpose, sum(calls.values().copied())));
    let purposes: Vec<_> = purposes
        .filter(|(_, sum)| *sum > 0)
        .map(|(purpose, sum)| format!("{} ({purpose})", count(sum)))
        .collect();
    (!purposes.is_empty())
        .then(|| format!("calls outside the load, not in the table: {}", purposes.join(", ")))
}

/// The iterations and calls that the end of the run interrupted.
fn interrupted(results: &Results) -> Option<String> {
    let iterations = counted(results.interrupted_iterations(), "iteration", "iterations");
    match (results.interrupted_calls(), results.interrupted_iterations()) {
        (0, 0) => None,
        (0, _) => Some(format!("{iterations} interrupted by the end of the run")),
        (calls, _) => {
            let calls = counted(calls, "call", "calls");
            let opening = results.operations.get("open_session").map_or(0, |operation| operation.interrupted);
            let opened = match opening {
                0 => String::new(),
                opening => format!("; a late response to {} of them leaves a session behind", count(opening)),
            };
            Some(format!(
                "{iterations} interrupted by the end of the run; {calls} still without a response after the graceful \
                 stop, counted as neither calls nor failures{opened}"
            ))
        }
    }
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
    if let Some(note) = &generator.telemetry_note {
        notes.push(format!("{worker}: {note}"));
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
    use crate::metrics::{ClockOffset, RateStep, sample};
    use crate::thresholds::evaluate;

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
    fn versions_that_differ_between_workers_are_shown_with_a_note() {
        let mut results = results();
        results.service.version = Some("1.4.2".to_owned());
        results.service.other_versions = vec!["1.4.3".to_owned()];
        assert_eq!(service(&results), "http://127.0.0.1:8080, 1.4.2 and 1.4.3");
        assert!(notes(&results).iter().any(|note| note.starts_with("the version of the service differs")));
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
        let breakpoint = "breakpoint search, 5 s per rate, 9 pre-allocated VUs: 400.0 iterations/s sustained \
                          (p99<100ms and error rate at most 0%)";
        assert_eq!(load(&results), breakpoint);
    }

    #[test]
    fn statuses_that_a_scenario_expects_are_noted() {
        let mut results = results();
        let before = notes(&results).len();
        for (name, statuses) in
            [("open_session", &[(404, 1_200), (409, 1)][..]), ("close_session", &[(404, 2)])]
        {
            results.operations.entry(name.to_owned()).or_default().expected =
                statuses.iter().copied().collect();
        }
        let note = "expected 404 of open_session: 1,200, expected 409 of open_session: 1, expected 404 of \
                    close_session: 2";
        assert_eq!(notes(&results)[before..], [note]);
    }

    #[test]
    fn a_busy_load_generator_is_noted() {
        let mut generator = results().load_generators.remove(0);
        assert_eq!(load_generator(&generator), Vec::<String>::new());
        generator.cpu_us = generator.elapsed_us * 2;
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
    fn a_killed_run_names_the_command_that_deletes_its_sessions() {
        let mut results = results();
        results.ending = Ending::InProgress;
        let note = "the run is in progress or was killed: calls up to 12:00:01 UTC; if it was killed, delete its \
                    sessions: loadtest cleanup --test-run-id 4f2a91c07be3 --host http://127.0.0.1:8080";
        assert_eq!(notes(&results), [note]);
    }

    #[test]
    fn a_run_that_leaves_no_sessions_has_no_command_to_delete_them() {
        let mut results = results();
        results.cleanup_command = None;
        let lost = crate::metrics::LostWorker { worker: 1, reason: "killed".to_owned() };
        results.lost_workers = vec![lost];
        assert_eq!(notes(&results), Vec::<String>::new());
        results.ending = Ending::InProgress;
        assert_eq!(notes(&results), ["the run is in progress or was killed: calls up to 12:00:01 UTC"]);
    }

    #[test]
    fn a_killed_run_of_the_embedded_service_has_no_failed_cleanup() {
        let mut results = results();
        results.ending = Ending::InProgress;
        results.sessions.check_error = Some("not made, because the run has not ended".to_owned());
        let has_cleanup = |results: &Results| {
            criteria::verdict_line(results, &evaluate(results, None)).contains("clean-up failed")
        };
        assert!(has_cleanup(&results));
        results.service.embedded = true;
        assert!(!has_cleanup(&results));
    }

    #[test]
    fn a_run_without_a_successful_call_was_never_available() {
        let mut results = results();
        for operation in results.operations.values_mut() {
            operation.failures = operation.calls;
        }
        assert_eq!(availability(&results), "0%, no call succeeded");
    }

    #[test]
    fn a_check_of_a_scenario_is_named_as_what_does_not_hold() {
        assert_eq!(violation("an item is as listed"), "does not hold: \"an item is as listed\"");
        assert_eq!(violation("stale data was returned"), "stale data was returned");
        assert_eq!(violation("the scenario failed"), "the scenario failed");
    }

    #[test]
    fn clocks_that_certainly_differ_are_noted() {
        let mut results = results();
        results.load_generators.push(LoadGenerator { worker: 1, ..results.load_generators[0].clone() });
        let unknown = "the clocks of the workers were not compared, because responses had no `Date`";
        assert_eq!(clocks(&results).as_deref(), Some(unknown));
        let mut set = |offsets: [i64; 2]| {
            for (generator, offset_us) in results.load_generators.iter_mut().zip(offsets) {
                generator.clock_offset = Some(ClockOffset { offset_us, uncertainty_us: 12_000 });
            }
            clocks(&results)
        };
        assert_eq!(set([5_000, -18_000]), None);
        let note = set([-300_000, 200_000]).unwrap();
        let start = "the clock of worker 1 is 500 ms ahead of that of worker 0 (± 24.0 ms): synchronize";
        assert!(note.starts_with(start), "{note}");
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
