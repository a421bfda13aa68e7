//! Renders the exchanges of a case as a snapshot.

use super::case::{Show, Step};
use crate::normalize::Normalizer;
use crate::record::Exchange;
use crate::render::{received, sent};
use crate::value::Value;
use sessions_client::Response;
use std::fmt::Write as _;

/// An exchange with the step that it was made for.
pub(super) struct CompletedStep<'s> {
    pub(super) step: &'s Step,
    pub(super) exchange: Exchange,
    /// The result of the typed client, encoded as a response again.
    pub(super) decoded: Option<Response>,
}

/// Renders a case. All responses must be learned before, so that times are numbered chronologically.
pub(super) fn snapshot(steps: &[CompletedStep<'_>], names: &Normalizer) -> String {
    let rows = steps.iter().filter(|step| step.step.show == Show::Row);
    let width = rows.map(|step| step.step.title.chars().count()).max().unwrap_or(0);
    let mut out = String::new();
    for CompletedStep { step, exchange, decoded } in steps {
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
                    let _ = writeln!(out, "{}\n", result(&exchange.response, decoded, names));
                }
            }
        }
    }
    out
}

/// Renders the result of the typed client.
fn result(response: &Response, decoded: &Response, names: &Normalizer) -> String {
    if decoded.status() == 204 {
        return "decoded as `None`".to_owned();
    }
    if decoded.status() == 200 && decoded.body() == response.body() {
        return "decoded and encoded again without a change".to_owned();
    }
    let json = serde_json::from_slice::<Value>(decoded.body()).unwrap_or_default();
    if decoded.status() == 200 {
        return format!("decoded as {}", names.request_body(json));
    }
    let text = |key: &str| json.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    names.normalize(&format!("decoded as an error: {}: {}", text("code"), text("message")))
}

/// Renders a response as one line: its status, followed by the session ids of a page, the arguments that a
/// session stores, or the code and message of an error.
fn row(response: &Response, names: &Normalizer) -> String {
    let status = response.status().as_u16();
    let Ok(json) = serde_json::from_slice::<Value>(response.body()) else {
        let body = String::from_utf8_lossy(response.body());
        return format!("{status}{}{}", if body.is_empty() { "" } else { " " }, names.normalize(&body));
    };
    let json = names.response_body(json);
    let text = |key: &str| json.get(key).and_then(Value::as_str).unwrap_or_default();
    if json.get("code").is_some() {
        return format!("{status} {}: {}", text("code"), text("message"));
    }
    if let Some(total) = json.get("total") {
        let items = json.get("data").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let ids: Vec<_> = items.iter().filter_map(|item| item.get("id")?.as_str()).collect();
        let sessions = match &ids[..] {
            [] => "none".to_owned(),
            [first, .., last] if ids.len() > 10 => format!("{} sessions, {first} to {last}", ids.len()),
            all => all.join(" "),
        };
        return format!("{status} total {total}: {sessions}");
    }
    let arguments = ["user_id", "user_name", "address", "client", "user", "data"];
    let stored = arguments.iter().filter_map(|key| {
        let value = json.get(key).filter(|value| !value.is_null())?;
        // The user of the case is the default.
        if *key == "user_id" && value == "<user>" {
            return None;
        }
        Some(format!(" {key}={value}"))
    });
    let stored: String = stored.collect();
    format!("{status}{}", if stored.is_empty() { " a session without other values" } else { &stored })
}
