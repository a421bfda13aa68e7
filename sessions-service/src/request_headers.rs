//! Request headers as Node.js passes them to a service: one string each.

use http::header::{AsHeaderName, HeaderMap, HeaderValue};
use std::borrow::Cow;

/// Returns the value of a header, or `None` if it is absent or empty, which JavaScript does not distinguish.
/// Several values are joined.
pub(super) fn header_value(headers: &HeaderMap, name: impl AsHeaderName) -> Option<Cow<'_, str>> {
    let mut values = headers.get_all(name).iter();
    let first = latin1(values.next()?);
    let joined = values.fold(first, |joined, next| Cow::Owned(format!("{joined}, {}", latin1(next))));
    Some(joined).filter(|value| !value.is_empty())
}

/// Decodes every byte of a header as one character.
fn latin1(value: &HeaderValue) -> Cow<'_, str> {
    match value.to_str() {
        Ok(ascii) => Cow::Borrowed(ascii),
        Err(_) => Cow::Owned(value.as_bytes().iter().copied().map(char::from).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::header_value;
    use http::header::{HeaderMap, HeaderValue, IF_MATCH};

    #[test]
    fn headers_of_one_name_are_joined_and_bytes_are_characters() {
        let mut headers = HeaderMap::new();
        assert_eq!(header_value(&headers, IF_MATCH), None);
        headers.append(IF_MATCH, HeaderValue::from_static(""));
        assert_eq!(header_value(&headers, IF_MATCH), None);
        headers.append(IF_MATCH, HeaderValue::from_bytes(b"\xe9").unwrap());
        assert_eq!(header_value(&headers, IF_MATCH).as_deref(), Some(", \u{e9}"));
    }
}
