//! The JSON Schemas of what travels, as the service writes and reads it.
//!
//! Derived schemas (schemars) were refused: the types read leniently, the service writes exactly, and a document of
//! the contract has to say the latter. `tests/openapi.rs` holds every key, every `null` and every absence against
//! the types and against all pinned answers.

use serde_json::{Value, json};

/// A page of [`LISTED`].
pub(super) const PAGE: &str = "DataPage";
/// A session.
pub(super) const SESSION: &str = "SessionV1";
/// A session in a page.
const LISTED: &str = "ListedSessionV1";
/// What a command answers when it fails.
pub(super) const COMMAND_ERROR: &str = "CommandError";
/// What the server answers when it does not get to a command.
pub(super) const PROTOCOL_ERROR: &str = "ProtocolError";

/// A reference to a schema of [`components`].
pub(super) fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

/// The schema of an argument: what it is when it is given, and that `null` is as good as nothing if it is optional.
///
/// # Errors
///
/// A sentence that names the argument, if there is no schema for it.
pub(super) fn argument(name: &str, required: bool) -> Result<Value, String> {
    let schema = match (name, required) {
        ("user" | "data", true) => {
            json!({"type": ["object", "array", "string", "number", "boolean"], "description": PAYLOAD})
        }
        ("user" | "data", false) => json!({"description": PAYLOAD}),
        ("filter", true) => reference("FilterParams"),
        ("filter", false) => json!({"anyOf": [reference("FilterParams"), {"type": "null"}]}),
        ("paging", true) => reference("PagingParams"),
        ("paging", false) => json!({"anyOf": [reference("PagingParams"), {"type": "null"}]}),
        ("session_id" | "user_id", true) => json!({"type": "string"}),
        ("user_name" | "address" | "client", false) => json!({"type": ["string", "null"]}),
        _ => {
            return Err(format!(
                "there is no schema for the {} argument `{name}`: add one to `argument` in \
                 snapshots/src/openapi/schemas.rs",
                if required { "required" } else { "optional" }
            ));
        }
    };
    Ok(schema)
}

const PAYLOAD: &str = "Any JSON. `false`, `0` and `\"\"` are kept as `null`, and numbers as doubles.";

/// Every schema that the operations refer to, by name.
pub(super) fn components() -> Value {
    json!({
        SESSION: session(),
        LISTED: listed_session(),
        PAGE: page(),
        "FilterParams": filter(),
        "PagingParams": paging(),
        COMMAND_ERROR: command_error(),
        PROTOCOL_ERROR: protocol_error(),
    })
}

fn session() -> Value {
    json!({
        "description": "A session.",
        "allOf": [reference(LISTED)],
        "type": "object",
        "required": ["user", "data"],
        "properties": {
            "user": {"description": "What the application knows of the user. `null` once the session is closed."},
            "data": {"description": "What the application keeps. `null` once the session is closed."},
        },
    })
}

fn listed_session() -> Value {
    json!({
        "description": "A session without its `user` and `data`, as it stands in a list.",
        "type": "object",
        "required": [
            "id", "user_id", "user_name", "active", "open_time", "request_time", "address", "client",
        ],
        "properties": {
            "id": {
                "type": "string",
                "pattern": "^[0-9a-f]{32}$",
                "description": "Made by the service.",
            },
            "user_id": text("Whose session it is. `null` if it was opened with an empty id."),
            "user_name": text("The name of the user."),
            "active": {"type": "boolean", "description": "Whether it is open."},
            "open_time": time("When it was opened."),
            "request_time": time("When it was last changed. Reading it does not count."),
            "address": text("Where the user called from."),
            "client": text("What the user called with."),
            "close_time": time("When it was last closed. **Absent**, not `null`, until then."),
        },
    })
}

fn page() -> Value {
    json!({
        "description": "One page of a list, in no order to rely on.",
        "type": "object",
        "required": ["total", "data"],
        "properties": {
            "total": {
                "type": ["integer", "null"],
                "minimum": 0,
                "description": "How many there are on all pages together, if `paging.total` asked for it.",
            },
            "data": {"type": "array", "maxItems": 100, "items": reference(LISTED)},
        },
    })
}

fn filter() -> Value {
    json!({
        "description": "Conditions, all of which must hold. Unknown ones are ignored, and `null` is none.",
        "type": "object",
        "properties": {
            "id": text("Only the session with this id."),
            "user_id": text("Only sessions of this user."),
            "active": text("`true`: only open sessions. `false`: only closed ones. Other words are no condition."),
            "from_time": text(
                "Only sessions last changed at this time or after it. The service with in-memory persistence has \
                 it backwards, and keeps those changed before it."
            ),
            "to_time": text(
                "Only sessions last changed before this time. The service with in-memory persistence has it \
                 backwards, and keeps those changed at it or after it."
            ),
        },
        "additionalProperties": {"type": ["string", "null"]},
    })
}

fn paging() -> Value {
    json!({
        "description": "Which part of a list to return.",
        "type": "object",
        "properties": {
            "skip": {"type": ["number", "null"], "description": "How many to leave out; none if negative."},
            "take": {
                "type": ["number", "null"],
                "description": "How many to return, 100 at most. `null` and 0 are 100; a negative number is none.",
            },
            "total": {"type": ["boolean", "null"], "description": "Whether to count what is on all pages."},
        },
    })
}

fn command_error() -> Value {
    json!({
        "description": "Why a command failed, in the shape of the Pip.Services framework.",
        "type": "object",
        "required": ["code", "status", "message", "name", "stack", "details", "category"],
        "properties": {
            "code": {"type": "string", "description": "For programs."},
            "status": {"type": "integer", "description": "The status of the answer."},
            "message": {"type": "string", "description": "For people. It names the arguments at fault."},
            "name": {"type": "string", "description": "The code again."},
            "stack": {"type": "string", "description": "Where in the service it happened."},
            "cause": {"type": "string", "description": "The message of the error that this one wraps."},
            "details": {"type": "object", "additionalProperties": {"type": "string"}},
            "category": {"type": "string", "description": "The framework's class of errors."},
        },
    })
}

fn protocol_error() -> Value {
    json!({
        "description": "Why a request did not get to a command, in the shape of the HTTP server.",
        "type": "object",
        "required": ["code", "message"],
        "properties": {
            "code": {"type": "string", "description": "For programs."},
            "message": {"type": "string", "description": "For people."},
        },
        "additionalProperties": false,
    })
}

fn text(description: &str) -> Value {
    json!({"type": ["string", "null"], "description": description})
}

fn time(description: &str) -> Value {
    json!({
        "type": "string",
        "format": "date-time",
        "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$",
        "description": description,
    })
}
