//! The span of a call, and the notification of its observer.
//!
//! A call starts when its future is polled for the first time, so that its span is inside of one that the caller has put
//! around the future. Rejected alternative: an async block around that of the call, because it would have room for both.

use super::observer::Observation;
use super::span::{OpenSpan, TARGET};
use super::{CallOutcome, FinishedCall, Route};
use crate::error::Error;
use http::StatusCode;
use pin_project_lite::pin_project;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;
use tracing::Span;
use tracing::field::Empty;

/// A call in progress. If it is dropped before its [end](Self::end), it is recorded as cancelled.
struct ActiveCall<'o> {
    route: &'static Route,
    span: OpenSpan,
    observation: &'o Observation,
    /// `None` if there is no observer, or if it has been notified.
    start: Option<Instant>,
}

impl<'o> ActiveCall<'o> {
    /// Starts the span of a call. The clock is only read for an observer, because some platforms have no
    /// clock.
    fn start(route: &'static Route, observation: &'o Observation) -> Self {
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

    fn span(&self) -> &Span {
        self.span.span()
    }

    fn end(&mut self, outcome: CallOutcome<'_>, attempts: u32) {
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

/// The status of the response that a value was read from, and the number of attempts.
pub(super) type Success = (StatusCode, u32);

pin_project! {
    /// A future that is one call: polled and dropped in the span of the call, and reported to its observer.
    pub(super) struct Observed<'o, F, C> {
        // `None` only while it is dropped.
        #[pin]
        future: Option<F>,
        route: &'static Route,
        observation: &'o Observation,
        // `None` before the first poll and after the last.
        active: Option<ActiveCall<'o>>,
        // `None` after the last poll.
        finish: Option<C>,
    }

    impl<F, C> PinnedDrop for Observed<'_, F, C> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if let Some(active) = this.active.take() {
                let span = active.span().clone();
                span.in_scope(|| {
                    this.future.set(None);
                    drop(active);
                });
            }
        }
    }
}

impl<'o, F, C> Observed<'o, F, C> {
    /// Makes `future` a call of `route`, whose result `finish` converts after it has been recorded.
    pub(super) fn new(route: &'static Route, observation: &'o Observation, future: F, finish: C) -> Self {
        Self { future: Some(future), route, observation, active: None, finish: Some(finish) }
    }
}

impl<F, V, R, C> Future for Observed<'_, F, C>
where
    F: Future<Output = (Result<V, Error>, Success)>,
    C: FnOnce(Result<V, Error>) -> R,
{
    type Output = R;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<R> {
        let this = self.project();
        let Some(future) = this.future.as_pin_mut() else { return Poll::Pending };
        let active = this.active.get_or_insert_with(|| ActiveCall::start(this.route, this.observation));
        let ended = {
            // Not `in_scope`, whose closure would move the result.
            let _entered = active.span().enter();
            ready!(future.poll(context))
        };
        let Some(finish) = this.finish.take() else { return Poll::Pending };
        let span = active.span().clone();
        let _entered = span.enter();
        let (status, attempts) = ended.1;
        match &ended.0 {
            Ok(_) => active.end(CallOutcome::Ok(status), attempts),
            Err(error) => active.end(CallOutcome::Failed(error), error.attempts()),
        }
        *this.active = None;
        Poll::Ready(finish(ended.0))
    }
}
