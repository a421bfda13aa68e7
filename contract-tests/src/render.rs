//! Renders requests, responses and decoded results as snapshots.
//!
//! A message is shown in the form of HTTP/1.1, head first. The order of keys, an explicit `null` and the
//! absence of spaces are part of the contract. Therefore a body of compact JSON, the usual form, is
//! pretty-printed, and any other body is shown verbatim with a note, so that each byte follows from the
//! snapshot.
//!
//! Rejected alternative: `Debug` output, because it does not sort, escapes everything and changes with the
//! libraries.

use crate::normalize::Normalizer;
use crate::objects::BYTE_ORDER_MARK;
use crate::value::Value;
use http::header::{ACCEPT, ALLOW, CONTENT_ENCODING, CONTENT_TYPE, HeaderName, LOCATION, RETRY_AFTER};
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use std::collections::BTreeSet;
use std::error::Error as _;
use std::fmt::Write as _;
use wiretrait::Place;
use wiretrait::{Error, Request, Response, Route};

/// The line above a body that is JSON, but not compact, and is shown verbatim.
pub const NOT_COMPACT: &str = "(not compact JSON)";

/// The lines above the JSON of a live response whose bytes are not those of compact JSON, with their words. The
/// JSON itself is shown as usual, since the values of the run can only be replaced in values.
pub const JSON_NOTES: [(&str, &str); 4] = [
    ("(after a byte order mark)", "after a byte order mark"),
    ("(JSON with spaces)", "with spaces"),
    ("(JSON with other escapes or numbers)", "with other escapes or numbers"),
    (DUPLICATES, "with duplicate keys"),
];

const DUPLICATES: &str = "(JSON with duplicate keys)";

/// Renders a request: its first line, its headers in order, and its body.
#[must_use]
pub fn request(request: &Request) -> String {
    let mut out = format!("{} {} HTTP/1.1\n", request.method(), request.uri());
    headers(&mut out, request.headers());
    out.push('\n');
    out.push_str(&body(request.body(), &|json| json, &str::to_owned));
    out
}

/// Renders a response: its status, all its headers, and its body.
#[must_use]
pub fn response(response: &Response) -> String {
    let mut out = format!("HTTP/1.1 {}\n", response.status());
    headers(&mut out, response.headers());
    if !response.body().is_empty() {
        out.push('\n');
        out.push_str(&body(response.body(), &|json| json, &str::to_owned));
    }
    out
}

/// Renders a request of a live run, normalized, with those headers that deviate from the default.
pub(crate) fn sent(request: &Request, names: &Normalizer) -> String {
    let mut out = format!("{} {} HTTP/1.1\n", request.method(), names.target(&request.uri().to_string()));
    for name in [CONTENT_TYPE, ACCEPT] {
        let usual = name == CONTENT_TYPE && request.body().is_empty();
        match request.headers().get(&name).map(|value| String::from_utf8_lossy(value.as_bytes())) {
            Some(value) if value == "application/json" => {}
            Some(value) => {
                let _ = writeln!(out, "{name}: {value}");
            }
            None if name == CONTENT_TYPE && !usual => out.push_str("(no content-type)\n"),
            None => {}
        }
    }
    if !request.body().is_empty() {
        let shown = body(request.body(), &|json| names.request_body(json), &|text| names.normalize(text));
        let _ = write!(out, "\n{shown}\n");
    }
    out
}

/// The headers that belong to the contract wherever the service runs. A proxy may change all others.
const CONTRACT_HEADERS: [HeaderName; 5] = [CONTENT_TYPE, ALLOW, LOCATION, RETRY_AFTER, CONTENT_ENCODING];

/// Renders a response of a live run, normalized, with the headers of the contract and those in `more`.
pub(crate) fn received(response: &Response, names: &Normalizer, more: &[&str]) -> String {
    let mut out = format!("HTTP/1.1 {}\n", response.status());
    let more = more.iter().filter_map(|name| HeaderName::try_from(*name).ok());
    for name in CONTRACT_HEADERS.into_iter().chain(more) {
        for value in response.headers().get_all(&name) {
            let _ = writeln!(out, "{name}: {}", String::from_utf8_lossy(value.as_bytes()));
        }
    }
    if !response.body().is_empty() {
        let _ = write!(out, "\n{}\n", live_body(response.body(), names));
    }
    out
}

/// Renders the body of a live response, normalized, with a note for each way in which it is not compact JSON.
fn live_body(bytes: &[u8], names: &Normalizer) -> String {
    let [(mark, _), (spaces, _), (escapes, _), _] = JSON_NOTES;
    let rest = bytes.strip_prefix(BYTE_ORDER_MARK);
    let (json, mark) = (rest.unwrap_or(bytes), rest.map(|_| mark));
    let Ok(value) = serde_json::from_slice::<Value>(json) else {
        return body(bytes, &|json| json, &|text| names.normalize(text));
    };
    let compact = serde_json::to_vec(&value).unwrap_or_default();
    let without_spaces = without_spaces(json);
    let spaces = (without_spaces != json).then_some(spaces);
    let rewritten =
        (without_spaces != compact).then(|| if has_duplicates(json) { DUPLICATES } else { escapes });
    let notes = [mark, spaces, rewritten].into_iter().flatten();
    notes.map(|note| format!("{note}\n")).chain([format!("{:#}", names.response_body(value))]).collect()
}

/// Returns JSON without the spaces between its tokens.
fn without_spaces(json: &[u8]) -> Vec<u8> {
    let (mut in_string, mut is_escaped) = (false, false);
    let keep = |byte: &&u8| {
        let is_space = !in_string && byte.is_ascii_whitespace();
        (in_string, is_escaped) = match **byte {
            b'"' if !is_escaped => (!in_string, false),
            b'\\' => (in_string, in_string && !is_escaped),
            _ => (in_string, false),
        };
        !is_space
    };
    json.iter().filter(keep).copied().collect()
}

/// Returns whether an object in the JSON has a key more than once.
fn has_duplicates(json: &[u8]) -> bool {
    /// A value that is only valid without duplicate keys.
    struct Unique;

    impl<'de> Deserialize<'de> for Unique {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_any(Unique)
        }
    }

    impl<'de> Visitor<'de> for Unique {
        type Value = Self;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("JSON without duplicate keys")
        }

        fn visit_unit<E>(self) -> Result<Self, E> {
            Ok(self)
        }

        fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
            Ok(self)
        }

        fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
            Ok(self)
        }

        fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
            Ok(self)
        }

        fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
            Ok(self)
        }

        fn visit_str<E>(self, _: &str) -> Result<Self, E> {
            Ok(self)
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self, A::Error> {
            while items.next_element::<Self>()?.is_some() {}
            Ok(self)
        }

        fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self, A::Error> {
            let mut keys = BTreeSet::new();
            while let Some((key, Self)) = entries.next_entry::<String, Self>()? {
                if !keys.insert(key) {
                    return Err(A::Error::custom("a duplicate key"));
                }
            }
            Ok(self)
        }
    }

    serde_json::from_slice::<Unique>(json).is_err()
}

fn headers(out: &mut String, headers: &http::HeaderMap) {
    for (name, value) in headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        let _ = writeln!(out, "{name}: {value}");
    }
}

/// Renders a body, normalized by `json` and `text`. Bytes that are not UTF-8 are shown as their number, since
/// a snapshot is UTF-8.
fn body(bytes: &[u8], json: &dyn Fn(Value) -> Value, text: &dyn Fn(&str) -> String) -> String {
    let Ok(body) = std::str::from_utf8(bytes) else {
        return format!("({} bytes that are not UTF-8)", bytes.len());
    };
    match serde_json::from_str::<Value>(body) {
        Ok(value) if serde_json::to_vec(&value).is_ok_and(|shortest| shortest == bytes) => {
            format!("{:#}", json(value))
        }
        Ok(_) => format!("{NOT_COMPACT}\n{}", text(body)),
        Err(_) => text(body),
    }
}

/// Renders the result of a typed decoder for `body`: the value, encoded as JSON again if that differs from
/// the body, or all fields of the error.
#[must_use]
pub fn decoded(outcome: &Result<String, Error>, body: &str) -> String {
    let error = match outcome {
        Ok(json) if json == "null" => return "decoded as `None`".to_owned(),
        Ok(json) if json == body => return "decoded and encoded again without a change".to_owned(),
        Ok(json) => return format!("decoded as\n{json}"),
        Err(error) => error,
    };
    let mut out = format!("decoded as an error\n{error}\n\nkind:     {:?}", error.kind());
    if let Some(status) = error.status() {
        let _ = write!(out, "\nstatus:   {}", status.as_u16());
    }
    if let Some(service) = error.service() {
        let _ = write!(out, "\ncode:     {}", service.code);
        let _ = write!(out, "\ncategory: {}", service.category.as_deref().unwrap_or("(none)"));
        let _ = write!(out, "\nmessage:  {}", service.message);
        if let Some(cause) = &service.cause {
            let _ = write!(out, "\ncause:    {cause}");
        }
        for (name, value) in &service.details {
            let _ = write!(out, "\ndetail:   {name} = {value}");
        }
    }
    if let Some(source) = error.source() {
        let _ = write!(out, "\nsource:   {source}");
    }
    out
}

/// Renders a route table, one paragraph for each operation.
#[must_use]
pub fn routes(routes: &[&Route]) -> String {
    let mut out = String::new();
    for route in routes {
        let timeout = route.timeout.map_or_else(|| "the client's".to_owned(), |limit| format!("{limit:?}"));
        let _ = writeln!(out, "# {}\n\n{:<16}{route}", route.name, "(request)");
        let retry = if route.idempotent { "idempotent" } else { "not idempotent" };
        let body = if route.has_body { "JSON" } else { "none" };
        for (what, value) in [("(retry)", retry), ("(body)", body), ("(time limit)", &timeout)] {
            let _ = writeln!(out, "{what:<16}{value}");
        }
        for param in route.params {
            let need = if param.required { "required" } else { "optional" };
            let places: Vec<String> = param.places.iter().map(place).collect();
            let _ = writeln!(out, "{:<14}  {need:<10}{}", param.name, places.join(", "));
        }
        out.push('\n');
    }
    out
}

fn place(place: &Place) -> String {
    match place {
        Place::Path(name) => format!("path {{{name}}}"),
        Place::Query(name) => format!("query {name}"),
        Place::QueryList(name) => format!("query {name}, comma-separated"),
        Place::QueryFields => "query, one parameter for each field".to_owned(),
        Place::Header(name) => format!("header {name}"),
        Place::HeaderList(name) => format!("header {name}, comma-separated"),
        Place::Field(name) => format!("field {name}"),
        Place::Body => "the whole body".to_owned(),
        Place::Correlation(name) => format!("correlation id {name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{decoded, live_body, request, response};
    use crate::Normalizer;
    use crate::objects::SESSION;
    use bytes::Bytes;
    use wiretrait::{Error, ErrorKind};

    #[test]
    fn a_request_is_shown_in_the_form_of_http() {
        let built = http::Request::post("/v1/x?a=b%20c")
            .header("accept", "application/json")
            .body(Bytes::from_static(br#"{"b":null,"a":1}"#));
        let out = request(&built.unwrap());
        let body = "{\n  \"b\": null,\n  \"a\": 1\n}";
        assert_eq!(out, format!("POST /v1/x?a=b%20c HTTP/1.1\naccept: application/json\n\n{body}"));
    }

    #[test]
    fn a_body_that_is_not_compact_json_is_shown_verbatim() {
        for body in ["{\"a\": 1}", "[1e0]", "{\"a\":1,\"a\":1}", "\"\\u00fc\""] {
            let built = http::Response::builder().body(Bytes::from(body));
            let out = response(&built.unwrap());
            assert_eq!(out, format!("HTTP/1.1 200 OK\n\n(not compact JSON)\n{body}"));
        }
    }

    #[test]
    fn the_form_of_live_json_is_noted_and_its_values_are_normalized() {
        let mut names = Normalizer::new(&SESSION);
        names.name("ü-1", "<user>");
        let shown = |body: &str| live_body(body.as_bytes(), &names).replace(['\n', ' '], "");
        assert_eq!(shown(r#"{"a":"ü-1 \\\" b"}"#), r#"{"a":"<user>\\\"b"}"#);
        assert_eq!(shown(r#"{"a": "ü-1"}"#), r#"(JSONwithspaces){"a":"<user>"}"#);
        assert_eq!(shown(r#"{"a":"\u00fc-1"}"#), r#"(JSONwithotherescapesornumbers){"a":"<user>"}"#);
        assert_eq!(shown(r#"{"a":1,"a":1}"#), r#"(JSONwithduplicatekeys){"a":1}"#);
        assert_eq!(shown("\u{feff}{}"), "(afterabyteordermark){}");
        assert_eq!(shown("<p>ü-1"), "<p><user>");
    }

    #[test]
    fn a_response_without_a_body_ends_with_its_head() {
        let built = http::Response::builder().status(204).body(Bytes::new());
        assert_eq!(response(&built.unwrap()), "HTTP/1.1 204 No Content\n");
    }

    #[test]
    fn a_body_that_is_not_utf8_is_shown_as_its_size() {
        let built = http::Response::builder().body(Bytes::from_static(b"\xff\xfe"));
        assert_eq!(response(&built.unwrap()), "HTTP/1.1 200 OK\n\n(2 bytes that are not UTF-8)");
    }

    #[test]
    fn keys_lost_in_decoding_are_visible() {
        let value = || Ok("{\"a\":1}".to_owned());
        assert_eq!(decoded(&value(), "{\"a\":1}"), "decoded and encoded again without a change");
        assert_eq!(decoded(&value(), "{\"a\":1,\"b\":2}"), "decoded as\n{\"a\":1}");
    }

    #[test]
    fn an_error_without_a_response_has_no_code() {
        let out = decoded(&Err(Error::new(ErrorKind::Timeout, "too slow")), "");
        assert_eq!(out, "decoded as an error\ntoo slow\n\nkind:     Timeout");
    }
}
