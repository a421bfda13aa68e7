//! A span for each attempt of a call.
//!
//! It belongs between [`Retry`](super::Retry) and [`Timeout`](super::Timeout): inside of the repeats it sees each
//! attempt, and around the limit it sees an attempt that took too long end as such, where a limit around it could
//! only drop it.

use super::error_type;
use crate::error::Error;
use crate::runtime::{Call, OpenSpan, Response, TARGET, Transport};
use http::uri::Uri;
use pin_project_lite::pin_project;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tracing::field::Empty;
use tracing::instrument::Instrumented;
use tracing::{Instrument, Span};

/// Makes a client span of OpenTelemetry for each attempt, and with the feature `otel` puts its trace context into
/// the request. What is in the span is written at [`telemetry`](crate::telemetry).
#[derive(Clone, Debug)]
pub struct Trace<T> {
    inner: T,
    address: Option<String>,
    port: Option<u16>,
}

impl<T: Transport> Trace<T> {
    /// Spans for the attempts over `inner`. They name its [peer](Transport::peer), where that is an address.
    pub fn new(inner: T) -> Self {
        let peer: Option<Uri> = inner.peer().parse().ok();
        let address = peer.as_ref().and_then(Uri::host);
        let address = address.map(|host| host.trim_matches(['[', ']']).to_owned());
        let port = peer.as_ref().and_then(|peer| match (peer.port_u16(), peer.scheme_str()) {
            (None, Some("http")) => Some(80),
            (None, Some("https")) => Some(443),
            (port, _) => port,
        });
        Self { inner, address, port }
    }
}

impl<T> Trace<T> {
    /// What the attempts go over.
    pub fn get_ref(&self) -> &T {
        &self.inner
    }

    fn span(&self, call: &Call) -> Span {
        let route = call.route;
        tracing::info_span!(
            target: TARGET,
            "attempt",
            otel.name = %route,
            otel.kind = "client",
            http.request.method = route.method.as_str(),
            url.template = route.path,
            server.address = self.address.as_deref(),
            server.port = self.port,
            http.request.resend_count = (call.attempt > 1).then(|| call.attempt - 1),
            http.response.status_code = Empty,
            http.response.body.size = Empty,
            error.type = Empty,
            otel.status_code = Empty,
        )
    }
}

impl<T: Transport> Transport for Trace<T> {
    #[cfg_attr(not(feature = "otel"), expect(unused_mut, reason = "the trace context goes into it"))]
    fn send(&self, mut call: Call) -> impl Future<Output = Result<Response, Error>> + Send {
        let attempt = OpenSpan::new(self.span(&call));
        #[cfg(feature = "otel")]
        super::propagation::inject(attempt.span(), call.request.headers_mut());
        let entered = attempt.span().enter();
        let answer = self.inner.send(call);
        drop(entered);
        Traced { answer: answer.instrument(attempt.span().clone()), attempt }
    }

    fn peer(&self) -> &str {
        self.inner.peer()
    }

    fn keeps_deadlines(&self) -> bool {
        self.inner.keeps_deadlines()
    }
}

pin_project! {
    /// An attempt, whose span ends after it.
    struct Traced<F> {
        #[pin]
        answer: Instrumented<F>,
        attempt: OpenSpan,
    }
}

impl<F: Future<Output = Result<Response, Error>>> Future for Traced<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let outcome = ready!(this.answer.poll(context));
        if !this.attempt.span().is_disabled() {
            record(this.attempt.span(), &outcome);
        }
        this.attempt.end(error_type(&outcome).as_deref());
        Poll::Ready(outcome)
    }
}

fn record(span: &Span, outcome: &Result<Response, Error>) {
    let status = match outcome {
        Ok(response) => {
            span.record("http.response.body.size", response.body().len());
            Some(response.status())
        }
        Err(error) => error.status(),
    };
    if let Some(status) = status {
        span.record("http.response.status_code", status.as_u16());
    }
}
