//! The contract as an OpenAPI 3.1 document: the route table, the schemas and the pinned pages, put together.
//!
//! Methods, paths, arguments, their places and their need are those of the routes, descriptions are the
//! documentation of the contract, statuses and examples are what is pinned. Only what no type says is written here:
//! the schemas, and which of them a success has.
//!
//! The service's own document was refused as a source. It calls optional arguments required, and mentions neither
//! 204 nor errors.

mod pinned;
mod schemas;

pub use pinned::{Example, Examples, examples};

use schemas::{COMMAND_ERROR, PAGE, PROTOCOL_ERROR, SESSION};
use serde_json::{Map, Value, json};
use sessions_client::{Param, Place, Route};
use std::collections::BTreeMap;

/// Another method on a path is no answer of the operation that the path has.
const METHOD_NOT_ALLOWED: u16 = 405;

/// The document of `routes` with `examples`.
///
/// # Errors
///
/// A sentence that names what cannot be described: an argument without a schema, an operation that is not pinned,
/// a place that this document has no form for.
pub fn openapi(routes: &[&Route], examples: &Examples) -> Result<Value, String> {
    // What answers before a command does not depend on which command it would have been.
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
        let Some(pinned) = examples.get(route.name) else {
            return Err(format!("`{}` ({route}) has no pinned page to take its answers from", route.name));
        };
        let item = paths.entry(route.path).or_insert_with(|| json!({}));
        item[route.method.as_str().to_ascii_lowercase()] = operation(route, pinned, &unreached, &links)?;
    }
    Ok(json!({
        "openapi": "3.1.1",
        "info": {
            "title": "Sessions",
            "version": "1.0.0",
            "summary": "User sessions: the HTTP API of the Pip.Services sessions microservice.",
            "description": "Every operation is a POST with its arguments in one JSON object. What is not there is \
                204 without a body, never an error. An optional argument may be `null` or left out.",
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
        },
        "servers": [{"url": "http://localhost:8080", "description": "A service on this machine"}],
        "security": [],
        "tags": [{"name": "sessions", "description": "The life of a user's session"}],
        "paths": paths,
        "components": {"schemas": schemas::components()},
    }))
}

fn operation(
    route: &Route,
    pinned: &[Example],
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
        operation["requestBody"] = request_body(route, pinned)?;
    }
    let mut answers: BTreeMap<u16, Vec<&Example>> = unreached.clone();
    for example in pinned.iter().filter(|example| example.kind != "request" && example.kind != "unreached") {
        answers.entry(example.status.unwrap_or_default()).or_default().push(example);
    }
    let answers =
        answers.iter().map(|(status, examples)| (status.to_string(), response(route, *status, examples)));
    operation["responses"] = Value::Object(answers.collect());
    if route.name == "open_session" {
        operation["responses"]["200"]["links"] = links.clone();
    }
    Ok(operation)
}

/// What can be done with a session that was opened: everything that takes its id.
fn links(routes: &[&Route]) -> Value {
    let takes_an_id = |route: &&&Route| route.params.iter().any(|param| param.name == "session_id");
    let link = |route: &&Route| {
        let link = json!({"operationId": route.name, "requestBody": {"session_id": "$response.body#/id"}});
        (route.name.to_owned(), link)
    };
    Value::Object(routes.iter().filter(takes_an_id).map(link).collect())
}

/// The document as it is checked in. What JSON may hold but YAML may not is escaped, since many tools read the one
/// as the other.
///
/// # Errors
///
/// Those of `serde_json`, which has none for a document of [`openapi`].
pub fn openapi_text(document: &Value) -> serde_json::Result<String> {
    Ok(serde_json::to_string_pretty(document)?.replace('\u{7f}', "\\u007f") + "\n")
}

/// Lines of a paragraph are lines of its source alone.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What stands outside of the body. A correlation id may be in either of two places, and is needed in neither.
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
        Place::Field(_) | Place::Body => Vec::new(),
        Place::Path(name) => vec![parameter("path", name, true, "")],
        Place::Query(name) => vec![parameter("query", name, param.required, "")],
        Place::Header(name) => vec![parameter("header", name, param.required, "")],
        Place::Correlation(name) => vec![
            parameter(
                "query",
                name,
                param.required,
                "Labels the log lines of the service and does nothing else.",
            ),
            parameter("header", name, param.required, "The same, where the query does not have it."),
        ],
    }
}

fn request_body(route: &Route, pinned: &[Example]) -> Result<Value, String> {
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
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    let mut content = json!({"schema": schema});
    let requests: Vec<_> = pinned.iter().filter(|example| example.kind == "request").collect();
    add_examples(&mut content, &requests);
    Ok(json!({"required": !required.is_empty(), "content": {"application/json": content}}))
}

fn response(route: &Route, status: u16, examples: &[&Example]) -> Value {
    let is_of = |kinds: &[&str]| examples.iter().any(|example| kinds.contains(&&*example.kind));
    let schema = match (status, is_of(&["unreached"]), is_of(&["refusal", "failure"])) {
        (204, ..) if is_of(&["success"]) || route.params.iter().any(|param| param.required) => {
            return json!({"description": "There is no such session."});
        }
        (204, ..) => return json!({"description": "Done, always."}),
        (200..300, ..) if route.name == "get_sessions" => schemas::reference(PAGE),
        (200..300, ..) => schemas::reference(SESSION),
        // A command can always fail, whatever is pinned of it.
        (500, ..) | (_, true, true) => {
            json!({"oneOf": [schemas::reference(COMMAND_ERROR), schemas::reference(PROTOCOL_ERROR)]})
        }
        (_, true, false) => schemas::reference(PROTOCOL_ERROR),
        (_, false, _) => schemas::reference(COMMAND_ERROR),
    };
    let description = match status {
        200 => "What was asked for.",
        400 => "An argument is missing or of another type, or the body is no JSON.",
        404 => "The service knows no such route: it is an older one, or another.",
        406 => "The request accepts no JSON.",
        500 => "The command failed.",
        _ => "Another failure.",
    };
    let mut content = json!({"schema": schema});
    add_examples(&mut content, examples);
    json!({"description": description, "content": {"application/json": content}})
}

fn add_examples(content: &mut Value, examples: &[&Example]) {
    let mut named = Map::new();
    for example in examples {
        // Answers that all operations have alike have one name, and one of them is enough.
        if let Some(body) = &example.body {
            named.entry(&*example.situation).or_insert_with(|| json!({"value": body}));
        }
    }
    if !named.is_empty() {
        content["examples"] = Value::Object(named);
    }
}
