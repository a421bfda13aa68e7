//! Coverage of a live run: whether it sent every form of every argument and received every kind of response.
//!
//! Coverage is computed from the recorded exchanges, not from the names of cases, so that a case that is
//! renamed, broken or skipped leaves a gap.

use crate::coverage::Promise;
use crate::record::Exchange;
use serde_json::{Map, Value};
use wiretrait::Param;
use wiretrait::Route;

type IsForm = fn(Option<&Value>) -> bool;

/// The forms of an argument, each with its predicate.
const FORMS: [(&str, IsForm); 12] = [
    ("left out", |value| value.is_none()),
    ("as null", |value| value == Some(&Value::Null)),
    ("as `false`", |value| value == Some(&Value::Bool(false))),
    ("as `true`", |value| value == Some(&Value::Bool(true))),
    ("as 0", |value| value.and_then(Value::as_i64) == Some(0)),
    ("as a fraction", |value| value.and_then(Value::as_f64).is_some_and(|number| number.fract() != 0.0)),
    ("as an empty string", |value| value.and_then(Value::as_str) == Some("")),
    ("as a string beyond ASCII", |value| value.and_then(Value::as_str).is_some_and(|text| !text.is_ascii())),
    ("as an empty list", |value| value.and_then(Value::as_array).is_some_and(Vec::is_empty)),
    ("as a list", |value| value.and_then(Value::as_array).is_some_and(|items| !items.is_empty())),
    ("as an empty object", |value| value.and_then(Value::as_object).is_some_and(Map::is_empty)),
    ("as an object", |value| value.and_then(Value::as_object).is_some_and(|keys| !keys.is_empty())),
];

/// Returns a sentence for each form or response that no exchange contains, with the operation and the
/// argument.
///
/// `promise` returns the result type of an operation; `cases` is the location of the cases, which each
/// sentence names.
#[must_use]
pub fn live_gaps(
    routes: &[&Route],
    promise: impl Fn(&str) -> Promise,
    exchanges: &[Exchange],
    cases: &str,
) -> Vec<String> {
    let mut missing = Vec::new();
    for route in routes {
        let at = |path: String| exchanges.iter().filter(move |e| e.request.uri().path() == path);
        let bodies: Vec<Value> = at(route.path.to_owned())
            .filter_map(|exchange| serde_json::from_slice(exchange.request.body()).ok())
            .collect();
        for name in fields(route) {
            for (form, is_form) in FORMS {
                let sent = bodies.iter().filter(|body| body.is_object());
                if !sent.into_iter().any(|body| is_form(body.get(name))) {
                    missing
                        .push(format!("`{}`: `{name}` was never sent {form}: add it to {cases}", route.name));
                }
            }
        }
        // A trailing slash makes the path unknown.
        let responses: Vec<_> = at(route.path.to_owned()).chain(at(format!("{}/", route.path))).collect();
        for (expected, is_expected) in required(route, promise(route.name)) {
            if !responses.iter().any(|exchange| is_expected(exchange)) {
                missing.push(format!("`{}` never returned {expected}: add a case to {cases}", route.name));
            }
        }
    }
    missing
}

/// Returns the names of those arguments of a route that are keys of the JSON body.
pub fn fields(route: &Route) -> impl Iterator<Item = &'static str> {
    route.params.iter().filter_map(Param::field)
}

type Recognise = fn(&Exchange) -> bool;

/// Returns the responses that an operation must have returned.
fn required(route: &Route, promise: Promise) -> Vec<(&'static str, Recognise)> {
    let mut required: Vec<(&'static str, Recognise)> = vec![
        ("404 `ResourceNotFound`", |exchange| is_error(exchange, 404, "ResourceNotFound", false)),
        ("405 `MethodNotAllowed`", |exchange| is_error(exchange, 405, "MethodNotAllowed", false)),
        ("406 `NotAcceptable`", |exchange| is_error(exchange, 406, "NotAcceptable", false)),
        ("400 `InvalidContent`", |exchange| is_error(exchange, 400, "InvalidContent", false)),
    ];
    if fields(route).next().is_some() {
        required.push(("400 `INVALID_DATA`", |exchange| is_error(exchange, 400, "INVALID_DATA", true)));
    }
    if promise != Promise::Nothing {
        required.push(("200 with a body", |exchange| {
            exchange.response.status() == 200 && !exchange.response.body().is_empty()
        }));
    }
    if promise != Promise::Value {
        required.push(("204", |exchange| exchange.response.status() == 204));
    }
    required
}

fn is_error(exchange: &Exchange, status: u16, code: &str, of_command: bool) -> bool {
    let body: Value = serde_json::from_slice(exchange.response.body()).unwrap_or_default();
    exchange.response.status() == status
        && body.get("code").and_then(Value::as_str) == Some(code)
        && body.get("category").is_some() == of_command
}

#[cfg(test)]
mod tests {
    use super::live_gaps;
    use crate::coverage::Promise;
    use crate::notes::notes_v1;
    use crate::record::Exchange;
    use wiretrait::{Param, Place};
    use wiretrait::{Request, Response, Route};

    const ROUTE: &Route = &Route {
        contract: notes_v1::CONTRACT,
        name: "rename",
        doc: "",
        method: http::Method::POST,
        path: "/v1/things/rename",
        prefix: "",
        idempotent: true,
        timeout: None,
        has_body: true,
        content_type: "application/json",
        accept: "application/json",
        none: &[],
        constants: &[],
        params: &[
            Param::new("trace", false, &[Place::Correlation("trace")]),
            Param::new("new_name", true, &[Place::Field("new_name")]),
        ],
    };

    fn exchange(path: &'static str, sent: &str, status: u16, body: &str) -> Exchange {
        let mut request = Request::new(sent.to_owned().into());
        *request.uri_mut() = http::Uri::from_static(path);
        let mut response = Response::new(body.to_owned().into());
        *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
        Exchange { operation: "rename", request, response }
    }

    /// Exchanges that cover everything.
    fn complete() -> Vec<Exchange> {
        let forms = ["null", "false", "true", "0", "1.5", r#""""#, r#""ü""#, "[]", "[1]", "{}", r#"{"a":1}"#];
        let responses = [
            (200, "{}"),
            (204, ""),
            (400, r#"{"code":"INVALID_DATA","category":"BadRequest"}"#),
            (400, r#"{"code":"InvalidContent"}"#),
            (405, r#"{"code":"MethodNotAllowed"}"#),
            (406, r#"{"code":"NotAcceptable"}"#),
        ];
        let mut all: Vec<_> = forms
            .iter()
            .map(|form| exchange(ROUTE.path, &format!(r#"{{"new_name":{form}}}"#), 200, "{}"))
            .collect();
        all.extend(responses.iter().map(|(status, body)| exchange(ROUTE.path, "{}", *status, body)));
        all.push(exchange("/v1/things/rename/", "{}", 404, r#"{"code":"ResourceNotFound"}"#));
        all
    }

    fn missing(exchanges: &[Exchange]) -> Vec<String> {
        live_gaps(&[ROUTE], |_| Promise::Maybe, exchanges, "the cases")
    }

    #[test]
    fn a_complete_run_has_no_gaps() {
        assert_eq!(missing(&complete()), Vec::<String>::new());
    }

    #[test]
    fn every_gap_is_named() {
        let all = complete();
        let mut gaps = std::collections::BTreeSet::new();
        for left_out in 0..all.len() {
            let mut fewer = all.clone();
            fewer.remove(left_out);
            gaps.extend(missing(&fewer));
        }
        assert!(
            gaps.contains("`rename`: `new_name` was never sent as a list: add it to the cases"),
            "{gaps:?}"
        );
        assert!(
            gaps.contains("`rename` never returned 404 `ResourceNotFound`: add a case to the cases"),
            "{gaps:?}"
        );
        assert!(gaps.contains("`rename` never returned 204: add a case to the cases"), "{gaps:?}");
        assert_eq!(missing(&[]).len(), 12 + 7);
    }
}
