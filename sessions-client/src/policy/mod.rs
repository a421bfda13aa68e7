//! Policies: what a call may cost in time, and when it is repeated. Each is a transport around a transport.
//!
//! A client that is made by [`connect`](crate::SessionsHttpClientV1::connect) or
//! [`from_config`](crate::SessionsHttpClientV1::from_config) has all of them, each with a finite default. From
//! the outside in:
//!
//! | policy | what it sees to | default |
//! |---|---|---|
//! | [`Deadline`] | a call is over in time, repeats and pauses included | 30 s |
//! | [`Retry`] | a failure that may pass is tried again, where that is safe | twice more, see [`RetryPolicy`] |
//! | [`Trace`] | each attempt has a span, and tells the service of it | see [`telemetry`](crate::telemetry) |
//! | [`Timeout`] | one attempt is over in time, its answer included | 10 s, or the route's own |
//!
//! [`ClientConfig`](crate::ClientConfig) changes each, or switches it off: 0 retries, or
//! [`Duration::MAX`](std::time::Duration::MAX) as a limit. [`CallOptions`](crate::CallOptions) change them for
//! single calls. Around a transport of your own they are put in this order, all of them or some:
//!
//! ```
//! use sessions_client::policy::{Deadline, Retry, RetryPolicy, Timeout, TokioTime, Trace};
//! use sessions_client::{SessionsHttpClientV1, Transport, Value};
//! use std::time::Duration;
//!
//! fn client(transport: impl Transport) -> SessionsHttpClientV1<Value, Value, impl Transport> {
//!     let transport = Timeout::new(transport, Duration::from_secs(2), TokioTime);
//!     let transport = Trace::new(transport);
//!     let transport = Retry::new(transport, RetryPolicy::new().with_retries(4), TokioTime);
//!     SessionsHttpClientV1::new(Deadline::new(transport, Duration::from_secs(5), TokioTime))
//! }
//! ```
//!
//! A policy takes the time from a [`Time`], and randomness from a function, so that tests need neither wait nor
//! guess.
//!
//! tower's layers were considered for them and refused: its `Retry` knows neither `Retry-After` nor deadlines, its
//! budget is tied to tokio's clock, its backoff is not full jitter, and a service of tower needs `&mut self`, so
//! that each call would clone the stack. Layers of your own go inside these policies or around them, by
//! `TowerTransport` and `TransportService` (feature `tower`).

mod deadline;
#[cfg(feature = "otel")]
mod propagation;
mod retry;
mod time;
mod timeout;
mod trace;

pub use deadline::Deadline;
pub use retry::{Retry, RetryPolicy};
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
    /// An answer that has to be there before a timer ends. Whoever is ready at the same time as the end is in time.
    ///
    /// A future of its own, so that policies and transports need no `async fn` to await it: each of those would keep the
    /// call that it hands on.
    pub(crate) struct Within<F, E, L> {
        #[pin]
        answer: Option<F>,
        #[pin]
        end: Option<E>,
        late: L,
    }
}

impl<F, E, L> Within<F, E, L> {
    /// `answer` is none when there is no time for it, and `end` when there is no limit.
    pub(crate) fn new(answer: Option<F>, end: Option<E>, late: L) -> Self {
        Self { answer, end, late }
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
        let Some(answer) = this.answer.as_pin_mut() else { return Poll::Ready(Err((this.late)())) };
        let poll = answer.poll(context);
        if poll.is_pending()
            && let Some(end) = this.end.as_pin_mut()
        {
            return end.poll(context).map(|()| Err((this.late)()));
        }
        poll
    }
}

/// OpenTelemetry's `error.type` of an attempt that failed.
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
