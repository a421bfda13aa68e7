//! What is told of a finished call, and to whom.

use super::Route;
use crate::error::Error;
use http::StatusCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Is told of every call of a client when it is over, whatever came of it: the place for metrics.
///
/// Any function with the argument is one. It is called on the task that makes the call, within the call's span,
/// and must neither block nor panic. What it is told holds no data of the user, but for the
/// [`correlation_id`](Error::correlation_id) of an error.
///
/// ```
/// use sessions_client::telemetry::{CallObserver, FinishedCall};
/// use sessions_client::{ISessionsV1, InProcessTransport, SessionsHttpClientV1, SessionsMemoryClientV1, sessions_v1};
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicU64, Ordering};
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
/// # async fn main() -> sessions_client::Result<()> {
/// # let service = sessions_v1::Handler::new(SessionsMemoryClientV1::new());
/// # let client = SessionsHttpClientV1::new(InProcessTransport::new(service));
/// let slow = Arc::new(Slow::default());
/// let client = client.with_observer(slow.clone());
/// client.get_session_by_id(None, "some id").await?;
/// println!("{} slow calls", slow.0.load(Ordering::Relaxed));
/// # Ok(())
/// # }
/// ```
pub trait CallObserver: Send + Sync {
    /// `call` is over.
    fn finished(&self, call: &FinishedCall<'_>);
}

impl<F: Fn(&FinishedCall<'_>) + Send + Sync> CallObserver for F {
    fn finished(&self, call: &FinishedCall<'_>) {
        self(call);
    }
}

/// A call that is over.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct FinishedCall<'c> {
    /// The operation that was called.
    pub route: &'static Route,
    /// What came of it.
    pub outcome: CallOutcome<'c>,
    /// How many attempts were begun, as in [`Error::attempts`]; none for a cancelled call, which nobody was left
    /// to ask.
    pub attempts: Option<u32>,
    /// From the writing of the request until the answer was read, repeats and pauses included.
    pub duration: Duration,
}

impl<'c> FinishedCall<'c> {
    /// Why the call gave no value, as [`CallOutcome::error_type`].
    #[must_use]
    pub fn error_type(&self) -> Option<&'c str> {
        self.outcome.error_type()
    }

    /// The status of the last answer, if there was one.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        match self.outcome {
            CallOutcome::Ok(status) => Some(status),
            CallOutcome::Failed(error) => error.status(),
            CallOutcome::Cancelled => None,
        }
    }
}

/// What came of a call.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum CallOutcome<'c> {
    /// A value, from an answer with this status.
    Ok(StatusCode),
    /// An error, as the caller gets it; before it becomes another type, where the contract has one of its own.
    Failed(&'c Error),
    /// Nothing: the caller dropped the future. The service may have done its work.
    Cancelled,
}

impl<'c> CallOutcome<'c> {
    /// [`Error::error_type`], or `cancelled`; none for a value. It is OpenTelemetry's `error.type`.
    #[must_use]
    pub fn error_type(&self) -> Option<&'c str> {
        match self {
            Self::Ok(_) => None,
            Self::Failed(error) => Some(error.error_type()),
            Self::Cancelled => Some("cancelled"),
        }
    }
}

/// Who is told of a caller's calls, and by which clock.
#[derive(Clone, Default)]
pub(super) struct Watch {
    pub(super) observer: Option<Arc<dyn CallObserver>>,
    pub(super) clock: Option<Arc<dyn Fn() -> Instant + Send + Sync>>,
}

impl Watch {
    pub(super) fn now(&self) -> Instant {
        self.clock.as_ref().map_or_else(Instant::now, |clock| clock())
    }
}
