//! The OpenAPI document is up to date, and describes the types and every recorded message.

use chrono::DateTime;
use http::{Method, StatusCode};
use serde::Serialize;
use sessions_client::{
    DataPage, FilterParams, ListedSession, PagingParams, Response, Route, SessionV1, sessions_v1,
};
use snapshots::{Example, Map, Value, examples, json, openapi, openapi_text};
use std::collections::BTreeSet;
use std::path::Path;
use wiretrait::{Param, Place};

fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn document() -> Value {
    openapi(sessions_v1::ROUTES, &examples(&folder().join("tests/snapshots")).unwrap()).unwrap()
}

#[test]
fn the_checked_in_document_matches_the_contract() {
    // A checkout on Windows may have CRLF line ends.
    let checked_in = std::fs::read_to_string(folder().join("openapi.json")).unwrap().replace("\r\n", "\n");
    let rendered = openapi_text(&document()).unwrap();
    let mut lines = checked_in.lines().zip(rendered.lines()).enumerate();
    let difference = lines.find(|(_, (checked_in, rendered))| checked_in != rendered);
    let (line, (was, is)) = difference.unwrap_or((checked_in.lines().count(), ("(the end)", "(the end)")));
    assert!(
        checked_in == rendered,
        "snapshots/openapi.json differs from the contract, first at line {}:\n  checked in  {}\n  contract    {}\nTo \
         accept the change:\n  cargo run -p snapshots --example openapi > snapshots/openapi.json",
        line + 1,
        was.trim(),
        is.trim(),
    );
}

/// Returns the violations of `schema`, a schema of `document`.
fn violations(document: &Value, schema: &Value, body: &Value) -> Vec<String> {
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "components": &document["components"],
        "allOf": [schema],
    });
    let (schema, body) = (serde_json::to_value(schema).unwrap(), serde_json::to_value(body).unwrap());
    let validator = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
    let errors = validator.iter_errors(&body);
    errors.map(|error| format!("{}: {error}", error.instance_path())).collect()
}

fn operation<'d>(document: &'d Value, name: &str) -> &'d Value {
    let route = sessions_v1::ROUTES.iter().find(|route| route.name == name).unwrap();
    &document["paths"][route.path][route.method.as_str().to_ascii_lowercase()]
}

#[test]
fn every_recorded_message_matches_the_document() {
    let document = document();
    let mut checked = 0;
    for (name, examples) in examples(&folder().join("tests/snapshots")).unwrap() {
        for Example { kind, situation, status, body } in examples {
            let described = operation(&document, &name);
            let described = match status {
                None => &described["requestBody"],
                // The response to another method.
                Some(405) => continue,
                Some(status) => &described["responses"][status.to_string()],
            };
            assert!(described.is_object(), "`{name}`, {situation}: {status:?} is not documented");
            let schema = &described["content"]["application/json"]["schema"];
            // The snapshot of correlation ids shows only heads.
            match body {
                Some(body) if situation != "correlation_id" => {
                    assert!(schema.is_object(), "`{name}`, {kind} {situation}: the document has no body");
                    let violations = violations(&document, schema, &body);
                    assert!(violations.is_empty(), "`{name}`, {kind} {situation}: {violations:#?}");
                    checked += 1;
                }
                _ => assert!(status.is_none() || schema.is_null(), "`{name}`, {situation} has no body"),
            }
        }
    }
    assert!(checked > 50, "only {checked} bodies were found: have the snapshots moved?");
}

/// Returns the JSON of a value, with its keys in order.
fn encoded(value: &impl Serialize) -> Value {
    serde_json::from_str(&serde_json::to_string(value).unwrap()).unwrap()
}

/// Asserts that the keys of `full` are the properties of the schema, those of `bare` the required ones, and
/// that exactly the `null` values of `bare` may be `null`.
fn assert_matches_type(document: &Value, names: &[&str], full: &impl Serialize, bare: &impl Serialize) {
    let (mut properties, mut required) = (Map::new(), BTreeSet::new());
    for name in names {
        let schema = &document["components"]["schemas"][*name];
        properties.extend(schema["properties"].as_object().unwrap().clone());
        required.extend(schema["required"].as_array().unwrap().iter().map(|key| key.as_str().unwrap()));
    }
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
    let (full, bare) = (encoded(full), encoded(bare));
    assert_eq!(keys(&Value::Object(properties.clone())), keys(&full), "the properties of {names:?}");
    assert_eq!(required, keys(&bare).iter().map(String::as_str).collect(), "the required keys of {names:?}");
    for (key, schema) in &properties {
        let may_be_null = violations(document, schema, &Value::Null).is_empty();
        assert_eq!(may_be_null, bare.get(key) == Some(&Value::Null), "whether `{key}` may be null");
    }
}

#[test]
fn the_schemas_match_the_types() {
    let document = document();
    let bare = SessionV1::<Value, Value>::new("0f".repeat(16), DateTime::UNIX_EPOCH);
    let mut full = bare.clone();
    full.close_time = Some(DateTime::UNIX_EPOCH);
    assert_matches_type(&document, &["ListedSessionV1", "SessionV1"], &full, &bare);

    let page = |session| DataPage::new(vec![ListedSession(session)], None);
    assert_matches_type(&document, &["DataPage"], &page(&full), &page(&bare));
    assert_matches_type(&document, &["ListedSessionV1"], &ListedSession(&full), &ListedSession(&bare));

    let time = DateTime::UNIX_EPOCH;
    let filter = FilterParams::new().id("1").user_id("1").active(true).from_time(time).to_time(time);
    let paging = PagingParams::new().skip(1).take(1).total(true);
    for (name, sent) in [("FilterParams", encoded(&filter)), ("PagingParams", encoded(&paging))] {
        let schema = &document["components"]["schemas"][name];
        let properties: Vec<_> = schema["properties"].as_object().unwrap().keys().collect();
        assert_eq!(properties, sent.as_object().unwrap().keys().collect::<Vec<_>>(), "{name}");
        assert_eq!(violations(&document, schema, &sent), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn responses_that_decode_to_none_are_documented_as_204() {
    let document = document();
    let nothing = || {
        let mut response = Response::default();
        *response.status_mut() = StatusCode::NO_CONTENT;
        response
    };
    let decodes_to_none = [
        ("get_sessions", sessions_v1::GetSessions::decode::<Value, Value>(nothing()).is_ok()),
        ("get_session_by_id", sessions_v1::GetSessionById::decode::<Value, Value>(nothing()).is_ok()),
        ("open_session", sessions_v1::OpenSession::<Value, Value>::decode(nothing()).is_ok()),
        ("store_session_data", sessions_v1::StoreSessionData::<Value>::decode::<Value>(nothing()).is_ok()),
        ("update_session_user", sessions_v1::UpdateSessionUser::<Value>::decode::<Value>(nothing()).is_ok()),
        ("close_session", sessions_v1::CloseSession::decode::<Value, Value>(nothing()).is_ok()),
        (
            "close_expired_sessions",
            sessions_v1::CloseExpiredSessions::decode::<Value, Value>(nothing()).is_ok(),
        ),
        ("delete_session_by_id", sessions_v1::DeleteSessionById::decode::<Value, Value>(nothing()).is_ok()),
    ];
    assert_eq!(decodes_to_none.len(), sessions_v1::ROUTES.len());
    for (name, decodes_to_none) in decodes_to_none {
        assert_eq!(operation(&document, name)["responses"]["204"].is_object(), decodes_to_none, "{name}");
    }
}

#[test]
fn errors_name_what_cannot_be_described() {
    let route = |params| Route {
        contract: sessions_v1::CONTRACT,
        name: "open_session",
        doc: "",
        method: Method::POST,
        path: "/v1/sessions/open_session",
        prefix: "",
        idempotent: false,
        timeout: None,
        has_body: true,
        content_type: "application/json",
        accept: "application/json",
        none: &[],
        constants: &[],
        params,
    };
    let examples = examples(&folder().join("tests/snapshots")).unwrap();
    let error = openapi(&[&route(const { &[Param::new("age", true, &[Place::Field("age")])] })], &examples);
    let error = error.unwrap_err();
    assert!(error.starts_with("there is no schema for the required argument `age`"), "{error}");
    let unpinned = Route { name: "extend_session", ..route(&[]) };
    let error = openapi(&[&unpinned], &examples).unwrap_err();
    assert!(
        error.starts_with("`extend_session` (POST /v1/sessions/open_session) has no snapshot"),
        "{error}"
    );
}
