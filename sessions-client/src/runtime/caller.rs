//! One call from arguments to result: encode, send, decode.

use super::{Call, CorrelationPlace, Encoding, Operation, Outcome, Transport, decode};
use crate::Error;
use serde::de::DeserializeOwned;
use std::fmt;

/// A transport, and how calls over it are written. Every generated client holds one.
#[derive(Clone)]
pub struct Caller<T> {
    transport: T,
    encoding: Encoding,
}

impl<T> Caller<T> {
    /// Calls over `transport` with default settings.
    pub fn new(transport: T) -> Self {
        Self { transport, encoding: Encoding::default() }
    }

    /// The same caller with correlation ids in `place`.
    #[must_use]
    pub fn with_correlation_place(mut self, place: CorrelationPlace) -> Self {
        self.encoding.correlation_place = place;
        self
    }

    /// What moves the requests.
    pub fn transport(&self) -> &T {
        &self.transport
    }

    /// How requests are written.
    pub fn encoding(&self) -> &Encoding {
        &self.encoding
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
                Ok(request) => self.transport.send(Call::new(O::ROUTE, request)).await,
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
        f.debug_struct("Caller").field("encoding", &self.encoding).finish_non_exhaustive()
    }
}
