//! The contract offline: what the client writes, and what it makes of every answer that there is.

mod messages;
mod pages;

use http::header::CONTENT_TYPE;
use messages::{Operation, TABLE, operations};
use serde_json::Value;
use sessions_client::{CorrelationPlace, Encoding, Response, Route, sessions_v1};
use snapshots::{Kind, Pinned, Promise, gaps, reading};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Compares a page with its snapshot.
fn compare(name: &str, page: &str) {
    pages::compare_all(&[("", name.to_owned(), page.to_owned())], None);
}

fn request_name(operation: &Operation, situation: &str) -> String {
    format!("request__{}__{situation}", operation.name)
}

fn answer_name(operation: &Operation, kind: Kind, situation: &str) -> String {
    format!("response__{}__{kind}__{situation}", operation.name)
}

/// What stands for all the ways in which a correlation id travels; the situation of a snapshot of its own.
const CORRELATION: &str = "correlation_id";

#[test]
fn the_route_table_is_the_contract() {
    compare("routes", &snapshots::routes(sessions_v1::ROUTES));
}

/// What the table has, for the guard.
fn pinned(operations: &[Operation]) -> Vec<Pinned<'_>> {
    let kinds = |operation: &Operation| {
        let answers = operation.answers.iter().map(|answer| answer.kind);
        operation.requests.iter().map(|_| Kind::Request).chain(answers).collect()
    };
    operations
        .iter()
        .map(|operation| Pinned {
            operation: operation.name,
            promise: operation.promise,
            kinds: kinds(operation),
        })
        .collect()
}

#[test]
fn nothing_of_the_contract_is_left_unpinned() {
    let gaps = gaps(sessions_v1::ROUTES, &pinned(&operations()), TABLE);
    assert!(gaps.is_empty(), "the contract is not pinned:\n{}", gaps.join("\n"));
}

#[test]
fn an_operation_that_is_added_to_the_contract_is_missed_by_name() {
    let added = Route {
        name: "extend_session",
        doc: "",
        method: http::Method::POST,
        path: "/v1/sessions/extend_session",
        prefix: "/v1/sessions",
        idempotent: false,
        timeout: None,
        has_body: true,
        params: &[],
    };
    let routes: Vec<&Route> = sessions_v1::ROUTES.iter().copied().chain([&added]).collect();
    let operations = operations();
    let gaps = gaps(&routes, &pinned(&operations), TABLE);
    assert_eq!(gaps.len(), 1, "{gaps:?}");
    assert!(
        gaps[0].starts_with("`extend_session` (POST /v1/sessions/extend_session) has no cases"),
        "{gaps:?}"
    );
}

#[test]
fn every_operation_promises_what_its_decoder_keeps() {
    for Operation { name, promise, decode, answers, .. } in operations() {
        let mut nothing = Response::default();
        *nothing.status_mut() = http::StatusCode::NO_CONTENT;
        let may_be_nothing = decode(nothing).is_ok();
        let has_success = answers.iter().any(|answer| answer.kind == Kind::Success);
        let kept = match promise {
            Promise::Value => !may_be_nothing && has_success,
            Promise::Maybe => may_be_nothing && has_success,
            Promise::Nothing => may_be_nothing && !has_success,
        };
        assert!(kept, "`{name}` is no `Promise::{promise:?}`: correct its entry in {TABLE}");
    }
}

#[test]
fn every_request_is_written_as_pinned() {
    for operation in operations() {
        for case in &operation.requests {
            let request = (case.encode)(case.correlation_id, &Encoding::default()).unwrap();
            compare(&request_name(&operation, case.situation), &snapshots::request(&request));
        }
    }
}

#[test]
fn bodies_are_those_of_the_official_clients_byte_by_byte() {
    for Operation { name, requests, .. } in operations() {
        assert!(
            requests.iter().any(|case| case.official.is_some()),
            "`{name}` is never compared with the official clients: give one of its requests their body in {TABLE}"
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
fn every_argument_is_given_and_every_optional_one_is_left_out() {
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
fn a_correlation_id_travels_where_the_client_is_set_up_to_put_it() {
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
        let mut page = String::new();
        for (situation, id, place) in situations {
            let mut encoding = Encoding::default();
            encoding.correlation_place = place;
            let shown = match (case.encode)(id, &encoding) {
                Ok(request) => snapshots::request(&request),
                Err(error) => format!("refused: {error}"),
            };
            let head = shown.split("\n\n").next().unwrap_or_default();
            let _ = write!(page, "# {situation}\n{head}\n\n");
        }
        compare(&request_name(&operation, CORRELATION), &page);
    }
}

#[test]
fn every_answer_is_read_as_pinned() {
    for operation in operations() {
        for answer in &operation.answers {
            let mut response = Response::new(answer.body.clone().into());
            *response.status_mut() = answer.status;
            if let Some(content_type) = answer.content_type {
                response.headers_mut().insert(CONTENT_TYPE, content_type.parse().unwrap());
            }
            let shown = snapshots::response(&response);
            let outcome = (operation.decode)(response);
            let expected = match answer.kind {
                Kind::Success | Kind::None => outcome.is_ok(),
                Kind::Refusal | Kind::Failure | Kind::Unreached => outcome.is_err(),
                Kind::Odd | Kind::Request => true,
            };
            let (name, kind, situation) = (operation.name, answer.kind, answer.situation);
            assert!(expected, "`{name}`, {situation}: this is no {kind}: {outcome:?}");
            let page = format!("{}\n\n{}", shown.trim_end(), reading(&outcome, &answer.body));
            compare(&answer_name(&operation, kind, situation), &page);
        }
    }
}

#[test]
fn refusals_have_the_shape_that_their_kind_says() {
    for Operation { name, answers, .. } in operations() {
        for answer in answers {
            let has_category = match answer.kind {
                Kind::Refusal | Kind::Failure => true,
                Kind::Unreached => false,
                _ => continue,
            };
            let body: Value = serde_json::from_str(&answer.body).unwrap();
            assert_eq!(body.get("category").is_some(), has_category, "{name}, {}", answer.situation);
            assert_eq!(
                answer.status.is_server_error(),
                body.get("cause").is_some() || body["code"] == "Internal"
            );
        }
    }
}

#[test]
fn no_snapshot_is_left_of_a_case_that_is_gone() {
    let mut expected = BTreeSet::from(["routes".to_owned(), "differences".to_owned()]);
    for operation in operations() {
        expected.insert(request_name(&operation, CORRELATION));
        expected.extend(operation.requests.iter().map(|case| request_name(&operation, case.situation)));
        expected.extend(
            operation.answers.iter().map(|answer| answer_name(&operation, answer.kind, answer.situation)),
        );
    }
    let found = pages::pinned("");
    let stale: Vec<_> = found.difference(&expected).collect();
    assert!(stale.is_empty(), "no case in {TABLE} is compared with these snapshots, delete them: {stale:?}");
}
