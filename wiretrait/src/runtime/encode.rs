//! Encoding of arguments into requests.

use super::correlation::written;
use super::{CorrelationPlace, Encoding, JSON, ParamValue, ParamValues, Request, Route, segments};
use crate::error::Error;
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::uri::Uri;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use std::borrow::Cow;
use std::fmt;

/// All characters except the unreserved ones of RFC 3986 are escaped, so that every parser reads paths and
/// queries the same way.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The maximum length of path and query, in bytes. `http::Uri` is limited to 65,534 including the address of
/// the service. Services and gateways may have lower limits, which they report themselves.
const LONGEST_TARGET: usize = 60_000;

/// Capacity for the headers of most requests, including those that a transport adds: host, user agent,
/// credentials, trace.
const HEADERS: usize = 6;

/// Capacity for headers if the client or its calls have more of them. A map that grows costs as much as two
/// headers.
const MORE_HEADERS: usize = 12;

/// Capacity for the body of most requests, in bytes, which avoids reallocation.
const BODY: usize = 256;

/// The error for an argument that cannot be serialized.
const UNWRITABLE: &str =
    "cannot be written as JSON: its `Serialize` returns an error, or a map has keys that are not strings";

const TOO_LONG: &str = "makes path and query longer than the limit of 60,000 bytes";

/// Builds one request.
///
/// Generated code calls its methods in the order of the path template, then in the order of the arguments.
pub struct Encoder<'e> {
    route: &'static Route,
    encoding: &'e Encoding,
    /// Borrowed from the route while it is only the path of the route.
    target: Cow<'static, str>,
    has_query: bool,
    headers: HeaderMap,
    body: Vec<u8>,
    /// `true` if the body is an object of fields that is not closed yet.
    in_object: bool,
}

impl fmt::Debug for Encoder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encoder").field("operation", &self.route.name).finish_non_exhaustive()
    }
}

impl<'e> Encoder<'e> {
    /// Creates an encoder of a request for `route`.
    #[must_use]
    #[inline]
    pub fn new(route: &'static Route, encoding: &'e Encoding) -> Self {
        Self {
            route,
            encoding,
            target: Cow::Borrowed(""),
            has_query: false,
            headers: HeaderMap::with_capacity(if encoding.has_more_headers { MORE_HEADERS } else { HEADERS }),
            body: Vec::with_capacity(if route.has_body { BODY } else { 0 }),
            in_object: false,
        }
    }

    /// Appends a literal part of the path template.
    #[inline]
    pub fn literal(&mut self, text: &str) {
        if self.target.is_empty() && text == self.route.path {
            self.target = Cow::Borrowed(self.route.path);
        } else {
            self.target.to_mut().push_str(text);
        }
    }

    /// Appends the value of a placeholder.
    ///
    /// A slash in it is sent as `%2F`, and every other reserved character is escaped too. Some proxies decode
    /// escapes before they resolve the path, and some do so twice, so a value is rejected if that could lead
    /// outside of the route's path. For this check,
    ///
    /// 1. escapes in the value are decoded until none is left, tabs and line breaks are dropped;
    /// 2. the result is split at `/` and `\`;
    /// 3. each segment ends at its first `;`, `?`, `#` or NUL, and control characters and spaces in it are
    ///    dropped.
    ///
    /// No segment may then be `.` or `..`, or have become empty; the first and the last may not be empty at
    /// all.
    ///
    /// # Errors
    ///
    /// If the value does not pass that check, or has escapes that do not decode to UTF-8, or if the path
    /// becomes too long to be sent.
    pub fn path(&mut self, argument: &str, value: &(impl ParamValue + ?Sized)) -> Result<(), Error> {
        let rejected = |why| Error::argument(argument, why).with_operation(self.route.name);
        let text = value.to_text().map_err(rejected)?;
        segments::check(&text).map_err(rejected)?;
        self.target.to_mut().extend(utf8_percent_encode(&text, ESCAPED));
        if self.target.len() > LONGEST_TARGET { Err(rejected(TOO_LONG)) } else { Ok(()) }
    }

    /// Appends a query parameter for each value.
    ///
    /// # Errors
    ///
    /// If a value cannot be written as a string, or the query becomes too long to be sent.
    pub fn query(
        &mut self,
        argument: &str,
        name: &'static str,
        values: &(impl ParamValues + ?Sized),
    ) -> Result<(), Error> {
        let Self { target, has_query, .. } = self;
        let outcome = values.for_each_value(&mut |text| {
            let target = target.to_mut();
            target.push(if std::mem::replace(has_query, true) { '&' } else { '?' });
            target.extend(utf8_percent_encode(name, ESCAPED));
            target.push('=');
            target.extend(utf8_percent_encode(text, ESCAPED));
            if target.len() > LONGEST_TARGET { Err(TOO_LONG) } else { Ok(()) }
        });
        outcome.map_err(|why| self.rejected(argument, why))
    }

    /// Appends a header for each value.
    ///
    /// # Errors
    ///
    /// If a value is not valid in a header.
    ///
    /// # Panics
    ///
    /// If `name` is not a header name in lower case, which `http_api` has checked.
    pub fn header(
        &mut self,
        argument: &str,
        name: &'static str,
        values: &(impl ParamValues + ?Sized),
    ) -> Result<(), Error> {
        let headers = &mut self.headers;
        let outcome = values.for_each_value(&mut |text| {
            // Other bytes could be sent, but servers read them in different encodings, and whitespace at both
            // ends is lost.
            let safe = text.bytes().all(|byte| matches!(byte, b'\t' | b' '..=b'~')) && text.trim() == text;
            let value = HeaderValue::from_str(text).ok().filter(|_| safe).ok_or(
                "has a control character, a non-ASCII character, or whitespace at its start or end, which headers do not carry safely",
            )?;
            headers.append(HeaderName::from_static(name), value);
            Ok(())
        });
        outcome.map_err(|why| self.rejected(argument, why))
    }

    /// Appends a correlation id to the query, the headers or both, depending on the client's settings.
    ///
    /// # Errors
    ///
    /// Those of [`query`](Self::query) and [`header`](Self::header).
    pub fn correlation(
        &mut self,
        argument: &str,
        name: &'static str,
        values: &(impl ParamValues + ?Sized),
    ) -> Result<(), Error> {
        let place = self.encoding.correlation_place;
        if matches!(place, CorrelationPlace::Query | CorrelationPlace::Both) {
            self.query(argument, name, values)?;
        }
        if matches!(place, CorrelationPlace::Headers | CorrelationPlace::Both) {
            self.header(argument, name, values)?;
        }
        Ok(())
    }

    /// Appends a key to the JSON object in the body. An absent value is written as `null`.
    ///
    /// # Errors
    ///
    /// If the value cannot be written as JSON, or is `null` in JSON although the argument is required, as
    /// `NaN` is.
    pub fn field(
        &mut self,
        argument: &str,
        name: &'static str,
        value: &(impl Serialize + ?Sized),
    ) -> Result<(), Error> {
        self.body.push(if std::mem::replace(&mut self.in_object, true) { b',' } else { b'{' });
        self.json(argument, name)?;
        self.body.push(b':');
        let start = self.body.len();
        self.json(argument, value)?;
        if self.body[start..] == *b"null" && self.is_required(argument) {
            return Err(self.rejected(argument, "is `null` in JSON, but the operation requires it"));
        }
        Ok(())
    }

    #[inline]
    fn is_required(&self, argument: &str) -> bool {
        self.route.params.iter().any(|param| param.name == argument && param.required)
    }

    /// Writes the whole body.
    ///
    /// # Errors
    ///
    /// If the value cannot be written as JSON.
    pub fn body(&mut self, argument: &str, value: &(impl Serialize + ?Sized)) -> Result<(), Error> {
        self.json(argument, value)
    }

    fn json(&mut self, argument: &str, value: &(impl Serialize + ?Sized)) -> Result<(), Error> {
        // The serializer's message may quote the value.
        serde_json::to_writer(&mut self.body, value).map_err(|_| self.rejected(argument, UNWRITABLE))
    }

    fn rejected(&self, argument: &str, why: &str) -> Error {
        Error::argument(argument, why).with_operation(self.route.name).with_correlation_id(written(
            self.route,
            &self.target,
            &self.headers,
        ))
    }

    /// Returns the request.
    ///
    /// # Errors
    ///
    /// If path and query are not a valid request target.
    #[inline]
    pub fn finish(mut self) -> Result<Request, Error> {
        // The prefix has no escapes, so the target contains it unchanged.
        let prefix = self.route.prefix;
        if let Some(base) = self.encoding.base_route.as_ref().filter(|_| self.target.starts_with(prefix)) {
            self.target.to_mut().replace_range(..prefix.len(), base.as_str());
        }
        if self.route.has_body {
            if self.in_object {
                self.body.push(b'}');
            } else if self.body.is_empty() {
                self.body.extend_from_slice(b"{}");
            }
            self.headers.insert(CONTENT_TYPE, JSON);
        }
        self.headers.insert(ACCEPT, JSON);
        let target = match self.target {
            Cow::Borrowed(path) => Bytes::from_static(path.as_bytes()),
            Cow::Owned(target) => target.into(),
        };
        let target = Uri::from_maybe_shared(target).map_err(|error| {
            let message = "the arguments do not make a valid request target";
            Error::new(crate::ErrorKind::Encode, message).with_source(error).with_operation(self.route.name)
        })?;
        let mut request = Request::new(self.body.into());
        *request.method_mut() = self.route.method.clone();
        *request.uri_mut() = target;
        *request.headers_mut() = self.headers;
        Ok(request)
    }
}
