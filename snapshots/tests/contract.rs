//! The contract offline: the requests that the client encodes, and the results that it decodes from
//! responses.

mod comparison;
mod messages;

use http::header::CONTENT_TYPE;
use messages::{Operation, TABLE, operations};
use serde_json::Value;
use sessions_client::{CorrelationPlace, Encoding, Response, Route, sessions_v1};
use snapshots::{Kind, OperationCases, Promise, decoded, gaps};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Compares `snapshot` with the stored one.
fn compare(name: &str, snapshot: &str) {
    comparison::compare_all(&[("", name.to_owned(), snapshot.to_owned())]);
}

fn request_name(operation: &Operation, situation: &str) -> String {
    format!("request__{}__{situation}", operation.name)
}

fn response_name(operation: &Operation, kind: Kind, situation: &str) -> String {
    format!("response__{}__{kind}__{situation}", operation.name)
}

/// The situation of the snapshot with all locations of a correlation id.
const CORRELATION: &str = "correlation_id";

#[test]
fn the_route_table_matches_its_snapshot() {
    compare("routes", &snapshots::routes(sessions_v1::ROUTES));
}

/// Returns the kinds of the cases in the table.
fn covered(operations: &[Operation]) -> Vec<OperationCases<'_>> {
    let kinds = |operation: &Operation| {
        let responses = operation.responses.iter().map(|response_case| response_case.kind);
        operation.requests.iter().map(|_| Kind::Request).chain(responses).collect()
    };
    operations
        .iter()
        .map(|operation| OperationCases {
            operation: operation.name,
            promise: operation.promise,
            kinds: kinds(operation),
        })
        .collect()
}

#[test]
fn the_table_covers_the_whole_contract() {
    let gaps = gaps(sessions_v1::ROUTES, &covered(&operations()), TABLE);
    assert!(gaps.is_empty(), "the contract is not covered:\n{}", gaps.join("\n"));
}

#[test]
fn a_new_operation_without_cases_is_named() {
    let added = Route {
        contract: sessions_v1::CONTRACT,
        name: "extend_session",
        doc: "",
        method: http::Method::POST,
        path: "/v1/sessions/extend_session",
        prefix: "/v1/sessions",
        idempotent: false,
        timeout: None,
        has_body: true,
        content_type: "application/json",
        accept: "application/json",
        none: &[],
        constants: &[],
        params: &[],
    };
    let routes: Vec<&Route> = sessions_v1::ROUTES.iter().copied().chain([&added]).collect();
    let operations = operations();
    let gaps = gaps(&routes, &covered(&operations), TABLE);
    assert_eq!(gaps.len(), 1, "{gaps:?}");
    assert!(
        gaps[0].starts_with("`extend_session` (POST /v1/sessions/extend_session) has no cases"),
        "{gaps:?}"
    );
}

#[test]
fn every_promise_matches_its_decoder() {
    for Operation { name, promise, decode, responses, .. } in operations() {
        let mut nothing = Response::default();
        *nothing.status_mut() = http::StatusCode::NO_CONTENT;
        let may_be_nothing = decode(nothing).is_ok();
        let has_success = responses.iter().any(|response_case| response_case.kind == Kind::Success);
        let kept = match promise {
            Promise::Value => !may_be_nothing && has_success,
            Promise::Maybe => may_be_nothing && has_success,
            Promise::Nothing => may_be_nothing && !has_success,
        };
        assert!(kept, "`{name}` does not decode as `Promise::{promise:?}`: correct its entry in {TABLE}");
    }
}

#[test]
fn every_request_matches_its_snapshot() {
    for operation in operations() {
        for case in &operation.requests {
            let request = (case.encode)(case.correlation_id, &Encoding::default()).unwrap();
            compare(&request_name(&operation, case.situation), &snapshots::request(&request));
        }
    }
}

#[test]
fn bodies_equal_those_of_the_official_clients() {
    for Operation { name, requests, .. } in operations() {
        assert!(
            requests.iter().any(|case| case.official.is_some()),
            "`{name}` is never compared with the official clients: add their body to one of its requests in {TABLE}"
        );
        for case in requests {
            let Some(official) = case.official else { continue };
            let request = (case.encode)(None, &Encoding::default()).unwrap();
            let body = std::str::from_utf8(request.body()).unwrap();
            assert_eq!(body, official, "{name}, {}", case.situation);
        }
    }
}

#[test]
fn every_argument_is_present_once_and_optional_ones_absent_once() {
    let operations = operations();
    let mut missing = Vec::new();
    for route in sessions_v1::ROUTES {
        let cases = operations.iter().filter(|operation| operation.name == route.name);
        let bodies: Vec<Value> = cases
            .flat_map(|operation| &operation.requests)
            .map(|case| (case.encode)(None, &Encoding::default()).unwrap())
            .map(|request| serde_json::from_slice(request.body()).unwrap())
            .collect();
        for param in route.params {
            let Some(field) = param.field() else { continue };
            let is_given = |body: &Value| body.get(field).is_some_and(|value| !value.is_null());
            if !bodies.iter().any(is_given) {
                missing.push(format!("`{}`: no request has `{field}`: add one to {TABLE}", route.name));
            }
            if !param.required && bodies.iter().all(is_given) {
                missing
                    .push(format!("`{}`: no request is without `{field}`: add one to {TABLE}", route.name));
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn a_correlation_id_is_sent_where_the_client_is_configured_to() {
    let needs_escaping = "ü 1/2 & 100%+?=#";
    let situations = [
        ("in the query", Some("123"), CorrelationPlace::Query),
        ("in a header", Some("123"), CorrelationPlace::Headers),
        ("in both", Some("123"), CorrelationPlace::Both),
        ("one that needs escaping", Some(needs_escaping), CorrelationPlace::Query),
        ("one beyond ASCII, in a header", Some(needs_escaping), CorrelationPlace::Headers),
        ("empty", Some(""), CorrelationPlace::Both),
        ("absent", None, CorrelationPlace::Both),
    ];
    for operation in operations() {
        let case = &operation.requests[0];
        let mut snapshot = String::new();
        for (situation, id, place) in situations {
            let mut encoding = Encoding::default();
            encoding.correlation_place = place;
            let shown = match (case.encode)(id, &encoding) {
                Ok(request) => snapshots::request(&request),
                Err(error) => format!("rejected: {error}"),
            };
            let head = shown.split("\n\n").next().unwrap_or_default();
            let _ = write!(snapshot, "# {situation}\n{head}\n\n");
        }
        compare(&request_name(&operation, CORRELATION), &snapshot);
    }
}

#[test]
fn every_response_is_decoded_as_in_its_snapshot() {
    for operation in operations() {
        for response_case in &operation.responses {
            let mut response = Response::new(response_case.body.clone().into());
            *response.status_mut() = response_case.status;
            if let Some(content_type) = response_case.content_type {
                response.headers_mut().insert(CONTENT_TYPE, content_type.parse().unwrap());
            }
            let shown = snapshots::response(&response);
            let outcome = (operation.decode)(response);
            let expected = match response_case.kind {
                Kind::Success | Kind::None => outcome.is_ok(),
                Kind::Invalid | Kind::Failure | Kind::Unreached => outcome.is_err(),
                Kind::Unexpected | Kind::Request => true,
            };
            let (name, kind, situation) = (operation.name, response_case.kind, response_case.situation);
            assert!(expected, "`{name}`, {situation}: not decoded as {kind}: {outcome:?}");
            let snapshot = format!("{}\n\n{}", shown.trim_end(), decoded(&outcome, &response_case.body));
            compare(&response_name(&operation, kind, situation), &snapshot);
        }
    }
}

#[test]
fn errors_have_the_shape_of_their_kind() {
    for Operation { name, responses, .. } in operations() {
        for response_case in responses {
            let has_category = match response_case.kind {
                Kind::Invalid | Kind::Failure => true,
                Kind::Unreached => false,
                _ => continue,
            };
            let body: Value = serde_json::from_str(&response_case.body).unwrap();
            assert_eq!(body.get("category").is_some(), has_category, "{name}, {}", response_case.situation);
            assert_eq!(
                response_case.status.is_server_error(),
                body.get("cause").is_some() || body["code"] == "Internal"
            );
        }
    }
}

#[test]
fn every_stored_snapshot_has_a_case() {
    let mut expected = BTreeSet::from(["routes".to_owned()]);
    for operation in operations() {
        expected.insert(request_name(&operation, CORRELATION));
        expected.extend(operation.requests.iter().map(|case| request_name(&operation, case.situation)));
        expected.extend(
            operation
                .responses
                .iter()
                .map(|response_case| response_name(&operation, response_case.kind, response_case.situation)),
        );
    }
    // Those of other test targets.
    expected.extend(["changed_service", "revision__changes"].map(str::to_owned));
    let found = comparison::stored_names("");
    let stale: Vec<_> = found.difference(&expected).collect();
    assert!(stale.is_empty(), "no case in {TABLE} refers to these snapshots, delete them: {stale:?}");
}
