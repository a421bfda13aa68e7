//! Spans that record their outcome.

use tracing::Span;

/// The target of all spans and events: the name of the crate, for filters like `wiretrait=debug`.
pub(crate) const TARGET: &str = env!("CARGO_CRATE_NAME");

/// The span of a call or attempt in progress, whose fields `error.type` and `otel.status_code` are still
/// empty.
///
/// If it is dropped before its [end](Self::end), the call was cancelled. Only the caller knows whether that
/// is a failure, so `error.type` is recorded and `otel.status_code` is not.
pub(crate) struct OpenSpan {
    span: Span,
    ended: bool,
}

impl OpenSpan {
    pub(crate) fn new(span: Span) -> Self {
        // A disabled span has no fields to record.
        let ended = span.is_disabled();
        Self { span, ended }
    }

    pub(crate) fn span(&self) -> &Span {
        &self.span
    }

    /// Records a failure with `error_type`, or a success.
    pub(crate) fn end(&mut self, error_type: Option<&str>) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        // OpenTelemetry reserves the status `OK` for applications, so a success leaves the status unset.
        if let Some(error_type) = error_type {
            self.span.record("error.type", error_type);
            self.span.record("otel.status_code", "ERROR");
        }
    }
}

impl Drop for OpenSpan {
    fn drop(&mut self) {
        if !self.ended {
            self.span.record("error.type", "cancelled");
        }
    }
}
