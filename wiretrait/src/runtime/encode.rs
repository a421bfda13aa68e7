//! Encoding of arguments into requests.

use super::absence::is_none;
use super::correlation::written;
use super::{CorrelationPlace, Encoding, JSON, ParamValue, ParamValues, Request, Route, path, segments};
use crate::codec::{self, Codec, Encode, EncodeField, FieldCodec, NullableFields};
use crate::error::Error;
use bytes::Bytes;
use http::Method;
use http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::uri::Uri;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde::Serialize;
use std::borrow::Cow;
use std::fmt;

/// All characters except the unreserved ones of RFC 3986 are escaped, so that every parser reads paths and
/// queries the same way.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The characters that are escaped in the rest of a path.
const ESCAPED_IN_REST: &AsciiSet = &ESCAPED.remove(b'/');

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
pub(crate) const UNWRITABLE: &str =
    "cannot be written as JSON: its `Serialize` returns an error, or a map has keys that are not strings";

/// The error for an argument that is not a flat object.
const UNFLATTENABLE: &str = "cannot be flattened into query parameters: its fields must be strings, numbers, `bool`s, or \
                             options and lists of them";

/// The error for a value that the service would read as an absent one.
const LOOKS_ABSENT: &str = "is `null` in JSON, which means that the field has no value";

const COMMA: &str = "has a value with a comma, which separates the values of the list";

const TOO_LONG: &str = "makes path and query longer than the limit of 60,000 bytes";

/// Builds one request.
///
/// Generated code calls its methods in the order of the path template, then in the order of the arguments. The first
/// argument that cannot be sent ends the encoding, and [`finish`](Self::finish) returns its error.
#[expect(clippy::struct_excessive_bools, reason = "they are independent, and only this module reads them")]
pub struct Encoder<'e> {
    route: &'static Route,
    encoding: &'e Encoding,
    /// Borrowed from the route while it is only the path of the route.
    target: Cow<'static, str>,
    has_query: bool,
    headers: HeaderMap,
    /// `true` if the headers contain a constant `Accept`.
    has_accept: bool,
    /// `true` if the headers contain a constant `Content-Type`.
    has_content_type: bool,
    body: Vec<u8>,
    /// `true` if the body is an object of fields that is not closed yet.
    in_object: bool,
    /// The error of the first argument that cannot be sent. Rejected alternative: a `Result` of every method, because
    /// each `?` in generated code costs more time to compile than its method call.
    error: Option<Error>,
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
            has_accept: false,
            has_content_type: false,
            body: Vec::with_capacity(if route.has_body { BODY } else { 0 }),
            in_object: false,
            error: None,
        }
    }

    /// Appends a literal part of the path template.
    #[inline]
    pub fn literal(&mut self, text: &'static str) {
        if self.target.is_empty() {
            self.target = Cow::Borrowed(text);
        } else {
            self.target.to_mut().push_str(text);
        }
    }

    /// Appends the literal end of the path, which may be empty, with the constant query parameters.
    #[inline]
    pub fn constant_query(&mut self, text: &'static str) {
        self.literal(text);
        self.has_query = true;
    }

    /// Sets a constant header. `Accept` and `Content-Type` replace those of the codecs, except the `Content-Type` of
    /// a multipart body, which contains its boundary.
    pub fn constant_header(&mut self, name: HeaderName, value: HeaderValue) {
        self.has_accept |= name == ACCEPT;
        self.has_content_type |= name == CONTENT_TYPE;
        self.headers.insert(name, value);
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
    pub fn path(&mut self, argument: &str, value: &(impl ParamValue + ?Sized)) {
        self.attempt(|encoder| {
            let rejected = |why| Error::argument(argument, why).with_operation(encoder.route.name);
            let text = value.to_text().map_err(rejected)?;
            segments::check(&text).map_err(rejected)?;
            encoder.target.to_mut().extend(utf8_percent_encode(&text, ESCAPED));
            if encoder.target.len() > LONGEST_TARGET { Err(rejected(TOO_LONG)) } else { Ok(()) }
        });
    }

    /// Appends the value of a placeholder for the rest of the path. Its slashes separate segments, each of which
    /// is escaped and checked like a [placeholder](Self::path); only the last may be empty.
    ///
    /// # Errors
    ///
    /// If a segment does not pass the check, or if the path becomes too long to be sent.
    pub fn path_rest(&mut self, argument: &str, value: &(impl ParamValue + ?Sized)) {
        self.attempt(|encoder| {
            let rejected = |why| Error::argument(argument, why).with_operation(encoder.route.name);
            let text = value.to_text().map_err(rejected)?;
            segments::check_rest(&text).map_err(rejected)?;
            encoder.target.to_mut().extend(utf8_percent_encode(&text, ESCAPED_IN_REST));
            if encoder.target.len() > LONGEST_TARGET { Err(rejected(TOO_LONG)) } else { Ok(()) }
        });
    }

    /// Appends the value of a placeholder that is only a part of a segment, and the literal after it. `is_last`
    /// is `true` if the segment ends there.
    ///
    /// # Errors
    ///
    /// If the value or the whole segment does not pass the check of [`path`](Self::path), if the value could not
    /// be read back because it contains the literal, or if the path becomes too long to be sent.
    pub fn path_part(
        &mut self,
        argument: &str,
        value: &(impl ParamValue + ?Sized),
        literal: &'static str,
        is_last: bool,
    ) {
        self.attempt(|encoder| {
            let rejected = |why: &str| Error::argument(argument, why).with_operation(encoder.route.name);
            let text = value.to_text().map_err(rejected)?;
            segments::check(&text).map_err(rejected)?;
            if !is_last && !path::ends_at(&text, literal) {
                return Err(rejected(&format!(
                    "cannot be distinguished from the `{literal}` after it in the path: remove that from the value"
                )));
            }
            let target = encoder.target.to_mut();
            target.extend(utf8_percent_encode(&text, ESCAPED));
            target.push_str(literal);
            if is_last {
                let start = target.rfind('/').map_or(0, |slash| slash + 1);
                let segment = percent_decode_str(&target[start..]).decode_utf8_lossy();
                segments::check(&segment).map_err(rejected)?;
            }
            if encoder.target.len() > LONGEST_TARGET { Err(rejected(TOO_LONG)) } else { Ok(()) }
        });
    }

    /// Appends a query parameter for each value.
    ///
    /// # Errors
    ///
    /// If a value cannot be written as a string, or the query becomes too long to be sent.
    pub fn query(&mut self, argument: &str, name: &str, values: &(impl ParamValues + ?Sized)) {
        self.attempt(|encoder| {
            let Self { target, has_query, .. } = encoder;
            let outcome = values.for_each_value(&mut |text| pair(target, has_query, name, text));
            outcome.map_err(|why| encoder.rejected(argument, why))
        });
    }

    /// Appends one query parameter with all values, separated by commas. An empty list appends nothing.
    ///
    /// The commas are not escaped, so that services that split the value before or after they decode it both
    /// read the same list.
    ///
    /// # Errors
    ///
    /// If a value contains a comma or cannot be written as a string, or the query becomes too long to be sent.
    pub fn query_list(&mut self, argument: &str, name: &'static str, values: &(impl ParamValues + ?Sized)) {
        self.attempt(|encoder| {
            let Self { target, has_query, .. } = encoder;
            let mut is_first = true;
            let outcome = values.for_each_value(&mut |text| {
                if text.contains(',') {
                    return Err(COMMA);
                }
                if std::mem::replace(&mut is_first, false) {
                    return pair(target, has_query, name, text);
                }
                let target = target.to_mut();
                target.push(',');
                target.extend(utf8_percent_encode(text, ESCAPED));
                if target.len() > LONGEST_TARGET { Err(TOO_LONG) } else { Ok(()) }
            });
            outcome.map_err(|why| encoder.rejected(argument, why))
        });
    }

    /// Appends a query parameter for each field of a struct, each key of a map or each pair of a list. A field
    /// that is a list is sent once for each value, and one that is `None` is left out.
    ///
    /// # Errors
    ///
    /// If a field is a struct or a map, or has the name of another query parameter of the operation, or if the
    /// query becomes too long to be sent.
    pub fn query_fields(&mut self, argument: &str, value: &(impl Serialize + ?Sized)) {
        self.attempt(|encoder| {
            let pairs = flattened(value).map_err(|why| encoder.rejected(argument, why))?;
            for (name, value) in form_urlencoded::parse(pairs.as_bytes()) {
                if encoder.route.claims_query(&name) {
                    return Err(encoder.rejected(
                        argument,
                        &format!("has the key `{name}`, which is another query parameter of the operation"),
                    ));
                }
                pair(&mut encoder.target, &mut encoder.has_query, &name, &value)
                    .map_err(|why| encoder.rejected(argument, why))?;
            }
            Ok(())
        });
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
    pub fn header(&mut self, argument: &str, name: &'static str, values: &(impl ParamValues + ?Sized)) {
        self.header_named(argument, || HeaderName::from_static(name), values);
    }

    fn header_named(
        &mut self,
        argument: &str,
        name: impl Fn() -> HeaderName,
        values: &(impl ParamValues + ?Sized),
    ) {
        self.attempt(|encoder| {
            let headers = &mut encoder.headers;
            let outcome = values.for_each_value(&mut |text| {
                headers.append(name(), header_value(text)?);
                Ok(())
            });
            outcome.map_err(|why| encoder.rejected(argument, why))
        });
    }

    /// Sets `Accept` or `Content-Type` in place of that of the codec or the contract. An absent value changes nothing.
    ///
    /// # Errors
    ///
    /// If the value is not valid in a header.
    ///
    /// # Panics
    ///
    /// If `name` is not a header name in lower case, which `http_api` has checked.
    pub fn media_type(&mut self, argument: &str, name: &'static str, value: &(impl ParamValues + ?Sized)) {
        self.attempt(|encoder| {
            let outcome = value.for_each_value(&mut |text| {
                encoder.constant_header(HeaderName::from_static(name), header_value(text)?);
                Ok(())
            });
            outcome.map_err(|why| encoder.rejected(argument, why))
        });
    }

    /// Appends one header with all values, separated by commas. An empty list appends nothing.
    ///
    /// # Errors
    ///
    /// If a value contains a comma, is empty or is not valid in a header.
    ///
    /// # Panics
    ///
    /// If `name` is not a header name in lower case, which `http_api` has checked.
    pub fn header_list(&mut self, argument: &str, name: &'static str, values: &(impl ParamValues + ?Sized)) {
        self.attempt(|encoder| {
            let mut list = String::new();
            let outcome = values.for_each_value(&mut |text| {
                if text.contains(',') {
                    return Err(COMMA);
                }
                // Recipients of a list ignore empty elements (RFC 9110, section 5.6.1).
                if text.is_empty() {
                    return Err("has an empty value, which is lost in a list of a header");
                }
                header_value(text)?;
                if !list.is_empty() {
                    list.push_str(", ");
                }
                list.push_str(text);
                Ok(())
            });
            let value = outcome.and_then(|()| header_value(&list));
            let value = value.map_err(|why| encoder.rejected(argument, why))?;
            if !list.is_empty() {
                encoder.headers.append(HeaderName::from_static(name), value);
            }
            Ok(())
        });
    }

    /// Appends a correlation id to the query, the headers or both, depending on the client's settings, which can also
    /// replace its name. An empty id is not sent, because services treat it as absent.
    ///
    /// # Errors
    ///
    /// Those of [`query`](Self::query) and [`header`](Self::header).
    ///
    /// # Panics
    ///
    /// If `name` is not a header name in lower case, which `http_api` has checked.
    pub fn correlation(&mut self, argument: &str, name: &'static str, values: &(impl ParamValues + ?Sized)) {
        self.correlation_as(argument, name, name, values);
    }

    /// Appends a correlation id whose query parameter has another name than its header: one with upper-case letters.
    ///
    /// # Errors
    ///
    /// Those of [`query`](Self::query) and [`header`](Self::header).
    ///
    /// # Panics
    ///
    /// If `header` is not a header name in lower case, which `http_api` has checked.
    pub fn correlation_as(
        &mut self,
        argument: &str,
        name: &'static str,
        header: &'static str,
        values: &(impl ParamValues + ?Sized),
    ) {
        let values = &NonEmpty(values);
        let Encoding { correlation_place: place, correlation_name: replacement, .. } = self.encoding;
        if matches!(place, CorrelationPlace::Query | CorrelationPlace::Both) {
            let name = replacement.as_ref().map_or(name, HeaderName::as_str);
            self.query(argument, name, values);
        }
        if matches!(place, CorrelationPlace::Headers | CorrelationPlace::Both) {
            match replacement {
                None => self.header(argument, header, values),
                Some(name) => self.header_named(argument, || name.clone(), values),
            }
        }
    }

    /// Appends a correlation id that is always a header. An empty id is not sent.
    ///
    /// # Errors
    ///
    /// Those of [`header`](Self::header).
    ///
    /// # Panics
    ///
    /// If `name` is not a header name in lower case, which `http_api` has checked.
    pub fn correlation_header(
        &mut self,
        argument: &str,
        name: &'static str,
        values: &(impl ParamValues + ?Sized),
    ) {
        self.header(argument, name, &NonEmpty(values));
    }

    /// Appends a key to the JSON object in the body. An absent value is written as `null`.
    ///
    /// # Errors
    ///
    /// If the value cannot be written as JSON, or is `null` in JSON, as `NaN` is, although it is not an absent
    /// value of an optional argument.
    pub fn field(&mut self, argument: &str, name: &'static str, value: &(impl Serialize + ?Sized)) {
        // Not by `attempt`, because a closure for each field costs more instructions.
        if self.error.is_none()
            && let Err(error) = self.try_field(argument, name, value)
        {
            self.error = Some(error);
        }
    }

    #[inline]
    fn try_field(
        &mut self,
        argument: &str,
        name: &'static str,
        value: &(impl Serialize + ?Sized),
    ) -> Result<(), Error> {
        self.body.push(if std::mem::replace(&mut self.in_object, true) { b',' } else { b'{' });
        self.key(argument, name)?;
        let start = self.body.len();
        self.json(argument, value)?;
        if self.body[start..] == *b"null" {
            if self.is_required(argument) {
                return Err(self.rejected(argument, "is `null` in JSON, but the operation requires it"));
            }
            if !is_none(value) {
                return Err(self.rejected(argument, LOOKS_ABSENT));
            }
        }
        Ok(())
    }

    /// Appends a key to the JSON object in the body, unless the value is absent.
    ///
    /// # Errors
    ///
    /// If the value cannot be written as JSON, or is `null` in JSON, as `NaN` is.
    pub fn optional_field<T: Serialize>(&mut self, argument: &str, name: &'static str, value: &Option<T>) {
        let Some(value) = value else { return };
        self.field(argument, name, value);
        self.check_not_null(argument);
    }

    /// Appends a key to the JSON object in the body, unless the value is absent. An inner `None` is written as
    /// `null`.
    ///
    /// # Errors
    ///
    /// If the value cannot be written as JSON, or is `null` in JSON, as `NaN` is.
    pub fn nullable_field<T: Serialize>(
        &mut self,
        argument: &str,
        name: &'static str,
        value: &Option<Option<T>>,
    ) {
        let Some(value) = value else { return };
        self.field(argument, name, value);
        if value.is_some() {
            self.check_not_null(argument);
        }
    }

    /// Checks that the last value in the body is not `null`, which the service would read as another call.
    fn check_not_null(&mut self, argument: &str) {
        self.attempt(|encoder| {
            if encoder.body.ends_with(b":null") {
                return Err(encoder.rejected(argument, LOOKS_ABSENT));
            }
            Ok(())
        });
    }

    /// Runs a step of the encoding and records its error, unless one has failed before.
    #[inline]
    fn attempt(&mut self, step: impl FnOnce(&mut Self) -> Result<(), Error>) {
        if self.error.is_none()
            && let Err(error) = step(self)
        {
            self.error = Some(error);
        }
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
    pub fn body(&mut self, argument: &str, value: &(impl Serialize + ?Sized)) {
        self.attempt(|encoder| encoder.json(argument, value));
    }

    /// Writes a key. Nearly all of them need no escapes, and are written without the serializer.
    #[inline]
    fn key(&mut self, argument: &str, name: &'static str) -> Result<(), Error> {
        let needs_escapes = |byte: u8| byte < b' ' || matches!(byte, b'"' | b'\\');
        if name.bytes().any(needs_escapes) {
            self.json(argument, name)?;
            self.body.push(b':');
        } else {
            self.body.push(b'"');
            self.body.extend_from_slice(name.as_bytes());
            self.body.extend_from_slice(b"\":");
        }
        Ok(())
    }

    #[inline]
    fn json(&mut self, argument: &str, value: &(impl Serialize + ?Sized)) -> Result<(), Error> {
        // The serializer's message may quote the value.
        serde_json::to_writer(&mut self.body, value).map_err(|_| self.rejected(argument, UNWRITABLE))
    }

    /// Writes the whole body with the codec `C`.
    ///
    /// # Errors
    ///
    /// If the value cannot be written in this format.
    pub fn body_as<C, T>(&mut self, argument: &str, value: &T) -> RequestBody
    where
        C: Encode<T>,
        T: ?Sized,
    {
        let mut body = RequestBody::default();
        self.attempt(|encoder| {
            let bytes = C::encode(value).map_err(|error| encoder.rejected_by_codec(argument, error))?;
            body = RequestBody { bytes, content_type: codec::content_type::<C>() };
            Ok(())
        });
        body
    }

    /// Writes the whole body with the codec `C`; no body and no `Content-Type` if there is no value.
    ///
    /// # Errors
    ///
    /// If the value cannot be written in this format.
    pub fn optional_body_as<C, T>(&mut self, argument: &str, value: Option<&T>) -> RequestBody
    where
        C: Encode<T>,
        T: ?Sized,
    {
        value.map_or_else(RequestBody::default, |value| self.body_as::<C, T>(argument, value))
    }

    /// Appends a field of the codec `C`.
    ///
    /// # Errors
    ///
    /// If the value cannot be written in this format.
    pub fn field_as<C, T>(&mut self, fields: &mut C::Writer, argument: &str, name: &'static str, value: &T)
    where
        C: EncodeField<T>,
        T: ?Sized,
    {
        self.attempt(|encoder| {
            C::encode_field(fields, name, value).map_err(|error| encoder.rejected_by_codec(argument, error))
        });
    }

    /// Appends a field of the codec `C`, unless the value is absent. An inner `None` is `null`.
    ///
    /// # Errors
    ///
    /// If the value cannot be written in this format.
    pub fn nullable_field_as<C, T>(
        &mut self,
        fields: &mut C::Writer,
        argument: &str,
        name: &'static str,
        value: &Option<Option<T>>,
    ) where
        C: NullableFields + EncodeField<Option<T>>,
    {
        if let Some(value) = value {
            self.field_as::<C, _>(fields, argument, name, value);
        }
    }

    fn rejected_by_codec(&self, argument: &str, error: codec::CodecError) -> Error {
        let rejected = self.rejected(argument, &error.to_string());
        match error.into_source() {
            Some(source) => rejected.with_source(source),
            None => rejected,
        }
    }

    fn rejected(&self, argument: &str, why: &str) -> Error {
        Error::argument(argument, why).with_operation(self.route.name).with_correlation_id(written(
            self.route,
            self.encoding,
            &self.target,
            &self.headers,
        ))
    }

    /// Returns the request.
    ///
    /// # Errors
    ///
    /// If an argument cannot be sent, or path and query are not a valid request target.
    #[inline]
    pub fn finish(self) -> Result<Request, Error> {
        self.finish_accepting(Some(JSON))
    }

    #[inline]
    fn finish_accepting(mut self, accept: Option<HeaderValue>) -> Result<Request, Error> {
        if self.route.has_body {
            if self.in_object {
                self.body.push(b'}');
            } else if self.body.is_empty() && self.route.method != Method::DELETE {
                self.body.extend_from_slice(b"{}");
            }
            match (self.body.is_empty(), self.has_content_type) {
                (false, false) => {
                    self.headers.insert(CONTENT_TYPE, JSON);
                }
                (true, true) => {
                    self.headers.remove(CONTENT_TYPE);
                }
                _ => {}
            }
        }
        let body = std::mem::take(&mut self.body);
        self.complete(body.into(), accept)
    }

    /// Returns the request with `body`, whose response has the codec `R`.
    ///
    /// # Errors
    ///
    /// If an argument cannot be sent, or path and query are not a valid request target.
    pub fn finish_with<R: Codec>(mut self, body: RequestBody) -> Result<Request, Error> {
        let needs_body = matches!(self.route.method, Method::POST | Method::PUT | Method::PATCH);
        let content_type = body.content_type.filter(|_| needs_body || !body.bytes.is_empty());
        match content_type {
            // The type of a multipart body contains its boundary.
            Some(content_type)
                if !self.has_content_type || content_type.as_bytes().starts_with(b"multipart/") =>
            {
                self.headers.insert(CONTENT_TYPE, content_type);
            }
            None if self.has_content_type && body.bytes.is_empty() => {
                self.headers.remove(CONTENT_TYPE);
            }
            Some(_) | None => {}
        }
        if body.bytes.is_empty() && needs_body {
            // RFC 9110, section 8.6: some servers respond with 411 if it is missing, and HTTP libraries omit it.
            self.headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        self.complete(body.bytes, codec::accept::<R>())
    }

    #[inline]
    fn complete(mut self, body: Bytes, accept: Option<HeaderValue>) -> Result<Request, Error> {
        if let Some(error) = self.error {
            return Err(error);
        }
        // The prefix has no escapes, so the target contains it unchanged.
        let prefix = self.route.prefix;
        if let Some(base) = self.encoding.base_route.as_ref().filter(|_| self.target.starts_with(prefix)) {
            self.target.to_mut().replace_range(..prefix.len(), base.as_str());
        }
        if let Some(accept) = accept.filter(|_| !self.has_accept) {
            self.headers.insert(ACCEPT, accept);
        }
        let target = match self.target {
            Cow::Borrowed(path) => Bytes::from_static(path.as_bytes()),
            Cow::Owned(target) => target.into(),
        };
        let target = Uri::from_maybe_shared(target).map_err(|error| {
            let message = "the arguments do not make a valid request target";
            Error::new(crate::ErrorKind::Encode, message).with_source(error).with_operation(self.route.name)
        })?;
        let mut request = Request::new(body);
        *request.method_mut() = self.route.method.clone();
        *request.uri_mut() = target;
        *request.headers_mut() = self.headers;
        Ok(request)
    }
}

/// The body of a request that is not JSON, with its `Content-Type`.
#[derive(Default)]
pub struct RequestBody {
    bytes: Bytes,
    content_type: Option<HeaderValue>,
}

/// Omits the body, which may be private.
impl fmt::Debug for RequestBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestBody").field("len", &self.bytes.len()).finish_non_exhaustive()
    }
}

/// Returns the body that consists of `fields`.
pub fn body_of<C: FieldCodec>(fields: C::Writer) -> RequestBody {
    let (content_type, bytes) = C::finish(fields);
    RequestBody { bytes, content_type: Some(content_type) }
}

/// Returns empty fields of the codec `C`.
#[must_use]
pub fn fields_of<C: FieldCodec>() -> C::Writer {
    C::Writer::default()
}

/// Returns the body of a request that has no arguments in its body.
#[must_use]
pub fn without_arguments<C: Codec>() -> RequestBody {
    match C::WITHOUT_ARGUMENTS {
        Some(body) => {
            RequestBody { bytes: Bytes::from_static(body), content_type: codec::content_type::<C>() }
        }
        None => RequestBody::default(),
    }
}

/// Returns the request of `encoder` with a JSON body, if the route has one, whose response has the codec `R`.
///
/// # Errors
///
/// If path and query are not a valid request target.
pub fn finish_json<R: Codec>(encoder: Encoder<'_>) -> Result<Request, Error> {
    encoder.finish_accepting(codec::accept::<R>())
}

/// The values of a correlation id that are sent: all but empty ones, which services treat as absent.
struct NonEmpty<'v, V: ?Sized>(&'v V);

impl<V: ParamValues + ?Sized> ParamValues for NonEmpty<'_, V> {
    fn for_each_value(
        &self,
        each: &mut dyn FnMut(&str) -> Result<(), &'static str>,
    ) -> Result<(), &'static str> {
        self.0.for_each_value(&mut |value| if value.is_empty() { Ok(()) } else { each(value) })
    }
}

/// Appends one query parameter to `target`.
#[inline]
fn pair(
    target: &mut Cow<'static, str>,
    has_query: &mut bool,
    name: &str,
    value: &str,
) -> Result<(), &'static str> {
    let target = target.to_mut();
    target.push(if std::mem::replace(has_query, true) { '&' } else { '?' });
    target.extend(utf8_percent_encode(name, ESCAPED));
    target.push('=');
    target.extend(utf8_percent_encode(value, ESCAPED));
    if target.len() > LONGEST_TARGET { Err(TOO_LONG) } else { Ok(()) }
}

/// Returns the fields of `value` as a query.
fn flattened(value: &(impl Serialize + ?Sized)) -> Result<String, &'static str> {
    // The error may quote the value.
    serde_html_form::to_string(value).map_err(|_| UNFLATTENABLE)
}

/// Checks a value of a header. Other bytes could be sent, but servers read them in different encodings, and
/// whitespace at both ends is lost.
#[inline]
fn header_value(text: &str) -> Result<HeaderValue, &'static str> {
    let safe = text.bytes().all(|byte| matches!(byte, b'\t' | b' '..=b'~')) && text.trim() == text;
    HeaderValue::from_str(text).ok().filter(|_| safe).ok_or(
        "has a control character, a non-ASCII character, or whitespace at its start or end, which headers do not carry safely",
    )
}
