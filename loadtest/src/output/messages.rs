//! What every form of a report says in words.

use crate::format::{self as text, count, counted};
use crate::metrics::{Example, LoadModel, Record, WorkerHealth};
use crate::thresholds::held;

/// A worker that used more than this part of its cores may have been what was measured.
const BUSY: f64 = 0.9;

/// An arrival that begins so many microseconds late was held up by the generator, not by its clock.
const LATE: u64 = 10_000;

pub(super) fn service(record: &Record) -> String {
    let service = &record.service;
    let known = [service.name.as_deref(), service.version.as_deref()];
    let known = known.into_iter().flatten().collect::<Vec<_>>().join(" ");
    let address = if service.embedded {
        format!("the embedded service ({})", service.address)
    } else {
        service.address.clone()
    };
    if known.is_empty() { address } else { format!("{address}, {known}") }
}

pub(super) fn load(record: &Record) -> String {
    match &record.load {
        LoadModel::Closed { users, test_plan } => {
            let users = counted(*users, "user waits", "users wait");
            let steps = test_plan.as_ref().map(|plan| format!(" (test plan {plan})")).unwrap_or_default();
            format!("closed: {users} for each answer before the next call{steps}")
        }
        LoadModel::Open { steps, lanes } => {
            format!("open: iterations begin at {}, on {}", LoadModel::rates(steps), lanes_of(*lanes))
        }
        LoadModel::FindLimit { limit, seconds, lanes, .. } => {
            let found = match limit {
                Some(limit) => format!("{limit:.0} iterations/s are held"),
                None => "no rate was held".to_owned(),
            };
            let rules = held(&record.rules);
            format!("search for the limit, {seconds} s a rate, on {}: {found} ({rules})", lanes_of(*lanes))
        }
    }
}

fn lanes_of(lanes: u64) -> String {
    counted(lanes, "lane", "lanes")
}

/// What a time in this record is the time of.
pub(super) fn latency(record: &Record) -> &'static str {
    match record.load {
        LoadModel::Closed { .. } => {
            "Latency is the time from sending a call to the last byte of its answer. Users who wait ask less of \
             a service that stalls, so a stall weighs less here than it would with arrivals at a rate."
        }
        LoadModel::Open { .. } | LoadModel::FindLimit { .. } => {
            "Latency is the time from the moment a call was due to the last byte of its answer, whether it could \
             be sent at that moment or not: a stall is seen by everybody who arrives during it."
        }
    }
}

pub(super) fn done(record: &Record) -> String {
    let iterations = counted(record.iterations(), "iteration", "iterations");
    let calls = counted(record.calls(), "call", "calls");
    format!("{iterations} in {:.1} s, {calls}", record.span().as_secs_f64())
}

/// A rate as tables have it.
pub(super) fn rate(rate: Option<f64>) -> String {
    match rate {
        None => "-".to_owned(),
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate of calls")]
        Some(rate) if rate >= 1_000.0 => count(rate.round() as u64),
        Some(rate) => format!("{rate:.1}"),
    }
}

/// A time as tables have it.
#[expect(clippy::cast_precision_loss, reason = "a time is shown with three digits")]
pub(super) fn time(micros: Option<u64>) -> String {
    micros.map_or_else(|| "-".to_owned(), |micros| text::micros(micros as f64))
}

/// Where a violation can be looked up.
pub(super) fn example(example: &Example) -> String {
    let Example { session, operation, correlation_id, detail } = example;
    let mut text = format!("session {session}, {operation}");
    if let Some(id) = correlation_id {
        text = format!("{text}, correlation id {id}");
    }
    match detail {
        Some(detail) => format!("{text}: {detail}"),
        None => text,
    }
}

/// What a reader should know before believing the figures.
pub(super) fn notes(record: &Record) -> Vec<String> {
    let mut notes = Vec::new();
    for worker in &record.workers {
        notes.extend(health(worker));
    }
    if !record.verified {
        notes.push("answers were not verified: wrong ones count as good ones".to_owned());
    }
    let audit = &record.audit;
    if audit.removed > 0 {
        let sessions = counted(audit.removed, "session", "sessions");
        notes.push(format!("{sessions} that no user had deleted: deleted after the run"));
    }
    if !audit.left_behind.ids.is_empty() {
        notes.push(format!(
            "still there, of users loadtest-{}*: {}",
            record.run,
            some_of(&audit.left_behind)
        ));
    }
    if !audit.foreign.ids.is_empty() {
        notes.push(format!("of other users, on a list of a user of the run: {}", some_of(&audit.foreign)));
    }
    if record.service.embedded {
        notes.push(
            "the service ran on the cores of the generator: its limit is not that of a service alone"
                .to_owned(),
        );
    }
    notes
}

fn some_of(sessions: &crate::metrics::Sessions) -> String {
    let ids = sessions.ids.join(", ");
    if sessions.count > sessions.ids.len() as u64 { format!("{ids}, …") } else { ids }
}

fn health(worker: &WorkerHealth) -> Vec<String> {
    let who = format!("worker {}", worker.index);
    let mut notes = Vec::new();
    if let Some(share) = worker.cpu_share().filter(|share| *share > BUSY) {
        let share = text::percent((share * 100.0).round());
        notes.push(format!("{who} used {share} of its cores: it may be the generator that was measured"));
    }
    if worker.without_lane > 0 {
        let arrivals = counted(worker.without_lane, "arrival", "arrivals");
        notes.push(format!("{who} had no free lane for {arrivals}: allow more lanes, or expect less"));
    }
    if worker.never_begun > 0 {
        let arrivals = counted(worker.never_begun, "arrival", "arrivals");
        notes.push(format!("{who} had not begun {arrivals} when the run was over: no figure has them"));
    }
    if let Some(late) =
        worker.lateness.percentile(99.0).filter(|late| *late > LATE && worker.without_lane == 0)
    {
        let late = time(Some(late));
        notes.push(format!("{who} began one arrival in a hundred {late} late or more: it was held up"));
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{RateStep, Sessions, sample};

    fn record() -> Record {
        sample::record(&sample::calls(1, 100, 1))
    }

    #[test]
    fn a_service_is_called_by_its_address_and_by_what_it_says_of_itself() {
        let mut record = record();
        assert_eq!(service(&record), "http://127.0.0.1:8080");
        record.service.version = Some("1.2.0".to_owned());
        record.service.name = Some("sessions".to_owned());
        record.service.embedded = true;
        assert_eq!(service(&record), "the embedded service (http://127.0.0.1:8080), sessions 1.2.0");
    }

    #[test]
    fn every_load_says_how_it_was_made() {
        let mut record = record();
        assert_eq!(load(&record), "closed: 8 users wait for each answer before the next call");
        let steps = vec![RateStep { from: 20.0, to: 20.0, seconds: 5.0 }];
        record.load = LoadModel::Open { steps, lanes: 1 };
        assert_eq!(load(&record), "open: iterations begin at 20/s for 5 s, on 1 lane");
        record.load = LoadModel::FindLimit { steps: Vec::new(), seconds: 5.0, lanes: 9, limit: Some(400.0) };
        record.rules.thresholds = vec!["p99<100ms".to_owned()];
        let told = "search for the limit, 5 s a rate, on 9 lanes: 400 iterations/s are held (p99<100ms and at \
                    most 0% of its calls fail)";
        assert_eq!(load(&record), told);
    }

    #[test]
    fn a_generator_that_was_the_bottleneck_says_so() {
        let mut worker = record().workers.remove(0);
        assert_eq!(health(&worker), Vec::<String>::new());
        worker.cpu_us = worker.span_us * 2;
        worker.lateness = [20_000; 10].into_iter().collect();
        assert_eq!(
            health(&worker),
            [
                "worker 0 used 100% of its cores: it may be the generator that was measured",
                "worker 0 began one arrival in a hundred 20.0 ms late or more: it was held up",
            ]
        );
        (worker.without_lane, worker.never_begun) = (3, 1);
        assert!(health(&worker)[1].starts_with("worker 0 had no free lane for 3 arrivals"));
        assert!(health(&worker)[2].starts_with("worker 0 had not begun 1 arrival when the run was over"));
    }

    #[test]
    fn ids_beyond_those_that_are_kept_are_only_hinted_at() {
        let mut sessions = Sessions::default();
        (0..5).for_each(|id| sessions.add(id.to_string()));
        assert_eq!(some_of(&sessions), "0, 1, 2, 3, 4");
        sessions.add("5");
        assert_eq!(some_of(&sessions), "0, 1, 2, 3, 4, …");
    }
}
