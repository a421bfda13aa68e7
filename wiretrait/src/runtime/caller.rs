//! Execution of calls: encode, send, decode.

use super::active_call::{Observed, Success};
use super::correlation::Correlation;
use super::observer::Observation;
use super::return_type::{JsonValue, ReadResponse};
use super::transport::Attempts;
use super::with_options::in_scope;
use super::{
    Call, CallObserver, CallOptions, CorrelationPlace, Encoding, Operation, Outcome, RawResponse, Request,
    Response, Route, Transport,
};
use crate::error::Error;
use serde::de::DeserializeOwned;
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

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
    /// The request is encoded before the future is returned, so the future does not borrow arguments. The call starts
    /// when the future is polled for the first time.
    #[expect(clippy::needless_pass_by_value, reason = "a call is made once")]
    pub fn call<O, R>(&self, operation: O) -> impl Future<Output = R> + Send + use<'_, T, O, R>
    where
        O: Operation,
        R: Outcome<Ok: DeserializeOwned, Err: From<Error>>,
    {
        prepare(self, &operation).call()
    }

    /// Makes one call like [`call`](Self::call), and returns the response without decoding it: for its
    /// headers, or for a type that borrows from it.
    ///
    /// # Errors
    ///
    /// Those of the call, except for decoding errors, which [`RawResponse::read`] returns.
    #[expect(clippy::needless_pass_by_value, reason = "a call is made once")]
    pub fn call_raw<O: Operation>(
        &self,
        operation: O,
    ) -> impl Future<Output = Result<RawResponse, Error>> + Send + use<'_, T, O> {
        prepare(self, &operation).exchange(
            |route, response, correlation| {
                Ok(RawResponse::new(route, response)?.with_correlation(correlation.take()))
            },
            |result| result,
        )
    }
}

/// A call with its encoded request. Its type does not mention the operation, so the future of a call does not
/// borrow arguments.
pub struct Prepared<'c, T> {
    caller: &'c Caller<T>,
    route: &'static Route,
    request: Result<Request, Error>,
}

/// Encodes `operation` as a call through `caller`.
pub fn prepare<'c, T, O: Operation>(caller: &'c Caller<T>, operation: &O) -> Prepared<'c, T> {
    Prepared { caller, route: O::ROUTE, request: operation.encode_with(&caller.encoding) }
}

impl<'c, T: Transport> Prepared<'c, T> {
    /// Makes the call, and decodes the response as JSON.
    pub fn call<R>(self) -> impl Future<Output = R> + Send + use<'c, T, R>
    where
        R: Outcome<Ok: DeserializeOwned, Err: From<Error>>,
    {
        self.call_as::<JsonValue, R>()
    }

    /// Makes the call, and decodes the value in the form `F`.
    pub fn call_as<F, R>(self) -> impl Future<Output = R> + Send + use<'c, F, T, R>
    where
        F: ReadResponse<R::Ok>,
        R: Outcome<Err: From<Error>>,
    {
        self.exchange(
            |route, response, _| F::read(route, &response),
            |result| R::from_result(result.map_err(Into::into)),
        )
    }

    /// Sends the request, converts the response with `read`, records the outcome, and converts it with `finish`.
    ///
    /// The conversions are parameters, and not futures around this one, because a future that awaits another
    /// one that it owns has room for both.
    fn exchange<V, R, C>(
        self,
        read: fn(&'static Route, Response, &mut Option<Correlation>) -> Result<V, Error>,
        finish: C,
    ) -> impl Future<Output = R> + Send + use<'c, T, V, R, C>
    where
        C: FnOnce(Result<V, Error>) -> R + Send,
    {
        let Self { caller, route, request } = self;
        let exchange = async move {
            let mut correlation = None;
            let mut success = Success::default();
            let result = match request {
                Ok(mut request) => {
                    let options = in_scope(route.contract, &caller.options);
                    let options = options.unwrap_or_else(|| caller.options.clone());
                    let applied = options.apply(request.headers_mut());
                    correlation = Correlation::of(route, &request, &caller.encoding);
                    match applied {
                        Ok(()) => {
                            let call = Call { options, ..Call::new(route, request) };
                            match caller.transport.send(call).await {
                                Ok(response) => {
                                    success = (response.status(), Attempts::of(&response).number);
                                    read(route, response, &mut correlation)
                                }
                                Err(error) => Err(error.with_attempts(1)),
                            }
                        }
                        Err(error) => Err(error),
                    }
                }
                Err(error) => Err(error),
            };
            let result = match result {
                Err(error) => {
                    let id = correlation.and_then(|correlation| correlation.read());
                    Err(error.with_operation(route.name).with_correlation_id(id))
                }
                // Not `map_err`, which moves the value.
                value => value,
            };
            (result, success)
        };
        Observed::new(route, &caller.observation, exchange, finish)
    }
}

impl<T> fmt::Debug for Prepared<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prepared").field("operation", &self.route.name).finish_non_exhaustive()
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
