//! One call as it is told outside: its span, and the word to the observer.

use super::observer::Watch;
use super::span::{OpenSpan, TARGET};
use super::{CallOutcome, FinishedCall, Route};
use std::time::Instant;
use tracing::Span;
use tracing::field::Empty;

/// A call under way. Dropped before its [end](Self::end), it is told to have been cancelled.
pub(super) struct Report<'w> {
    route: &'static Route,
    span: OpenSpan,
    watch: &'w Watch,
    /// None when nobody is told, or has been.
    start: Option<Instant>,
}

impl<'w> Report<'w> {
    /// The clock is read only for an observer: some platforms have none.
    pub(super) fn begin(route: &'static Route, watch: &'w Watch) -> Self {
        let span = tracing::info_span!(
            target: TARGET,
            "call",
            otel.name = route.name,
            otel.kind = "internal",
            sessions_client.operation = route.name,
            sessions_client.attempts = Empty,
            error.type = Empty,
            otel.status_code = Empty,
        );
        let start = watch.observer.is_some().then(|| watch.now());
        Self { route, span: OpenSpan::new(span), watch, start }
    }

    pub(super) fn span(&self) -> &Span {
        self.span.span()
    }

    pub(super) fn end(mut self, outcome: CallOutcome<'_>, attempts: u32) {
        if !self.span().is_disabled() {
            self.span().record("sessions_client.attempts", attempts);
        }
        self.span.end(outcome.error_type());
        self.tell(outcome, Some(attempts));
    }

    fn tell(&mut self, outcome: CallOutcome<'_>, attempts: Option<u32>) {
        let Self { route, watch, start, .. } = self;
        if let (Some(observer), Some(start)) = (&watch.observer, start.take()) {
            let duration = watch.now().saturating_duration_since(start);
            observer.finished(&FinishedCall { route, outcome, attempts, duration });
        }
    }
}

impl Drop for Report<'_> {
    fn drop(&mut self) {
        self.tell(CallOutcome::Cancelled, None);
    }
}
