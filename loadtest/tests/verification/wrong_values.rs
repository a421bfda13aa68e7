//! Wrong values in the responses of a service.

use crate::proxy::Reply;
use crate::table::Row;
use crate::wrong::{BROWSE, CHURN, browse, lifecycle, row};
use crate::{LIST, OPEN, READ, changed, every};
use sessions_client::Value;
use std::time::Duration;

/// A row in which a response to a read is changed.
fn read(name: &'static str, change: fn(&mut Value)) -> Row {
    lifecycle(name, changed(&[READ], change))
}

/// A row in which a page of a list is changed.
pub(crate) fn list(name: &'static str, change: fn(&mut Vec<Value>)) -> Row {
    browse(
        name,
        every(1, &[LIST], move |upstream, request| async move {
            let response = upstream.send(&request).await;
            Reply::Respond(response.change(|page| {
                if let Value::Array(sessions) = &mut page["data"] {
                    change(sessions);
                }
            }))
        }),
    )
}

/// A row in which each session of a list is changed.
fn listed(name: &'static str, change: fn(&mut Value)) -> Row {
    browse(
        name,
        changed(&[LIST], move |page| {
            if let Value::Array(sessions) = &mut page["data"] {
                for session in sessions {
                    change(session);
                }
            }
        }),
    )
}

pub(crate) fn moved(time: &mut Value, by: Duration, earlier: bool) {
    let parsed: chrono::DateTime<chrono::Utc> = time.as_str().unwrap().parse().unwrap();
    let moved = if earlier { parsed - by } else { parsed + by };
    *time = moved.to_rfc3339_opts(chrono::SecondsFormat::Millis, true).into();
}

pub(crate) const SECOND: Duration = Duration::from_secs(1);

fn replaced(value: &mut Value, from: &str, to: &str) {
    let text = value.to_string();
    assert!(value.is_null() || text.contains(from), "{text}");
    *value = serde_json::from_str(&text.replacen(from, to, 1)).unwrap();
}

/// Wrong values in responses to reads.
pub(crate) fn values() -> Vec<Row> {
    vec![
        read("open_time is a second later", |session| moved(&mut session["open_time"], SECOND, false)),
        read("open_time is a second earlier", |session| moved(&mut session["open_time"], SECOND, true)),
        read("address is replaced", |session| session["address"] = "10.0.0.1".into()),
        read("address is lost", |session| session["address"] = Value::Null),
        read("user_name is replaced", |session| session["user_name"] = "Ann".into()),
        read("user_name is left out", |session| drop(session.as_object_mut().unwrap().remove("user_name"))),
        read("client is replaced", |session| session["client"] = "LOADTEST".into()),
        read("user_id is replaced", |session| session["user_id"] = "ann".into()),
        read("user_id is lost", |session| session["user_id"] = Value::Null),
        read("id is replaced", |session| session["id"] = "0".repeat(32).into()),
        read("id is in upper case", |session| {
            session["id"] = session["id"].as_str().unwrap().to_uppercase().into();
        }),
        read("id is left out", |session| drop(session.as_object_mut().unwrap().remove("id"))),
        read("request_time is a second earlier", |session| {
            moved(&mut session["request_time"], SECOND, true);
        }),
        read("request_time is left out", |session| {
            session.as_object_mut().unwrap().remove("request_time");
        }),
        read("an open session has a close_time", |session| {
            session["close_time"] = session["request_time"].clone();
        }),
        read("a session is inactive before its close", |session| session["active"] = false.into()),
        read("a session is active after its close", |session| {
            session["active"] = true.into();
            session.as_object_mut().unwrap().remove("close_time");
        }),
        read("active is a string", |session| session["active"] = "true".into()),
        read("close_time is left out", |session| drop(session.as_object_mut().unwrap().remove("close_time"))),
        read("close_time is a second later", |session| {
            if session["active"] == false {
                moved(&mut session["close_time"], SECOND, false);
            }
        }),
        read("close_time precedes open_time", |session| {
            if session["active"] == false {
                session["close_time"] = "2001-01-01T00:00:00.000Z".into();
            }
        }),
    ]
}

/// Wrong payloads in responses to reads of open sessions.
pub(crate) fn payloads() -> Vec<Row> {
    fn open(name: &'static str, change: fn(&mut Value)) -> Row {
        lifecycle(
            name,
            every(1, &[READ], move |upstream, request| async move {
                let response = upstream.send(&request).await;
                let is_open = response.value()["active"] == true;
                Reply::Respond(if is_open { response.change(change) } else { response })
            }),
        )
    }
    vec![
        open("data has another key", |session| session["data"]["extra"] = 1.into()),
        open("user has another key", |session| session["user"]["extra"] = 1.into()),
        open("data has lost a key", |session| {
            session["data"].as_object_mut().unwrap().remove("owner");
        }),
        open("data has one wrong letter", |session| replaced(&mut session["data"], "große", "grosse")),
        open("data has one wrong digit", |session| replaced(&mut session["data"], "42 €", "43 €")),
        open("data is truncated", |session| {
            let filler = session["data"]["filler"].as_str().unwrap();
            session["data"]["filler"] = filler.chars().take(50).collect::<String>().into();
        }),
        open("data is encoded twice", |session| {
            session["data"] = session["data"].to_string().into();
        }),
        open("UTF-8 is read as Latin-1", |session| {
            let text: String = session["data"].to_string().bytes().map(char::from).collect();
            session["data"] = serde_json::from_str(&text).unwrap();
        }),
        open("letters beyond ASCII are replaced", |session| {
            let text = session["data"].to_string().replace(|c: char| !c.is_ascii(), "?");
            session["data"] = serde_json::from_str(&text).unwrap();
        }),
        open("a number is a string", |session| {
            session["data"]["sequence"] = session["data"]["sequence"].to_string().into();
        }),
        open("data is lost", |session| session["data"] = Value::Null),
        open("user is lost", |session| session["user"] = Value::Null),
        open("user is of another session", |session| session["user"]["session"] = 99.into()),
        open("data is of another session", |session| session["data"]["session"] = 99.into()),
        open("data is of another user", |session| session["data"]["owner"] = "ann".into()),
        open("data was never stored", |session| session["data"]["sequence"] = 99.into()),
        open("user was never stored", |session| session["user"]["sequence"] = 99.into()),
    ]
}

/// Wrong lists.
pub(crate) fn lists() -> Vec<Row> {
    vec![
        list("a list lacks its last session", |sessions| drop(sessions.pop())),
        list("a list has a session twice", |sessions| {
            if let [first, second, ..] = &mut sessions[..] {
                *second = first.clone();
            }
        }),
        listed("a list has a session of another user", |session| session["user_id"] = "ann".into()),
        listed("a list has an unknown session", |session| session["id"] = "0".repeat(32).into()),
        listed("a list shows open sessions as closed", |session| session["active"] = false.into()),
        listed("a list has another open_time", |session| moved(&mut session["open_time"], SECOND, true)),
        listed("a list has another address", |session| session["address"] = Value::Null),
        listed("a list has an earlier request_time", |session| {
            moved(&mut session["request_time"], SECOND, true);
        }),
        listed("a list contains data", |session| session["data"] = "secret".into()),
        browse(
            "a total is one too high",
            changed(&[LIST], |page| {
                page["total"] = page["total"].as_u64().map(|total| total + 1).into();
            }),
        ),
        browse("a total is left out", changed(&[LIST], |page| page["total"] = Value::Null)),
        browse(
            "a list ignores skip",
            every(1, &[LIST], |upstream, mut request| async move {
                request.arguments["paging"]["skip"] = Value::Null;
                Reply::Respond(upstream.send(&request).await)
            }),
        ),
        browse(
            "a list ignores take",
            every(1, &[LIST], |upstream, mut request| async move {
                request.arguments["paging"]["take"] = Value::Null;
                Reply::Respond(upstream.send(&request).await)
            }),
        ),
        browse(
            "a list ignores the filter by activity",
            every(1, &[LIST], |upstream, mut request| async move {
                request.arguments["filter"]["active"] = Value::Null;
                Reply::Respond(upstream.send(&request).await)
            }),
        ),
        browse(
            "a list ignores the filter by id",
            every(1, &[LIST], |upstream, mut request| async move {
                request.arguments["filter"]["id"] = Value::Null;
                Reply::Respond(upstream.send(&request).await)
            }),
        ),
        row(
            "a list ignores the filter by user",
            "--users 1 --iterations 2 --scenario browse",
            every(1, &[LIST], |upstream, mut request| async move {
                // The first list is requested before the run.
                if request.number == 1 {
                    upstream.call(OPEN, Value::from_iter([("user_id", "ann")])).await;
                }
                request.arguments["filter"]["user_id"] = Value::Null;
                Reply::Respond(upstream.send(&request).await)
            }),
        ),
        row(
            "lists come from a cache",
            BROWSE,
            every(1, &[LIST], |upstream, request| async move {
                let key = request.arguments.to_string();
                let cached = upstream.remembered(&key);
                let response = match cached {
                    Some(cached) => cached,
                    None => upstream.send(&request).await,
                };
                upstream.remember(key, &response);
                Reply::Respond(response)
            }),
        ),
        row(
            "the first list after the run is empty",
            CHURN,
            every(1, &[LIST], |upstream, request| async move {
                let response = upstream.send(&request).await;
                Reply::Respond(if request.arguments["paging"]["skip"] == 0 {
                    response.change(|page| page["data"] = Vec::<Value>::new().into())
                } else {
                    response
                })
            }),
        ),
    ]
}
