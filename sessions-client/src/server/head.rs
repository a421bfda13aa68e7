//! Headers as Node.js hands them to a service: one text each.

use http::header::{AsHeaderName, HeaderMap, HeaderValue};
use std::borrow::Cow;

/// The header's text, nothing of one that is absent or empty: JavaScript does not tell them apart.
pub(super) fn text(headers: &HeaderMap, name: impl AsHeaderName) -> Option<Cow<'_, str>> {
    let mut values = headers.get_all(name).iter();
    let first = latin1(values.next()?);
    let joined = values.fold(first, |joined, next| Cow::Owned(format!("{joined}, {}", latin1(next))));
    Some(joined).filter(|text| !text.is_empty())
}

/// Every byte of a header is a character.
fn latin1(value: &HeaderValue) -> Cow<'_, str> {
    match value.to_str() {
        Ok(ascii) => Cow::Borrowed(ascii),
        Err(_) => Cow::Owned(value.as_bytes().iter().copied().map(char::from).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::text;
    use http::header::{HeaderMap, HeaderValue, IF_MATCH};

    #[test]
    fn repeated_headers_are_one_text_and_bytes_are_characters() {
        let mut headers = HeaderMap::new();
        assert_eq!(text(&headers, IF_MATCH), None);
        headers.append(IF_MATCH, HeaderValue::from_static(""));
        assert_eq!(text(&headers, IF_MATCH), None);
        headers.append(IF_MATCH, HeaderValue::from_bytes(b"\xe9").unwrap());
        assert_eq!(text(&headers, IF_MATCH).as_deref(), Some(", \u{e9}"));
    }
}
