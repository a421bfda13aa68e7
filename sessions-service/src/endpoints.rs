//! The endpoints `/heartbeat` and `/status`.

use crate::commands::json_response;
use chrono::Utc;
use http::{Method, StatusCode};
use pip_services::timestamp::{self, Timestamp};
use serde::Serialize;
use sessions_client::sessions_v1;
use wiretrait::{Response, Route};

pub(super) const ROUTES: &[&Route] = &[HEARTBEAT, STATUS];

const HEARTBEAT: &Route = &get("heartbeat", "/heartbeat");
const STATUS: &Route = &get("status", "/status");

const fn get(name: &'static str, path: &'static str) -> Route {
    Route {
        contract: sessions_v1::CONTRACT,
        name,
        doc: "",
        method: Method::GET,
        path,
        prefix: "",
        idempotent: true,
        timeout: None,
        has_body: false,
        content_type: "",
        accept: "application/json",
        none: &[],
        constants: &[],
        params: &[],
    }
}

/// The components of a real service with the same behavior.
const COMPONENTS: [&str; 7] = [
    "pip-services:context-info:default:default:1.0",
    "service-sessions:persistence:memory:default:1.0",
    "service-sessions:controller:default:default:1.0",
    "pip-services:endpoint:http:default:1.0",
    "service-sessions:service:commandable-http:default:1.0",
    "pip-services:heartbeat-service:http:default:1.0",
    "pip-services:status-service:http:default:1.0",
];

/// The body of `/status`, with keys in the order of the real service.
#[derive(Serialize)]
struct Status {
    id: &'static str,
    name: &'static str,
    description: &'static str,
    start_time: String,
    current_time: String,
    /// In milliseconds.
    uptime: i64,
    properties: Properties,
    components: [&'static str; 7],
}

#[derive(Serialize)]
struct Properties {}

/// Returns the response of `route`, which is one of [`ROUTES`], of a service that was started at
/// `start_time`.
pub(super) fn respond(route: &Route, start_time: Timestamp) -> Response {
    let now = Utc::now();
    let body = if route.name == HEARTBEAT.name {
        serde_json::to_vec(&timestamp::to_string(&now))
    } else {
        serde_json::to_vec(&Status {
            id: "embedded",
            name: "service-sessions",
            description: "Sessions microservice for pip-services",
            start_time: timestamp::to_string(&start_time),
            current_time: timestamp::to_string(&now),
            uptime: now.signed_duration_since(start_time).num_milliseconds(),
            properties: Properties {},
            components: COMPONENTS,
        })
    };
    // Strings and numbers are always valid JSON.
    json_response(StatusCode::OK, body.unwrap_or_default())
}
