//! The error in the body of an error response.

use super::displayed::one_line;
use std::collections::BTreeMap;
use std::fmt;

/// An error as a service describes it in its response.
///
/// The [`ErrorFormat`](crate::ErrorFormat) of the contract determines which of the fields are sent. All but
/// `code` and `message` are optional.
#[derive(Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ServiceError {
    /// The error code for programs, such as `not_found`.
    pub code: String,
    /// The message for people.
    pub message: String,
    /// The class of the error, in formats that have one.
    pub category: Option<String>,
    /// The message of the error that this one wraps.
    pub cause: Option<String>,
    /// Further information about the error, by name.
    pub details: BTreeMap<String, String>,
    /// The correlation id of the call, if the response contains it.
    pub correlation_id: Option<String>,
}

impl ServiceError {
    /// Creates an error from a code for programs and a message for people.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into(), ..Self::default() }
    }

    /// Returns whether there is neither a code nor a message.
    pub(crate) fn is_empty(&self) -> bool {
        self.code.is_empty() && self.message.is_empty()
    }

    /// Sets the category.
    #[must_use]
    pub fn with_category(mut self, category: impl Into<String>) -> Self {
        self.category = Some(category.into());
        self
    }

    /// Adds a detail.
    #[must_use]
    pub fn with_detail(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.details.insert(name.into(), value.into());
        self
    }
}

impl fmt::Display for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (code, message) = (one_line(&self.code), one_line(&self.message));
        match (code.is_empty(), message.is_empty()) {
            (false, false) => write!(f, "{code}: {message}"),
            (false, true) => f.write_str(&code),
            (true, _) => f.write_str(&message),
        }
    }
}

impl fmt::Debug for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { code, message, category, .. } = self;
        f.debug_struct("ServiceError")
            .field("code", &one_line(code))
            .field("message", &one_line(message))
            .field("category", &category.as_deref().map(one_line))
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::ServiceError;

    #[test]
    fn an_error_is_displayed_and_debugged_without_hostile_characters() {
        let error = ServiceError::new("A\u{202e}B", "c\u{2028}d\u{1b}").with_category("e\u{200b}f");
        for text in [error.to_string(), format!("{error:?}")] {
            assert!(!text.contains(['\u{202e}', '\u{2028}', '\u{1b}', '\u{200b}']), "{text:?}");
        }
        assert_eq!(error.message, "c\u{2028}d\u{1b}");
    }
}
