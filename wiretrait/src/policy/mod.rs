//! Policies for time limits, retries and tracing. Each policy is a transport that wraps a transport.
//!
//! A client that is created by `connect`, `from_config` or `from_transport` has all of them. From the
//! outermost to the innermost:
//!
//! | policy | effect | default |
//! |---|---|---|
//! | [`Deadline`] | limits a whole call, including retries and pauses | 30 s |
//! | [`Retry`] | adds tokens, retries transient failures where that is safe, and rejected tokens | 2 retries, see [`RetryPolicy`] |
//! | [`Trace`] | creates a span for each attempt and propagates the trace context | see [`telemetry`](crate::telemetry) |
//! | [`Timeout`] | limits one attempt, including its response | 10 s, or the route's own timeout |
//!
//! [`ClientConfig`](crate::ClientConfig) configures or disables each of them: 0 retries, or
//! [`Duration::MAX`](std::time::Duration::MAX) as a limit. [`CallOptions`](crate::CallOptions) override them
//! for single calls. A custom stack with all or some of the policies should keep this order:
//!
//! ```
//! # mod library { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/library.rs")); }
//! use library::BooksClient;
//! use std::time::Duration;
//! use wiretrait::Transport;
//! use wiretrait::policy::{Deadline, Retry, RetryPolicy, Timeout, TokioTime, Trace};
//!
//! fn client(transport: impl Transport) -> BooksClient<impl Transport> {
//!     let transport = Timeout::new(transport, Duration::from_secs(2), TokioTime);
//!     let transport = Trace::new(transport);
//!     let transport = Retry::new(transport, RetryPolicy::new().with_retries(4), TokioTime);
//!     BooksClient::new(Deadline::new(transport, Duration::from_secs(5), TokioTime))
//! }
//! ```
//!
//! Clock and randomness are parameters of the policies ([`Time`], [`Retry::with_random`]), so that tests are
//! fast and deterministic.
//!
//! Rejected alternative: tower's layers. Its `Retry` supports neither `Retry-After` nor deadlines, its budget
//! depends on tokio's clock, its backoff is not full jitter, and a tower service needs `&mut self`, so that
//! each call would clone the stack. Other layers can be put inside or around these policies with
//! `TowerTransport` and `TransportService` (feature `tower`).

mod deadline;
#[cfg(not(feature = "tokio"))]
mod no_authorization;
#[cfg(feature = "otel")]
mod propagation;
mod retry;
mod retry_policy;
mod time;
mod timeout;
mod trace;

pub use deadline::Deadline;
pub use retry::Retry;
pub use retry_policy::RetryPolicy;
pub use time::Time;
#[cfg(feature = "tokio")]
pub use time::TokioTime;
pub use timeout::Timeout;
pub use trace::Trace;

use crate::error::Error;
use crate::runtime::Response;
use pin_project_lite::pin_project;
use std::borrow::Cow;
use std::pin::Pin;
use std::task::{Context, Poll};

pin_project! {
    /// A future with a time limit. A response that is ready at the same time as the timer is in time.
    ///
    /// It is not an `async fn`, because that would also keep the call that it passes to the inner transport.
    pub(crate) struct Within<F, E, L> {
        #[pin]
        response: Option<F>,
        #[pin]
        end: Option<E>,
        late: L,
    }
}

impl<F, E, L> Within<F, E, L> {
    /// Creates the future. `response` is `None` if the limit has expired already, and `end` if there is no
    /// limit.
    pub(crate) fn new(response: Option<F>, end: Option<E>, late: L) -> Self {
        Self { response, end, late }
    }
}

impl<F, E, L> Future for Within<F, E, L>
where
    F: Future<Output = Result<Response, Error>>,
    E: Future<Output = ()>,
    L: Fn() -> Error,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let Some(response) = this.response.as_pin_mut() else { return Poll::Ready(Err((this.late)())) };
        let poll = response.poll(context);
        if poll.is_pending()
            && let Some(end) = this.end.as_pin_mut()
        {
            return end.poll(context).map(|()| Err((this.late)()));
        }
        poll
    }
}

/// Returns OpenTelemetry's `error.type` of an attempt, or `None` if it succeeded.
fn error_type(outcome: &Result<Response, Error>) -> Option<Cow<'_, str>> {
    match outcome {
        Ok(response) => {
            let status = response.status();
            let is_error = status.is_client_error() || status.is_server_error();
            is_error.then(|| status.as_str().to_owned().into())
        }
        Err(error) => Some(error.error_type().into()),
    }
}
