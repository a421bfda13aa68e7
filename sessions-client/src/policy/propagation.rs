//! The trace context of an attempt, in its request.
//!
//! What it looks like is up to the application, which sets OpenTelemetry's global propagator; by default that
//! writes nothing.

use http::header::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::propagation::Injector;
use opentelemetry::trace::TraceContextExt;
use opentelemetry::{Context, global};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// Writes the context of `span` into `headers`; that of the task, where the span is not one of OpenTelemetry's.
pub(super) fn inject(span: &Span, headers: &mut HeaderMap) {
    let own = span.context();
    let context = if own.span().span_context().is_valid() { own } else { Context::current() };
    global::get_text_map_propagator(|propagator| propagator.inject_context(&context, &mut Headers(headers)));
}

struct Headers<'h>(&'h mut HeaderMap);

impl Injector for Headers<'_> {
    /// What no header can carry is left out: a call is worth more than its trace.
    fn set(&mut self, key: &str, value: String) {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(key), HeaderValue::try_from(value)) {
            self.0.insert(name, value);
        }
    }
}
