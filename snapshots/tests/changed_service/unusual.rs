//! Changes inside of payloads, of single items of a page, and of bytes that few services make.

use crate::changes::{NamedChange, change, edit, errors, header, is, pages, replace, sessions, status};
use chrono::TimeDelta;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use sessions_client::Response;
use snapshots::comparison::Level::{Breaking, Harmless, Uncertain};
use snapshots::{Map, Value};
use std::io::Write as _;

/// All changes of this module.
pub(crate) fn unusual() -> Vec<NamedChange> {
    [payloads(), fields(), items(), responses(), bytes()].into_iter().flatten().collect()
}

/// Changes the values of some keys, at all depths.
fn payload_values(response: &mut Response, keys: &[&str], change: &impl Fn(&mut Value)) {
    sessions(response, |session| {
        for key in keys {
            if let Some(value) = session.get_mut(*key) {
                at_all_depths(value, change);
            }
        }
    });
}

fn at_all_depths(value: &mut Value, change: &impl Fn(&mut Value)) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(|value| at_all_depths(value, change)),
        Value::Object(object) => object.values_mut().for_each(|value| at_all_depths(value, change)),
        _ => {}
    }
    change(value);
}

fn page_items(response: &mut Response, change: impl FnOnce(&mut Vec<Value>)) {
    pages(response, |page| {
        if let Some(Value::Array(items)) = page.get_mut("data") {
            change(items);
        }
    });
}

/// Changes the bytes of all responses with JSON.
fn text(response: &mut Response, change: impl FnOnce(String) -> String) {
    if response.headers().get(CONTENT_TYPE).is_some_and(|value| value == "application/json") {
        *response.body_mut() = change(String::from_utf8_lossy(response.body()).into_owned()).into();
    }
}

fn is_success(response: &Response) -> bool {
    response.status().is_success() && !response.body().is_empty()
}

fn payloads() -> Vec<NamedChange> {
    vec![
        change("keys in data are in upper case", Breaking, |_, response, _| {
            payload_values(response, &["data"], &|value| {
                if let Value::Object(object) = value {
                    *object = object.drain(..).map(|(key, value)| (key.to_uppercase(), value)).collect();
                }
            });
        }),
        change("null keys in data are left out", Breaking, |_, response, _| {
            payload_values(response, &["data"], &|value| {
                if let Value::Object(object) = value {
                    object.retain(|_, value| !value.is_null());
                }
            });
        }),
        change("lists in payloads are empty", Breaking, |_, response, _| {
            payload_values(response, &["data"], &|value| {
                if let Value::Array(list) = value {
                    list.clear();
                }
            });
        }),
        change("numbers at any depth of payloads are strings", Breaking, |_, response, _| {
            payload_values(response, &["user", "data"], &|value| {
                if let Value::Number(number) = value {
                    *value = number.to_string().into();
                }
            });
        }),
        change("an empty object in data is null", Breaking, |_, response, _| {
            payload_values(response, &["data"], &|value| {
                if value.as_object().is_some_and(Map::is_empty) {
                    *value = Value::Null;
                }
            });
        }),
        change("data has a new key", Breaking, |_, response, _| {
            sessions(response, |session| {
                if let Some(Value::Object(data)) = session.get_mut("data") {
                    data.insert("_version".to_owned(), "3".into());
                }
            });
        }),
    ]
}

fn fields() -> Vec<NamedChange> {
    vec![
        change("strings are cut to 12 characters", Breaking, |_, response, _| {
            sessions(response, |session| {
                replace(session, &["user_id", "user_name", "address", "client"], |value| match value {
                    Value::String(text) => text.chars().take(12).collect::<String>().into(),
                    other => other.clone(),
                });
            });
        }),
        change("`user_id` is in upper case", Breaking, |_, response, _| {
            sessions(response, |session| {
                replace(session, &["user_id"], |value| match value {
                    Value::String(text) => text.to_uppercase().into(),
                    other => other.clone(),
                });
            });
        }),
        change("`active` is null", Breaking, |_, response, _| {
            sessions(response, |session| replace(session, &["active"], |_| Value::Null));
        }),
        change("`request_time` stays that of the opening", Breaking, |_, response, _| {
            sessions(response, |session| {
                let opened = session.get("open_time").cloned().unwrap_or_default();
                replace(session, &["request_time"], |_| opened.clone());
            });
        }),
        change("`close_time` is in a zone without its offset", Breaking, |_, response, _| {
            sessions(response, |session| {
                replace(session, &["close_time"], |value| {
                    let time =
                        value.as_str().and_then(|text| text.parse::<chrono::DateTime<chrono::Utc>>().ok());
                    let shifted = time.map(|time| time + TimeDelta::hours(2));
                    shifted
                        .map_or(Value::Null, |time| time.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string().into())
                });
            });
        }),
    ]
}

fn items() -> Vec<NamedChange> {
    vec![
        change("a page begins one item too late", Breaking, |_, response, _| {
            page_items(response, |items| {
                if !items.is_empty() {
                    items.remove(0);
                }
            });
        }),
        change("a page has its last item twice", Breaking, |_, response, _| {
            page_items(response, |items| items.extend(items.last().cloned()));
        }),
        change("`total` is the number of items of the page", Breaking, |_, response, _| {
            pages(response, |page| {
                let count = page.get("data").and_then(Value::as_array).map_or(0, Vec::len);
                replace(page, &["total"], |total| {
                    if total.is_null() { Value::Null } else { i32::try_from(count).unwrap_or(0).into() }
                });
            });
        }),
        change("`total` is present without being asked for", Breaking, |_, response, _| {
            pages(response, |page| {
                let count = page.get("data").and_then(Value::as_array).map_or(0, Vec::len);
                replace(page, &["total"], |_| i32::try_from(count).unwrap_or(0).into());
            });
        }),
        change("the first item of a page is the last one", Breaking, |_, response, _| {
            page_items(response, |items| {
                if !items.is_empty() {
                    items.rotate_left(1);
                }
            });
        }),
        change("the items of a page have each other's names", Breaking, |_, response, _| {
            page_items(response, |items| {
                let names: Vec<Value> = items.iter().map(|item| item["user_name"].clone()).collect();
                for (item, name) in items.iter_mut().zip(names.iter().rev()) {
                    if let Some(item) = item.as_object_mut() {
                        replace(item, &["user_name"], |_| name.clone());
                    }
                }
            });
        }),
        change("a page has null for its first item", Breaking, |_, response, _| {
            page_items(response, |items| {
                if let Some(first) = items.first_mut() {
                    *first = Value::Null;
                }
            });
        }),
        change("a page is an object by id", Breaking, |_, response, _| {
            pages(response, |page| {
                replace(page, &["data"], |items| {
                    let items = items.as_array().cloned().unwrap_or_default().into_iter();
                    items.map(|item| (item["id"].as_str().unwrap_or_default().to_owned(), item)).collect()
                });
            });
        }),
    ]
}

fn responses() -> Vec<NamedChange> {
    vec![
        change("reading a session is an HTML page", Breaking, |request, response, _| {
            if is(request, "/get_session_by_id") && is_success(response) {
                header(response, CONTENT_TYPE, "text/html");
                *response.body_mut() = "<!doctype html><title>Sign in</title>".into();
            }
        }),
        change("opening a session is a redirect", Breaking, |request, response, _| {
            if is(request, "/open_session") && is_success(response) {
                status(response, 200, 307);
                response.body_mut().clear();
                response.headers_mut().remove(CONTENT_TYPE);
                header(response, http::header::LOCATION, "https://login.example/");
            }
        }),
        change("changing a user is 200 with no body", Breaking, |request, response, _| {
            if is(request, "/update_session_user") && is_success(response) {
                response.body_mut().clear();
                response.headers_mut().remove(CONTENT_TYPE);
            }
        }),
        change("`status` of an error is a string", Uncertain, |_, response, _| {
            errors(response, |error| replace(error, &["status"], |status| status.to_string().into()));
        }),
        change("errors are problem details", Uncertain, |_, response, _| {
            if response.status().is_client_error() {
                header(response, CONTENT_TYPE, "application/problem+json");
            }
        }),
        change("responses ask to wait", Uncertain, |_, response, _| {
            header(response, http::header::RETRY_AFTER, "1");
        }),
    ]
}

fn bytes() -> Vec<NamedChange> {
    vec![
        change("`total` is NaN", Breaking, |_, response, _| {
            text(response, |text| text.replace(r#""total":null"#, r#""total":NaN"#));
        }),
        change("there is a line end after the JSON", Harmless, |_, response, _| {
            text(response, |text| text + "\n");
        }),
        change("there is an XSSI prefix before the JSON", Breaking, |_, response, _| {
            text(response, |text| format!(")]}}',\n{text}"));
        }),
        change("compressed JSON is cut", Breaking, |_, response, _| compress(response, 20)),
        change("JSON is compressed without the header", Breaking, |_, response, _| {
            compress(response, usize::MAX);
            response.headers_mut().remove(CONTENT_ENCODING);
        }),
        change("sessions are JSON in a string", Breaking, |_, response, _| {
            if is_success(response) {
                edit(response, |body| *body = body.to_string().into());
            }
        }),
    ]
}

/// Compresses a body, of which at most this number of bytes is left.
fn compress(response: &mut Response, most: usize) {
    if response.body().is_empty() {
        return;
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let compressed = encoder.write_all(response.body()).and_then(|()| encoder.finish());
    let mut compressed = compressed.unwrap_or_default();
    compressed.truncate(most);
    *response.body_mut() = compressed.into();
    header(response, CONTENT_ENCODING, "gzip");
}
