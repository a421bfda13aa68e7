//! Propagation of the trace context in requests.
//!
//! The headers are those of OpenTelemetry's global propagator, which the application sets. The default one
//! writes none.

use http::header::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::propagation::Injector;
use opentelemetry::trace::TraceContextExt;
use opentelemetry::{Context, global};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// Writes the context of `span` into `headers`, or OpenTelemetry's current context if no OpenTelemetry layer
/// records the span.
pub(super) fn inject(span: &Span, headers: &mut HeaderMap) {
    let own = span.context();
    let context = if own.span().span_context().is_valid() { own } else { Context::current() };
    global::get_text_map_propagator(|propagator| propagator.inject_context(&context, &mut Headers(headers)));
}

struct Headers<'h>(&'h mut HeaderMap);

impl Injector for Headers<'_> {
    /// Skips invalid headers, because a missing trace context is better than a failed call.
    fn set(&mut self, key: &str, value: String) {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(key), HeaderValue::try_from(value)) {
            self.0.insert(name, value);
        }
    }
}
