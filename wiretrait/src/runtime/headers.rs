//! The headers of a single call.

use crate::config::BELONGS_TO_CONNECTION;
use crate::error::{Error, ErrorKind};
use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, PROXY_AUTHORIZATION};
use std::fmt;

/// Headers that are added to an encoded request, or the first reason why that is not possible.
///
/// A call has few of them, so a list costs less than a map.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct CallHeaders {
    list: Vec<(HeaderName, HeaderValue)>,
    /// The message of the error.
    invalid: Option<String>,
}

impl CallHeaders {
    /// Sets a header. All values count as sensitive, since only the caller knows which are.
    pub(super) fn set(&mut self, name: &str, value: &[u8]) {
        match parse(name, value) {
            Ok((name, value)) => self.replace(name, value),
            Err(message) => self.invalid = self.invalid.take().or(Some(message)),
        }
    }

    pub(super) fn set_token(&mut self, token: &str) {
        match bearer(token) {
            Some(value) => self.replace(AUTHORIZATION, value),
            None => self.invalid = self.invalid.take().or_else(|| Some(INVALID_TOKEN.to_owned())),
        }
    }

    fn replace(&mut self, name: HeaderName, value: HeaderValue) {
        self.list.retain(|(known, _)| *known != name);
        self.list.push((name, value));
    }

    /// Adds the headers of `base` whose names are not set.
    pub(super) fn add_missing(&mut self, base: &Self) {
        for (name, value) in &base.list {
            if !self.list.iter().any(|(known, _)| known == name) {
                self.list.push((name.clone(), value.clone()));
            }
        }
        if self.invalid.is_none() {
            self.invalid.clone_from(&base.invalid);
        }
    }

    /// Sets the headers in those of a request.
    pub(super) fn apply(&self, headers: &mut HeaderMap) -> Result<(), Error> {
        if let Some(message) = &self.invalid {
            return Err(Error::new(ErrorKind::Encode, message.clone()));
        }
        for (name, value) in &self.list {
            headers.insert(name, value.clone());
        }
        Ok(())
    }
}

const INVALID_TOKEN: &str = "the token of the call is empty or has a character that is not valid in a header: \
                             pass it without spaces and line breaks";

fn parse(name: &str, value: &[u8]) -> Result<(HeaderName, HeaderValue), String> {
    let valid = HeaderName::from_bytes(name.as_bytes()).map_err(|_| {
        // The rest may be a value, as in `name: value`.
        let end = name.find(|c: char| !is_of_a_name(c)).unwrap_or(name.len()).min(60);
        match &name[..end] {
            "" => "a header of the call has a name that is not valid: write it like `x-api-key`".to_owned(),
            start => format!(
                "the header `{start}` of the call has a name that is not valid: use letters, digits and `-`"
            ),
        }
    })?;
    if BELONGS_TO_CONNECTION.contains(&valid) {
        return Err(format!("the header `{valid}` belongs to the connection: remove it from the call"));
    }
    if valid == PROXY_AUTHORIZATION {
        return Err(format!(
            "the header `{valid}` of the call could be read by the service: use `Proxy::url`"
        ));
    }
    let mut value = HeaderValue::from_bytes(value).map_err(|_| {
        format!(
            "the header `{valid}` of the call has a value that is not valid: remove its control characters"
        )
    })?;
    value.set_sensitive(true);
    Ok((valid, value))
}

/// Returns whether `c` is a character of a header name (RFC 9110, section 5.6.2).
fn is_of_a_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)
}

/// Returns the value of the header `Authorization` for a bearer token, or `None` if it is empty or has
/// characters that a token cannot have.
pub(crate) fn bearer(token: &str) -> Option<HeaderValue> {
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return None;
    }
    let mut value = HeaderValue::try_from(format!("Bearer {token}")).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Shows only names.
impl fmt::Debug for CallHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.list.iter().map(|(name, _)| name)).finish()
    }
}
