//! Characters of foreign strings that are not displayed as themselves.
//!
//! A service, a proxy or a certificate determines strings of errors and reports. They could otherwise reverse the text
//! after them, begin a new line of a log, or steer a terminal. The data itself is not changed.

/// Longer messages are truncated for display. [`ServiceError::message`] contains the whole message.
const LONGEST_MESSAGE: usize = 300;

/// Returns whether a character is displayed as itself. Control characters, the separators of lines and paragraphs, the
/// format characters of Unicode, such as the overrides of the writing direction, and the characters that are ignored
/// by default are not. Among the latter are variation selectors, in which data can be hidden, also after an emoji.
///
/// Errors replace them in what they display. A program that displays a string of a service itself, such as
/// [`ServiceError::message`](super::ServiceError::message), can do the same:
///
/// ```
/// use wiretrait::is_displayed;
///
/// let displayed = |message: &str| message.replace(|c| !is_displayed(c), "\u{fffd}");
/// assert_eq!(displayed("invoice\u{202e}fdp.exe\n"), "invoice\u{fffd}fdp.exe\u{fffd}");
/// assert_eq!(displayed("Rechnung f\u{fc}r \u{1f600}"), "Rechnung f\u{fc}r \u{1f600}");
/// ```
#[must_use]
pub fn is_displayed(character: char) -> bool {
    !character.is_control() && !is_invisible(character)
}

/// Replaces characters that are not displayed as themselves: control characters and line breaks by spaces, the others
/// by `U+FFFD`.
#[cfg(feature = "test-kit")]
pub(crate) fn displayed(text: &str) -> String {
    text.chars().map(displayed_char).collect()
}

fn displayed_char(c: char) -> char {
    match c {
        _ if is_displayed(c) => c,
        _ if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => ' ',
        _ => char::REPLACEMENT_CHARACTER,
    }
}

/// Replaces characters that are not displayed as themselves, and truncates messages that are too long for a log line.
pub(crate) fn one_line(text: &str) -> String {
    let mut line: String = text.chars().take(LONGEST_MESSAGE).map(displayed_char).collect();
    if text.chars().nth(LONGEST_MESSAGE).is_some() {
        line.push('…');
    }
    line
}

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
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
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

#[cfg(test)]
mod tests {
    use super::*;

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
            ("a\u{fe00}\u{fe01}\u{fe0e}b\u{fe0f}\u{e0100}", "a\u{fffd}\u{fffd}\u{fffd}b\u{fffd}\u{fffd}"),
            ("\u{2764}\u{fe0f}", "\u{2764}\u{fffd}"),
            ("\u{e0041}\u{ad}\u{2063}\u{3164}", "\u{fffd}\u{fffd}\u{fffd}\u{fffd}"),
        ] {
            assert_eq!(one_line(hostile), harmless, "{hostile:?}");
        }
        let ordinary = "J\u{fc}rgen \u{4f60}\u{597d} \u{645}\u{631}\u{62d}\u{628}\u{627} \u{1f600} e\u{301}";
        assert_eq!(one_line(ordinary), ordinary);
    }
}
