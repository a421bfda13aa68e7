//! Spans of attempts.
//!
//! The policy belongs between [`Retry`](super::Retry) and [`Timeout`](super::Timeout): inside of the retries,
//! it records each attempt, and around the timeout, it records a timeout as such. A timeout around it would
//! drop it, which is recorded as cancelled.

use super::error_type;
use crate::error::Error;
use crate::runtime::{Call, Encoding, OpenSpan, Response, TARGET, Transport};
use http::uri::Uri;
use pin_project_lite::pin_project;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tracing::Span;
use tracing::field::Empty;

/// Creates a span for each attempt, and with the feature `otel` adds its trace context to the request. The
/// fields are described in [`telemetry`](crate::telemetry).
#[derive(Clone, Debug)]
pub struct Trace<T> {
    inner: T,
    address: Option<String>,
    port: Option<u16>,
}

impl<T: Transport> Trace<T> {
    /// Creates spans for attempts over `inner`. They contain its [peer](Transport::peer), if that is an
    /// address.
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
    /// Returns the inner transport.
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
            rpc.system.name = Empty,
            rpc.method = Empty,
            rpc.response.status_code = Empty,
            wiretrait.unprocessed = Empty,
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
        let response = Some(self.inner.send(call));
        drop(entered);
        Traced { response, attempt }
    }

    fn peer(&self) -> &str {
        self.inner.peer()
    }

    fn encoding(&self) -> Encoding {
        self.inner.encoding()
    }

    fn keeps_deadlines(&self) -> bool {
        self.inner.keeps_deadlines()
    }

    fn is_multiplexed(&self) -> bool {
        self.inner.is_multiplexed()
    }
}

pin_project! {
    /// An attempt, polled and dropped in its span.
    ///
    /// It is not `Instrumented`, which would have a second handle of the span.
    struct Traced<F> {
        // `None` only while it is dropped.
        #[pin]
        response: Option<F>,
        attempt: OpenSpan,
    }

    impl<F> PinnedDrop for Traced<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let _entered = this.attempt.span().enter();
            this.response.set(None);
        }
    }
}

impl<F: Future<Output = Result<Response, Error>>> Future for Traced<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let Some(response) = this.response.as_pin_mut() else { return Poll::Pending };
        let outcome = {
            let _entered = this.attempt.span().enter();
            ready!(response.poll(context))
        };
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
        Err(error) => {
            if error.is_unprocessed() {
                span.record("wiretrait.unprocessed", true);
            }
            error.status()
        }
    };
    if let Some(status) = status {
        span.record("http.response.status_code", status.as_u16());
    }
}
