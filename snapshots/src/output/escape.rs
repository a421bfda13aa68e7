//! Escapes strings of a service, which could otherwise control a terminal, a pipeline or the markup of a page.

use std::borrow::Cow;
use std::fmt::Write as _;
use wiretrait::is_displayed;

/// Replaces control characters, and prevents commands of CI systems that are read anywhere in a line, such as
/// `##vso[…]`. Others are read at the start of a line, where no string of a service is.
pub(super) fn printable(text: &str) -> String {
    printable_line(&short(text))
}

/// Does the same as [`printable`] without shortening.
pub(crate) fn printable_line(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for char in text.chars() {
        if char == '#' && printable.ends_with('#') {
            printable.push(' ');
        }
        printable.push(if is_displayed(char) { char } else { '�' });
    }
    printable
}

/// Escapes the characters of JSON that are not displayed, such as those that change the direction of a line.
///
/// Only strings contain such characters, apart from line ends.
pub(crate) fn printable_json(json: &str) -> String {
    let mut printable = String::with_capacity(json.len());
    for char in json.chars() {
        if char == '\n' || is_displayed(char) {
            printable.push(char);
            continue;
        }
        for unit in char.encode_utf16(&mut [0; 2]) {
            let _ = write!(printable, "\\u{unit:04x}");
        }
    }
    printable
}

/// Shortens a string, such as one with a header of several kilobytes. JSON and `JUnit` XML have all of it.
fn short(text: &str) -> Cow<'_, str> {
    const LONGEST: usize = 1_000;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
        None => Cow::Borrowed(text),
    }
}

/// Escapes all markup of Markdown.
///
/// GitHub turns bare addresses into links, unless their colon or full stop is a character reference. For `@`
/// a character reference does not help, because GitHub looks for mentions after it has resolved them.
pub(super) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for (index, char) in text.char_indices() {
        match char {
            ':' if text[index..].starts_with("://") => plain.push_str("&#58;"),
            '.' if text[..index].to_ascii_lowercase().ends_with("www") => plain.push_str("&#46;"),
            '<' => plain.push_str("&lt;"),
            '>' => plain.push_str("&gt;"),
            '&' => plain.push_str("&amp;"),
            // A zero-width space prevents mentions.
            '@' => plain.push_str("@&#8203;"),
            // An escaped bar would end a cell of a table behind another backslash.
            '|' => plain.push_str("&#124;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '!' | '~' | '$' => plain.extend(['\\', char]),
            char if !is_displayed(char) => plain.push('�'),
            char => plain.push(char),
        }
    }
    plain
}

/// Formats a string as a code span of Markdown, whatever backquotes it contains. In a table, bars would end its cell.
pub(super) fn code(text: &str) -> String {
    let text: String = text.replace(|char| !is_displayed(char), "\u{fffd}");
    let longest = text.split(|char| char != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    match longest {
        // An empty code span is not valid.
        _ if text.trim().is_empty() => String::new(),
        0 => format!("{fence}{text}{fence}"),
        _ => format!("{fence} {text} {fence}"),
    }
}

/// Formats a sentence for Markdown: what it has in backquotes as code spans, and the rest without markup.
pub(super) fn sentence(text: &str) -> String {
    formatted(text, plain, code)
}

/// Formats a sentence for a cell of a table in Markdown.
pub(super) fn cell(text: &str) -> String {
    formatted(text, plain, |code| format!("<code>{}</code>", plain(code)))
}

/// Formats a sentence for HTML inside of Markdown, such as in `<summary>`.
pub(super) fn html(text: &str) -> String {
    formatted(text, element, |code| format!("<code>{}</code>", element(code)))
}

/// Formats what a sentence has in backquotes as code.
fn formatted(text: &str, plain: fn(&str) -> String, code: fn(&str) -> String) -> String {
    let text = short(text);
    let parts: Vec<&str> = text.split('`').collect();
    // A value of the service may contain a backquote. Whatever follows is escaped either way.
    if parts.len().is_multiple_of(2) {
        return plain(&text);
    }
    let parts = parts.iter().enumerate().map(|(index, part)| match index % 2 {
        0 => plain(part),
        _ => code(part),
    });
    parts.collect()
}

/// Escapes the content of an HTML element. Addresses and mentions are prevented as in [`plain`].
fn element(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (index, char) in text.char_indices() {
        match char {
            ':' if text[index..].starts_with("://") => out.push_str("&#58;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '@' => out.push_str("@&#8203;"),
            char if !is_displayed(char) => out.push('�'),
            char => out.push(char),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_of_the_service_contain_no_markup() {
        assert_eq!(plain("<b>*@ann* | [x](y)\n"), "&lt;b&gt;\\*@&#8203;ann\\* &#124; \\[x\\](y)�");
        assert_eq!(plain("see https://a.b: WWW.a.b"), "see https&#58;//a.b: WWW&#46;a.b");
        assert_eq!(code("a ``|`` b\n<script>"), "``` a ``|`` b�<script> ```");
        assert_eq!(sentence("`a_b`: was *1*, is `<p>`"), "`a_b`: was \\*1\\*, is `<p>`");
        assert_eq!(html("`a_b`: was *1* & <p>"), "<code>a_b</code>: was *1* &amp; &lt;p&gt;");
        assert_eq!(cell("`a_b` is `\\|`"), "<code>a\\_b</code> is <code>\\\\&#124;</code>");
        assert_eq!(sentence("`a`: was `*"), "\\`a\\`: was \\`\\*");
    }

    #[test]
    fn strings_of_the_service_contain_no_commands() {
        assert_eq!(printable("\u{1b}[31m##vso[task.complete]"), "�[31m# #vso[task.complete]");
        assert_eq!(printable("http://[::1]/\u{202e}\u{61c}"), "http://[::1]/��");
        assert_eq!(printable("###vso[a]"), "# # #vso[a]");
        assert_eq!(printable("####vso[a]# #b"), "# # # #vso[a]# #b");
    }
}
