//! The W3C trace context of each request, so that a failed call is found in the traces and logs of the service.
//!
//! Each call of a virtual user is a separate trace. The generator exports no spans: the span id in the header
//! stands for the call. Rejected alternative: the feature `otel` of the client, because its propagator formats
//! strings and needs an OpenTelemetry context, and the caller does not learn the id.

use sessions_client::http::HeaderValue;
use sessions_client::http::header::HeaderName;
use sessions_client::{Call, Encoding, Error, Operation, Request, Response, Route, Transport};
use std::fmt;

/// The name of the header.
pub(crate) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// The length of a header of version 00.
const LENGTH: usize = 55;

/// The share of traces that the service is asked to record.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sampling(f64);

impl Sampling {
    /// Creates a sampling of a share from 0 to 1.
    pub(crate) const fn new(share: f64) -> Self {
        Self(share)
    }

    fn decide(self) -> bool {
        // `f64` is below 1, so that a share of 1 samples everything.
        self.0 > 0.0 && fastrand::f64() < self.0
    }
}

/// A trace id, shown in hexadecimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TraceId(u128);

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// The trace context of one request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TraceContext {
    trace_id: TraceId,
    parent_id: u64,
    is_sampled: bool,
}

impl TraceContext {
    /// Creates the context of a new trace with random ids, which may not be zero.
    pub(crate) fn random(sampling: Sampling) -> Self {
        Self {
            trace_id: TraceId(fastrand::u128(1..)),
            parent_id: fastrand::u64(1..),
            is_sampled: sampling.decide(),
        }
    }

    pub(crate) fn trace_id(&self) -> TraceId {
        self.trace_id
    }

    /// The value of the header `traceparent`.
    pub(crate) fn header_value(&self) -> HeaderValue {
        let mut text = *b"00-00000000000000000000000000000000-0000000000000000-00";
        write_hex(&mut text[3..35], &self.trace_id.0.to_be_bytes());
        write_hex(&mut text[36..52], &self.parent_id.to_be_bytes());
        text[LENGTH - 1] |= u8::from(self.is_sampled);
        let mut value = HeaderValue::from_bytes(&text).unwrap_or(HeaderValue::from_static(""));
        // Each value is unique, so that HTTP/2 must not add it to its table of recent headers.
        value.set_sensitive(true);
        value
    }
}

fn write_hex(text: &mut [u8], bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for (pair, byte) in text.chunks_exact_mut(2).zip(bytes) {
        pair.copy_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    }
}

/// An operation whose request has a trace context.
pub(crate) struct Traced<'o, O> {
    pub(crate) operation: &'o O,
    pub(crate) context: TraceContext,
}

impl<O: Operation> Operation for Traced<'_, O> {
    const ROUTE: &'static Route = O::ROUTE;

    fn encode_with(&self, encoding: &Encoding) -> Result<Request, Error> {
        let mut request = self.operation.encode_with(encoding)?;
        request.headers_mut().insert(TRACEPARENT, self.context.header_value());
        Ok(request)
    }
}

/// A transport that adds a trace context to each attempt, for calls that are not measured. They are not sampled. A
/// response has the [`TraceId`] among its extensions.
#[derive(Clone, Debug)]
pub(crate) struct WithTraceContext<T>(pub(crate) T);

impl<T: Transport> Transport for WithTraceContext<T> {
    async fn send(&self, mut call: Call) -> Result<Response, Error> {
        let context = TraceContext::random(Sampling::new(0.0));
        call.request.headers_mut().insert(TRACEPARENT, context.header_value());
        let mut response = self.0.send(call).await?;
        response.extensions_mut().insert(context.trace_id());
        Ok(response)
    }

    fn peer(&self) -> &str {
        self.0.peer()
    }

    fn encoding(&self) -> Encoding {
        self.0.encoding()
    }

    fn keeps_deadlines(&self) -> bool {
        self.0.keeps_deadlines()
    }

    fn is_multiplexed(&self) -> bool {
        self.0.is_multiplexed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sessions_client::sessions_v1::GetSessionById;

    #[test]
    fn the_header_has_version_trace_id_parent_id_and_flags() {
        let mut context = TraceContext { trace_id: TraceId(0xab << 120), parent_id: 0x7f, is_sampled: true };
        let expected = "00-ab000000000000000000000000000000-000000000000007f-01";
        assert_eq!(context.header_value(), expected);
        context.is_sampled = false;
        assert_eq!(context.header_value(), expected.replace("-01", "-00"));
        assert_eq!(context.trace_id().to_string(), "ab000000000000000000000000000000");
    }

    #[test]
    fn sampling_is_never_always_or_about_the_share() {
        let sampled = |share| {
            let sampling = Sampling::new(share);
            (0..10_000).filter(|_| TraceContext::random(sampling).is_sampled).count()
        };
        assert_eq!((sampled(0.0), sampled(1.0)), (0, 10_000));
        // Six standard deviations around 2,000.
        assert!((1_760..=2_240).contains(&sampled(0.2)));
    }

    #[test]
    fn the_request_of_a_traced_operation_has_the_context() {
        let context = TraceContext::random(Sampling::new(0.0));
        let request = Traced { operation: &GetSessionById::new("s1"), context }.encode().unwrap();
        assert_eq!(request.headers()[TRACEPARENT], context.header_value());
    }

    #[test]
    fn the_trace_ids_of_two_calls_differ() {
        let id = || TraceContext::random(Sampling::new(1.0)).trace_id();
        assert_ne!(id(), id());
    }
}
