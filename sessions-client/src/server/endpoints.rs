//! What the service answers besides commands: that it is there, and what it is.

use crate::data::{Timestamp, to_text};
use crate::runtime::{Response, Route, json};
use chrono::Utc;
use http::{Method, StatusCode};
use serde_json::json;

pub(super) const ROUTES: &[&Route] = &[HEARTBEAT, STATUS];

const HEARTBEAT: &Route = &get("heartbeat", "/heartbeat");
const STATUS: &Route = &get("status", "/status");

const fn get(name: &'static str, path: &'static str) -> Route {
    Route {
        name,
        doc: "",
        method: Method::GET,
        path,
        prefix: "",
        idempotent: true,
        timeout: None,
        has_body: false,
        params: &[],
    }
}

/// What the real service would be put together from, to be what this one is.
const COMPONENTS: [&str; 7] = [
    "pip-services:context-info:default:default:1.0",
    "service-sessions:persistence:memory:default:1.0",
    "service-sessions:controller:default:default:1.0",
    "pip-services:endpoint:http:default:1.0",
    "service-sessions:service:commandable-http:default:1.0",
    "pip-services:heartbeat-service:http:default:1.0",
    "pip-services:status-service:http:default:1.0",
];

/// The answer of `route`, which is one of [`ROUTES`], by a service that was started at `start`.
pub(super) fn answer(route: &Route, start: Timestamp) -> Response {
    let now = Utc::now();
    let value = if route.name == HEARTBEAT.name {
        json!(to_text(&now))
    } else {
        json!({
            "id": "embedded",
            "name": "service-sessions",
            "description": "Sessions microservice for pip-services",
            "start_time": to_text(&start),
            "current_time": to_text(&now),
            "uptime": now.signed_duration_since(start).num_milliseconds(),
            "properties": {},
            "components": COMPONENTS,
        })
    };
    json(StatusCode::OK, value.to_string().into_bytes())
}
