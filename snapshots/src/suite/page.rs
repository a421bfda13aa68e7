//! How exchanges look on a page.

use super::case::{Show, Step};
use crate::normalize::Normalizer;
use crate::record::Exchange;
use crate::render::{received, sent};
use serde_json::Value;
use sessions_client::Response;
use std::fmt::Write as _;

/// An exchange with the step that it was made for.
pub(super) struct Told<'s> {
    pub(super) step: &'s Step,
    pub(super) exchange: Exchange,
    /// What the typed client read, as a service would write it again.
    pub(super) reading: Option<Response>,
}

/// The page of a case: all its names are known, so all its times are in order.
pub(super) fn page(told: &[Told<'_>], names: &Normalizer) -> String {
    let rows = told.iter().filter(|told| told.step.show == Show::Row);
    let width = rows.map(|told| told.step.title.chars().count()).max().unwrap_or(0);
    let mut page = String::new();
    for Told { step, exchange, reading } in told {
        match &step.show {
            Show::Nothing => {}
            Show::Row => {
                let title = names.text(&step.title);
                let _ = writeln!(page, "{title:<width$}  {}", row(&exchange.response, names));
            }
            Show::Full(headers) => {
                let request = sent(&exchange.request, names);
                let response = received(&exchange.response, names, headers);
                let _ = write!(page, "# {}\n\n{request}\n{response}\n", step.title);
                if let Some(reading) = reading {
                    let _ = writeln!(page, "{}\n", read(&exchange.response, reading, names));
                }
            }
        }
    }
    page
}

/// What the typed client made of an answer.
fn read(response: &Response, reading: &Response, names: &Normalizer) -> String {
    if reading.status() == 204 {
        return "read as none".to_owned();
    }
    if reading.status() == 200 && reading.body() == response.body() {
        return "read and written again as the same".to_owned();
    }
    let json = serde_json::from_slice::<Value>(reading.body()).unwrap_or_default();
    if reading.status() == 200 {
        return format!("read as {}", names.shown(json));
    }
    let text = |key: &str| json.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    names.text(&format!("read as an error: {}: {}", text("code"), text("message")))
}

/// An answer in a line: its status, and then the sessions of a page by their ids, what a session keeps of its
/// arguments where it keeps anything, or what an error says.
fn row(response: &Response, names: &Normalizer) -> String {
    let status = response.status().as_u16();
    let Ok(json) = serde_json::from_slice::<Value>(response.body()) else {
        let body = String::from_utf8_lossy(response.body());
        return format!("{status}{}{}", if body.is_empty() { "" } else { " " }, names.text(&body));
    };
    let json = names.answer(json);
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
    let kept = arguments.iter().filter_map(|key| {
        let value = json.get(*key).filter(|value| !value.is_null())?;
        // Whose it is, is no news.
        if *key == "user_id" && value == "<user>" {
            return None;
        }
        Some(format!(" {key}={value}"))
    });
    let kept: String = kept.collect();
    format!("{status}{}", if kept.is_empty() { " a session with nothing else in it" } else { &kept })
}
