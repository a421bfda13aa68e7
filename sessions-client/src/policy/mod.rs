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
use std::borrow::Cow;
use std::pin::Pin;
use std::task::Poll;

/// What `future` gives, or nothing when `end` comes first. Whoever is ready at the same time as the end is in
/// time.
fn within<'f, F: Future, E: Future<Output = ()>>(
    mut future: Pin<&'f mut F>,
    mut end: Pin<&'f mut E>,
) -> impl Future<Output = Option<F::Output>> + use<'f, F, E> {
    std::future::poll_fn(move |context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => end.as_mut().poll(context).map(|()| None),
    })
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
