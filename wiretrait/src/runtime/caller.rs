//! Execution of calls: encode, send, decode.

use super::active_call::ActiveCall;
use super::correlation::Correlation;
use super::observer::Observation;
use super::return_type::{JsonValue, ReadResponse};
use super::transport::Attempts;
use super::with_options::in_scope;
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

/// A transport, and the settings of calls over it. Every generated client contains one.
#[derive(Clone)]
pub struct Caller<T> {
    transport: T,
    encoding: Encoding,
    options: CallOptions,
    observation: Observation,
}

impl<T: Transport> Caller<T> {
    /// Creates a caller over `transport`, with the transport's own [encoding](Transport::encoding).
    pub fn new(transport: T) -> Self {
        let encoding = transport.encoding();
        Self { transport, encoding, options: CallOptions::new(), observation: Observation::default() }
    }
}

impl<T> Caller<T> {
    /// Sets how requests are encoded.
    #[must_use]
    pub fn with_encoding(mut self, encoding: Encoding) -> Self {
        self.encoding = encoding;
        self.encoding.has_more_headers |= self.options.has_headers();
        self
    }

    /// Sets the part of requests that carries correlation ids.
    #[must_use]
    pub fn with_correlation_place(mut self, place: CorrelationPlace) -> Self {
        self.encoding.correlation_place = place;
        self
    }

    /// Sets the observer that is notified of each finished call. Clones and views share it.
    #[must_use]
    pub fn with_observer(mut self, observer: Arc<dyn CallObserver>) -> Self {
        self.observation.observer = Some(observer);
        self
    }

    /// Sets the clock for the durations that the observer receives; [`Instant::now`] by default. Without an
    /// observer, no clock is read.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Fn() -> Instant + Send + Sync + 'static) -> Self {
        self.observation.clock = Some(Arc::new(clock));
        self
    }

    /// Sets `options` for all calls. Options that are not set stay unchanged.
    #[must_use]
    pub fn with_options(mut self, options: CallOptions) -> Self {
        self.options = options.or(self.options);
        self.encoding.has_more_headers |= self.options.has_headers();
        self
    }

    /// Returns a caller over the same transport with `options` for its calls. Options that are not set are
    /// those of this caller.
    pub fn with(&self, options: CallOptions) -> Caller<&T> {
        let caller = Caller {
            transport: &self.transport,
            encoding: self.encoding.clone(),
            options: self.options.clone(),
            observation: self.observation.clone(),
        };
        caller.with_options(options)
    }

    /// Returns the transport.
    pub fn transport(&self) -> &T {
        &self.transport
    }

    /// Returns how requests are encoded.
    pub fn encoding(&self) -> &Encoding {
        &self.encoding
    }

    /// Returns the options of all calls.
    pub fn options(&self) -> &CallOptions {
        &self.options
    }
}

impl<T: Transport> Caller<T> {
    /// Makes one call, in its own span (see [`telemetry`](crate::telemetry)), and decodes the response as JSON. The
    /// operation's own method `send` decodes other formats too.
    ///
    /// The request is encoded before the future is returned, so the future does not borrow arguments.
    pub fn call<O, R>(&self, operation: O) -> impl Future<Output = R> + Send + use<'_, T, O, R>
    where
        O: Operation,
        R: Outcome<Ok: DeserializeOwned, Err: From<Error>>,
    {
        call_as::<JsonValue, O, R, T>(self, operation)
    }

    /// Makes one call like [`call`](Self::call), and returns the response without decoding it: for its
    /// headers, or for a type that borrows from it.
    ///
    /// # Errors
    ///
    /// Those of the call, except for decoding errors, which [`RawResponse::read`] returns.
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

    /// Sends `operation`, converts the response with `read`, records the outcome, and converts it with
    /// `finish`.
    ///
    /// The conversions are parameters, and not futures around this one, because a future that awaits another
    /// one that it owns has room for both.
    #[expect(clippy::needless_pass_by_value, reason = "the future would have to keep a reference")]
    fn exchange<O, V, R>(
        &self,
        operation: O,
        read: fn(Response, &mut Option<Correlation>) -> Result<V, Error>,
        finish: fn(Result<V, Error>) -> R,
    ) -> impl Future<Output = R> + Send + use<'_, T, O, V, R>
    where
        O: Operation,
    {
        let active = ActiveCall::start(O::ROUTE, &self.observation);
        let span = active.span().clone();
        let request = span.in_scope(|| operation.encode_with(&self.encoding));
        // Without options in scope, the future only has room for a pointer to them.
        let in_scope = in_scope(O::ROUTE.contract, &self.options).map(Arc::new);
        let request = request.and_then(|mut request| {
            let options = in_scope.as_deref().unwrap_or(&self.options);
            match options.apply(request.headers_mut()) {
                Ok(()) => Ok(request),
                Err(error) => {
                    let correlation = Correlation::of(O::ROUTE, &request, self.encoding.correlation_place);
                    Err(error.with_correlation_id(correlation.and_then(|correlation| correlation.read())))
                }
            }
        });
        async move {
            let place = self.encoding.correlation_place;
            let mut correlation =
                request.as_ref().ok().and_then(|request| Correlation::of(O::ROUTE, request, place));
            let result = match request {
                Ok(request) => {
                    let options = in_scope.map_or_else(|| self.options.clone(), Arc::unwrap_or_clone);
                    let call = Call { options, ..Call::new(O::ROUTE, request) };
                    let response = self.transport.send(call).await.map_err(|error| error.with_attempts(1));
                    response.and_then(|response| {
                        let meta = (response.status(), Attempts::of(&response));
                        read(response, &mut correlation).map(|value| (value, meta))
                    })
                }
                Err(error) => Err(error),
            };
            finish(match result {
                Ok((value, (status, attempts))) => {
                    active.end(CallOutcome::Ok(status), attempts);
                    Ok(value)
                }
                Err(error) => {
                    let id = correlation.and_then(|correlation| correlation.read());
                    let error = error.with_operation(O::ROUTE.name).with_correlation_id(id);
                    active.end(CallOutcome::Failed(&error), error.attempts());
                    Err(error)
                }
            })
        }
        .instrument(span)
    }
}

/// Makes one call like [`Caller::call`], with the value in the form `F`.
pub fn call_as<F, O, R, T>(
    caller: &Caller<T>,
    operation: O,
) -> impl Future<Output = R> + Send + use<'_, F, O, R, T>
where
    F: ReadResponse<R::Ok>,
    O: Operation,
    R: Outcome<Err: From<Error>>,
    T: Transport,
{
    caller.exchange(
        operation,
        |response, _| F::read(O::ROUTE, &response),
        |result| R::from_result(result.map_err(Into::into)),
    )
}

impl<T> fmt::Debug for Caller<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller")
            .field("encoding", &self.encoding)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
