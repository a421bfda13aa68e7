//! Renders the exchanges of a case as a snapshot.

use super::case::{Show, Step};
use crate::normalize::Normalizer;
use crate::objects::{ObjectKind, json};
use crate::record::Exchange;
use crate::render::{received, sent};
use crate::value::Value;
use std::fmt::Write as _;
use wiretrait::{Response, Route};

/// An exchange with the step that it was made for.
pub(super) struct CompletedStep<'s> {
    pub(super) step: &'s Step,
    pub(super) exchange: Exchange,
    /// The result of the typed client, encoded as a response again.
    pub(super) decoded: Option<Response>,
    /// The operation of the request.
    pub(super) route: &'static Route,
}

/// Renders a case. All responses must be learned before, so that times are numbered chronologically.
pub(super) fn snapshot(steps: &[CompletedStep<'_>], names: &Normalizer) -> String {
    let rows = steps.iter().filter(|step| step.step.show == Show::Row);
    let width = rows.map(|step| step.step.title.chars().count()).max().unwrap_or(0);
    let mut out = String::new();
    for CompletedStep { step, exchange, decoded, route } in steps {
        match &step.show {
            Show::Hidden => {}
            Show::Row => {
                let title = names.normalize(&step.title);
                let _ = writeln!(out, "{title:<width$}  {}", row(&exchange.response, names));
            }
            Show::Full(headers) => {
                let request = sent(&exchange.request, names);
                let response = received(&exchange.response, names, headers);
                let _ = write!(out, "# {}\n\n{request}\n{response}\n", step.title);
                if let Some(decoded) = decoded {
                    let _ = writeln!(out, "{}\n", result(&exchange.response, decoded, route, names));
                }
            }
        }
    }
    out
}

/// Renders the result of the typed client.
fn result(response: &Response, decoded: &Response, route: &Route, names: &Normalizer) -> String {
    let status = decoded.status();
    if status == 204 || route.none.contains(&status) && decoded.body().is_empty() {
        return "decoded as `None`".to_owned();
    }
    if decoded.status() == 200 && decoded.body() == response.body() {
        return "decoded and encoded again without a change".to_owned();
    }
    let json = serde_json::from_slice::<Value>(decoded.body()).unwrap_or_default();
    if decoded.status() == 200 {
        return format!("decoded as {}", names.request_body(json));
    }
    let text = |key: &str| json.get(key).and_then(Value::as_str).unwrap_or_default();
    let (code, message) = (text("code"), text("message"));
    if code.is_empty() && message.is_empty() {
        return format!("decoded as an error: {}", names.request_body(json));
    }
    // The client's own errors are encoded like those of a failed command.
    let is_of_service =
        self::json(response.body()).is_some_and(|body| body.get("message") == json.get("message"));
    names.normalize(&if is_of_service {
        format!("decoded as an error: {code}: {message}")
    } else {
        let message = message.split_once(" failed: ").map_or(message, |(_, message)| message);
        format!("{CLIENT_ERROR}{message}")
    })
}

/// The start of the line about a response that the typed client cannot decode.
pub const CLIENT_ERROR: &str = "not decoded; the error of the client itself: ";

/// Shown in a row instead of a value that is missing.
pub const MISSING: &str = "?";

/// Shown in a row instead of a list that is missing.
pub const MISSING_LIST: &str = "no list";

/// Shown in a row before a value that is not a list.
pub const NO_LIST_BUT: &str = "no list, but ";

/// Renders a response as one line: its status, followed by the ids of a page, the arguments that an
/// entity stores, or the code and message of an error.
fn row(response: &Response, names: &Normalizer) -> String {
    let status = response.status().as_u16();
    let Some(json) = json(response.body()) else {
        return match std::str::from_utf8(response.body()) {
            Ok("") => status.to_string(),
            // A row has one line.
            Ok(body) => format!("{status} {}", names.normalize(&body.replace(['\r', '\n'], " "))),
            Err(_) => format!("{status} ({} bytes that are not UTF-8)", response.body().len()),
        };
    };
    let json = names.response_body(json);
    let text = |value: Option<&Value>| match value {
        None => MISSING.to_owned(),
        Some(Value::String(string)) => string.clone(),
        Some(other) => other.to_string(),
    };
    let entity = names.entity();
    let kind = json.as_object().map(|object| entity.kind_of(object.keys().map(String::as_str)));
    match kind {
        Some(ObjectKind::Error) => {
            return format!("{status} {}: {}", text(json.get("code")), text(json.get("message")));
        }
        Some(ObjectKind::Page) => {
            let total = json.get("total").map_or_else(|| MISSING.to_owned(), Value::to_string);
            let items = match json.get("data") {
                Some(Value::Array(items)) => {
                    let id = |item: &Value| match item {
                        Value::Object(item) => text(item.get("id")),
                        other => text(Some(other)),
                    };
                    page(&items.iter().map(id).collect::<Vec<_>>(), entity.plural)
                }
                Some(other) => format!("{NO_LIST_BUT}{other}"),
                None => MISSING_LIST.to_owned(),
            };
            return format!("{status} total {total}: {items}");
        }
        Some(ObjectKind::Entity) => {}
        _ => return format!("{status} {json}"),
    }
    let stored = entity.shown_keys.iter().filter_map(|key| {
        let value = json.get(key).filter(|value| !value.is_null())?;
        // The owner of the case is the default.
        if entity.owner_key == Some(key) && value == entity.owner {
            return None;
        }
        Some(format!(" {key}={value}"))
    });
    let stored: String = stored.collect();
    if stored.is_empty() {
        return format!("{status} a {} without other values", entity.name);
    }
    format!("{status}{stored}")
}

/// Renders the ids of a page.
fn page(ids: &[String], plural: &str) -> String {
    match ids {
        [] => "none".to_owned(),
        [first, .., last] if ids.len() > 10 => format!("{} {plural}, {first} to {last}", ids.len()),
        all => all.join(" "),
    }
}
