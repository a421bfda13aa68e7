//! How requests, responses and what was read from them look on a page.
//!
//! A message is shown as HTTP/1.1 would carry it, head first. The order of keys, an explicit `null` and the absence
//! of a space are part of the contract: a body in the shortest form of its JSON, which is what everybody sends, is
//! laid out for reading, and one in any other form is shown as it is, with a note. So each byte can be told from
//! the page. `Debug` output was refused because it sorts nothing, escapes everything and changes with the libraries.

use crate::normalize::Normalizer;
use http::header::{ACCEPT, ALLOW, CONTENT_ENCODING, CONTENT_TYPE, HeaderName, LOCATION, RETRY_AFTER};
use serde_json::Value;
use sessions_client::{Error, Place, Request, Response, Route};
use std::error::Error as _;
use std::fmt::Write as _;

/// Stands above a body that is not in the shortest form of its JSON.
pub(crate) const NOT_SHORTEST: &str = "(not the shortest form of this JSON)";

/// A request: its line, its headers as they are sent, and its body.
#[must_use]
pub fn request(request: &Request) -> String {
    let mut page = format!("{} {} HTTP/1.1\n", request.method(), request.uri());
    headers(&mut page, request.headers());
    page.push('\n');
    page.push_str(&body(request.body(), &|json| json, &str::to_owned));
    page
}

/// A response: its status, the headers that it has, and its body.
#[must_use]
pub fn response(response: &Response) -> String {
    let mut page = format!("HTTP/1.1 {}\n", response.status());
    headers(&mut page, response.headers());
    if !response.body().is_empty() {
        page.push('\n');
        page.push_str(&body(response.body(), &|json| json, &str::to_owned));
    }
    page
}

/// A request of a run, with names for what differs from run to run. Of its headers, those that are unusual.
pub(crate) fn sent(request: &Request, names: &Normalizer) -> String {
    let mut page = format!("{} {} HTTP/1.1\n", request.method(), names.text(&request.uri().to_string()));
    for name in [CONTENT_TYPE, ACCEPT] {
        let usual = name == CONTENT_TYPE && request.body().is_empty();
        match request.headers().get(&name).map(|value| String::from_utf8_lossy(value.as_bytes())) {
            Some(value) if value == "application/json" => {}
            Some(value) => {
                let _ = writeln!(page, "{name}: {value}");
            }
            None if name == CONTENT_TYPE && !usual => page.push_str("(no content-type)\n"),
            None => {}
        }
    }
    if !request.body().is_empty() {
        let shown = body(request.body(), &|json| names.shown(json), &|text| names.text(text));
        let _ = write!(page, "\n{shown}\n");
    }
    page
}

/// The headers that say something about the contract wherever the service runs. A proxy changes all others.
const TELLING: [HeaderName; 5] = [CONTENT_TYPE, ALLOW, LOCATION, RETRY_AFTER, CONTENT_ENCODING];

/// A response of a run, with names for what differs from run to run. Of its headers, those that tell something,
/// and `more`.
pub(crate) fn received(response: &Response, names: &Normalizer, more: &[&str]) -> String {
    let mut page = format!("HTTP/1.1 {}\n", response.status());
    let more = more.iter().filter_map(|name| HeaderName::try_from(*name).ok());
    for name in TELLING.into_iter().chain(more) {
        for value in response.headers().get_all(&name) {
            let _ = writeln!(page, "{name}: {}", String::from_utf8_lossy(value.as_bytes()));
        }
    }
    if !response.body().is_empty() {
        let shown = body(response.body(), &|json| names.answer(json), &|text| names.text(text));
        let _ = write!(page, "\n{shown}\n");
    }
    page
}

fn headers(page: &mut String, headers: &http::HeaderMap) {
    for (name, value) in headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        let _ = writeln!(page, "{name}: {value}");
    }
}

/// A body, with `json` and `text` to name what differs. Bytes that are no text are told by their number: a page
/// holds text.
fn body(bytes: &[u8], json: &dyn Fn(Value) -> Value, text: &dyn Fn(&str) -> String) -> String {
    let Ok(body) = std::str::from_utf8(bytes) else {
        return format!("({} bytes that are not UTF-8)", bytes.len());
    };
    match serde_json::from_str::<Value>(body) {
        Ok(value) if serde_json::to_vec(&value).is_ok_and(|shortest| shortest == bytes) => {
            format!("{:#}", json(value))
        }
        Ok(_) => format!("{NOT_SHORTEST}\n{}", text(body)),
        Err(_) => text(body),
    }
}

/// What a typed decoder made of `body`: the value, written as JSON again where that is not the body itself, or
/// all that an error tells.
#[must_use]
pub fn reading(outcome: &Result<String, Error>, body: &str) -> String {
    let error = match outcome {
        Ok(json) if json == "null" => return "read as none".to_owned(),
        Ok(json) if json == body => return "read and written again as the same".to_owned(),
        Ok(json) => return format!("read as\n{json}"),
        Err(error) => error,
    };
    let mut page = format!("read as an error\n{error}\n\nkind:     {:?}", error.kind());
    if let Some(status) = error.status() {
        let _ = write!(page, "\nstatus:   {}", status.as_u16());
    }
    if let Some(service) = error.service() {
        let _ = write!(page, "\ncode:     {}", service.code);
        let _ = write!(page, "\ncategory: {}", service.category.as_deref().unwrap_or("(none)"));
        let _ = write!(page, "\nmessage:  {}", service.message);
        if let Some(cause) = &service.cause {
            let _ = write!(page, "\ncause:    {cause}");
        }
        for (name, value) in &service.details {
            let _ = write!(page, "\ndetail:   {name} = {value}");
        }
    }
    if let Some(source) = error.source() {
        let _ = write!(page, "\nsource:   {source}");
    }
    page
}

/// A route table, an operation a paragraph.
#[must_use]
pub fn routes(routes: &[&Route]) -> String {
    let mut page = String::new();
    for route in routes {
        let timeout = route.timeout.map_or_else(|| "the client's".to_owned(), |limit| format!("{limit:?}"));
        let _ = writeln!(page, "# {}\n\n{:<16}{route}", route.name, "(request)");
        let repeat = if route.idempotent { "idempotent" } else { "not idempotent" };
        let body = if route.has_body { "JSON" } else { "none" };
        for (what, value) in [("(repeat)", repeat), ("(body)", body), ("(time limit)", &timeout)] {
            let _ = writeln!(page, "{what:<16}{value}");
        }
        for param in route.params {
            let need = if param.required { "required" } else { "optional" };
            let places: Vec<String> = param.places.iter().map(place).collect();
            let _ = writeln!(page, "{:<14}  {need:<10}{}", param.name, places.join(", "));
        }
        page.push('\n');
    }
    page
}

fn place(place: &Place) -> String {
    match place {
        Place::Path(name) => format!("path {{{name}}}"),
        Place::Query(name) => format!("query {name}"),
        Place::Header(name) => format!("header {name}"),
        Place::Field(name) => format!("field {name}"),
        Place::Body => "the whole body".to_owned(),
        Place::Correlation(name) => format!("correlation id {name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{reading, request, response};
    use bytes::Bytes;
    use sessions_client::{Error, ErrorKind};

    #[test]
    fn a_request_is_shown_as_it_travels() {
        let built = http::Request::post("/v1/x?a=b%20c")
            .header("accept", "application/json")
            .body(Bytes::from_static(br#"{"b":null,"a":1}"#));
        let page = request(&built.unwrap());
        let body = "{\n  \"b\": null,\n  \"a\": 1\n}";
        assert_eq!(page, format!("POST /v1/x?a=b%20c HTTP/1.1\naccept: application/json\n\n{body}"));
    }

    #[test]
    fn a_body_that_is_not_in_its_shortest_form_is_shown_as_it_is() {
        for body in ["{\"a\": 1}", "[1e0]", "{\"a\":1,\"a\":1}", "\"\\u00fc\""] {
            let built = http::Response::builder().body(Bytes::from(body));
            let page = response(&built.unwrap());
            assert_eq!(page, format!("HTTP/1.1 200 OK\n\n(not the shortest form of this JSON)\n{body}"));
        }
    }

    #[test]
    fn a_response_without_a_body_ends_with_its_head() {
        let built = http::Response::builder().status(204).body(Bytes::new());
        assert_eq!(response(&built.unwrap()), "HTTP/1.1 204 No Content\n");
    }

    #[test]
    fn a_body_that_is_no_text_is_told_by_its_size() {
        let built = http::Response::builder().body(Bytes::from_static(b"\xff\xfe"));
        assert_eq!(response(&built.unwrap()), "HTTP/1.1 200 OK\n\n(2 bytes that are not UTF-8)");
    }

    #[test]
    fn what_is_lost_in_reading_is_seen() {
        let read = || Ok("{\"a\":1}".to_owned());
        assert_eq!(reading(&read(), "{\"a\":1}"), "read and written again as the same");
        assert_eq!(reading(&read(), "{\"a\":1,\"b\":2}"), "read as\n{\"a\":1}");
    }

    #[test]
    fn an_error_of_no_service_has_no_code() {
        let page = reading(&Err(Error::new(ErrorKind::Timeout, "too slow")), "");
        assert_eq!(page, "read as an error\ntoo slow\n\nkind:     Timeout");
    }
}
