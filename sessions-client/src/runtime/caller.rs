//! One call from arguments to result: encode, send, decode.

use super::correlation::Correlation;
use super::decode::read;
use super::observer::Watch;
use super::report::Report;
use super::transport::Attempts;
use super::{
    Call, CallObserver, CallOptions, CallOutcome, CorrelationPlace, Encoding, Operation, Outcome,
    RawResponse, Response, Transport,
};
use crate::error::Error;
use serde::de::DeserializeOwned;
use std::fmt;
use std::sync::Arc;
use std::time::Instant;
use tracing::Instrument;

/// A transport, and how calls over it are written. Every generated client holds one.
#[derive(Clone)]
pub struct Caller<T> {
    transport: T,
    encoding: Encoding,
    options: CallOptions,
    watch: Watch,
}

impl<T> Caller<T> {
    /// Calls over `transport` with default settings.
    pub fn new(transport: T) -> Self {
        Self {
            transport,
            encoding: Encoding::default(),
            options: CallOptions::new(),
            watch: Watch::default(),
        }
    }

    /// The same caller with requests written otherwise.
    #[must_use]
    pub fn with_encoding(mut self, encoding: Encoding) -> Self {
        self.encoding = encoding;
        self
    }

    /// The same caller with correlation ids in `place`.
    #[must_use]
    pub fn with_correlation_place(mut self, place: CorrelationPlace) -> Self {
        self.encoding.correlation_place = place;
        self
    }

    /// The same caller, which tells `observer` of every call that is over. Clones and views tell the same one.
    #[must_use]
    pub fn with_observer(mut self, observer: Arc<dyn CallObserver>) -> Self {
        self.watch.observer = Some(observer);
        self
    }

    /// The same caller with another clock for the durations that its observer is told; by default
    /// [`Instant::now`]. Without an observer no clock is read.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Fn() -> Instant + Send + Sync + 'static) -> Self {
        self.watch.clock = Some(Arc::new(clock));
        self
    }

    /// The same caller with `options` for all its calls, and where those are silent what it had.
    #[must_use]
    pub fn with_options(mut self, options: CallOptions) -> Self {
        self.options = options.or(self.options);
        self
    }

    /// A caller over the same transport whose calls have `options`, and where those are silent the options
    /// of this one.
    pub fn with(&self, options: CallOptions) -> Caller<&T> {
        Caller {
            transport: &self.transport,
            encoding: self.encoding.clone(),
            options: options.or(self.options),
            watch: self.watch.clone(),
        }
    }

    /// What moves the requests.
    pub fn transport(&self) -> &T {
        &self.transport
    }

    /// How requests are written.
    pub fn encoding(&self) -> &Encoding {
        &self.encoding
    }

    /// What calls want otherwise than the transport's policies.
    pub fn options(&self) -> CallOptions {
        self.options
    }
}

impl<T: Transport> Caller<T> {
    /// Makes one call, in a span of its own: see [`telemetry`](crate::telemetry).
    ///
    /// The request is written before the first await, so the future holds no borrowed argument.
    pub fn call<O, R>(&self, operation: O) -> impl Future<Output = R> + Send + use<'_, T, O, R>
    where
        O: Operation,
        R: Outcome<Ok: DeserializeOwned, Err: From<Error>>,
    {
        self.exchange(
            operation,
            |response, _| read(O::ROUTE, &response),
            |result| R::from_result(result.map_err(Into::into)),
        )
    }

    /// Makes one call as [`call`](Self::call) does, and leaves its answer to be read by who asked: as a type that
    /// borrows from it, or with its headers.
    ///
    /// # Errors
    ///
    /// Those of the call, except for those of an answer that is not what was promised: [`RawResponse::read`] has them.
    pub fn call_raw<O: Operation>(
        &self,
        operation: O,
    ) -> impl Future<Output = Result<RawResponse, Error>> + Send + use<'_, T, O> {
        self.exchange(
            operation,
            |response, correlation| {
                Ok(RawResponse::new(O::ROUTE, response)?.with_correlation(correlation.take()))
            },
            |result| result,
        )
    }

    /// Sends `operation`, and makes of its response what the call is told to have ended with, and of that what it
    /// returns.
    #[expect(clippy::needless_pass_by_value, reason = "a reference to it would live in the future")]
    fn exchange<O, V, R>(
        &self,
        operation: O,
        read: fn(Response, &mut Option<Correlation>) -> Result<V, Error>,
        finish: fn(Result<V, Error>) -> R,
    ) -> impl Future<Output = R> + Send + use<'_, T, O, V, R>
    where
        O: Operation,
    {
        let report = Report::begin(O::ROUTE, &self.watch);
        let span = report.span().clone();
        let request = span.in_scope(|| operation.encode_with(&self.encoding));
        async move {
            let place = self.encoding.correlation_place;
            let mut correlation =
                request.as_ref().ok().and_then(|request| Correlation::of(O::ROUTE, request, place));
            let result = match request {
                Ok(request) => {
                    let call = Call { options: self.options, ..Call::new(O::ROUTE, request) };
                    let response = self.transport.send(call).await.map_err(|error| error.with_attempts(1));
                    response.and_then(|response| {
                        let answered = (response.status(), Attempts::of(&response));
                        read(response, &mut correlation).map(|value| (value, answered))
                    })
                }
                Err(error) => Err(error),
            };
            finish(match result {
                Ok((value, (status, attempts))) => {
                    report.end(CallOutcome::Ok(status), attempts);
                    Ok(value)
                }
                Err(error) => {
                    let id = correlation.and_then(|correlation| correlation.read());
                    let error = error.with_operation(O::ROUTE.name).with_correlation_id(id);
                    report.end(CallOutcome::Failed(&error), error.attempts());
                    Err(error)
                }
            })
        }
        .instrument(span)
    }
}

impl<T> fmt::Debug for Caller<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller")
            .field("encoding", &self.encoding)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
