//! From arguments to a request.

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

/// Everything but RFC 3986's unreserved characters is escaped: what is left means the same to every parser,
/// in a path and in a query.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The longest path and query, in bytes. `http::Uri` ends at 65,534, the address of the service included; the
/// service itself takes 16 KiB of head by default, but a gateway's limit is its own to tell.
const LONGEST_TARGET: usize = 60_000;

/// Room for the headers of most requests, with those that a transport adds: the address, an agent, credentials, a trace.
const HEADERS: usize = 6;

/// Room for the body of most calls, in bytes: it need not move while it is written.
const BODY: usize = 256;

/// What is wrong with an argument that has no JSON.
pub(crate) const UNWRITABLE: &str =
    "cannot be written as JSON: its `Serialize` refuses, or a map has keys that are no text";

const TOO_LONG: &str = "makes path and query longer than the 60,000 bytes that are sent";

/// Writes one request, place by place.
///
/// Generated code calls it in the order of the path template, then of the arguments.
pub struct Encoder<'e> {
    route: &'static Route,
    encoding: &'e Encoding,
    /// The path of the route, as long as it is no more than that.
    target: Cow<'static, str>,
    has_query: bool,
    headers: HeaderMap,
    body: Vec<u8>,
    /// Whether the body is an object of fields that waits for its end.
    in_object: bool,
}

impl fmt::Debug for Encoder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encoder").field("operation", &self.route.name).finish_non_exhaustive()
    }
}

impl<'e> Encoder<'e> {
    /// An empty request for `route`.
    #[must_use]
    pub fn new(route: &'static Route, encoding: &'e Encoding) -> Self {
        Self {
            route,
            encoding,
            target: Cow::Borrowed(""),
            has_query: false,
            headers: HeaderMap::with_capacity(HEADERS),
            body: Vec::with_capacity(if route.has_body { BODY } else { 0 }),
            in_object: false,
        }
    }

    /// Text of the path template.
    pub fn literal(&mut self, text: &str) {
        if self.target.is_empty() && text == self.route.path {
            self.target = Cow::Borrowed(self.route.path);
        } else {
            self.target.to_mut().push_str(text);
        }
    }

    /// A value in the place of a placeholder.
    ///
    /// A slash in it is sent as `%2F`, and every other reserved character is escaped too. Some proxies decode escapes
    /// before they resolve the path, and some do so twice, so a value is refused if that could lead outside of the
    /// route's path. For this check,
    ///
    /// 1. escapes in the value are decoded until none is left, tabs and line breaks are dropped;
    /// 2. the result is split at `/` and `\`;
    /// 3. each segment ends at its first `;`, `?`, `#` or NUL, and control characters and spaces in it are dropped.
    ///
    /// No segment may then be `.` or `..`, or have become empty; the first and the last may not be empty at all.
    ///
    /// # Errors
    ///
    /// When the value does not pass that check, or has escapes that do not decode to UTF-8. When the path becomes too
    /// long to be sent.
    pub fn path(&mut self, argument: &str, value: &(impl ParamValue + ?Sized)) -> Result<(), Error> {
        let refused = |why| Error::argument(argument, why).with_operation(self.route.name);
        let text = value.to_text().map_err(refused)?;
        segments::check(&text).map_err(refused)?;
        self.target.to_mut().extend(utf8_percent_encode(&text, ESCAPED));
        if self.target.len() > LONGEST_TARGET { Err(refused(TOO_LONG)) } else { Ok(()) }
    }

    /// The values of a query parameter, none for an absent one.
    ///
    /// # Errors
    ///
    /// When a value has no text, or the query becomes too long to be sent.
    pub fn query(
        &mut self,
        argument: &str,
        name: &'static str,
        values: &(impl ParamValues + ?Sized),
    ) -> Result<(), Error> {
        let Self { target, has_query, .. } = self;
        let outcome = values.for_each_text(&mut |text| {
            let target = target.to_mut();
            target.push(if std::mem::replace(has_query, true) { '&' } else { '?' });
            target.extend(utf8_percent_encode(name, ESCAPED));
            target.push('=');
            target.extend(utf8_percent_encode(text, ESCAPED));
            if target.len() > LONGEST_TARGET { Err(TOO_LONG) } else { Ok(()) }
        });
        outcome.map_err(|why| self.refused(argument, why))
    }

    /// The values of a header, none for an absent one.
    ///
    /// # Errors
    ///
    /// When a value cannot stand in a header.
    ///
    /// # Panics
    ///
    /// When `name` is no header name in lower case, which `http_api` has checked.
    pub fn header(
        &mut self,
        argument: &str,
        name: &'static str,
        values: &(impl ParamValues + ?Sized),
    ) -> Result<(), Error> {
        let headers = &mut self.headers;
        let outcome = values.for_each_text(&mut |text| {
            // Other bytes could be sent, but each server reads them in an encoding of its own, and blanks at
            // the ends are lost on the way.
            let safe = text.bytes().all(|byte| matches!(byte, b'\t' | b' '..=b'~')) && text.trim() == text;
            let value = HeaderValue::from_str(text).ok().filter(|_| safe).ok_or(
                "has a control character, a character beyond ASCII or a blank at its end, which no header carries safely",
            )?;
            headers.append(HeaderName::from_static(name), value);
            Ok(())
        });
        outcome.map_err(|why| self.refused(argument, why))
    }

    /// A correlation id, where the client is set up to put it.
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

    /// A key of the JSON object in the body. An absent value is written as `null`, as the official clients
    /// do.
    ///
    /// # Errors
    ///
    /// When the value cannot be written as JSON, or is `null` in JSON though the argument is required: `NaN`
    /// is, for one.
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
            return Err(self.refused(argument, "is `null` in JSON, but the operation requires it"));
        }
        Ok(())
    }

    fn is_required(&self, argument: &str) -> bool {
        self.route.params.iter().any(|param| param.name == argument && param.required)
    }

    /// The whole body.
    ///
    /// # Errors
    ///
    /// When the value cannot be written as JSON.
    pub fn body(&mut self, argument: &str, value: &(impl Serialize + ?Sized)) -> Result<(), Error> {
        self.json(argument, value)
    }

    fn json(&mut self, argument: &str, value: &(impl Serialize + ?Sized)) -> Result<(), Error> {
        // The serializer's own words may quote the value.
        serde_json::to_writer(&mut self.body, value).map_err(|_| self.refused(argument, UNWRITABLE))
    }

    fn refused(&self, argument: &str, why: &str) -> Error {
        Error::argument(argument, why).with_operation(self.route.name).with_correlation_id(written(
            self.route,
            &self.target,
            &self.headers,
        ))
    }

    /// The request.
    ///
    /// # Errors
    ///
    /// When path and query do not make a request target.
    pub fn finish(mut self) -> Result<Request, Error> {
        // The prefix is text without escapes, so it stands in the target as it is in the route.
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
            let message = "the arguments make no request target that HTTP allows";
            Error::new(crate::ErrorKind::Encode, message).with_source(error).with_operation(self.route.name)
        })?;
        let mut request = Request::new(self.body.into());
        *request.method_mut() = self.route.method.clone();
        *request.uri_mut() = target;
        *request.headers_mut() = self.headers;
        Ok(request)
    }
}
