//! How requests, responses and what was read from them look on a page.
//!
//! A message is shown as HTTP/1.1 would carry it, head first and the body as it is: the order of keys, an
//! explicit `null` and the absence of a space are part of the contract. `Debug` output was refused because it
//! sorts nothing, escapes everything and changes with the libraries.

use sessions_client::{Error, Place, Request, Response, Route};
use std::error::Error as _;
use std::fmt::Write as _;

/// A request: its line, its headers as they are sent, and its body.
#[must_use]
pub fn request(request: &Request) -> String {
    let mut page = format!("{} {} HTTP/1.1\n", request.method(), request.uri());
    headers(&mut page, request.headers());
    page.push('\n');
    page.push_str(&body(request.body()));
    page
}

/// A response: its status, the headers that it has, and its body.
#[must_use]
pub fn response(response: &Response) -> String {
    let mut page = format!("HTTP/1.1 {}\n", response.status());
    headers(&mut page, response.headers());
    if !response.body().is_empty() {
        page.push('\n');
        page.push_str(&body(response.body()));
    }
    page
}

fn headers(page: &mut String, headers: &http::HeaderMap) {
    for (name, value) in headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        let _ = writeln!(page, "{name}: {value}");
    }
}

/// Bytes that are no text are told by their number: a page holds text.
fn body(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => format!("({} bytes that are not UTF-8)", bytes.len()),
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
        let _ = writeln!(page, "{}\n    {route}", route.name);
        let _ = writeln!(
            page,
            "    {}, {}, time limit: {timeout}",
            if route.idempotent { "idempotent" } else { "not idempotent" },
            if route.has_body { "JSON body" } else { "no body" },
        );
        for param in route.params {
            let need = if param.required { "required" } else { "optional" };
            let places: Vec<String> = param.places.iter().map(place).collect();
            let _ = writeln!(page, "    {:<16}{need:<10}{}", param.name, places.join(", "));
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
        assert_eq!(page, "POST /v1/x?a=b%20c HTTP/1.1\naccept: application/json\n\n{\"b\":null,\"a\":1}");
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
