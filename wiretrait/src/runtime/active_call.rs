//! The span of a call, and the notification of its observer.

use super::observer::Observation;
use super::span::{OpenSpan, TARGET};
use super::{CallOutcome, FinishedCall, Route};
use std::time::Instant;
use tracing::Span;
use tracing::field::Empty;

/// A call in progress. If it is dropped before its [end](Self::end), it is recorded as cancelled.
pub(super) struct ActiveCall<'o> {
    route: &'static Route,
    span: OpenSpan,
    observation: &'o Observation,
    /// `None` if there is no observer, or if it has been notified.
    start: Option<Instant>,
}

impl<'o> ActiveCall<'o> {
    /// Starts the span of a call. The clock is only read for an observer, because some platforms have no
    /// clock.
    pub(super) fn start(route: &'static Route, observation: &'o Observation) -> Self {
        let span = tracing::info_span!(
            target: TARGET,
            "call",
            otel.name = route.name,
            otel.kind = "internal",
            wiretrait.contract = route.contract.name,
            wiretrait.operation = route.name,
            wiretrait.attempts = Empty,
            error.type = Empty,
            otel.status_code = Empty,
        );
        let start = observation.observer.is_some().then(|| observation.now());
        Self { route, span: OpenSpan::new(span), observation, start }
    }

    pub(super) fn span(&self) -> &Span {
        self.span.span()
    }

    pub(super) fn end(mut self, outcome: CallOutcome<'_>, attempts: u32) {
        if !self.span().is_disabled() {
            self.span().record("wiretrait.attempts", attempts);
        }
        self.span.end(outcome.error_type());
        self.notify(outcome, Some(attempts));
    }

    fn notify(&mut self, outcome: CallOutcome<'_>, attempts: Option<u32>) {
        let Self { route, observation, start, .. } = self;
        if let (Some(observer), Some(start)) = (&observation.observer, start.take()) {
            let duration = observation.now().saturating_duration_since(start);
            observer.finished(&FinishedCall { route, outcome, attempts, duration });
        }
    }
}

impl Drop for ActiveCall<'_> {
    fn drop(&mut self) {
        self.notify(CallOutcome::Cancelled, None);
    }
}
