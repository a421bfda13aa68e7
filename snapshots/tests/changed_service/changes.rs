//! Changes of responses, one at a time.

use crate::service::Edit;
use crate::unusual::unusual;
use chrono::{DateTime, FixedOffset, Utc};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use sessions_client::{Request, Response};
use snapshots::comparison::Level::{self, Breaking, Harmless, Uncertain};
use snapshots::{Map, Value, json};

/// A change, with the level that a check must report.
pub(crate) struct NamedChange {
    pub(crate) name: &'static str,
    /// `None` if a check finds nothing.
    pub(crate) level: Option<Level>,
    pub(crate) edit: Edit,
    /// A change of requests that belongs to it, such as that of ids back into their usual form.
    pub(crate) edit_request: fn(&mut Request),
}

pub(crate) fn change(name: &'static str, level: Level, edit: Edit) -> NamedChange {
    NamedChange { name, level: Some(level), edit, edit_request: |_| {} }
}

/// Changes the JSON of a response, if it has any.
pub(crate) fn edit(response: &mut Response, change: impl FnOnce(&mut Value)) {
    if let Ok(mut body) = serde_json::from_slice::<Value>(response.body()) {
        change(&mut body);
        *response.body_mut() = body.to_string().into();
    }
}

/// Changes every session in a response, single or in a list.
pub(crate) fn sessions(response: &mut Response, change: impl Fn(&mut Map)) {
    edit(response, |body| match body {
        Value::Object(session) if session.contains_key("open_time") => change(session),
        Value::Object(page) => {
            if let Some(Value::Array(items)) = page.get_mut("data") {
                items.iter_mut().filter_map(Value::as_object_mut).for_each(change);
            }
        }
        _ => {}
    });
}

/// Changes every error.
pub(crate) fn errors(response: &mut Response, change: impl FnOnce(&mut Map)) {
    if response.status().is_client_error() || response.status().is_server_error() {
        edit(response, |body| {
            if let Some(error) = body.as_object_mut() {
                change(error);
            }
        });
    }
}

/// Changes every page of a list.
pub(crate) fn pages(response: &mut Response, change: impl FnOnce(&mut Map)) {
    edit(response, |body| {
        if let Some(page) = body.as_object_mut().filter(|object| object.contains_key("total")) {
            change(page);
        }
    });
}

/// Renames a key, in place.
fn rename(object: &mut Map, was: &str, is: &str) {
    if let Some(at) = object.get_index_of(was) {
        let value = object.shift_remove(was).unwrap_or_default();
        object.shift_insert(at, is.to_owned(), value);
    }
}

/// Replaces the values of keys, if they are there.
pub(crate) fn replace(object: &mut Map, keys: &[&str], change: impl Fn(&Value) -> Value) {
    for key in keys {
        if let Some(value) = object.get_mut(*key) {
            *value = change(value);
        }
    }
}

const TIMES: [&str; 3] = ["open_time", "request_time", "close_time"];

/// Writes all times in another form.
fn times(response: &mut Response, write: impl Fn(DateTime<Utc>) -> Value) {
    sessions(response, |session| {
        replace(session, &TIMES, |value| {
            let time = value.as_str().and_then(|text| text.parse().ok());
            time.map_or_else(|| value.clone(), &write)
        });
    });
}

pub(crate) fn header(response: &mut Response, name: http::HeaderName, value: &'static str) {
    response.headers_mut().insert(name, HeaderValue::from_static(value));
}

/// Replaces a status by another one.
pub(crate) fn status(response: &mut Response, was: u16, is: u16) {
    if response.status().as_u16() == was {
        *response.status_mut() = StatusCode::from_u16(is).unwrap_or_default();
    }
}

pub(crate) fn is(request: &Request, operation: &str) -> bool {
    request.uri().path().ends_with(operation)
}

/// Writes a name in camel case.
fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| name + &word[..1].to_uppercase() + &word[1..])
}

fn map_keys(value: &Value, change: &impl Fn(&str) -> String) -> Value {
    match value {
        Value::Object(object) => object.iter().map(|(key, value)| (change(key), value.clone())).collect(),
        other => other.clone(),
    }
}

/// All changes.
pub(crate) fn changes() -> Vec<NamedChange> {
    let unchanged =
        NamedChange { name: "nothing is changed", level: None, edit: |_, _, _| {}, edit_request: |_| {} };
    let themes = [
        keys(),
        values(),
        times_of_sessions(),
        lists(),
        wrapped(),
        errors_of_the_service(),
        statuses(),
        bytes(),
        states(),
        unusual(),
        vec![unchanged],
    ];
    themes.into_iter().flatten().collect()
}

fn keys() -> Vec<NamedChange> {
    vec![
        change("a session has a new key", Harmless, |_, response, _| {
            sessions(response, |session| drop(session.insert("region".to_owned(), "eu".into())));
        }),
        change("a page has a new key", Harmless, |_, response, _| {
            pages(response, |page| drop(page.insert("cursor".to_owned(), "next".into())));
        }),
        change("an error has a new key", Harmless, |_, response, _| {
            errors(response, |error| drop(error.insert("trace_id".to_owned(), "1".into())));
        }),
        change("`address` is renamed", Breaking, |_, response, _| {
            sessions(response, |session| rename(session, "address", "addr"));
        }),
        change("`open_time` is renamed", Breaking, |_, response, _| {
            sessions(response, |session| rename(session, "open_time", "opened_at"));
        }),
        change("`id` is renamed", Breaking, |_, response, _| {
            sessions(response, |session| rename(session, "id", "_id"));
        }),
        change("`user_id` is renamed", Breaking, |_, response, _| {
            sessions(response, |session| rename(session, "user_id", "uid"));
        }),
        change("`data` of a session is renamed", Breaking, |_, response, _| {
            edit(response, |body| {
                if let Some(session) = body.as_object_mut().filter(|body| body.contains_key("open_time")) {
                    rename(session, "data", "payload");
                }
            });
        }),
        change("`total` is renamed", Breaking, |_, response, _| {
            pages(response, |page| rename(page, "total", "count"));
        }),
        change("`data` of a page is renamed", Breaking, |_, response, _| {
            pages(response, |page| rename(page, "data", "items"));
        }),
        change("`code` of an error is renamed", Breaking, |_, response, _| {
            errors(response, |error| rename(error, "code", "error_code"));
        }),
        change("keys are in camel case", Breaking, |_, response, _| {
            edit(response, |body| match body {
                Value::Object(page) if page.contains_key("total") => {
                    if let Some(Value::Array(items)) = page.get_mut("data") {
                        for item in items.iter_mut() {
                            *item = map_keys(item, &camel);
                        }
                    }
                }
                other => *other = map_keys(other, &camel),
            });
        }),
        change("keys are in upper case", Breaking, |_, response, _| {
            sessions(response, |session| {
                *session = session.drain(..).map(|(key, value)| (key.to_uppercase(), value)).collect();
            });
        }),
        change("keys have a prefix", Breaking, |_, response, _| {
            sessions(response, |session| {
                for key in ["address", "client", "active"] {
                    rename(session, key, &format!("session_{key}"));
                }
            });
        }),
        change("`client` is dropped", Breaking, |_, response, _| {
            sessions(response, |session| drop(session.shift_remove("client")));
        }),
        change("`request_time` is dropped", Breaking, |_, response, _| {
            sessions(response, |session| drop(session.shift_remove("request_time")));
        }),
        change("`id` is dropped", Breaking, |_, response, _| {
            sessions(response, |session| drop(session.shift_remove("id")));
        }),
        change("`total` is dropped", Breaking, |_, response, _| {
            pages(response, |page| drop(page.shift_remove("total")));
        }),
        change("`close_time` is dropped", Breaking, |_, response, _| {
            sessions(response, |session| drop(session.shift_remove("close_time")));
        }),
        change("`category` of an error is dropped", Breaking, |_, response, _| {
            errors(response, |error| drop(error.shift_remove("category")));
        }),
        change("null keys are left out", Uncertain, |_, response, _| {
            sessions(response, |session| session.retain(|_, value| !value.is_null()));
        }),
        change("an absent key is null", Harmless, |_, response, _| {
            sessions(response, |session| {
                session.entry("close_time".to_owned()).or_default();
            });
        }),
        change("keys have another order", Harmless, |_, response, _| sessions(response, Map::reverse)),
        change("keys of errors have another order", Harmless, |_, response, _| {
            errors(response, Map::reverse);
        }),
    ]
}

fn values() -> Vec<NamedChange> {
    vec![
        change("`active` is a string", Breaking, |_, response, _| {
            sessions(response, |session| replace(session, &["active"], |value| value.to_string().into()));
        }),
        change("`active` is a number", Breaking, |_, response, _| {
            sessions(response, |session| {
                replace(session, &["active"], |value| i32::from(*value == Value::Bool(true)).into());
            });
        }),
        change("`user_id` is a number", Breaking, |_, response, _| {
            sessions(response, |session| replace(session, &["user_id"], |_| 5.into()));
        }),
        change("`total` is a string", Breaking, |_, response, _| {
            pages(response, |page| {
                replace(page, &["total"], |value| {
                    if value.is_null() { Value::Null } else { value.to_string().into() }
                });
            });
        }),
        change("`total` is a fraction", Breaking, |_, response, _| {
            pages(response, |page| {
                replace(page, &["total"], |value| match value {
                    Value::Number(number) => (number.as_f64().unwrap_or_default() + 0.5).into(),
                    other => other.clone(),
                });
            });
        }),
        change("`total` is always 0", Breaking, |_, response, _| {
            pages(response, |page| {
                replace(page, &["total"], |value| if value.is_null() { Value::Null } else { 0.into() });
            });
        }),
        change("`total` is one too many", Breaking, |_, response, _| {
            pages(response, |page| {
                replace(page, &["total"], |value| match value {
                    Value::Number(number) => {
                        serde_json::from_str(&(number.as_u64().unwrap_or_default() + 1).to_string())
                            .unwrap_or_default()
                    }
                    other => other.clone(),
                });
            });
        }),
        change("null is an empty string", Breaking, |_, response, _| {
            sessions(response, |session| {
                replace(session, &["user_name", "address", "client"], |value| {
                    if value.is_null() { "".into() } else { value.clone() }
                });
            });
        }),
        change("`user_name` and `address` are swapped", Breaking, |_, response, _| {
            sessions(response, |session| {
                let (name, address) = (session["user_name"].clone(), session["address"].clone());
                replace(session, &["user_name"], |_| address.clone());
                replace(session, &["address"], |_| name.clone());
            });
        }),
        change("`active` is always true", Breaking, |_, response, _| {
            sessions(response, |session| replace(session, &["active"], |_| true.into()));
        }),
        change("numbers in payloads are strings", Breaking, |_, response, _| {
            sessions(response, |session| {
                replace(session, &["data", "user"], |value| match value {
                    Value::Number(number) => number.to_string().into(),
                    other => other.clone(),
                });
            });
        }),
        change("payloads are JSON in a string", Breaking, |_, response, _| {
            sessions(response, |session| {
                replace(session, &["data"], |value| {
                    if value.is_null() { Value::Null } else { value.to_string().into() }
                });
            });
        }),
        NamedChange {
            edit_request: |request| {
                let body = String::from_utf8_lossy(request.body()).into_owned();
                let hyphens = |id: &str| id.len() == 36 && id.matches('-').count() == 4;
                let parts: Vec<String> = body
                    .split('"')
                    .map(|part| if hyphens(part) { part.replace('-', "") } else { part.to_owned() })
                    .collect();
                *request.body_mut() = parts.join("\"").into();
            },
            ..change("ids are UUIDs with hyphens", Uncertain, |_, response, _| {
                sessions(response, |session| {
                    replace(session, &["id"], |id| {
                        let id = id.as_str().unwrap_or_default();
                        let groups = [0..8, 8..12, 12..16, 16..20, 20..32];
                        groups.map(|group| id.get(group).unwrap_or_default()).join("-").into()
                    });
                });
            })
        },
    ]
}

fn times_of_sessions() -> Vec<NamedChange> {
    vec![
        change("times have no fraction", Breaking, |_, response, _| {
            times(response, |time| time.format("%Y-%m-%dT%H:%M:%SZ").to_string().into());
        }),
        change("times have microseconds", Uncertain, |_, response, _| {
            times(response, |time| time.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string().into());
        }),
        change("times have another zone", Uncertain, |_, response, _| {
            times(response, |time| match FixedOffset::east_opt(7200) {
                Some(zone) => time.with_timezone(&zone).format("%Y-%m-%dT%H:%M:%S%.3f%:z").to_string().into(),
                None => Value::Null,
            });
        }),
        change("times have no zone", Uncertain, |_, response, _| {
            times(response, |time| time.format("%Y-%m-%dT%H:%M:%S%.3f").to_string().into());
        }),
        change("times are in the form of PostgreSQL", Uncertain, |_, response, _| {
            times(response, |time| time.format("%Y-%m-%d %H:%M:%S%.3f+00").to_string().into());
        }),
        change("times have a decimal comma", Uncertain, |_, response, _| {
            times(response, |time| time.format("%Y-%m-%dT%H:%M:%S,%3fZ").to_string().into());
        }),
        change("times have the name of their zone", Uncertain, |_, response, _| {
            times(response, |time| {
                time.format("%Y-%m-%dT%H:%M:%S%.3f+00:00[Europe/London]").to_string().into()
            });
        }),
        change("times are in the form of Ruby", Uncertain, |_, response, _| {
            times(response, |time| time.format("%Y-%m-%d %H:%M:%S%.3f UTC").to_string().into());
        }),
        change("times are in the form of Go", Uncertain, |_, response, _| {
            times(response, |time| time.format("%Y-%m-%d %H:%M:%S%.3f +0000 UTC").to_string().into());
        }),
        change("times are in the basic format", Uncertain, |_, response, _| {
            times(response, |time| time.format("%Y%m%dT%H%M%S%.3fZ").to_string().into());
        }),
        change("times have the day of the year", Uncertain, |_, response, _| {
            times(response, |time| time.format("%Y-%jT%H:%M:%S%.3fZ").to_string().into());
        }),
        change("times have the day of the week", Uncertain, |_, response, _| {
            times(response, |time| time.format("%G-W%V-%uT%H:%M:%S%.3fZ").to_string().into());
        }),
        change("times are in the form of HTTP", Breaking, |_, response, _| {
            times(response, |time| time.format("%a, %d %b %Y %H:%M:%S GMT").to_string().into());
        }),
        change("times are milliseconds since 1970", Uncertain, |_, response, _| {
            times(response, |time| {
                serde_json::from_str(&time.timestamp_millis().to_string()).unwrap_or_default()
            });
        }),
        change("times are seconds since 1970", Breaking, |_, response, _| {
            times(response, |time| serde_json::from_str(&time.timestamp().to_string()).unwrap_or_default());
        }),
    ]
}

fn lists() -> Vec<NamedChange> {
    vec![
        change("a page is always empty", Breaking, |_, response, _| {
            pages(response, |page| replace(page, &["data"], |_| json!([])));
        }),
        change("a page has one item too few", Breaking, |_, response, _| {
            pages(response, |page| {
                if let Some(Value::Array(items)) = page.get_mut("data") {
                    items.pop();
                }
            });
        }),
        change("lists have the reverse order", Breaking, |_, response, _| {
            pages(response, |page| {
                if let Some(Value::Array(items)) = page.get_mut("data") {
                    items.reverse();
                }
            });
        }),
        change("a page is a list", Breaking, |_, response, _| {
            edit(response, |body| {
                if let Some(items) = body.get("total").and_then(|_| body.get("data")) {
                    *body = items.clone();
                }
            });
        }),
        change("an item has its payload", Uncertain, |_, response, _| {
            pages(response, |page| {
                if let Some(Value::Array(items)) = page.get_mut("data") {
                    items.iter_mut().filter_map(Value::as_object_mut).for_each(|item| {
                        item.insert("data".to_owned(), json!({"k": 1}));
                    });
                }
            });
        }),
    ]
}

fn wrapped() -> Vec<NamedChange> {
    vec![
        change("results are inside of `result`", Breaking, |_, response, _| {
            if response.status().is_success() {
                edit(response, |body| *body = json!({"result": body.clone()}));
            }
        }),
        change("results are inside of a list", Breaking, |_, response, _| {
            if response.status().is_success() {
                edit(response, |body| *body = json!([body.clone()]));
            }
        }),
        change("errors are inside of `error`", Breaking, |_, response, _| {
            if !response.status().is_success() {
                edit(response, |body| *body = json!({"error": body.clone()}));
            }
        }),
    ]
}

fn errors_of_the_service() -> Vec<NamedChange> {
    vec![
        change("the code of an error is another one", Breaking, |_, response, _| {
            errors(response, |error| {
                replace(error, &["code"], |code| {
                    if code == "INVALID_DATA" { "VALIDATION_FAILED".into() } else { code.clone() }
                });
            });
        }),
        change("messages have another wording", Harmless, |_, response, _| {
            errors(response, |error| {
                replace(error, &["message"], |message| {
                    format!("Sorry: {}", message.as_str().unwrap_or_default()).into()
                });
            });
        }),
        change("errors have no stack trace", Uncertain, |_, response, _| {
            errors(response, |error| drop(error.shift_remove("stack")));
        }),
        change("errors are HTML", Breaking, |_, response, _| {
            if !response.status().is_success() {
                *response.body_mut() = "<h1>error</h1>".into();
                header(response, CONTENT_TYPE, "text/html");
            }
        }),
    ]
}

fn statuses() -> Vec<NamedChange> {
    vec![
        change("a missing session is 200 with null", Breaking, |_, response, _| {
            if response.status() == 204 {
                status(response, 204, 200);
                *response.body_mut() = "null".into();
                header(response, CONTENT_TYPE, "application/json");
            }
        }),
        change("a missing session is 404", Breaking, |_, response, _| {
            if response.status() == 204 {
                status(response, 204, 404);
                *response.body_mut() = r#"{"code":"NOT_FOUND","message":"no such session"}"#.into();
                header(response, CONTENT_TYPE, "application/json");
            }
        }),
        change("a closed session is 204", Breaking, |request, response, _| {
            if is(request, "/close_session") && response.status() == 200 {
                status(response, 200, 204);
                response.body_mut().clear();
                response.headers_mut().remove(CONTENT_TYPE);
            }
        }),
        change("a session is opened with 201", Breaking, |request, response, _| {
            if is(request, "/open_session") {
                status(response, 200, 201);
            }
        }),
        change("invalid arguments are 422", Breaking, |_, response, _| status(response, 400, 422)),
        change("a list is a redirect", Breaking, |request, response, _| {
            if is(request, "/get_sessions") && response.status() == 200 {
                status(response, 200, 302);
                response.body_mut().clear();
                response.headers_mut().remove(CONTENT_TYPE);
                header(response, http::header::LOCATION, "/v2/sessions/get_sessions");
            }
        }),
        change("storing data fails with 500", Breaking, |request, response, _| {
            if is(request, "/store_session_data") && response.status() == 200 {
                status(response, 200, 500);
                *response.body_mut() = r#"{"code":"INTERNAL","message":"a failure"}"#.into();
            }
        }),
        change("an unknown path is 400", Uncertain, |_, response, _| status(response, 404, 400)),
    ]
}

fn bytes() -> Vec<NamedChange> {
    vec![
        change("JSON has a charset", Harmless, |_, response, _| {
            if response.headers().contains_key(CONTENT_TYPE) {
                header(response, CONTENT_TYPE, "application/json; charset=utf-8");
            }
        }),
        change("JSON has the charset latin1", Uncertain, |_, response, _| {
            if response.headers().contains_key(CONTENT_TYPE) {
                header(response, CONTENT_TYPE, "application/json; charset=iso-8859-1");
            }
        }),
        change("JSON is plain text", Uncertain, |_, response, _| {
            if response.headers().contains_key(CONTENT_TYPE) {
                header(response, CONTENT_TYPE, "text/plain");
            }
        }),
        change("there is no content type", Uncertain, |_, response, _| {
            drop(response.headers_mut().remove(CONTENT_TYPE));
        }),
        change("responses may not be cached", Uncertain, |_, response, _| {
            header(response, http::header::CACHE_CONTROL, "no-store");
        }),
        change("responses are encoded with an unknown coding", Breaking, |_, response, _| {
            if !response.body().is_empty() {
                header(response, CONTENT_ENCODING, "zstd");
                *response.body_mut() = b"\x28\xb5\x2f\xfd\x00\x01".as_slice().into();
            }
        }),
        change("JSON is in latin1", Breaking, |_, response, _| {
            let text = String::from_utf8_lossy(response.body()).into_owned();
            let latin = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?'));
            *response.body_mut() = latin.collect::<Vec<u8>>().into();
        }),
        change("JSON has a byte order mark", Uncertain, |_, response, _| {
            if !response.body().is_empty() {
                *response.body_mut() = [b"\xef\xbb\xbf".as_slice(), response.body()].concat().into();
            }
        }),
        change("JSON has spaces", Harmless, |_, response, _| {
            if let Ok(body) = serde_json::from_slice::<Value>(response.body()) {
                *response.body_mut() = format!("{body:#}").into();
            }
        }),
        change("JSON has escapes", Uncertain, |_, response, _| {
            let text = String::from_utf8_lossy(response.body()).into_owned();
            let escaped = text.chars().map(|c| {
                if ('\u{80}'..'\u{d7ff}').contains(&c) {
                    format!("\\u{:04x}", u32::from(c))
                } else {
                    c.to_string()
                }
            });
            *response.body_mut() = escaped.collect::<String>().into();
        }),
        change("keys are duplicated", Breaking, |_, response, _| {
            let text = String::from_utf8_lossy(response.body()).into_owned();
            *response.body_mut() = text.replacen(r#","active":"#, r#","active":true,"active":"#, 1).into();
        }),
        change("bodies are truncated", Breaking, |_, response, _| {
            let length = response.body().len();
            response.body_mut().truncate(length * 2 / 3);
        }),
        change("bodies are empty", Breaking, |_, response, _| response.body_mut().clear()),
    ]
}

fn states() -> Vec<NamedChange> {
    vec![
        change("a session is read before the last change", Breaking, |request, response, before| {
            if is(request, "/get_session_by_id") && response.status() == 200 {
                let id =
                    |body: &[u8]| serde_json::from_slice::<Value>(body).unwrap_or_default()["id"].clone();
                if let Some(stale) = before.iter().find(|stale| id(stale) == id(response.body())) {
                    response.body_mut().clone_from(stale);
                }
            } else if is(request, "/open_session") && response.status() == 200 {
                before.push(response.body().clone());
            }
        }),
        change("every operation fails with 503", Breaking, |_, response, _| {
            *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
            *response.body_mut() = r#"{"code":"UNAVAILABLE","message":"try again"}"#.into();
            header(response, CONTENT_TYPE, "application/json");
        }),
    ]
}
