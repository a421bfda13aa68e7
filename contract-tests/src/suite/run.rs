//! Runs cases against a service.

use super::case::Case;
use super::case_run::{CaseRun, Recorded};
use super::clean::{CleanUp, clean_up, exists};
use super::created::Tracked;
use super::owner::{Created, Owner};
use super::pace::Paced;
use super::progress::{Counts, OnProgress};
use super::stop::StopSignal;
use crate::contract::ServiceContract;
use crate::record::{Exchange, Recorder};
use std::any::Any;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::task::{JoinError, JoinSet};
use wiretrait::{Error, Transport};

/// The number of requests at a time, if nothing else is set.
pub const DEFAULT_JOBS: usize = 32;

/// The start of the reason why a run ended early, if the service stopped responding.
pub const LOST: &str = "the service no longer responds";

/// Permissions and limits of a run.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// Prefix of its users, which is followed by the name of the case: `<user>-close_session__again`.
    pub user: String,
    /// `true` if the run has the service to itself. Then it may change entities of others and create some without an
    /// owner, and every entity in the response to a creation is the case's own.
    pub is_exclusive: bool,
    /// Handle for another task to stop the run early.
    pub stop: StopSignal,
    /// First pause after a failure during clean-up; doubles with each further consecutive failure.
    pub pause: Duration,
    /// The maximum number of requests at a time, and of cases.
    pub jobs: usize,
    /// The maximum number of requests in a second; `None` without a limit.
    pub rate: Option<f64>,
    /// Receives the progress.
    pub progress: OnProgress,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            user: String::new(),
            is_exclusive: false,
            stop: StopSignal::default(),
            pause: Duration::ZERO,
            jobs: DEFAULT_JOBS,
            rate: None,
            progress: OnProgress::default(),
        }
    }
}

/// The result of a run.
#[derive(Debug, Default)]
pub struct RunReport {
    /// Completed cases, in the order in which they were given, like all lists of the report.
    pub completed: Vec<CompletedCase>,
    /// Cases that ended before their last step.
    pub failed: Vec<FailedCase>,
    /// Names of the cases that the options do not allow.
    pub skipped: Vec<String>,
    /// Names of the cases that were not sent, or not to their end, because the run ended early.
    pub not_reached: Vec<String>,
    /// The reason why the run ended before its last case, if it did, as a sentence.
    pub aborted: Option<String>,
    /// Entities that were not deleted: their ids, or a sentence about some.
    pub left_behind: Vec<String>,
    /// The ids among [`left_behind`](Self::left_behind) of entities without an owner, which no list shows.
    pub left_unowned: Vec<String>,
}

impl RunReport {
    /// Returns whether a case has no result, although the options allow it.
    #[must_use]
    pub fn is_incomplete(&self) -> bool {
        self.aborted.is_some() || !self.failed.is_empty() || !self.not_reached.is_empty()
    }
}

/// A completed case.
#[derive(Debug)]
pub struct CompletedCase {
    /// The name of the case.
    pub name: String,
    /// `true` if it ran only because of [`RunOptions::is_exclusive`].
    pub needs_exclusive_service: bool,
    /// Its snapshot.
    pub snapshot: String,
    /// Its requests and responses, without the clean-up.
    pub exchanges: Vec<Exchange>,
}

/// A case that ended before its last step.
#[derive(Debug)]
pub struct FailedCase {
    /// The name of the case.
    pub name: String,
    /// The reason, as a sentence.
    pub reason: String,
}

/// Runs `cases` against the service behind `transport`, and deletes the entities of each, however it ends.
///
/// Several cases run at a time, each with its own user, the longest first. Those that need an
/// [exclusive service](Case::needs_exclusive_service) run one at a time after the others. A case that gets no response or
/// panics fails, and the others go on. The run ends early if it is stopped, if the service does not list the entities
/// of a case, or if a case leaves entities behind; then the running cases end before their next step. Must be called on
/// a tokio runtime with a timer.
pub async fn run<C, T>(contract: &C, transport: T, cases: &[Case], options: &RunOptions) -> RunReport
where
    C: ServiceContract,
    T: Transport + Clone + 'static,
{
    let is_allowed = |case: &Case| options.is_exclusive || !case.needs_exclusive_service(contract);
    let allowed = || (0..cases.len()).filter(|index| is_allowed(&cases[*index]));
    let (exclusive, mut shared): (Vec<_>, Vec<_>) =
        allowed().partition(|index| cases[*index].needs_exclusive_service(contract));
    // The longest first, so that none of them starts last.
    shared.sort_by_key(|index| std::cmp::Reverse(cases[*index].length(contract)));
    let counts = Arc::new(Counts::new(options.progress.clone(), shared.len() + exclusive.len()));
    let mut scheduler = Scheduler {
        contract,
        transport: Paced::new(transport, options.jobs, options.rate, counts.clone()),
        cases,
        options,
        is_ending: Arc::default(),
        counts,
        results: cases.iter().map(|_| None).collect(),
        aborted: None,
        left_behind: Vec::new(),
        left_unowned: Vec::new(),
    };
    scheduler.run_all(shared.into(), options.jobs.max(1)).await;
    scheduler.run_all(exclusive.into(), 1).await;
    let Scheduler { results, aborted, mut left_behind, left_unowned, .. } = scheduler;
    left_behind.dedup();
    let mut report = RunReport { aborted, left_behind, left_unowned, ..RunReport::default() };
    for (case, result) in cases.iter().zip(results) {
        match result {
            _ if !is_allowed(case) => report.skipped.push(case.name()),
            Some(CaseResult::Completed(completed)) => report.completed.push(completed),
            Some(CaseResult::Failed(reason)) => {
                report.failed.push(FailedCase { name: case.name(), reason });
            }
            Some(CaseResult::Ended) | None => report.not_reached.push(case.name()),
        }
    }
    report
}

/// The result of a case that has started.
enum CaseResult {
    Completed(CompletedCase),
    Failed(String),
    /// The run ended before its last step.
    Ended,
}

/// A case that has ended, and its clean-up.
struct EndedCase {
    index: usize,
    result: CaseResult,
    left_behind: Vec<String>,
    left_unowned: Vec<String>,
    /// The reason why it is unknown what else is left, if so.
    unlisted: Option<String>,
}

struct Scheduler<'c, C, T> {
    contract: &'c C,
    transport: Paced<T>,
    cases: &'c [Case],
    options: &'c RunOptions,
    is_ending: Arc<AtomicBool>,
    counts: Arc<Counts>,
    results: Vec<Option<CaseResult>>,
    aborted: Option<String>,
    left_behind: Vec<String>,
    left_unowned: Vec<String>,
}

impl<C: ServiceContract, T: Transport + Clone + 'static> Scheduler<'_, C, T> {
    /// Runs the cases with these indexes, at most `jobs` at a time.
    async fn run_all(&mut self, mut waiting: VecDeque<usize>, jobs: usize) {
        let mut running = JoinSet::new();
        loop {
            while running.len() < jobs
                && !self.is_ending()
                && let Some(index) = waiting.pop_front()
            {
                let one = OneCase {
                    contract: self.contract.clone(),
                    transport: self.transport.clone(),
                    case: self.cases[index].clone(),
                    // Named after the case, so that a recording of the run shows which case a request belongs to.
                    user: format!("{}-{}", self.options.user, self.cases[index].name()),
                    options: self.options.clone(),
                    is_ending: self.is_ending.clone(),
                };
                running.spawn(async move { one.run(index).await });
            }
            let Some(ended) = running.join_next().await else { break };
            match ended {
                Ok(ended) => self.note(ended),
                Err(error) => self.abort(format!("a test failed internally: {}", panic_of(error))),
            }
        }
    }

    /// Returns whether no further case starts. A stop ends the run here, so that all cases see it.
    fn is_ending(&mut self) -> bool {
        if self.options.stop.is_requested() {
            self.abort("it was stopped".to_owned());
        }
        self.is_ending.load(Ordering::SeqCst)
    }

    fn note(&mut self, ended: EndedCase) {
        let name = self.cases[ended.index].name();
        let failure = match &ended.result {
            CaseResult::Failed(reason) => Some(reason),
            _ => None,
        };
        let is_clean = ended.left_behind.is_empty();
        match (failure, ended.unlisted) {
            (Some(reason), Some(unlisted)) => self.abort(format!("{unlisted}: {name}: {reason}")),
            (Some(reason), None) if !is_clean => self.abort(format!("{name}: {reason}")),
            (None, _) if !is_clean => self.abort(format!("{name}: not all that it opened could be deleted")),
            (None, Some(unlisted)) => self.abort(unlisted),
            _ => {}
        }
        self.left_behind.extend(ended.left_behind);
        self.left_unowned.extend(ended.left_unowned);
        self.results[ended.index] = Some(ended.result);
        self.counts.add_ended();
    }

    /// Ends the run. The first reason counts.
    fn abort(&mut self, reason: String) {
        self.is_ending.store(true, Ordering::SeqCst);
        self.aborted.get_or_insert(reason);
    }
}

/// One case, with all that it needs.
struct OneCase<C, T> {
    contract: C,
    transport: Paced<T>,
    case: Case,
    user: String,
    options: RunOptions,
    is_ending: Arc<AtomicBool>,
}

impl<C: ServiceContract, T: Transport + Clone + 'static> OneCase<C, T> {
    /// Runs the case and cleans up after it.
    ///
    /// If a request fails because its connection has been closed since the request before, it is unknown whether
    /// the service received it. Then the case is run again from its start, with another user; further
    /// connections are used once only.
    async fn run(self, index: usize) -> EndedCase {
        let (mut ended, met_stale_connection) = self.attempt(&self.user).await;
        let may_run_again = ended.left_behind.is_empty() && ended.unlisted.is_none() && !self.is_stopping();
        if matches!(ended.result, CaseResult::Failed(_)) && met_stale_connection && may_run_again {
            (ended, _) = self.attempt(&format!("{}-again", self.user)).await;
        }
        EndedCase { index, ..ended }
    }

    fn is_stopping(&self) -> bool {
        self.options.stop.is_requested() || self.is_ending.load(Ordering::SeqCst)
    }

    async fn attempt(&self, user: &str) -> (EndedCase, bool) {
        let Self { contract, case, options, .. } = self;
        let owner = Owner { id: user.to_owned(), is_exclusive: options.is_exclusive };
        let (tracked, creations) = Tracked::new(
            contract.clone(),
            self.transport.clone(),
            owner.clone(),
            case.creates_unowned,
            options.stop.clone(),
        );
        let recorder = Recorder::new(tracked);
        let case_run = CaseRun::new(
            contract.clone(),
            recorder.clone(),
            case,
            owner.clone(),
            options.stop.clone(),
            self.is_ending.clone(),
        );
        // In a separate task, so that the clean-up also follows a panic.
        let task_case = case.clone();
        let outcome = tokio::spawn(async move { case_run.run(&task_case).await }).await;
        let result = self.result(outcome);
        let failed = matches!(result, CaseResult::Failed(_));
        let exchanges = recorder.exchanges();
        let mut unowned: Vec<String> = Vec::new();
        if case.creates_unowned {
            let created = exchanges.iter().filter_map(|exchange| owner.created(contract, exchange));
            unowned.extend(created.filter_map(Created::into_own));
        }
        let mut cleaned =
            clean_up(contract, self.transport.clone(), &exchanges, &creations, &owner, options.pause, failed)
                .await;
        for id in &unowned {
            if !cleaned.left.contains(id) && exists(contract, self.transport.clone(), id).await {
                cleaned.left.push(id.clone());
            }
        }
        if cleaned.left.is_empty() {
            options.stop.remove_user(user);
        }
        let (left_unowned, deleted): (Vec<_>, Vec<_>) =
            unowned.into_iter().partition(|id| cleaned.left.contains(id));
        options.stop.remove_unowned(&deleted);
        let CleanUp { left: left_behind, unlisted } = cleaned;
        let ended = EndedCase { index: 0, result, left_behind, left_unowned, unlisted };
        (ended, creations.met_stale_connection())
    }

    fn result(&self, outcome: Result<Result<Option<Recorded>, Error>, JoinError>) -> CaseResult {
        match outcome {
            Ok(Ok(Some(Recorded { snapshot, exchanges }))) => CaseResult::Completed(CompletedCase {
                name: self.case.name(),
                needs_exclusive_service: self.case.needs_exclusive_service(&self.contract),
                snapshot,
                exchanges,
            }),
            Ok(Ok(None)) => CaseResult::Ended,
            Ok(Err(error)) => CaseResult::Failed(error.to_string()),
            Err(error) => CaseResult::Failed(panic_of(error)),
        }
    }
}

pub(super) fn panic_of(error: JoinError) -> String {
    match error.try_into_panic() {
        Ok(panic) => format!("it panicked: {}", message(&*panic)),
        Err(error) => error.to_string(),
    }
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("with no message")
}

#[cfg(test)]
mod tests {
    use super::{RunOptions, run};
    use crate::notes::NotesContract;
    use crate::suite::Case;
    use std::sync::Arc;
    use wiretrait::{Call, Error, ErrorKind, Response, transport_fn};

    #[tokio::test]
    async fn a_contract_without_a_list_does_not_lose_the_service() {
        let transport = transport_fn(|call: Call| async move {
            if call.request.body().contains(&b'1') {
                return Err(Error::new(ErrorKind::Timeout, "no response within 2s"));
            }
            Ok(Response::new(r#"{"id":"2"}"#.into()))
        });
        let case = |situation, id| Case::new("get_note_by_id", situation).raw("It is read", id);
        let cases = [case("slow", r#"{"note_id":"1"}"#), case("usual", r#"{"note_id":"2"}"#)];
        let options = RunOptions { jobs: 1, ..RunOptions::default() };
        let report = run(&NotesContract, Arc::new(transport), &cases, &options).await;
        assert_eq!(report.aborted, None);
        assert_eq!((report.failed.len(), report.completed.len()), (1, 1), "{report:?}");
    }
}
