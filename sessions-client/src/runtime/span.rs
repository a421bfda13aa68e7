//! Spans that say how what they cover ended, however it ended.

use tracing::Span;

/// The target of all spans and events: the name of the crate, for filters like `sessions_client=debug`.
pub(crate) const TARGET: &str = env!("CARGO_CRATE_NAME");

/// The span of something under way, with the fields `error.type` and `otel.status_code` yet to be recorded.
///
/// Dropped before its [end](Self::end) it was cancelled: no success, and whether it is a failure only who
/// cancelled it can say. So that has a type, but no status.
pub(crate) struct OpenSpan {
    span: Span,
    ended: bool,
}

impl OpenSpan {
    pub(crate) fn new(span: Span) -> Self {
        // A span that nobody looks at needs no end.
        let ended = span.is_disabled();
        Self { span, ended }
    }

    pub(crate) fn span(&self) -> &Span {
        &self.span
    }

    /// It failed with `error_type`, or succeeded.
    pub(crate) fn end(&mut self, error_type: Option<&str>) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        // A success leaves the status unset, which is for applications to claim.
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
