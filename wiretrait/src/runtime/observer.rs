//! Observers of finished calls.

use super::Route;
use crate::error::Error;
use http::StatusCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// An observer that a client notifies of each finished call, for example to record metrics.
///
/// Implemented for functions with this argument. It is called in the task that makes the call, within the
/// call's span, and must neither block nor panic. Its argument contains no user data except for the
/// [`correlation_id`](Error::correlation_id) of an error.
///
/// ```
/// # mod library { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/library.rs")); }
/// # use library::{Books, BooksClient, Library, books};
/// # use wiretrait::InProcessTransport;
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicU64, Ordering};
/// use wiretrait::telemetry::{CallObserver, FinishedCall};
///
/// #[derive(Default)]
/// struct Slow(AtomicU64);
///
/// impl CallObserver for Slow {
///     fn finished(&self, call: &FinishedCall<'_>) {
///         if call.duration.as_millis() > 500 {
///             self.0.fetch_add(1, Ordering::Relaxed);
///         }
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> wiretrait::Result<()> {
/// # let client = BooksClient::new(InProcessTransport::new(books::Handler::new(Library::default())));
/// let slow = Arc::new(Slow::default());
/// let client = client.with_observer(slow.clone());
/// client.find(1).await?;
/// println!("{} slow calls", slow.0.load(Ordering::Relaxed));
/// # Ok(())
/// # }
/// ```
pub trait CallObserver: Send + Sync {
    /// Called when `call` has finished.
    fn finished(&self, call: &FinishedCall<'_>);
}

impl<F: Fn(&FinishedCall<'_>) + Send + Sync> CallObserver for F {
    fn finished(&self, call: &FinishedCall<'_>) {
        self(call);
    }
}

/// A finished call.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct FinishedCall<'c> {
    /// The operation that was called.
    pub route: &'static Route,
    /// The outcome of the call.
    pub outcome: CallOutcome<'c>,
    /// Number of attempts that were started, as in [`Error::attempts`]; `None` for a cancelled call, where it
    /// is unknown.
    pub attempts: Option<u32>,
    /// The time from the first poll of the call, whose request is encoded by then, to its decoded response, including
    /// retries and pauses.
    pub duration: Duration,
}

impl<'c> FinishedCall<'c> {
    /// Returns the [`error_type`](CallOutcome::error_type) of the outcome.
    #[must_use]
    pub fn error_type(&self) -> Option<&'c str> {
        self.outcome.error_type()
    }

    /// Returns the status of the last response, if there was one.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        match self.outcome {
            CallOutcome::Ok(status) => Some(status),
            CallOutcome::Failed(error) => error.status(),
            CallOutcome::Cancelled => None,
        }
    }
}

/// The outcome of a call.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum CallOutcome<'c> {
    /// The call returned a value, from a response with this status.
    Ok(StatusCode),
    /// The call returned an error. This is the error before its conversion, if the contract has its own error
    /// type.
    Failed(&'c Error),
    /// The caller dropped the future. The service may have processed the request.
    Cancelled,
}

impl<'c> CallOutcome<'c> {
    /// Returns OpenTelemetry's `error.type`: [`Error::error_type`], or `cancelled`; `None` for a value.
    #[must_use]
    pub fn error_type(&self) -> Option<&'c str> {
        match self {
            Self::Ok(_) => None,
            Self::Failed(error) => Some(error.error_type()),
            Self::Cancelled => Some("cancelled"),
        }
    }
}

/// The observer of a caller's calls, and the clock for their durations.
#[derive(Clone, Default)]
pub(super) struct Observation {
    pub(super) observer: Option<Arc<dyn CallObserver>>,
    pub(super) clock: Option<Arc<dyn Fn() -> Instant + Send + Sync>>,
}

impl Observation {
    pub(super) fn now(&self) -> Instant {
        self.clock.as_ref().map_or_else(Instant::now, |clock| clock())
    }
}
