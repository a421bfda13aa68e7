//! The calls of one virtual user: when they are due, and their records.

use super::call::BROKEN;
use super::shared::SharedState;
use super::user::IterationError;
use crate::executors::arrivals::Arrival;
use crate::metrics::STALE_CONNECTION;
use crate::metrics::call_groups::TimedCall;
use crate::metrics::counts::{Part, Phase};
use crate::metrics::rate_metrics::RateMetrics;
use crate::sync::{Mutex, lock};
use crate::telemetry::trace_context::TraceId;
use goose::goose::GooseUser;
use std::borrow::Cow;
use std::fmt;
use std::mem;
use std::sync::Arc;
use std::time::{Duration, Instant};
use wiretrait::Route;

/// The calls of one virtual user.
///
/// A scenario and the observer of its client record calls here. The transaction passes the records on to
/// goose, which only it can reach.
#[derive(Debug)]
pub(crate) struct UserCalls {
    pub(crate) shared: Arc<SharedState>,
    /// The number of the user in this process, counted from 0.
    pub(crate) number: usize,
    /// False for the calls before and after the load.
    pub(crate) is_measured: bool,
    state: Mutex<CallState>,
}

struct CallState {
    /// The moment when the iteration was due, until its first call takes it: later calls are due when the
    /// previous response arrives.
    due: Option<Instant>,
    /// The metrics of the current rate, in a breakpoint search.
    rate: Option<Arc<RateMetrics>>,
    part: Part,
    scenario: &'static str,
    /// goose's limit of the request rate.
    throttle: Option<flume::Sender<bool>>,
    /// True if goose reports calls as well.
    for_goose: bool,
    /// The calls that goose does not know yet.
    records: Vec<GooseRecord>,
    last: Option<LastCall>,
    /// The statuses that calls may have now in addition to those of a success.
    expected: Vec<u16>,
}

/// The last call of a user.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LastCall {
    pub(crate) operation: &'static str,
    pub(crate) trace_id: Option<TraceId>,
    pub(crate) failed: bool,
}

impl Default for CallState {
    fn default() -> Self {
        let part = Part { scenario: 0, phase: Phase::ByTime };
        Self {
            due: None,
            rate: None,
            part,
            scenario: "",
            throttle: None,
            for_goose: false,
            records: Vec::new(),
            last: None,
            expected: Vec::new(),
        }
    }
}

impl fmt::Debug for CallState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallState").field("due", &self.due).finish_non_exhaustive()
    }
}

/// A call for goose's dashboard, logs and report.
struct GooseRecord {
    route: &'static Route,
    latency: Duration,
    status: Option<u16>,
    reason: Option<Cow<'static, str>>,
}

/// Statuses are expected until it is dropped.
pub(crate) struct Expecting<'c>(&'c UserCalls);

impl Drop for Expecting<'_> {
    fn drop(&mut self) {
        lock(&self.0.state).expected.clear();
    }
}

impl UserCalls {
    pub(crate) fn new(shared: &Arc<SharedState>, number: usize) -> Self {
        Self { shared: Arc::clone(shared), number, is_measured: true, state: Mutex::default() }
    }

    /// The calls of a user before or after the load.
    pub(crate) fn unmeasured(shared: &Arc<SharedState>) -> Self {
        Self { is_measured: false, ..Self::new(shared, 0) }
    }

    /// Starts an iteration.
    pub(crate) fn start_iteration(
        &self,
        user: &GooseUser,
        scenario: &'static str,
        part: Part,
        arrival: Option<&Arrival>,
    ) {
        let mut state = lock(&self.state);
        state.scenario = scenario;
        state.part = part;
        state.due = arrival.map(|arrival| arrival.due);
        state.rate = arrival.and_then(|arrival| arrival.rate.clone());
        state.throttle.clone_from(&user.throttle);
        state.for_goose = !user.config.no_metrics;
        state.last = None;
        state.expected.clear();
    }

    /// Returns whether no call may start any more. Those after the load are not measured.
    pub(crate) fn is_ended(&self) -> bool {
        self.is_measured && self.shared.stop.is_due()
    }

    /// Waits until a call may start. Returns the moment when it was due, if it is the first of an iteration in the
    /// open model.
    ///
    /// It waits for goose's throttle, as goose's own client does, so that `--throttle-requests` limits typed calls
    /// as well.
    ///
    /// # Errors
    ///
    /// [`IterationError::RunEnded`].
    pub(crate) async fn start_call(&self) -> Result<Option<Instant>, IterationError> {
        if self.is_ended() {
            return Err(IterationError::RunEnded);
        }
        let (due, throttle) = {
            let mut state = lock(&self.state);
            (state.due.take(), state.throttle.clone())
        };
        let Some(throttle) = throttle else { return Ok(due) };
        tokio::select! {
            // It closes when the run ends.
            sent = throttle.send_async(true) => sent.map_err(|_| IterationError::RunEnded)?,
            () = self.shared.stop.ended() => return Err(IterationError::RunEnded),
        }
        Ok(due)
    }

    /// Counts a delay of a call by a rate limit that began at `start` and ends now, and the call if it is its first.
    pub(crate) fn rate_limited(&self, start: Instant, is_first: bool) {
        if self.is_measured {
            let phase = lock(&self.state).part.phase;
            self.shared.recorder.rate_limited(phase, start, is_first);
        }
    }

    /// Records a call, with the reason if it failed.
    pub(crate) fn record(
        &self,
        call: &TimedCall,
        reason: Option<Cow<'static, str>>,
        error: Option<String>,
        trace_id: Option<TraceId>,
    ) {
        // Injected faults close connections as well, and such calls are counted with the fault.
        let has_faults = self.shared.faults.is_some();
        let reason = reason
            .map(|reason| if has_faults && reason == STALE_CONNECTION { BROKEN.into() } else { reason });
        let mut state = lock(&self.state);
        state.last = Some(LastCall { operation: call.route.name, trace_id, failed: reason.is_some() });
        if !self.is_measured {
            return;
        }
        let recorder = &self.shared.recorder;
        let part = state.part;
        recorder.call(self.number, call, part);
        if let Some(reason) = &reason {
            recorder.failure(call, part.phase, reason.clone(), error, trace_id);
            if let Some(faults) = &self.shared.faults
                && !recorder.is_warm_up(part.phase, call.start)
            {
                faults.failed(call, reason, |time| recorder.date(time));
            }
        }
        if let Some(rate) = &state.rate {
            rate.call(call, part);
        }
        if state.for_goose {
            let TimedCall { route, status, .. } = *call;
            state.records.push(GooseRecord { route, latency: call.latency(), status, reason });
        }
    }

    /// Expects these statuses of all calls that end before the guard is dropped.
    pub(crate) fn expect(&self, statuses: &[u16]) -> Expecting<'_> {
        statuses.clone_into(&mut lock(&self.state).expected);
        Expecting(self)
    }

    /// Returns whether a call with this status is not a failure.
    pub(crate) fn is_expected(&self, status: u16) -> bool {
        lock(&self.state).expected.contains(&status)
    }

    /// The name of the scenario of this iteration.
    pub(crate) fn scenario(&self) -> &'static str {
        lock(&self.state).scenario
    }

    /// The last call of this iteration.
    pub(crate) fn last(&self) -> Option<LastCall> {
        lock(&self.state).last
    }

    /// Returns whether there are calls that goose does not know yet.
    pub(crate) fn has_records(&self) -> bool {
        !lock(&self.state).records.is_empty()
    }

    /// Passes the recorded calls on to goose.
    pub(crate) async fn flush(&self, user: &mut GooseUser) {
        let mut records = mem::take(&mut lock(&self.state).records);
        for GooseRecord { route, latency, status, reason } in records.drain(..) {
            let (method, name) = (route.method.as_str(), route.name);
            let (is_success, error) = (reason.is_none(), reason.as_deref());
            // An error for a successful call means that goose has stopped: the run is over in any case.
            let _ =
                user.record_custom_request_duration(method, name, latency, is_success, status, error).await;
        }
        // Keeps the capacity, so that later calls allocate nothing.
        let mut state = lock(&self.state);
        if state.records.is_empty() {
            state.records = records;
        }
    }
}
