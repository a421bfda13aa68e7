//! One call from arguments to result: encode, send, decode.

use super::{Call, CallOptions, CorrelationPlace, Encoding, Operation, Outcome, Transport, decode};
use crate::error::Error;
use serde::de::DeserializeOwned;
use std::fmt;

/// A transport, and how calls over it are written. Every generated client holds one.
#[derive(Clone)]
pub struct Caller<T> {
    transport: T,
    encoding: Encoding,
    options: CallOptions,
}

impl<T> Caller<T> {
    /// Calls over `transport` with default settings.
    pub fn new(transport: T) -> Self {
        Self { transport, encoding: Encoding::default(), options: CallOptions::new() }
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

    /// A caller over the same transport whose calls have `options`, and where those are silent the options
    /// of this one.
    pub fn with(&self, options: CallOptions) -> Caller<&T> {
        Caller {
            transport: &self.transport,
            encoding: self.encoding.clone(),
            options: options.or(self.options),
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
    /// Makes one call.
    ///
    /// The request is written before the first await, so the future holds no borrowed argument.
    #[expect(clippy::needless_pass_by_value, reason = "a reference to it would live in the future")]
    pub fn call<O, R>(&self, operation: O) -> impl Future<Output = R> + Send + use<'_, T, O, R>
    where
        O: Operation,
        R: Outcome<Ok: DeserializeOwned, Err: From<Error>>,
    {
        let request = operation.encode_with(&self.encoding);
        async move {
            let response = match request {
                Ok(request) => {
                    let call = Call { options: self.options, ..Call::new(O::ROUTE, request) };
                    self.transport.send(call).await.map_err(|error| error.with_attempts(1))
                }
                Err(error) => Err(error),
            };
            match response {
                Ok(response) => decode(O::ROUTE, response),
                Err(error) => R::from_result(Err(error.with_operation(O::ROUTE.name).into())),
            }
        }
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
