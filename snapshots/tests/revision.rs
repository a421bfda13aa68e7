//! Changes of the contract, by their level, compared with the level that oasdiff gives to the same kind of change.

use serde_json::{Value, json};
use snapshots::comparison::Level;
use snapshots::revision::{DOCUMENT, contract_changes, read_document};
use std::fmt::Write as _;
use std::path::Path;

fn document() -> Value {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    read_document(root.join(DOCUMENT).to_str().unwrap()).unwrap()
}

/// A change of the document, and the rule of oasdiff for it, with its level.
struct Row {
    title: &'static str,
    change: fn(&mut Value),
    rule: &'static str,
    /// `Breaking` for `ERR`, `Uncertain` for `WARN`, `Harmless` for `INFO`.
    theirs: Level,
    /// The reason for another level here.
    why: &'static str,
}

const fn row(title: &'static str, change: fn(&mut Value), rule: &'static str, theirs: Level) -> Row {
    Row { title, change, rule, theirs, why: "" }
}

impl Row {
    const fn because(mut self, why: &'static str) -> Self {
        self.why = why;
        self
    }
}

fn open(document: &mut Value) -> &mut Value {
    &mut document["paths"]["/v1/sessions/open_session"]["post"]
}

fn arguments(document: &mut Value) -> &mut Value {
    &mut open(document)["requestBody"]["content"]["application/json"]["schema"]
}

fn session(document: &mut Value) -> &mut Value {
    &mut document["components"]["schemas"]["ListedSessionV1"]
}

fn remove(object: &mut Value, key: &str) {
    object.as_object_mut().unwrap().remove(key).unwrap();
}

fn drop_item(array: &mut Value, item: &str) {
    array.as_array_mut().unwrap().retain(|value| value != item);
}

use Level::{Breaking, Harmless, Uncertain};

const ROWS: [Row; 41] = [
    row(
        "An operation is removed",
        |d| remove(&mut d["paths"], "/v1/sessions/open_session"),
        "api-path-removed-without-deprecation",
        Breaking,
    ),
    row(
        "An operation is added",
        |d| d["paths"]["/v1/sessions/extend"] = json!({"post": {"operationId": "extend_session"}}),
        "endpoint-added",
        Harmless,
    ),
    row(
        "An operation has another path",
        |d| {
            let item = d["paths"]["/v1/sessions/open_session"].take();
            remove(&mut d["paths"], "/v1/sessions/open_session");
            d["paths"]["/v2/sessions/open_session"] = item;
        },
        "api-path-removed-without-deprecation",
        Breaking,
    ),
    row(
        "An operation has another method",
        |d| {
            let operation = open(d).take();
            d["paths"]["/v1/sessions/open_session"] = json!({"put": operation});
        },
        "api-removed-without-deprecation",
        Breaking,
    ),
    row("A description changes", |d| open(d)["description"] = json!("other"), "(not compared)", Harmless),
    row(
        "An operation may no longer be retried",
        |d| d["paths"]["/v1/sessions/get_sessions"]["post"]["x-idempotent"] = json!(false),
        "(not compared)",
        Harmless,
    )
    .because("The clients of this contract retry idempotent operations."),
    row(
        "An optional argument is added",
        |d| arguments(d)["properties"]["device"] = json!({"type": "string"}),
        "new-optional-request-property",
        Harmless,
    ),
    row(
        "A required argument is added",
        |d| {
            arguments(d)["properties"]["device"] = json!({"type": "string"});
            arguments(d)["required"] = json!(["user_id", "device"]);
        },
        "new-required-request-property",
        Breaking,
    ),
    row(
        "An argument is removed",
        |d| remove(&mut arguments(d)["properties"], "client"),
        "request-property-removed",
        Uncertain,
    ),
    row(
        "An argument becomes required",
        |d| arguments(d)["required"] = json!(["user_id", "client"]),
        "request-property-became-required",
        Breaking,
    ),
    row(
        "An argument becomes optional",
        |d| remove(arguments(d), "required"),
        "request-property-became-optional",
        Harmless,
    ),
    row(
        "An argument has another type",
        |d| arguments(d)["properties"]["user_id"]["type"] = json!("integer"),
        "request-property-type-changed",
        Breaking,
    ),
    row(
        "An argument may have a further type",
        |d| arguments(d)["properties"]["user_id"]["type"] = json!(["string", "integer"]),
        "request-property-list-of-types-widened",
        Harmless,
    ),
    row(
        "An argument may be null",
        |d| arguments(d)["properties"]["user_id"]["type"] = json!(["string", "null"]),
        "request-property-became-nullable",
        Harmless,
    ),
    row(
        "An argument may no longer be null",
        |d| arguments(d)["properties"]["client"]["type"] = json!("string"),
        "request-property-became-not-nullable",
        Breaking,
    ),
    row(
        "An argument has a list of values",
        |d| arguments(d)["properties"]["user_id"]["enum"] = json!(["a", "b"]),
        "request-property-became-enum",
        Breaking,
    ),
    row(
        "An argument has a maximum length",
        |d| arguments(d)["properties"]["user_id"]["maxLength"] = json!(32),
        "request-property-max-length-set",
        Uncertain,
    )
    .because("Longer values that clients send are rejected from now on."),
    row(
        "An argument must have a pattern",
        |d| arguments(d)["properties"]["user_id"]["pattern"] = json!("^[a-z]+$"),
        "request-property-pattern-added",
        Breaking,
    )
    .because("Whether the values of clients have the pattern is unknown."),
    row(
        "The body becomes required",
        |d| d["paths"]["/v1/sessions/get_sessions"]["post"]["requestBody"]["required"] = json!(true),
        "request-body-became-required",
        Breaking,
    ),
    row(
        "The body becomes optional",
        |d| open(d)["requestBody"]["required"] = json!(false),
        "request-body-became-optional",
        Harmless,
    ),
    row(
        "The request has another media type",
        |d| {
            let content = open(d)["requestBody"]["content"]["application/json"].take();
            open(d)["requestBody"]["content"] = json!({"application/cbor": content});
        },
        "request-body-media-type-removed",
        Breaking,
    ),
    row(
        "A query parameter is removed",
        |d| open(d)["parameters"] = json!([]),
        "request-parameter-removed",
        Uncertain,
    ),
    row(
        "A required query parameter is added",
        |d| {
            let parameter = json!({"name": "tenant", "in": "query", "required": true});
            open(d)["parameters"].as_array_mut().unwrap().push(parameter);
        },
        "new-required-request-parameter",
        Breaking,
    ),
    row(
        "A query parameter becomes required",
        |d| open(d)["parameters"][0]["required"] = json!(true),
        "request-parameter-became-required",
        Breaking,
    ),
    row(
        "A successful status is removed",
        |d| remove(&mut d["paths"]["/v1/sessions/close_session"]["post"]["responses"], "204"),
        "response-success-status-removed",
        Breaking,
    ),
    row(
        "A successful status is added",
        |d| open(d)["responses"]["202"] = json!({"description": ""}),
        "response-success-status-added",
        Harmless,
    )
    .because("A client that decodes one status and its type may reject another one."),
    row(
        "An error status is removed",
        |d| remove(&mut open(d)["responses"], "406"),
        "response-non-success-status-removed",
        Harmless,
    ),
    row(
        "An error status is added",
        |d| open(d)["responses"]["409"] = json!({"description": ""}),
        "response-non-success-status-added",
        Harmless,
    ),
    row(
        "The response has another media type",
        |d| {
            let content = open(d)["responses"]["200"]["content"]["application/json"].take();
            open(d)["responses"]["200"]["content"] = json!({"application/cbor": content});
        },
        "response-media-type-removed",
        Breaking,
    ),
    row(
        "A field is added",
        |d| session(d)["properties"]["region"] = json!({"type": "string"}),
        "response-optional-property-added",
        Harmless,
    ),
    row(
        "A required field is removed",
        |d| {
            remove(&mut session(d)["properties"], "address");
            drop_item(&mut session(d)["required"], "address");
        },
        "response-required-property-removed",
        Breaking,
    ),
    row(
        "An optional field is removed",
        |d| remove(&mut session(d)["properties"], "close_time"),
        "response-optional-property-removed",
        Uncertain,
    )
    .because("Clients that read the field never find it again."),
    row(
        "A field becomes optional",
        |d| drop_item(&mut session(d)["required"], "address"),
        "response-property-became-optional",
        Breaking,
    ),
    row(
        "A field becomes required",
        |d| session(d)["required"].as_array_mut().unwrap().push(json!("close_time")),
        "response-property-became-required",
        Harmless,
    ),
    row(
        "A field has another type",
        |d| session(d)["properties"]["active"]["type"] = json!("string"),
        "response-property-type-changed",
        Breaking,
    ),
    row(
        "A field may be null",
        |d| session(d)["properties"]["active"]["type"] = json!(["boolean", "null"]),
        "response-property-became-nullable",
        Breaking,
    )
    .because("Clients in languages without strict types read both."),
    row(
        "A field may no longer be null",
        |d| session(d)["properties"]["address"]["type"] = json!("string"),
        "response-property-became-not-nullable",
        Harmless,
    ),
    row(
        "A field may have a further type",
        |d| session(d)["properties"]["active"]["type"] = json!(["boolean", "string"]),
        "response-property-list-of-types-widened",
        Breaking,
    )
    .because("Clients in languages without strict types read both."),
    row(
        "A list may be longer",
        |d| d["components"]["schemas"]["DataPage"]["properties"]["data"]["maxItems"] = json!(1000),
        "(not compared)",
        Harmless,
    )
    .because("Clients may expect at most this number of items."),
    row(
        "A field loses its pattern",
        |d| remove(&mut session(d)["properties"]["id"], "pattern"),
        "response-property-pattern-removed",
        Harmless,
    )
    .because("Code may rely on the form of the value."),
    row(
        "An error has another body",
        |d| drop_item(&mut d["components"]["schemas"]["CommandError"]["required"], "code"),
        "response-property-became-optional",
        Breaking,
    ),
];

#[test]
fn each_kind_of_change_has_a_level_and_a_reason() {
    let old = document();
    assert_eq!(contract_changes(&old, &old), []);
    let mut out = String::new();
    for Row { title, change, rule, theirs, why } in ROWS {
        let mut new = old.clone();
        change(&mut new);
        assert_ne!(old, new, "{title}");
        let changes = contract_changes(&old, &new);
        let level = changes.first().map_or(Harmless, |change| change.level);
        assert_eq!(level == theirs, why.is_empty(), "{title}: {level}, {theirs}: {changes:#?}");
        let _ = writeln!(out, "# {title}\n");
        let _ = writeln!(out, "ours:     {level}");
        let _ = writeln!(out, "oasdiff:  {theirs}, {rule}{}{why}", if why.is_empty() { "" } else { ": " });
        match &changes[..] {
            [] => out.push_str("(no change for clients)\n"),
            [first, rest @ ..] => {
                let _ = writeln!(out, "{first}\n    {}", first.reason);
                if !rest.is_empty() {
                    let _ = writeln!(out, "    and {} more", rest.len());
                }
            }
        }
        out.push('\n');
    }
    insta::assert_snapshot!("changes", out);
}

#[test]
fn rules_that_allow_the_same_values_are_equal() {
    let document = |schema: &str| {
        let schema: Value = serde_json::from_str(schema).unwrap();
        let body = json!({"content": {"application/json": {"schema": schema}}});
        let operation = json!({"operationId": "a", "requestBody": body, "responses": {"200": body}});
        json!({"openapi": "3.0.3", "paths": {"/a": {"post": operation}}})
    };
    for (old, new) in [
        (r#"{"maximum": 100}"#, r#"{"maximum": 100.0}"#),
        (r#"{"minItems": 1}"#, r#"{"minItems": 1e0}"#),
        (r#"{"multipleOf": 2}"#, r#"{"multipleOf": 2.0}"#),
        (r#"{"enum": [1, "a"]}"#, r#"{"enum": ["a", 1.0]}"#),
        (r#"{"const": 1}"#, r#"{"enum": [1.0]}"#),
        ("{}", r#"{"minLength": 0}"#),
        ("{}", r#"{"minItems": 0, "minProperties": 0.0}"#),
        ("{}", r#"{"uniqueItems": false}"#),
        ("{}", r#"{"additionalProperties": true, "propertyNames": {}}"#),
        ("{}", r#"{"patternProperties": {}}"#),
        (r#"{"minimum": 1}"#, r#"{"minimum": 1, "exclusiveMinimum": false}"#),
        // OpenAPI 3.0 and 3.1.
        (r#"{"maximum": 9, "exclusiveMaximum": true}"#, r#"{"exclusiveMaximum": 9}"#),
    ] {
        let (before, after) = (document(old), document(new));
        assert_eq!(contract_changes(&before, &after), [], "{old} {new}");
        assert_eq!(contract_changes(&after, &before), [], "{new} {old}");
    }
    for (old, new) in [
        ("{}", r#"{"minLength": 1}"#),
        (r#"{"maximum": 100}"#, r#"{"maximum": 99.5}"#),
        (r#"{"minimum": 9223372036854775806}"#, r#"{"minimum": 9223372036854775807}"#),
        (r#"{"maximum": 9}"#, r#"{"maximum": 9, "exclusiveMaximum": true}"#),
        (r#"{"minimum": 9}"#, r#"{"exclusiveMinimum": 9}"#),
        (r#"{"maximum": 9}"#, r#"{"exclusiveMaximum": 8.5}"#),
        (r#"{"exclusiveMinimum": 1, "minimum": 1}"#, r#"{"minimum": 1.5}"#),
        (r#"{"enum": [1, 2]}"#, r#"{"enum": [1.0]}"#),
    ] {
        let changes = contract_changes(&document(old), &document(new));
        assert_eq!(changes.first().map(|change| change.level), Some(Breaking), "{old} {new}");
        let changes = contract_changes(&document(new), &document(old));
        assert_ne!(changes.first().map(|change| change.level), Some(Breaking), "{new} {old}");
    }
}

#[test]
fn an_operation_is_the_same_if_its_route_is() {
    let document = |path: &str, id: Value, argument: &str, kind: &str| {
        let argument = json!({"name": argument, "in": "path", "required": true, "schema": {"type": kind}});
        let mut operation = json!({"parameters": [argument], "responses": {"204": {"description": ""}}});
        operation["operationId"] = id;
        json!({"openapi": "3.1.0", "paths": {path: {"get": operation}}})
    };
    let lines = |old: &Value, new: &Value| {
        let changes = contract_changes(old, new);
        changes.iter().map(|change| format!("{} {change}", change.level)).collect::<Vec<_>>()
    };
    let old = document("/a/{id}/b", json!("a"), "id", "string");
    let unnamed = document("/a/{id}/b", Value::Null, "id", "string");
    let none: [String; 0] = [];
    assert_eq!(lines(&old, &document("/a/{session_id}/b", json!("a"), "session_id", "string")), none);
    assert_eq!(lines(&unnamed, &document("/a/{key}/b", Value::Null, "key", "string")), none);
    assert_eq!(
        lines(&old, &document("/a/{id}/b", json!("z"), "id", "string")),
        ["harmless a, id: was a, is z"]
    );
    assert_eq!(lines(&old, &unnamed), ["harmless a, id: was a, is absent"]);
    assert_eq!(
        lines(&old, &document("/a/{key}/b", json!("z"), "key", "integer")),
        ["breaking a, argument `id` in the path: was string, is integer", "harmless a, id: was a, is z",]
    );
    assert_eq!(
        lines(&old, &document("/b/{id}", json!("a"), "id", "string")),
        ["breaking a: was GET /a/{id}/b, is GET /b/{id}"]
    );
    assert_eq!(
        lines(&old, &document("/a/b/{id}", json!("z"), "id", "string")),
        ["breaking a: was GET /a/{id}/b, is absent", "harmless z: was absent, is GET /a/b/{id}"]
    );
}

#[test]
fn operations_whose_ids_are_exchanged_are_compared_by_their_routes() {
    let document = |first: &str, second: &str| {
        let operation = |id: &str, status: &str| json!({"get": {"operationId": id, "responses": {status: {"description": ""}}}});
        json!({"openapi": "3.1.0", "paths": {"/x": operation(first, "200"), "/y": operation(second, "204")}})
    };
    let changes = contract_changes(&document("a", "b"), &document("b", "a"));
    let changes: Vec<String> = changes.iter().map(ToString::to_string).collect();
    assert_eq!(changes, ["a, id: was a, is b", "b, id: was b, is a"]);
}

#[test]
fn a_document_in_yaml_with_inline_schemas_is_the_same() {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("inline.yaml");
    let yaml = "openapi: 3.0.3\npaths:\n  /a:\n    parameters: [{name: X-Id, in: header, schema: {type: string}}]\n    \
                get:\n      responses: {'200': {content: {text/plain: {schema: {type: string, nullable: true}}}}}\n";
    std::fs::write(&file, yaml).unwrap();
    let old = read_document(file.to_str().unwrap()).unwrap();
    let new = json!({
        "openapi": "3.1.0",
        "components": {
            "parameters": {"id": {"name": "x-id", "in": "header", "schema": {"type": "string"}}},
            "schemas": {"text": {"anyOf": [{"type": "string"}, {"type": "null"}]}},
        },
        "paths": {"/a": {"get": {
            "parameters": [{"$ref": "#/components/parameters/id"}],
            "responses": {"200": {"content": {"text/plain": {"schema": {"$ref": "#/components/schemas/text"}}}}},
        }}},
    });
    assert_eq!(contract_changes(&old, &new), []);
}

#[test]
fn a_recursive_schema_is_compared() {
    let node = |kind: &str| {
        let schema = json!({"type": "object", "properties": {
            "next": {"$ref": "#/components/schemas/node"}, "value": {"type": kind},
        }});
        json!({
            "openapi": "3.1.0",
            "components": {"schemas": {"node": schema, "loop": {"$ref": "#/components/schemas/loop"}}},
            "paths": {"/a": {"get": {"operationId": "a", "responses": {
                "200": {"content": {"x/y": {"schema": {"$ref": "#/components/schemas/node"}}}},
                "201": {"content": {"x/y": {"schema": {"$ref": "#/components/schemas/loop"}}}},
            }}}},
        })
    };
    let changes = contract_changes(&node("string"), &node("boolean"));
    assert_eq!(changes[0].to_string(), "a, response 200, field `value`: was string, is boolean");
}
