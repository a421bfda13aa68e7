//! Builds an OpenAPI 3.1 document from the route table, the schemas and the snapshots.
//!
//! Methods, paths and arguments come from the routes, descriptions from the documentation of the contract,
//! statuses and examples from the snapshots. Only the schemas, and the choice of the schema for a success,
//! are written here, since no type contains them.
//!
//! Rejected alternative: the document of the service itself, because it declares optional arguments as
//! required and mentions neither 204 nor errors.

mod examples;
mod schemas;

pub use examples::{Example, Examples, examples};

use crate::json;
use contract_tests::{Map, Value};
use schemas::{COMMAND_ERROR, PAGE, PROTOCOL_ERROR, SESSION};
use sessions_client::Route;
use std::collections::BTreeMap;
use wiretrait::{Param, Place};

/// The response to another method, which is not a response of the operation at that path.
const METHOD_NOT_ALLOWED: u16 = 405;

/// Builds the document of `routes` with `examples`.
///
/// # Errors
///
/// If an argument has no schema, an operation has no snapshot, or an argument has a location that the
/// document does not support. The sentence names it.
pub fn openapi(routes: &[&Route], examples: &Examples) -> Result<Value, String> {
    // Errors before a command do not depend on the command.
    let mut unreached: BTreeMap<u16, Vec<&Example>> = BTreeMap::new();
    for example in examples.values().flatten().filter(|example| example.kind == "unreached") {
        let status = example.status.unwrap_or_default();
        if status != METHOD_NOT_ALLOWED {
            unreached.entry(status).or_default().push(example);
        }
    }
    let links = links(routes);
    let mut paths = Map::new();
    for route in routes {
        let Some(operation_examples) = examples.get(route.name) else {
            return Err(format!("`{}` ({route}) has no snapshot of a response", route.name));
        };
        let item = paths.entry(route.path.to_owned()).or_insert_with(|| json!({}));
        item[route.method.as_str().to_ascii_lowercase()] =
            operation(route, operation_examples, &unreached, &links)?;
    }
    Ok(json!({
        "openapi": "3.1.1",
        "info": {
            "title": "Sessions",
            "version": "1.0.0",
            "summary": "User sessions: the HTTP API of the Pip.Services sessions microservice.",
            "description": "Every operation is a POST with its arguments in one JSON object. If a session does not \
                exist, the response is 204 without a body, not an error. Optional arguments may be `null` or omitted.",
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
        },
        "servers": [{"url": "http://localhost:8080", "description": "A local service"}],
        "security": [],
        "tags": [{"name": "sessions", "description": "The life cycle of user sessions"}],
        "paths": paths,
        "components": {"schemas": schemas::components()},
    }))
}

fn operation(
    route: &Route,
    operation_examples: &[Example],
    unreached: &BTreeMap<u16, Vec<&Example>>,
    links: &Value,
) -> Result<Value, String> {
    let description = one_line(route.doc);
    let summary = description.split(". ").next().unwrap_or_default();
    let mut operation = json!({
        "operationId": route.name,
        "tags": ["sessions"],
        "summary": summary.trim_end_matches('.'),
        "description": description,
        "x-idempotent": route.idempotent,
    });
    let parameters =
        route.params.iter().flat_map(|param| param.places.iter().map(move |place| (param, place)));
    let parameters: Vec<_> = parameters.flat_map(|(param, place)| parameter(param, *place)).collect();
    if !parameters.is_empty() {
        operation["parameters"] = parameters.into();
    }
    if route.has_body {
        operation["requestBody"] = request_body(route, operation_examples)?;
    }
    let mut responses: BTreeMap<u16, Vec<&Example>> = unreached.clone();
    for example in
        operation_examples.iter().filter(|example| example.kind != "request" && example.kind != "unreached")
    {
        responses.entry(example.status.unwrap_or_default()).or_default().push(example);
    }
    let responses =
        responses.iter().map(|(status, examples)| (status.to_string(), response(route, *status, examples)));
    operation["responses"] = Value::Object(responses.collect());
    if route.name == "open_session" {
        operation["responses"]["200"]["links"] = links.clone();
    }
    Ok(operation)
}

/// Links from an opened session to every operation that takes its id.
fn links(routes: &[&Route]) -> Value {
    let takes_an_id = |route: &&&Route| route.params.iter().any(|param| param.name == "session_id");
    let link = |route: &&Route| {
        let link = json!({"operationId": route.name, "requestBody": {"session_id": "$response.body#/id"}});
        (route.name.to_owned(), link)
    };
    Value::Object(routes.iter().filter(takes_an_id).map(link).collect())
}

/// Formats the document for the checked-in file. Characters that are valid in JSON but not in YAML are
/// escaped, since many tools parse JSON as YAML.
///
/// # Errors
///
/// If `serde_json` fails, which it does not for a document of [`openapi`].
pub fn openapi_text(document: &Value) -> serde_json::Result<String> {
    Ok(serde_json::to_string_pretty(document)?.replace('\u{7f}', "\\u007f") + "\n")
}

/// Joins the lines of a paragraph.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Describes an argument outside of the body. A correlation id may be in the query or in a header, and is
/// optional in both.
fn parameter(param: &Param, place: Place) -> Vec<Value> {
    let parameter = |location: &str, name: &str, required: bool, description: &str| {
        json!({
            "name": name,
            "in": location,
            "required": required,
            "description": description,
            "schema": {"type": "string"},
        })
    };
    match place {
        // The operations of the contract flatten nothing.
        Place::QueryFields | Place::Field(_) | Place::Body => Vec::new(),
        Place::Path(name) => vec![parameter("path", name, true, "")],
        Place::Query(name) | Place::QueryList(name) => vec![parameter("query", name, param.required, "")],
        Place::Header(name) | Place::HeaderList(name) => vec![parameter("header", name, param.required, "")],
        Place::Correlation(name) => vec![
            parameter(
                "query",
                name,
                param.required,
                "A correlation id for the logs of the service. It has no other effect.",
            ),
            parameter(
                "header",
                name,
                param.required,
                "A correlation id, used if the query does not contain one.",
            ),
        ],
    }
}

fn request_body(route: &Route, operation_examples: &[Example]) -> Result<Value, String> {
    let (mut properties, mut required) = (Map::new(), Vec::new());
    for param in route.params {
        for place in param.places {
            match place {
                Place::Field(name) => {
                    properties.insert((*name).to_owned(), schemas::argument(name, param.required)?);
                    required.extend(param.required.then_some(*name));
                }
                Place::Body => return Err(format!("`{}` of `{}` is a whole body", param.name, route.name)),
                _ => {}
            }
        }
    }
    let mut schema = json!({"type": "object", "properties": properties});
    let is_required = !required.is_empty();
    if is_required {
        schema["required"] = json!(required);
    }
    let mut content = json!({"schema": schema});
    let requests: Vec<_> = operation_examples.iter().filter(|example| example.kind == "request").collect();
    add_examples(&mut content, &requests);
    Ok(json!({"required": is_required, "content": {"application/json": content}}))
}

fn response(route: &Route, status: u16, examples: &[&Example]) -> Value {
    let is_of = |kinds: &[&str]| examples.iter().any(|example| kinds.contains(&&*example.kind));
    let schema = match (status, is_of(&["unreached"]), is_of(&["invalid", "failure"])) {
        (204, ..) if is_of(&["success"]) || route.params.iter().any(|param| param.required) => {
            return json!({"description": "The session does not exist."});
        }
        (204, ..) => return json!({"description": "Always returned on success."}),
        (200..300, ..) if route.name == "get_sessions" => schemas::reference(PAGE),
        (200..300, ..) => schemas::reference(SESSION),
        // Every command can fail, even without an example.
        (500, ..) | (_, true, true) => {
            json!({"oneOf": [schemas::reference(COMMAND_ERROR), schemas::reference(PROTOCOL_ERROR)]})
        }
        (_, true, false) => schemas::reference(PROTOCOL_ERROR),
        (_, false, _) => schemas::reference(COMMAND_ERROR),
    };
    let description = match status {
        200 => "The requested value.",
        400 => "An argument is missing or has a wrong type, or the body is not valid JSON.",
        404 => "The service does not have this route: it may be an older version or another service.",
        406 => "The `Accept` header of the request excludes JSON.",
        500 => "The command failed.",
        _ => "Another error.",
    };
    let mut content = json!({"schema": schema});
    add_examples(&mut content, examples);
    json!({"description": description, "content": {"application/json": content}})
}

fn add_examples(content: &mut Value, examples: &[&Example]) {
    let mut named = Map::new();
    for example in examples {
        // Responses that all operations have in common share a name; one example of each is enough.
        if let Some(body) = &example.body {
            named.entry(example.situation.clone()).or_insert_with(|| json!({"value": body}));
        }
    }
    if !named.is_empty() {
        content["examples"] = Value::Object(named);
    }
}
