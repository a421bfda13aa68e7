//! The error in the body of an error response.

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

/// Longer messages are truncated for display. [`ServiceError::message`] contains the whole message.
const LONGEST_MESSAGE: usize = 300;

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

/// Replaces characters that are not displayed as themselves, and truncates messages that are too long for a
/// log line: control characters and line breaks by spaces, invisible characters by `U+FFFD`.
pub(crate) fn one_line(text: &str) -> String {
    let displayed = |c: char| match c {
        _ if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => ' ',
        _ if is_invisible(c) => char::REPLACEMENT_CHARACTER,
        _ => c,
    };
    let mut line: String = text.chars().take(LONGEST_MESSAGE).map(displayed).collect();
    if text.chars().nth(LONGEST_MESSAGE).is_some() {
        line.push('…');
    }
    line
}

/// Returns whether a character is invisible, or changes how those around it are displayed: the format characters
/// of Unicode, such as the overrides of the writing direction, and the default ignorable ones.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{600}'..='\u{605}'
            | '\u{61c}'
            | '\u{6dd}'
            | '\u{70f}'
            | '\u{890}'..='\u{891}'
            | '\u{8e2}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{110bd}'
            | '\u{110cd}'
            | '\u{13430}'..='\u{1343f}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
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
    use super::{ServiceError, one_line};

    #[test]
    fn characters_that_are_not_displayed_as_themselves_are_replaced() {
        for (hostile, harmless) in [
            ("a\nb", "a b"),
            ("a\r\u{b}\u{c}b", "a   b"),
            ("\u{1b}[31mred", " [31mred"),
            ("\0\u{7}\u{8}\u{7f}", "    "),
            ("\u{85}\u{9b}31m", "  31m"),
            ("a\u{2028}b\u{2029}c", "a b c"),
            ("\u{202e}gpj.exe", "\u{fffd}gpj.exe"),
            ("\u{2066}a\u{2069}\u{200f}", "\u{fffd}a\u{fffd}\u{fffd}"),
            ("pass\u{200b}word\u{feff}", "pass\u{fffd}word\u{fffd}"),
            ("\u{e0041}\u{ad}\u{2063}\u{3164}", "\u{fffd}\u{fffd}\u{fffd}\u{fffd}"),
        ] {
            assert_eq!(one_line(hostile), harmless, "{hostile:?}");
        }
        let ordinary = "J\u{fc}rgen \u{4f60}\u{597d} \u{645}\u{631}\u{62d}\u{628}\u{627} \u{1f600} e\u{301}";
        assert_eq!(one_line(ordinary), ordinary);
    }

    #[test]
    fn an_error_is_displayed_and_debugged_without_hostile_characters() {
        let error = ServiceError::new("A\u{202e}B", "c\u{2028}d\u{1b}").with_category("e\u{200b}f");
        for text in [error.to_string(), format!("{error:?}")] {
            assert!(!text.contains(['\u{202e}', '\u{2028}', '\u{1b}', '\u{200b}']), "{text:?}");
        }
        assert_eq!(error.message, "c\u{2028}d\u{1b}");
    }
}
